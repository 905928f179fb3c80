"""Padding and normalization of raw pixels, as layers that are saved with the network."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from keras import Input, Model, layers
from numpy.typing import NDArray

from cnnzoo.config import PreprocessingSection
from cnnzoo.data.subsets import Subset
from cnnzoo.errors import UserError


def resolve(section: PreprocessingSection, training: Subset, *, is_board: bool = False) -> PreprocessingSection:
    """Fill in the mean and the deviation of the training images if the config does not state them.

    Args:
        section: The config's section.
        training: The training images.
        is_board: Whether they are boards of Go, whose planes of 0 and 1 stay as they are.

    Returns:
        The section with mean and deviation of each channel, for pixels scaled to 0..1; without them for boards.

    Raises:
        UserError: The config has several values, but not as many as the images have channels; or any for boards.
    """
    if is_board:
        if section != PreprocessingSection():
            raise UserError("boards of Go are planes of 0 and 1, which are not padded or normalized; leave it out.")
        return section
    # The sums are whole numbers, so that images in memory and images in files have exactly the same mean.
    total, squares = training.images.sums(training.indices)
    pixels = len(training) * np.prod(training.images.shape[1:-1])
    mean = total / (255 * pixels)
    deviation = np.sqrt(np.maximum(squares / (255**2 * pixels) - mean**2, 0))
    return section.model_copy(
        update={
            "mean": _repeat_per_channel("mean", section.mean, mean),
            "deviation": _repeat_per_channel("deviation", section.deviation, np.maximum(deviation, 1 / 255)),
        }
    )


def padded_shape(section: PreprocessingSection, input_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the image shape (height, width, channels) that the network sees."""
    height, width, channels = input_shape
    return height + 2 * section.pad, width + 2 * section.pad, channels


def with_preprocessing(network: Model, section: PreprocessingSection, input_shape: tuple[int, int, int]) -> Model:
    """Put padding and normalization in front of a network.

    Args:
        network: From normalized images to logits.
        section: Resolved by ``resolve``.
        input_shape: Height, width and channels of the raw images.

    Returns:
        A model from raw pixels (batch, height, width, channels), 0 to 255, to logits (batch, num_classes); for boards
        of Go the network itself.
    """
    if section.mean is None:
        return network
    assert isinstance(section.mean, list)
    assert isinstance(section.deviation, list)
    scale = [1 / (255 * deviation) for deviation in section.deviation]
    offset = [-mean / deviation for mean, deviation in zip(section.mean, section.deviation, strict=True)]
    pixels = Input(input_shape, name="pixels")
    x: Any = pixels
    if section.pad:
        x = layers.ZeroPadding2D(section.pad, data_format="channels_last", name="pad")(x)
    x = layers.Rescaling(scale, offset, dtype="float32", name="normalize")(x)
    return Model(pixels, network(x), name=network.name)


def read_normalization(parts: Iterable[layers.Layer]) -> tuple[list[float], list[float]] | None:
    """Read mean and deviation of the pixels from the layers of a model, where ``with_preprocessing`` put them.

    Returns:
        Both in units of the full range, for each channel or one for all; None if no layer normalizes pixels.
    """
    for layer in parts:
        if isinstance(layer, layers.Rescaling):
            scale, offset = (np.atleast_1d(values).astype("float64") for values in (layer.scale, layer.offset))
            return (-offset / (255 * scale)).tolist(), (1 / (255 * scale)).tolist()
    return None


def _repeat_per_channel(key: str, value: float | list[float] | None, measured: NDArray[np.float64]) -> list[float]:
    if value is None:
        return [float(round(number, 6)) for number in measured]
    values = value if isinstance(value, list) else [value] * len(measured)
    if len(values) != len(measured):
        raise UserError(
            f"{key} has {len(values)} values, but the images have {len(measured)} channel{'s'[: len(measured) != 1]}."
        )
    return values
