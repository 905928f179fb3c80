"""How a network answers to a shift of its image.

A layer f is equivariant if f(shift(x)) = shift(f(x)), and a classifier is invariant if f(shift(x)) = f(x). Convolutions
are equivariant by weight sharing; pooling, and classes that depend on no place, make a network invariant. A dense layer
has neither.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnzoo.inspection import inspect
from cnnzoo.lab.layers import ModelLayers


@dataclass(frozen=True)
class LayerShift:
    """How far a layer is from commuting with a shift.

    Attributes:
        layer: Its name.
        step: Pixels of the image between two neighbouring places of the layer's output.
        error: Norm of f(shift(x)) - shift(f(x)) as a share of the norm of f(x). The places whose receptive field meets
            the border are left out, unless all do. A shift by a part of a step interpolates f(x) between two places.
            None if the shift is as wide as the map, or if a dense layer before it ends the maps.
        includes_border: Whether all places meet the border, so that they are not left out.
    """

    layer: str
    step: int
    error: float | None
    includes_border: bool


def shift(pixels: NDArray[Any], rows: int, columns: int, fill: NDArray[Any] | float = 0) -> NDArray[Any]:
    """Move images (count, height, width, channels) down and to the right; ``fill`` stands where nothing is left."""
    moved = np.empty_like(pixels)
    moved[...] = fill
    height, width = pixels.shape[1:3]
    if abs(rows) < height and abs(columns) < width:
        target = (slice(max(rows, 0), height + min(rows, 0)), slice(max(columns, 0), width + min(columns, 0)))
        source = (slice(max(-rows, 0), height - max(rows, 0)), slice(max(-columns, 0), width - max(columns, 0)))
        moved[:, target[0], target[1]] = pixels[:, source[0], source[1]]
    return moved


def measure_layers(layers: ModelLayers, images: NDArray[Any], pixels: int) -> list[LayerShift]:
    """Return how far the layers whose output is a map are from commuting with a shift to the right; none without maps.

    Args:
        layers: The model.
        images: Preprocessed images (count, height, width, channels).
        pixels: The shift.
    """
    names = layers.spatial_layers()
    if not names:
        return []
    part = layers.up_to(*names)
    moved = shift(images, 0, pixels)
    outputs = [_compute(part, values) for values in (images, moved)]
    rows = {row.name: row for row in inspect(layers.network).rows}
    measured = []
    for name, before, after in zip(names, *outputs, strict=True):
        step, field = rows[name].step[1], rows[name].receptive_field[1]
        error, includes_border = _measure(before, after, step, field, pixels) if step else (None, False)
        measured.append(LayerShift(name, step, error, includes_border))
    return measured


def _compute(part: keras.Model, images: NDArray[Any]) -> list[NDArray[Any]]:
    outputs = part(images, training=False)
    return [keras.ops.convert_to_numpy(output) for output in (outputs if isinstance(outputs, list) else [outputs])]


def _measure(
    before: NDArray[Any], after: NDArray[Any], step: int, field: int, pixels: int
) -> tuple[float | None, bool]:
    """Return the error of a layer, and whether it includes the border; see ``LayerShift``."""
    height, width = before.shape[1:3]
    moved, part = pixels // step, pixels % step / step
    reach = moved + (part > 0)
    margin = -(-(field // 2 + 1) // step)
    includes_border = margin + reach >= width - margin or margin >= height - margin
    if includes_border:
        margin = 0
    first, last = margin + reach, width - margin
    if first >= last:
        return None, includes_border
    rows = slice(margin, height - margin)
    expected = (1 - part) * before[:, rows, first - moved : last - moved]
    if part:
        expected += part * before[:, rows, first - reach : last - reach]
    found = after[:, rows, first:last]
    norm = float(np.linalg.norm(before[:, rows, first - moved : last - moved]))
    return (float(np.linalg.norm(found - expected)) / norm if norm else 0.0), includes_border


def accuracy_by_shift(
    layers: ModelLayers,
    pixels: NDArray[Any],
    labels: NDArray[np.integer[Any]],
    most: int,
    fill: NDArray[Any] | float = 0,
) -> list[float]:
    """Return the accuracy on images that are moved by 0 to ``most`` pixels, averaged over the four directions.

    Args:
        layers: The model.
        pixels: Images (count, height, width, channels), 0 to 255.
        labels: Their classes (count,).
        most: The largest shift in pixels.
        fill: The value of pixels that come in at the border.
    """
    accuracies = []
    for distance in range(most + 1):
        directions = {(0, distance), (0, -distance), (distance, 0), (-distance, 0)}
        right = [
            float((layers.logits(shift(pixels, *direction, fill)).argmax(axis=1) == labels).mean())
            for direction in sorted(directions)
        ]
        accuracies.append(float(np.mean(right)))
    return accuracies
