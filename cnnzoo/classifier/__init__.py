"""A saved model as a classifier: from pixels to logits and probabilities."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo import runtime
from cnnzoo.classifier.model_file import load_model
from cnnzoo.errors import UserError

# The largest batch that TensorFlow computes without compiling. On two cores ResNet-50 then takes 0.7 s for one image,
# against 3 s when compiled, after 4 s of tracing. A larger batch would hold the maps of all its images in memory.
DIRECT = 4

Probabilities = NDArray[np.float32]


def probabilities_of(logits: NDArray[np.floating[Any]], path: Path) -> Probabilities:
    """Return the probabilities (count, num_classes) of a model's logits of that shape.

    Args:
        logits: What the model says of some images.
        path: The model's file.

    Raises:
        UserError: Logits are not finite.
    """
    bad = int((~np.isfinite(logits).all(axis=1)).sum())
    if bad:
        raise UserError(
            f"{path} gives no numbers (NaN or infinity) for {bad:,} of {len(logits):,} images; its training diverged "
            "or its weights are damaged: train it again, or take an earlier epoch."
        )
    return softmax(logits)


def softmax(logits: NDArray[np.floating[Any]]) -> Probabilities:
    """Return the probabilities (count, num_classes) of logits of that shape."""
    shifted = logits.astype("float64") - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype="float32")


def compute_logits(model: Any, images: NDArray[np.uint8], batch_size: int) -> NDArray[np.float32]:
    """Return the logits (count, num_classes) of images (count, height, width, channels), in one batch.

    Args:
        model: From raw pixels to logits.
        images: At most ``batch_size``. Fewer are filled up with black ones, because each size is compiled anew.
        batch_size: The same for all calls with a model.
    """
    import keras  # after the runtime has chosen the backend

    if batch_size <= DIRECT and runtime.keras_backend() == "tensorflow":
        return np.asarray(keras.ops.convert_to_numpy(model(images, training=False)))
    filled = np.zeros((batch_size, *images.shape[1:]), images.dtype)
    filled[: len(images)] = images
    return np.asarray(model.predict_on_batch(filled)[: len(images)])


def load_classifier(path: Path, input_shape: tuple[int, int, int], num_classes: int) -> Any:
    """Load a saved model for inference, from raw pixels (batch, *input_shape) to logits (batch, num_classes).

    Raises:
        UserError: See ``saved_models.load_model``, or the model is one for other images or classes.
    """
    model = load_model(path)
    from cnnzoo.models import without_auxiliary_heads  # loads Keras

    try:
        model = without_auxiliary_heads(model)
        shapes = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    except (AttributeError, TypeError, ValueError):
        raise UserError(f"{path} is not a network from one image to its logits.") from None
    wanted = input_shape, (num_classes,)
    if shapes != wanted:
        raise UserError(
            f"{path} is another network's: it goes from {_size(shapes[0])} to {_size(shapes[1])} values, "
            f"not from {_size(wanted[0])} to {_size(wanted[1])}."
        )
    return model


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
