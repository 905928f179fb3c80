"""The image that excites a filter most, by gradient ascent on the pixels.

Erhan et al., "Visualizing Higher-Layer Features of a Deep Network", technical report 1341, University of Montreal,
2009. The image is moved by a random pixel or two at each step and smoothed now and then, as in Mordvintsev et al.,
"Inceptionism: Going Deeper into Neural Networks", 2015; without that the image is high-frequency noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cnnzoo.errors import UserError
from cnnzoo.lab.layers import ModelLayers
from cnnzoo.runtime.gradients import image_gradient

STEPS, STEP_SIZE, JITTER, SMOOTH_EVERY = 120, 4.0, 2, 8
# Standard deviations of the noise in the first image: a filter that is silent on one is tried on the next.
NOISE = (10, 40, 100)


@dataclass(frozen=True)
class Excitation:
    """An image that excites a filter.

    Attributes:
        image: Pixels (height, width, channels), 0 to 255.
        before: Mean of the filter's map on the grey image with noise that the ascent started from.
        after: Mean of the filter's map on the image.
    """

    image: NDArray[Any]
    before: float
    after: float


def excite(
    layers: ModelLayers, layer: str, channels: Sequence[int], seed: int = 0, steps: int = STEPS
) -> list[Excitation]:
    """Return the images that excite some filters or units of a layer most.

    Args:
        layers: The model.
        layer: Name of the layer.
        channels: Its filters or units, counted from 0.
        seed: Of the first image, which is the same for all, and of its movements.
        steps: Steps of the ascent.

    Raises:
        UserError: There is no such layer or filter.
    """
    part = layers.up_to(layer)
    count = part.output_shape[-1]
    unknown = [channel for channel in channels if not 0 <= channel < count]
    if unknown:
        raise UserError(f"Layer '{layer}' has the filters 0 to {count - 1}, not {unknown[0]}.")
    random = np.random.default_rng(seed)

    def activations(pixels: Any) -> Any:
        outputs = part(layers.preprocess_tensor(pixels), training=False)
        return [keras.ops.mean(outputs[index, ..., channel]) for index, channel in enumerate(channels)]

    def gradients(images: NDArray[Any]) -> NDArray[Any]:
        return image_gradient(lambda pixels: sum(activations(pixels)), images)

    images = _start(gradients, (len(channels), *layers.model.input_shape[1:]), random)
    before = [float(keras.ops.convert_to_numpy(value)) for value in activations(images)]
    for step in range(steps):
        move = random.integers(-JITTER, JITTER + 1, 2)
        moved = np.roll(images, move, (1, 2))
        slopes = gradients(moved)
        spread = slopes.std(axis=(1, 2, 3), keepdims=True)
        # A filter that is silent has no gradient, so that no pixel shows a way to excite it.
        moved += STEP_SIZE * slopes / np.where(spread > 0, spread, 1)
        images = np.clip(np.roll(moved, -move, (1, 2)), 0, 255)
        if step % SMOOTH_EVERY == 0:
            images = gaussian_filter(images, (0, 0.5, 0.5, 0)).astype("float32")
    after = [float(keras.ops.convert_to_numpy(value)) for value in activations(images)]
    return [Excitation(*each) for each in zip(images, before, after, strict=True)]


def _start(
    gradients: Callable[[NDArray[Any]], NDArray[Any]], shape: tuple[int, ...], random: np.random.Generator
) -> NDArray[Any]:
    """Return grey images with noise, for each filter with the least noise on which it is not silent."""
    images = np.empty(shape, "float32")
    is_silent = np.ones(len(images), bool)
    for noise in NOISE:
        first = np.clip(127.5 + random.normal(0, noise, shape[1:]), 0, 255)
        images[is_silent] = first
        is_silent &= ~gradients(images).any(axis=(1, 2, 3))
        if not is_silent.any():
            break
    return images
