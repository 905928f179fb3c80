"""The image that excites a filter most, by gradient ascent on the pixels.

Erhan et al., "Visualizing Higher-Layer Features of a Deep Network", technical report 1341, University of Montreal,
2009. The image is moved by a random pixel or two at each step and smoothed now and then, as in Mordvintsev et al.,
"Inceptionism: Going Deeper into Neural Networks", 2015; without that the image is high-frequency noise.
"""

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


def excite(layers: ModelLayers, layer: str, channel: int, seed: int = 0, steps: int = STEPS) -> Excitation:
    """Return the image that excites a filter or a unit most.

    Args:
        layers: The model.
        layer: Name of the layer.
        channel: Its filter or unit, counted from 0.
        seed: Of the first image and of its movements.
        steps: Steps of the ascent.

    Raises:
        UserError: There is no such layer or filter.
    """
    part = layers.up_to(layer)
    channels = part.output_shape[-1]
    if not 0 <= channel < channels:
        raise UserError(f"Layer '{layer}' has the filters 0 to {channels - 1}, not {channel}.")
    random = np.random.default_rng(seed)
    shape = (1, *layers.model.input_shape[1:])

    def activation(pixels: Any) -> Any:
        return keras.ops.mean(part(layers.preprocess_tensor(pixels), training=False)[..., channel])

    for noise in NOISE:
        image = np.clip(127.5 + random.normal(0, noise, shape), 0, 255).astype("float32")
        if image_gradient(activation, image).any():
            break
    before = float(keras.ops.convert_to_numpy(activation(image)))
    for step in range(steps):
        move = random.integers(-JITTER, JITTER + 1, 2)
        moved = np.roll(image, move, (1, 2))
        gradient = image_gradient(activation, moved)
        spread = float(gradient.std())
        if spread == 0:  # the filter is silent, so that no pixel shows a way to excite it
            break
        moved += STEP_SIZE * gradient / spread
        image = np.clip(np.roll(moved, -move, (1, 2)), 0, 255)
        if step % SMOOTH_EVERY == 0:
            image = gaussian_filter(image, (0, 0.5, 0.5, 0)).astype("float32")
    return Excitation(image[0], before, float(keras.ops.convert_to_numpy(activation(image))))
