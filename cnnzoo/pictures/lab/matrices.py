"""Matrices of weights, of which the shared ones have one colour."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cnnzoo.pictures import style
from cnnzoo.pictures.lab.grids import CELL, format_number
from cnnzoo.pictures.style import BLUE, GREEN, PURPLE, VERMILION

# Colours of the shared weights; from the eighth weight on they repeat with a hatching.
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, "#E69F00", "#56B4E9", "#F0E442")
DARK = (BLUE, VERMILION, GREEN)
WIDEST = 9.0


@style.apply()
def draw_matrix(element: NDArray[np.int_], weights: NDArray[Any], path: style.StrPath, *, title: str = "") -> None:
    """Draw the matrix of a convolution, each shared weight in a colour of its own.

    Args:
        element: Which weight of the kernel each cell is (outputs, inputs); -1 where there is none.
        weights: The cells' values (outputs, inputs).
        path: The picture's file.
        title: Title of the picture.
    """
    cell = min(CELL, WIDEST / element.shape[1])
    figure = Figure(figsize=(cell * element.shape[1] + 1, cell * element.shape[0] + 1), layout="constrained")
    _draw_cells(figure.subplots(), element, cell, lambda row, column: format_number(weights[row, column]))
    figure.suptitle(title, fontsize=11)
    style.save(figure, path)


@style.apply()
def draw_dense_beside(element: NDArray[np.int_], path: style.StrPath, *, title: str = "") -> None:
    """Draw the weights of a dense layer beside those of a convolution between the same inputs and outputs.

    Args:
        element: Which weight of the kernel connects an output and an input (outputs, inputs); -1 where none does.
        path: The picture's file.
        title: Title of the picture.
    """
    outputs, inputs = element.shape
    cell = min(1.4 * CELL, WIDEST / inputs)
    figure = Figure(figsize=(2 * cell * inputs + 2, cell * outputs + 1.6), layout="constrained")
    dense, convolution = figure.subplots(1, 2)
    _draw_cells(dense, np.full_like(element, -1), cell, lambda row, column: f"w{row + 1},{column + 1}")
    dense.set_title(f"dense layer: {element.size} weights", fontsize=10)
    _draw_cells(convolution, element, cell, lambda row, column: f"w{element[row, column] + 1}")
    convolution.set_title(
        f"convolution: {element.max() + 1} weights on {(element >= 0).sum()} connections", fontsize=10
    )
    figure.suptitle(title, fontsize=11)
    style.save(figure, path)


def _draw_cells(axes: Any, element: NDArray[np.int_], cell: float, label: Callable[[int, int], str]) -> None:
    """Draw a cell for each pair of an output and an input, coloured by its weight; a dense layer's are all labelled."""
    is_dense = bool((element < 0).all())
    for (row, column), index in np.ndenumerate(element):
        colour = COLOURS[index % len(COLOURS)] if index >= 0 else "white"
        hatch = "///" if index >= len(COLOURS) else None
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="0.8", linewidth=0.5, hatch=hatch))
        if cell > 0.25:
            text = label(row, column) if index >= 0 or is_dense else "0"
            ink = "white" if colour in DARK else "black" if index >= 0 or is_dense else "0.7"
            box = {"facecolor": colour, "edgecolor": "none", "pad": 0.8} if hatch else None
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8, color=ink, bbox=box)
    outputs, inputs = element.shape
    axes.set(xlim=(0, inputs), ylim=(outputs, 0), aspect="equal", xlabel="inputs", ylabel="outputs")
    axes.spines[:].set_visible(True)
    axes.set(xticks=[], yticks=[])
