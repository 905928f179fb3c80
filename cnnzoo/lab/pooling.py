"""Maximum and average pooling, window by window."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnzoo.errors import UserError
from cnnzoo.lab.windows import Padding, Windows, slide

Kind = Literal["max", "average"]


@dataclass(frozen=True)
class Pooling:
    """A pooling with all its windows.

    Attributes:
        windows: All places of the window; NaN where it covers padding.
        output: The maxima or averages (output axes).
        kind: "max" or "average".
    """

    windows: Windows
    output: NDArray[Any]
    kind: Kind

    def sentences(self) -> list[str]:
        """Return the result at each place, worked out: ``max(3, 13, 5, 3) = 13``."""
        sentences = []
        for place in self.windows.places():
            pixels = self.windows.values[place]
            numbers = [f"{pixel:.6g}" for pixel in pixels[np.isfinite(pixels)]]
            made = f"max({', '.join(numbers)})" if self.kind == "max" else f"({' + '.join(numbers)}) / {len(numbers)}"
            sentences.append(f"{made} = {self.output[place]:.6g}")
        return sentences


def pool(
    image: ArrayLike,
    kind: Kind = "max",
    size: int | Sequence[int] = 2,
    stride: int | Sequence[int] | None = None,
    padding: Padding | Sequence[Padding] = "valid",
) -> Pooling:
    """Pool an image in one or two dimensions. Only pixels of the image count, never the padding.

    Args:
        image: Numbers (width,) or (height, width).
        kind: "max" or "average".
        size: Of the window, for all axes or one for each.
        stride: By default the size of the window.
        padding: "valid", "same", "full", a number for both ends or (start, end), for all axes, or a list with one for
            each.

    Raises:
        UserError: The window does not fit, or covers nothing but padding somewhere, or there is no such kind.
    """
    if kind not in get_args(Kind):
        raise UserError(f"'{kind}' is no kind of pooling; the kinds are {' and '.join(get_args(Kind))}.")
    axes = np.ndim(image)
    window = [size] if isinstance(size, int) else list(size)
    window *= axes // len(window) if len(window) == 1 else 1
    windows = slide(image, window, window if stride is None else stride, padding, fill=np.nan)
    values = windows.values.reshape(*windows.output_shape, -1)
    if np.isnan(values).all(axis=-1).any():
        raise UserError("Somewhere the window covers nothing but padding; take less padding or a larger window.")
    return Pooling(windows, np.nanmax(values, -1) if kind == "max" else np.nanmean(values, -1), kind)
