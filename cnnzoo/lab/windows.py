"""A window that slides over an image in one or two dimensions: sizes, padding, and the pixels that it covers.

The formulas are those of the lectures, with I for the input's size, F for the window's, S for the stride, D for the
dilation and P for the padding. A dilated window covers F' = D (F - 1) + 1 positions; the output has
(I + P_start + P_end - F') / S + 1, rounded down.

- valid: P = 0. Where the last window does not fit, the positions at the end are dropped.
- same: the output has I / S, rounded up. P_start = floor(P / 2) and P_end = ceil(P / 2) of
  P = S ceil(I / S) - I + F' - S, or 0 where that is negative, as in TensorFlow.
- full: P = F' - 1 on both sides, so that at stride 1 every pixel lies under every weight once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnzoo.errors import UserError
from cnnzoo.text import count

PaddingRule = Literal["valid", "same", "full"]
PADDINGS: tuple[PaddingRule, ...] = get_args(PaddingRule)
# A rule, a number for both ends, or (start, end), of one axis.
Padding = PaddingRule | int | tuple[int, int]


@dataclass(frozen=True)
class Axis:
    """A window that slides along one axis of an image.

    Attributes:
        size: Pixels of the image.
        window: Elements of the window.
        stride: Pixels between two neighbouring places of the window.
        dilation: Pixels between two neighbouring elements of the window.
        start: Pixels of padding before the image.
        end: Pixels of padding after the image.
    """

    size: int
    window: int
    stride: int = 1
    dilation: int = 1
    start: int = 0
    end: int = 0

    @property
    def extent(self) -> int:
        """Pixels from the window's first element to its last, both included."""
        return self.dilation * (self.window - 1) + 1

    @property
    def padded_size(self) -> int:
        """Pixels of the image with its padding."""
        return self.start + self.size + self.end

    @property
    def output_size(self) -> int:
        """Number of places of the window."""
        return (self.padded_size - self.extent) // self.stride + 1

    @property
    def dropped(self) -> int:
        """Pixels at the end of the padded image where the next window would not fit."""
        return (self.padded_size - self.extent) % self.stride

    @property
    def formula(self) -> str:
        """The output size, worked out: ``(7 + 1 + 1 - 3) / 2 + 1 = 4``."""
        padding = f" + {self.start} + {self.end}" if self.start or self.end else ""
        rounding = ", rounded down" if self.dropped else ""
        return f"({self.size}{padding} - {self.extent}) / {self.stride} + 1 = {self.output_size}{rounding}"

    def positions(self) -> NDArray[np.int_]:
        """Return the pixels of the padded image (output_size, window) that each place of the window covers."""
        return np.arange(self.output_size)[:, None] * self.stride + np.arange(self.window) * self.dilation


def make_axis(size: int, window: int, stride: int = 1, dilation: int = 1, padding: Padding = "valid") -> Axis:
    """Return a window that slides along an axis.

    Args:
        size: Pixels of the image.
        window: Elements of the window.
        stride: Pixels between two neighbouring places of the window.
        dilation: Pixels between two neighbouring elements of the window.
        padding: "valid", "same", "full", or the number of pixels before and after the image.

    Raises:
        UserError: A number is out of range, or the window is larger than the padded image.
    """
    for name, value in (("size", size), ("window", window), ("stride", stride), ("dilation", dilation)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise UserError(f"The {name} must be a whole number of at least 1, not {value}.")
    extent = dilation * (window - 1) + 1
    if padding == "valid":
        start = end = 0
    elif padding == "full":
        start = end = extent - 1
    elif padding == "same":
        total = max(0, stride * -(-size // stride) - size + extent - stride)
        start, end = total // 2, total - total // 2
    elif isinstance(padding, int):
        start = end = padding
    elif isinstance(padding, tuple) and len(padding) == 2 and all(isinstance(number, int) for number in padding):
        start, end = padding
    else:
        raise UserError(f"{padding!r} is not a padding; give {', '.join(PADDINGS)}, a number, or (start, end).")
    if min(start, end) < 0:
        raise UserError(f"The padding must be at least 0, not {start} and {end}.")
    axis = Axis(size, window, stride, dilation, start, end)
    if axis.extent > axis.padded_size:
        dilated = f" with dilation {dilation} spans {axis.extent} pixels and" if dilation > 1 else ""
        raise UserError(
            f"A window of {window}{dilated} does not fit into {axis.padded_size} pixels; "
            "take a smaller window or more padding."
        )
    return axis


@dataclass(frozen=True)
class Windows:
    """All places of a window on an image.

    Attributes:
        axes: One for each axis of the image.
        padded: The image with its padding.
        values: The pixels under the window (output axes, window axes).
    """

    axes: tuple[Axis, ...]
    padded: NDArray[Any]
    values: NDArray[Any]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Number of places of the window along each axis."""
        return tuple(axis.output_size for axis in self.axes)

    @property
    def inside(self) -> tuple[slice, ...]:
        """Where the image is in the padded image, on each axis."""
        return tuple(slice(axis.start, axis.start + axis.size) for axis in self.axes)

    def places(self) -> list[tuple[int, ...]]:
        """Return all places of the window, row by row."""
        return list(np.ndindex(self.output_shape))

    def positions(self, place: tuple[int, ...]) -> list[NDArray[np.int_]]:
        """Return the pixels of the padded image that the window covers at a place, on each axis."""
        return [axis.positions()[index] for axis, index in zip(self.axes, place, strict=True)]


def slide(
    image: ArrayLike,
    window: Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: Padding | Sequence[Padding] = "valid",
    dilation: int | Sequence[int] = 1,
    fill: float = 0.0,
) -> Windows:
    """Slide a window over an image.

    Args:
        image: Numbers (width,) or (height, width).
        window: Its size along each axis.
        stride: For all axes, or one for each.
        padding: For all axes, or a list with one for each.
        dilation: For all axes, or one for each.
        fill: The value of the padding.

    Raises:
        UserError: The image has no axis or more than two or a number that is not finite, or the window has other axes
            or does not fit.
    """
    pixels = np.asarray(image, float)
    if pixels.ndim not in (1, 2) or not pixels.size:
        raise UserError("An image has one or two dimensions, and at least one number.")
    if not np.isfinite(pixels).all():
        raise UserError("The image has numbers that are not finite.")
    if len(window) != pixels.ndim:
        raise UserError(
            f"The image has {pixels.ndim} and the window {count(len(window), 'dimension')}; give both the same."
        )

    def for_each_axis(value: Any, name: str) -> list[Any]:
        is_one = isinstance(value, int | float | str) or (
            name == "padding" and isinstance(value, tuple) and all(isinstance(number, int) for number in value)
        )
        values = [value] if is_one else list(value)
        if len(values) not in (1, pixels.ndim):
            raise UserError(f"There are {len(values)} values of the {name}; give one, or one for each of the axes.")
        return values * (pixels.ndim // len(values))

    settings = zip(
        pixels.shape,
        window,
        for_each_axis(stride, "stride"),
        for_each_axis(dilation, "dilation"),
        for_each_axis(padding, "padding"),
        strict=True,
    )
    axes = tuple(make_axis(*setting) for setting in settings)
    padded = np.pad(pixels, [(axis.start, axis.end) for axis in axes], constant_values=fill)
    if len(axes) == 1:
        values = padded[axes[0].positions()]
    else:
        rows, columns = (axis.positions() for axis in axes)
        values = padded[rows[:, None, :, None], columns[None, :, None, :]]
    return Windows(axes, padded, values)
