"""How a network's outputs change when its image is shifted.

A layer f is equivariant if f(shift(x)) = shift(f(x)), and a classifier is invariant if f(shift(x)) = f(x). Convolutions
are equivariant by weight sharing; pooling, and classes that depend on no place, make a network invariant. A dense layer
has neither.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from cnnzoo.inspection import LayerRow, inspect
from cnnzoo.lab.layers import ModelLayers

# Memory of the outputs of all layers.
MOST_BYTES = 2**28


@dataclass(frozen=True)
class LayerShift:
    """How far a layer is from commuting with a shift.

    Attributes:
        layer: Its name.
        step: Pixels between two neighbouring places of its output; 0 if each depends on the whole image.
        error: Norm of f(shift(x)) - shift(f(x)) as a share of the norm of f(x). If the shift is not a multiple of the
            step, f(x) is interpolated between two places. Places whose receptive field meets the padding are left out,
            unless all do. None if no place of the shifted output has a counterpart.
        includes_border: Whether all places meet the padding, so that none is left out.
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


def measure_layers(
    layers: ModelLayers, images: NDArray[Any], distances: Sequence[int], most_bytes: int = MOST_BYTES
) -> dict[int, list[LayerShift]]:
    """Return how far the layers whose output is a map are from commuting with shifts to the right; none without maps.

    Args:
        layers: The model.
        images: Preprocessed images (count, height, width, channels).
        distances: The shifts in pixels.
        most_bytes: Memory for the layers' outputs; it decides how many images are computed at once.
    """
    names = layers.spatial_layers()
    if not names:
        return {distance: [] for distance in distances}
    part, summary = layers.up_to(*names), inspect(layers.network)
    rows = {row.name: row for row in summary.rows}
    compared = {
        (distance, name): _compare(rows[name], images.shape[1:3], distance) for distance in distances for name in names
    }
    squares = dict.fromkeys(compared, np.zeros(2))
    chunk = max(1, most_bytes // summary.activation_bytes)
    for start in range(0, len(images), chunk):
        some = images[start : start + chunk]
        before = _compute(part, some)
        for distance in distances:
            after = _compute(part, shift(some, 0, distance))
            for index, name in enumerate(names):
                places = compared[distance, name]
                if places is not None:
                    squares[distance, name] = squares[distance, name] + places.square(before[index], after[index])
    measured: dict[int, list[LayerShift]] = {distance: [] for distance in distances}
    for (distance, name), places in compared.items():
        error, norm = np.sqrt(squares[distance, name])
        share = None if places is None else float(error / norm) if norm else 0.0
        includes_border = places is not None and places.includes_border
        measured[distance].append(LayerShift(name, rows[name].step[1], share, includes_border))
    return measured


def _compute(part: keras.Model, images: NDArray[Any]) -> list[NDArray[Any]]:
    outputs = part(images, training=False)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return [keras.ops.convert_to_numpy(keras.ops.cast(output, "float32")) for output in outputs]


class _Places(NamedTuple):
    """The places of a layer's output at which it is compared with the output of the shifted image.

    Attributes:
        rows: Of the output.
        columns: Of the output of the shifted image.
        moved: Whole steps of the shift.
        part: The rest of the shift, as a share of a step.
        includes_border: Whether places are compared whose receptive field meets the padding.
    """

    rows: range
    columns: range
    moved: int
    part: float
    includes_border: bool

    def square(self, before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.floating[Any]]:
        """Return the squared norms of the difference and of the unshifted output, (count, height, width, channels)."""
        rows, columns = slice(self.rows.start, self.rows.stop), np.array(self.columns)
        expected = unshifted = before[:, rows][:, :, columns - self.moved]
        if self.part:
            expected = (1 - self.part) * unshifted + self.part * before[:, rows][:, :, columns - self.moved - 1]
        difference = after[:, rows][:, :, columns] - expected
        return np.array([np.square(difference, dtype=float).sum(), np.square(unshifted, dtype=float).sum()])


def _compare(row: LayerRow, sides: tuple[int, ...], distance: int) -> _Places | None:
    """Return where a layer is compared after a shift of images of these sides; None if nowhere."""
    if not all(row.step):
        return None
    moved, rest = divmod(distance, row.step[1])
    reach = moved + (rest > 0)
    vertical, horizontal = (range(length) for length in row.output_shape[:2])
    rows, columns = (_find_inside(row, axis, sides[axis]) for axis in (0, 1))
    includes_border = not rows or len(columns) <= reach
    if includes_border:
        rows, columns = vertical, horizontal
    columns = columns[reach:]
    return _Places(rows, columns, moved, rest / row.step[1], includes_border) if columns else None


def _find_inside(row: LayerRow, axis: int, side: int) -> range:
    """Return the places along an axis whose receptive field lies within an image."""
    start, step, field = row.start[axis], row.step[axis], row.receptive_field[axis]
    first = max(0, -(start // step))
    return range(first, min(row.output_shape[axis], (side - field - start) // step + 1))


def accuracy_by_shift(
    compute_logits: Callable[[NDArray[Any]], NDArray[Any]],
    pixels: NDArray[Any],
    labels: NDArray[np.integer[Any]],
    most: int,
    fill: NDArray[Any] | float = 0,
) -> Iterator[float]:
    """Yield the accuracy on images that are moved by 0 to ``most`` pixels, averaged over the four directions.

    Args:
        compute_logits: From pixels to logits (count, num_classes).
        pixels: Images (count, height, width, channels), 0 to 255.
        labels: Their classes (count,).
        most: The largest shift in pixels.
        fill: The value of pixels that come in at the border.
    """
    for distance in range(most + 1):
        directions = {(0, distance), (0, -distance), (distance, 0), (-distance, 0)}
        shifted = (shift(pixels, *direction, fill) for direction in sorted(directions))
        yield float(np.mean([(compute_logits(images).argmax(axis=1) == labels).mean() for images in shifted]))
