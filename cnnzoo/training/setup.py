"""Prepares a training: its images, and the network with its initial weights."""

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import Model
from numpy.typing import NDArray

import cnnzoo
from cnnzoo import runtime
from cnnzoo.config import Config, PreprocessingSection
from cnnzoo.data import Subset, Summary
from cnnzoo.data.preprocessing import padded_shape, resolve, with_preprocessing
from cnnzoo.data.subsets import fingerprint_division
from cnnzoo.errors import UserError
from cnnzoo.training import fine_tuning
from cnnzoo.training.checks import check_resizing
from cnnzoo.training.fine_tuning import InitialWeights
from cnnzoo.training.images import DividedImages
from cnnzoo.training.model import class_weights
from cnnzoo.training.phases import phases


@dataclass(frozen=True)
class TrainingSetup:
    """What a training starts from.

    Attributes:
        training: The images to train on.
        validation: The images that decide which epoch is the best.
        network: From raw pixels to logits.
        preprocessing: With mean and deviation filled in.
        class_weights: One per class, for the loss; None for equal ones.
        fingerprint: A hash of the images and labels and their division.
        summary: See ``DividedImages``.
    """

    training: Subset
    validation: Subset
    network: Model
    preprocessing: PreprocessingSection
    class_weights: NDArray[np.float32] | None
    fingerprint: str
    summary: Summary | None


def prepare(
    config: Config,
    images: DividedImages,
    recorded_preprocessing: dict[str, Any] | None = None,
    *,
    has_checkpoint: bool = False,
) -> TrainingSetup:
    """Build the network for the images of a training.

    Args:
        config: The run's config.
        images: From ``load_images``.
        recorded_preprocessing: The preprocessing that the run was started with; None for a new run.
        has_checkpoint: Whether a checkpoint will be restored, so that the file of initial weights is not needed.

    Raises:
        UserError: The network cannot take the images, or a library that the config needs is not installed.
    """
    data_set, training, validation = images.data_set, images.training, images.validation
    classes = len(data_set.class_names)
    check_resizing(config, data_set)
    _check_accumulation(config, len(training))
    _check_tensorboard(config)
    with config.at_key("training.class_weights"):
        weights = class_weights(config.training.class_weights, training.labels, classes)
    initial = fine_tuning.load_initial_weights(config) if config.fine_tuning and not has_checkpoint else None
    preprocessing = _resolve_preprocessing(config, images, initial, recorded_preprocessing)
    runtime.seed_everything(config.seed)
    with config.at_key("model"):
        input_shape = padded_shape(preprocessing, data_set.input_shape)
        network = cnnzoo.build(config.model.name, input_shape, classes, **config.model.options)
    for phase in phases(config):  # checks the names of layers; the last phase trains all of them
        phase.freeze(network)
    if initial:
        with config.at_key("fine_tuning.weights"):
            initial.copy_to(network)
    return TrainingSetup(
        training,
        validation,
        with_preprocessing(network, preprocessing, data_set.input_shape),
        preprocessing,
        weights,
        fingerprint_division(images.all_images, training, validation),
        images.summary,
    )


def _resolve_preprocessing(
    config: Config, images: DividedImages, initial: InitialWeights | None, recorded: dict[str, Any] | None
) -> PreprocessingSection:
    """Fill in mean and deviation: those of the run, of the file of initial weights, or of the training images."""
    section = config.preprocessing
    training, is_board = images.training, images.data_set.is_board
    if initial and not is_board:
        with config.at_key("fine_tuning.weights"):
            section = initial.preprocessing(section, training.images.shape[-1])
    if recorded is not None:
        section = PreprocessingSection.model_validate(recorded)
    with config.at_key("preprocessing"):
        return resolve(section, training, is_board=is_board)


def _check_tensorboard(config: Config) -> None:
    if config.training.tensorboard and importlib.util.find_spec("tensorboard") is None:
        with config.at_key("training.tensorboard"):
            raise UserError("TensorBoard is not installed; pip install 'cnnzoo[tensorboard]'")


def _check_accumulation(config: Config, images: int) -> None:
    """Check that each phase of a training has enough batches for one step of the optimizer."""
    settings = config.training
    epochs = min(phase.end - phase.first for phase in phases(config))
    batches = epochs * (settings.steps_per_epoch or images // settings.batch_size)
    with config.at_key("training.gradient_accumulation"):
        if settings.gradient_accumulation > batches:
            raise UserError(
                f"no weight would change: a step takes {settings.gradient_accumulation:,} batches, and there are "
                f"{batches:,} in {epochs:,} epoch{'s' if epochs > 1 else ''}."
            )
