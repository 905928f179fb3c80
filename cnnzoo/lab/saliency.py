"""Which pixels a class depends on: Grad-CAM, and occlusion.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based Localization", ICCV 2017,
https://arxiv.org/abs/1610.02391, equations 1 and 2; Zeiler and Fergus, "Visualizing and Understanding Convolutional
Networks", ECCV 2014, https://arxiv.org/abs/1311.2901, section 4.2.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo.classifier import softmax
from cnnzoo.errors import UserError
from cnnzoo.inspection import inspect
from cnnzoo.lab.layers import ModelLayers
from cnnzoo.runtime.gradients import image_gradient


def grad_cam(layers: ModelLayers, pixels: NDArray[Any], class_index: int, layer: str | None = None) -> NDArray[Any]:
    """Return how much each place of an image supports a class, by Grad-CAM.

    Args:
        layers: The model.
        pixels: One image (height, width, channels).
        class_index: The class.
        layer: A layer whose output is a map; by default the last one that has more than one place.

    Returns:
        The map, from 0 to 1 (rows, columns) of the layer; all 0 where nothing supports the class.

    Raises:
        UserError: The network has no such layer.
    """
    name = layer or last_map(layers)
    images = layers.preprocess(pixels[None])
    maps = layers.outputs([name], pixels[None])[0]
    if maps.ndim != 4:
        raise UserError(f"The output of layer '{name}' is not a map (height, width, channels); name a convolution.")
    behind = layers.behind(name, images)
    gradient = image_gradient(lambda values: behind(values)[0, class_index], maps).astype("float32")
    weights = gradient.mean(axis=(1, 2), keepdims=True)  # equation 1
    cam = np.maximum((weights * maps).sum(axis=-1)[0], 0)  # equation 2
    return np.asarray(cam / cam.max() if cam.max() > 0 else cam)


def find_extent(layers: ModelLayers, layer: str, pixels: NDArray[Any]) -> tuple[float, float, float, float]:
    """Return where the map of a layer lies on an image: the left, right, lower and upper edge in pixels.

    A place is drawn as a square around the middle of its receptive field, whose sides are the layer's step.

    Args:
        layers: The model.
        layer: Name of the layer.
        pixels: The image (height, width, channels); its middle is that of the images that the network sees.
    """
    row = next(row for row in inspect(layers.network).rows if row.name == layer)
    edges = []
    for axis in (0, 1):
        if row.step[axis] == 0:  # each place sees the whole image
            edges.append((-0.5, pixels.shape[axis] - 0.5))
            continue
        padding = (layers.network.input_shape[1 + axis] - pixels.shape[axis]) / 2
        middle = row.start[axis] + (row.receptive_field[axis] - 1) / 2 - padding
        first = middle - row.step[axis] / 2
        edges.append((first, first + row.step[axis] * row.output_shape[axis]))
    (top, bottom), (left, right) = edges
    return left, right, bottom, top


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
    compute_logits: Callable[[NDArray[Any]], NDArray[Any]],
    pixels: NDArray[Any],
    class_index: int,
    patch: int,
    stride: int,
    fill: NDArray[Any],
) -> NDArray[Any]:
    """Return how much the probability of a class falls if a patch of an image is covered.

    The patch stands in the middle of each square of ``stride`` pixels, and may reach over the edge of the image.

    Args:
        compute_logits: From pixels to logits (count, num_classes).
        pixels: One image (height, width, channels), 0 to 255.
        class_index: The class.
        patch: Side of the patch in pixels.
        stride: Pixels between two places of the patch.
        fill: The colour of the patch (channels,).

    Returns:
        The probability without the patch less that with it (rows, columns), one for each place of the patch.
    """
    rows, columns = (
        [
            range(max(0, first), first + patch)
            for first in range((stride - patch) // 2, side + (stride - patch) // 2, stride)
        ]
        for side in pixels.shape[:2]
    )
    covered = np.repeat(pixels[None], len(rows) * len(columns) + 1, axis=0).astype("float32")
    for index, (row, column) in enumerate(product(rows, columns)):
        covered[index + 1, row.start : row.stop, column.start : column.stop] = fill
    probabilities = softmax(compute_logits(covered))[:, class_index].astype(float)
    return np.asarray((probabilities[0] - probabilities[1:]).reshape(len(rows), len(columns)))
