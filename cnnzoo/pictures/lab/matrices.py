"""Matrices whose cells have the colour of their shared weight."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cnnzoo.pictures import style
from cnnzoo.pictures.lab.grids import CELL, LIGHT_GREY, format_number
from cnnzoo.pictures.style import BLUE, GREEN, PURPLE, VERMILION

# Colours of the shared weights; from the eighth weight on they repeat with a hatching.
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, "#E69F00", "#56B4E9", "#F0E442")
DARK = (BLUE, VERMILION, GREEN)
NARROWEST, WIDEST = 6.0, 9.0  # inches


@style.apply()
def draw_matrix(
    element: NDArray[np.int_],
    patches: NDArray[Any],
    image: NDArray[Any],
    kernel: NDArray[Any],
    output: NDArray[Any],
    path: style.StrPath,
    *,
    title: str = "",
) -> None:
    """Draw a convolution as two products of matrices, each shared weight in a colour of its own.

    Args:
        element: Which weight of the kernel connects an output and a pixel (outputs, pixels); -1 where none does.
        patches: The patches under the window (outputs, weights).
        image: The image, of any shape.
        kernel: The kernel, of any shape.
        output: The output, of any shape.
        path: The picture's file.
        title: Title of the picture.
    """
    pixels, weights, results = image.ravel(), kernel.ravel(), output.ravel()
    width, height = max(element.shape[1] + 1.5, NARROWEST / CELL), 2 * len(results) + 5
    cell = min(CELL, WIDEST / width)
    figure = Figure(figsize=(cell * width + 0.3, cell * height + 0.6), layout="constrained")
    sheet = _Sheet(figure.subplots(), cell, width, height + 0.1)
    sheet.write(0.3, f"shared weights, {_format_shape(element)}; above them the image, row by row; right: the output")
    for column, pixel in enumerate(pixels):
        sheet.fill(0.8, column, format_number(pixel), ink="black", edge="none")
    for (row, column), index in np.ndenumerate(element):
        sheet.fill(2 + row, column, format_number(weights[index]) if index >= 0 else "0", int(index))
    top = len(results) + 3
    sheet.write(top + 0.3, f"patches (im2col), {_format_shape(patches)}; above them the kernel; right: the output")
    for column, weight in enumerate(weights):
        sheet.fill(top + 0.8, column, format_number(weight), column)
    for (row, column), pixel in np.ndenumerate(patches):
        sheet.fill(top + 2 + row, column, format_number(pixel), ink="black")
    for row, result in enumerate(results):
        for first_row, columns in ((2, element.shape[1]), (top + 2, patches.shape[1])):
            sheet.fill(first_row + row, columns + 0.3, format_number(result), ink="black", face=LIGHT_GREY)
    figure.suptitle(title, fontsize=11)
    style.save(figure, path)


@style.apply()
def draw_dense_beside(element: NDArray[np.int_], kernel_size: int, path: style.StrPath, *, title: str = "") -> None:
    """Draw the weights of a dense layer beside those of a convolution between the same inputs and outputs.

    Args:
        element: Which weight of the kernel connects an output and an input (outputs, inputs); -1 where none does.
        kernel_size: Number of weights of the kernel.
        path: The picture's file.
        title: Title of the picture.
    """
    outputs, inputs = element.shape
    cell = min(1.4 * CELL, WIDEST / inputs)
    figure = Figure(figsize=(2 * cell * inputs + 2, cell * outputs + 1.6), layout="constrained")
    dense, convolution = figure.subplots(1, 2)
    for axes in (dense, convolution):
        sheet = _Sheet(axes, cell, inputs, outputs)
        for (row, column), index in np.ndenumerate(element):
            if axes is dense:
                sheet.fill(row, column, f"w{row + 1},{column + 1}", ink="black")
            else:
                sheet.fill(row, column, f"w{index + 1}" if index >= 0 else "0", int(index))
        axes.axis("on")
        axes.set(xlabel="inputs", ylabel="outputs", xticks=[], yticks=[])
        axes.spines[:].set_visible(True)
    dense.set_title(f"dense layer: {element.size} weights", fontsize=10)
    convolution.set_title(f"convolution: {kernel_size} weights on {(element >= 0).sum()} connections", fontsize=10)
    figure.suptitle(title, fontsize=11)
    style.save(figure, path)


class _Sheet:
    """Axes as squared paper, rows downwards; ``cell`` is the side of a cell in inches."""

    def __init__(self, axes: Any, cell: float, width: float, height: float):
        self.axes, self.cell = axes, cell
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        axes.axis("off")

    def fill(
        self,
        row: float,
        column: float,
        text: str,
        weight: int = -1,
        *,
        ink: str = "0.7",
        face: str = "white",
        edge: str = "0.8",
    ) -> None:
        """Draw a cell with its text, in the colour of a shared weight where it has one."""
        hatch = "///" if weight >= len(COLOURS) else None
        if weight >= 0:
            face = COLOURS[weight % len(COLOURS)]
            ink = "white" if face in DARK else "black"
        self.axes.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor=edge, linewidth=0.5, hatch=hatch))
        box = {"facecolor": face, "edgecolor": "none", "pad": 0.8} if hatch else None
        place = {"ha": "center", "va": "center", "fontsize": min(8, 25 * self.cell, 96 * self.cell / len(text))}
        self.axes.text(column + 0.5, row + 0.5, text, color=ink, bbox=box, **place)

    def write(self, row: float, text: str) -> None:
        """Write a line of text from the left edge on."""
        self.axes.text(0, row, text, ha="left", va="center", fontsize=9)


def _format_shape(matrix: NDArray[Any]) -> str:
    return "x".join(map(str, matrix.shape))
