"""A photograph, a kernel, and the photograph under the kernel."""

from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnzoo.pictures import style
from cnnzoo.pictures.lab.grids import format_number


@style.apply()
def draw_filter(
    image: NDArray[Any],
    kernel: NDArray[Any],
    filtered: NDArray[Any],
    path: style.StrPath,
    *,
    show: Literal["clipped", "absolute", "signed"] = "clipped",
    title: str = "",
) -> None:
    """Draw an image, a kernel and the filtered image.

    Args:
        image: Numbers from 0 to 255 (height, width, channels).
        kernel: Weights (height, width).
        filtered: Numbers of the image's shape.
        path: The picture's file.
        show: Numbers clipped to 0 to 255, numbers without their signs, clipped, or half of them plus 127.5.
        title: Title of the picture.
    """
    ratio = image.shape[1] / image.shape[0]
    width = float(np.clip(4 * ratio, 2.5, 7))
    figure = Figure(figsize=(2 * width + 3, 4.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(width, 2.4, width))
    shown, output = {
        "clipped": (filtered, "output, clipped to 0 to 255"),
        "absolute": (np.abs(filtered), "output without signs, clipped to 255"),
        "signed": (filtered / 2 + 127.5, "output: grey is 0, white 255, black -255"),
    }[show]
    for axes, pixels, heading in ((left, image, "image"), (right, shown, output)):
        style.show_pixels(axes, np.clip(np.rint(pixels), 0, 255).astype("uint8"))
        axes.set_title(heading)
    limit = float(np.abs(kernel).max()) or 1.0
    middle.imshow(kernel, cmap="PuOr", vmin=-limit, vmax=limit)
    middle.set(xticks=[], yticks=[])
    middle.set_title(f"kernel {kernel.shape[0]}x{kernel.shape[1]}")
    middle.spines[:].set_visible(True)
    if kernel.size <= 49:
        for (row, column), value in np.ndenumerate(kernel):
            colour = "white" if abs(value) > 0.6 * limit else "black"
            size = 10 if kernel.shape[1] <= 3 else 7
            middle.text(column, row, format_number(value), ha="center", va="center", color=colour, fontsize=size)
    figure.suptitle(title)
    style.save(figure, path)
