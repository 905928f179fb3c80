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
        error: Norm of f(shift(x)) - shift(f(x)) as a share of the norm of f(x), away from the border; None if the
            shift is not a whole number of steps, so that no shift of the output could match it, or if no place is far
            enough from the border.
    """

    layer: str
    step: int
    error: float | None


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
        error = _error(before, after, step, field, pixels) if step else None
        measured.append(LayerShift(name, step, error))
    return measured


def _compute(part: keras.Model, images: NDArray[Any]) -> list[NDArray[Any]]:
    outputs = part(images, training=False)
    return [keras.ops.convert_to_numpy(output) for output in (outputs if isinstance(outputs, list) else [outputs])]


def _error(before: NDArray[Any], after: NDArray[Any], step: int, field: int, pixels: int) -> float | None:
    """Return the error of a layer, at the places whose receptive field lies within both images; see ``LayerShift``."""
    if pixels % step:
        return None
    places, moved = before.shape[2], pixels // step
    margin = -(-(field // 2 + 1) // step)
    first, last = margin + moved, places - margin
    if first >= last:
        return None
    rows = slice(margin, before.shape[1] - margin)
    expected, found = before[:, rows, first - moved : last - moved], after[:, rows, first:last]
    norm = float(np.linalg.norm(expected))
    return float(np.linalg.norm(found - expected)) / norm if norm else 0.0


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
