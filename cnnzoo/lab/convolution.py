"""The worked convolutions of the lectures: at every place the window's products and their sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnzoo.errors import UserError
from cnnzoo.lab.windows import Padding, Windows, slide


@dataclass(frozen=True)
class Convolution:
    """A convolution with all its steps.

    Attributes:
        kernel: The weights as the window applies them, so already flipped if ``is_flipped``.
        is_flipped: Whether the kernel was flipped, as convolution does in mathematics. Networks do not: theirs is
            cross-correlation.
        windows: All places of the window.
        output: The sums (output axes).
    """

    kernel: NDArray[Any]
    is_flipped: bool
    windows: Windows
    output: NDArray[Any]

    def sentences(self) -> list[str]:
        """Return the sum at each place, worked out: ``3·0 + 3·1 + 2·2 = 7``."""
        return [
            " + ".join(
                f"{_factor(pixel)}·{_factor(weight)}"
                for pixel, weight in zip(self.windows.values[place].ravel(), self.kernel.ravel(), strict=True)
            )
            + f" = {self.output[place]:.6g}"
            for place in self.windows.places()
        ]


def _factor(value: float) -> str:
    return f"{value:.6g}" if value >= 0 else f"({value:.6g})"


def convolve(
    image: ArrayLike,
    kernel: ArrayLike,
    stride: int | Sequence[int] = 1,
    padding: Padding | Sequence[Padding] = "valid",
    dilation: int | Sequence[int] = 1,
    *,
    flip: bool = False,
) -> Convolution:
    """Convolve an image with a kernel, in one or two dimensions.

    Args:
        image: Numbers (width,) or (height, width).
        kernel: Weights with as many axes.
        stride: For all axes, or one for each.
        padding: "valid", "same", "full", a number for both ends or (start, end), for all axes, or a list with one for
            each.
        dilation: For all axes, or one for each.
        flip: Flip the kernel on all axes, as convolution does in mathematics; networks compute cross-correlation.

    Raises:
        UserError: The kernel has other axes than the image, or does not fit, or a number is not finite.
    """
    weights = np.asarray(kernel, float)
    if not weights.size:
        raise UserError("The kernel has no numbers.")
    if flip:
        weights = np.flip(weights)
    windows = slide(image, weights.shape, stride, padding, dilation)
    with np.errstate(over="ignore", invalid="ignore"):
        output = np.tensordot(windows.values, weights, axes=weights.ndim)
    if not np.isfinite(output).all():
        raise UserError("A sum is too large for a floating-point number; take smaller pixels or weights.")
    return Convolution(weights, flip, windows, output)
