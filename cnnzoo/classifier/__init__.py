"""A saved model as a classifier: pixels in, logits out, with the names of its classes."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo import data, runtime
from cnnzoo.classifier import metadata
from cnnzoo.classifier.metadata import Metadata
from cnnzoo.classifier.model_file import load_model
from cnnzoo.config import Config
from cnnzoo.data import DataSet
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.runtime import Device, DeviceChoice
from cnnzoo.text import format_size

# The largest batch that TensorFlow computes without compiling. On two cores ResNet-50 then takes 0.7 s for one image,
# and 3 s when compiled, after 4 s of tracing. A larger batch would keep the maps of all its images in memory.
LARGEST_UNCOMPILED_BATCH = 4

# The batch size for many images.
BATCH_SIZE = 500

Pixels = NDArray[np.uint8]
Logits = NDArray[np.float32]
Probabilities = NDArray[np.float32]


@dataclass
class Classifier:
    """A saved model, loaded when it is first needed and only once.

    Attributes:
        path: The model file.
        title: Name of the run, or title of the imported model.
        images: The data set that it was trained on, or the metadata of an imported model. Both have the class_names in
            the order of the logits, the input_shape, a title, and say how a photograph is resized to that shape.
        backend: The backend that it was trained on; None if unknown.
        threads: Processor threads of one operation; None for all.
        device: Where to compute.
        batch_size: The largest batch so far, to which smaller ones are filled up; each size is compiled anew.
    """

    path: Path
    title: str
    images: DataSet | Metadata
    backend: str | None = None
    threads: int | None = None
    device: DeviceChoice = "auto"
    batch_size: int = field(default=0, init=False)

    @cached_property
    def computed_on(self) -> Device:
        """The device, described with its backend; this imports Keras.

        Raises:
            UserError: See ``runtime.prepare_for_saved_model``.
        """
        return runtime.prepare_for_saved_model(self.backend, self.device, self.threads)

    @cached_property
    def model(self) -> Any:
        """The Keras model for inference, from pixels (batch, height, width, channels) to logits (batch, num_classes).

        Raises:
            UserError: See ``computed_on`` and ``load_model``, or the model takes images of another shape or has another
                number of classes.
        """
        _ = self.computed_on  # Keras has to be imported on the right backend first
        return load_network(self.path, self.images.input_shape, len(self.images.class_names))

    def logits(self, images: Pixels) -> Logits:
        """Return the logits (count, num_classes) of images (count, height, width, channels), of one at least."""
        # Not `predict`: on TensorFlow its end waits for a thread, see `training/tensorflow_batches.py`.
        self.batch_size = size = max(self.batch_size, min(BATCH_SIZE, len(images)))
        batches = [self.batch_logits(images[first : first + size], size) for first in range(0, len(images), size)]
        return np.concatenate(batches).astype("float32")

    def batch_logits(self, images: Pixels, batch_size: int) -> Logits:
        """Return the logits (count, num_classes) of images (count, height, width, channels), computed in one batch.

        Args:
            images: At most ``batch_size``. Black images fill the batch, because each new batch size would be compiled.
            batch_size: The same for all calls.
        """
        if batch_size <= LARGEST_UNCOMPILED_BATCH and runtime.keras_backend() == "tensorflow":
            return compute_batch(self.model, images)
        filled = np.zeros((batch_size, *images.shape[1:]), images.dtype)
        filled[: len(images)] = images
        return compute_batch(self.model, filled)[: len(images)]


def load_network(path: Path, input_shape: tuple[int, int, int], outputs: int) -> Any:
    """Load the model of a file for inference, without auxiliary heads; Keras has to be prepared before.

    Args:
        path: A ``.keras`` file.
        input_shape: Height, width and channels that the model has to take.
        outputs: Number of logits that it has to return.

    Raises:
        UserError: See ``load_model``, or the model has other shapes.
    """
    model = load_model(path)
    from cnnzoo.models import without_auxiliary_heads  # loads Keras

    try:
        model = without_auxiliary_heads(model)
        shapes = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    except (AttributeError, TypeError, ValueError):
        raise UserError(f"{path} is not a network that takes one image and returns its logits.") from None
    expected = input_shape, (outputs,)
    if shapes != expected:
        sizes, expected_sizes = (" to ".join(map(format_size, pair)) for pair in (shapes, expected))
        raise UserError(f"{path} contains another network: it maps {sizes} values, not {expected_sizes}.")
    return model


def compute_batch(model: Any, images: NDArray[np.uint8]) -> Logits:
    """Return the logits (count, outputs) of one batch (count, height, width, channels); see LARGEST_UNCOMPILED_BATCH.

    Each new number of images may be compiled.
    """
    if len(images) <= LARGEST_UNCOMPILED_BATCH and runtime.keras_backend() == "tensorflow":
        import keras  # after the runtime has chosen the backend

        return np.asarray(keras.ops.convert_to_numpy(model(images, training=False)))
    return np.asarray(model.predict_on_batch(images))


def open_classifier(source: Run | Path, device: DeviceChoice = "auto", config: Config | None = None) -> Classifier:
    """Open the model of a run, or an imported model.

    Args:
        source: A run that has a model, or a .keras file of ``weights import``.
        device: Where to compute.
        config: The run's config; None to read it.

    Raises:
        UserError: The file has no names of classes.
    """
    if isinstance(source, Run):
        config = config or source.config()
        data_set, settings = data.describe(config.data), config.runtime
        if data_set.is_board:
            metadata.read_policy(source.model_path)
        return Classifier(source.model_path, source.name, data_set, settings.backend, settings.threads, device)
    if images := metadata.read(source):
        return Classifier(source, images.title, images, device=device)
    if board := metadata.read_board(source):
        raise _board_error(board.title)
    raise UserError(f"{source} has no names of classes; name a run, or a model of `weights import`.")


def open_image_classifier(source: Run | Path, device: DeviceChoice = "auto") -> Classifier:
    """Open a classifier of images; see ``open_classifier``.

    Raises:
        UserError: See ``open_classifier``, or the model plays Go.
    """
    classifier = open_classifier(source, device)
    if isinstance(classifier.images, DataSet) and classifier.images.is_board:
        raise _board_error(classifier.title)
    return classifier


def _board_error(title: str) -> UserError:
    return UserError(f"{title} takes boards of Go, not images; use it with cnnzoo go show, go gtp and eval.")


def softmax(logits: NDArray[np.floating[Any]]) -> Probabilities:
    """Return the probabilities (count, num_classes) of logits of that shape."""
    shifted = logits.astype("float64") - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype="float32")
