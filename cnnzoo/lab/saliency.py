"""Which pixels a class depends on: Grad-CAM, and occlusion.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based Localization", ICCV 2017,
https://arxiv.org/abs/1610.02391, equations 1 and 2; Zeiler and Fergus, "Visualizing and Understanding Convolutional
Networks", ECCV 2014, https://arxiv.org/abs/1311.2901, section 4.2.
"""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnzoo.errors import UserError
from cnnzoo.lab.layers import ModelLayers
from cnnzoo.runtime.gradients import image_gradient


def grad_cam(layers: ModelLayers, pixels: NDArray[Any], class_index: int, layer: str | None = None) -> NDArray[Any]:
    """Return how much each place of an image speaks for a class, by Grad-CAM.

    Args:
        layers: The model.
        pixels: One image (height, width, channels).
        class_index: The class.
        layer: A layer whose output is a map; by default the last one that has more than one place.

    Returns:
        The map, from 0 to 1 (rows, columns) of the layer; all 0 where nothing speaks for the class.

    Raises:
        UserError: The network has no such layer.
    """
    name = layer or last_map(layers)
    images = layers.preprocess(pixels[None])
    maps = keras.ops.convert_to_numpy(layers.up_to(name)(images, training=False))
    if maps.ndim != 4:
        raise UserError(f"The output of layer '{name}' is not a map (height, width, channels); name a convolution.")
    behind = layers.behind(name, images)
    gradient = image_gradient(lambda values: behind(values)[0, class_index], maps)
    weights = gradient.mean(axis=(1, 2), keepdims=True)  # equation 1
    cam = np.maximum((weights * maps).sum(axis=-1)[0], 0)  # equation 2
    return np.asarray(cam / cam.max() if cam.max() > 0 else cam)


def last_map(layers: ModelLayers) -> str:
    """Return the name of the last layer whose output is a map of more than one place.

    Raises:
        UserError: There is none.
    """
    for name in reversed(layers.spatial_layers()):
        _, height, width, _ = layers.find(name).output.shape
        if height * width > 1:
            return name
    raise UserError(f"{layers.network.name} has no maps (height, width, channels), so there is no place to show.")


def occlude(
    layers: ModelLayers, pixels: NDArray[Any], class_index: int, patch: int, stride: int, fill: NDArray[Any]
) -> NDArray[Any]:
    """Return how much the probability of a class falls if a patch of an image is covered.

    Args:
        layers: The model.
        pixels: One image (height, width, channels), 0 to 255.
        class_index: The class.
        patch: Side of the patch in pixels.
        stride: Pixels between two places of the patch.
        fill: The colour of the patch (channels,).

    Returns:
        The probability without the patch less that with it (rows, columns), one for each place of the patch.
    """
    height, width, _ = pixels.shape
    rows, columns = (range(0, max(1, side - patch + 1), stride) for side in (height, width))
    covered = np.repeat(pixels[None], len(rows) * len(columns) + 1, axis=0).astype("float32")
    for index, (row, column) in enumerate((row, column) for row in rows for column in columns):
        covered[index + 1, row : row + patch, column : column + patch] = fill
    logits = layers.logits(covered).astype("float64")
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = (exponentials / exponentials.sum(axis=1, keepdims=True))[:, class_index]
    return np.asarray((probabilities[0] - probabilities[1:]).reshape(len(rows), len(columns)))
