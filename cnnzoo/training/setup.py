"""What a training starts from: images, and a network with its first weights."""

import hashlib
import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import Model
from numpy.typing import NDArray

import cnnzoo
from cnnzoo import data, runtime
from cnnzoo.config import Config, PreprocessingSection
from cnnzoo.data.preprocessing import padded_shape, resolve, with_preprocessing
from cnnzoo.errors import UserError
from cnnzoo.training import fine_tuning
from cnnzoo.training.checks import check_resizing
from cnnzoo.training.images import DividedImages
from cnnzoo.training.trainee import class_weights


@dataclass(frozen=True)
class Prepared:
    """What a training starts from.

    Attributes:
        training: The images to train on.
        validation: The images by which the best epoch is chosen.
        network: From raw pixels to logits.
        preprocessing: With mean and deviation filled in.
        class_weights: Of the loss, one per class; None for equal ones.
        fingerprint: Hash of the images and labels, and of how they are divided.
        summary: See ``DividedImages``.
    """

    training: data.Subset
    validation: data.Subset
    network: Model
    preprocessing: PreprocessingSection
    class_weights: NDArray[np.float32] | None
    fingerprint: str
    summary: data.Summary | None = None


def prepare(
    config: Config,
    images: DividedImages,
    known_preprocessing: dict[str, Any] | None = None,
    *,
    begun: bool = False,
) -> Prepared:
    """Build the network for the images of a training.

    Args:
        config: The run's config.
        images: From ``load_images``.
        known_preprocessing: As it was resolved when the training began; None to resolve it now.
        begun: There is a checkpoint, so that initial weights are not needed any more.

    Raises:
        UserError: The network cannot take the images, or a library that the config needs is not installed.
    """
    known, training, validation = images.data_set, images.training, images.validation
    classes = len(known.class_names)
    check_resizing(config, known)
    _check_accumulation(config, len(training))
    with config.blaming("training.class_weights"):
        weights = class_weights(config.training.class_weights, training.labels, classes)
    initial = fine_tuning.opened(config) if config.fine_tuning and not begun else None
    given = config.preprocessing
    if initial:
        with config.blaming("fine_tuning.weights"):
            given = initial.preprocessing(given, known.input_shape[-1])
    if known_preprocessing is not None:
        given = PreprocessingSection.model_validate(known_preprocessing)
    with config.blaming("preprocessing"):
        preprocessing = resolve(given, training)
    if config.training.tensorboard and importlib.util.find_spec("tensorboard") is None:
        with config.blaming("training.tensorboard"):
            raise UserError("TensorBoard is not installed; pip install 'cnnzoo[tensorboard]'")
    runtime.seed_everything(config.seed)
    with config.blaming("model"):
        input_shape = padded_shape(preprocessing, known.input_shape)
        network = cnnzoo.build(config.model.name, input_shape, classes, **config.model.options)
    for phase in fine_tuning.phases(config):  # the last one leaves all layers free
        phase.freeze(network)
    if initial:
        with config.blaming("fine_tuning.weights"):
            initial.give(network)
    model = with_preprocessing(network, preprocessing, known.input_shape)
    of_images = (images.whole.fingerprint(), training.labels.tobytes(), validation.labels.tobytes())
    fingerprint = hashlib.sha256(b"".join(of_images)).hexdigest()
    return Prepared(training, validation, model, preprocessing, weights, fingerprint, images.summary)


def _check_accumulation(config: Config, images: int) -> None:
    """Check that each phase of a training has the batches for one step of the optimizer."""
    settings = config.training
    epochs = min(phase.end - phase.first for phase in fine_tuning.phases(config))
    batches = epochs * (settings.steps_per_epoch or images // settings.batch_size)
    with config.blaming("training.gradient_accumulation"):
        if settings.gradient_accumulation > batches:
            raise UserError(
                f"no weight would change: a step takes {settings.gradient_accumulation:,} batches, and there are "
                f"{batches:,} in {epochs:,} epochs."
            )
