"""Grids of numbers under a sliding window, as frames side by side or as an animation."""

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from cnnzoo.files import whole
from cnnzoo.pictures import style
from cnnzoo.pictures.style import VERMILION

# Inches of a cell.
CELL = 0.42
STRIP, COLUMNS = 9, 3
LIGHT_GREY = "#F0F0F0"


@style.apply()
def draw_windows(
    padded: NDArray[Any],
    inside: Sequence[slice],
    places: Sequence[Sequence[NDArray[np.int_]]],
    output: NDArray[Any],
    sentences: Sequence[str],
    path: style.StrPath,
    *,
    weights: NDArray[Any] | None = None,
    title: str = "",
) -> int:
    """Draw a window that slides over an image, and the output that grows with it.

    A ``.gif`` shows all steps one after the other; a ``.png`` or ``.svg`` shows nine of them side by side, the first
    eight and the last.

    Args:
        padded: The image with its padding, (width,) or (height, width).
        inside: Where the image itself is in it, for each axis.
        places: Of each step the positions of the window in the padded image, for each axis.
        output: All results, (width,) or (height, width); step ``n`` is its n-th number, row by row.
        sentences: How each step computes its number.
        path: The picture's file.
        weights: The kernel, whose weights are written small into the window; None for a window without weights.
        title: Title of the picture.

    Returns:
        The number of steps that the picture shows.
    """
    path = Path(path)
    frames = _Frames(padded, inside, places, output, sentences, weights)
    steps = list(range(len(sentences)))
    if path.suffix.lower() == ".gif":
        _animate(frames, steps, path, title)
        return len(steps)
    shown_steps = steps if len(steps) <= STRIP else [*steps[: STRIP - 1], steps[-1]]
    columns = min(COLUMNS, len(shown_steps))
    rows = -(-len(shown_steps) // columns)
    figure = Figure(figsize=(frames.size[0] * columns, frames.size[1] * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(shown_steps) :]:
        axes.axis("off")
    for axes, step, previous in zip(grid, shown_steps, [-1, *shown_steps], strict=False):
        frames.draw(axes, step, previous)
    figure.suptitle(title)
    style.save(figure, path)
    return len(shown_steps)


class _Frames:
    """The steps of a sliding window, each to be drawn on axes of its own; see ``draw_windows``.

    Attributes:
        size: Width and height of a frame in inches.
    """

    def __init__(
        self,
        padded: NDArray[Any],
        inside: Sequence[slice],
        places: Sequence[Sequence[NDArray[np.int_]]],
        output: NDArray[Any],
        sentences: Sequence[str],
        weights: NDArray[Any] | None,
    ) -> None:
        one_axis = padded.ndim == 1
        self.pixels, self.results = np.atleast_2d(padded), np.atleast_2d(output)
        self.inside = (slice(0, 1), *inside) if one_axis else tuple(inside)
        self.places = [(np.zeros(1, int), *step) if one_axis else tuple(step) for step in places]
        self.weights = None if weights is None else np.atleast_2d(weights)
        self.left = self.pixels.shape[1] + 1.5
        self.width = self.left + self.results.shape[1]
        self.height = max(self.pixels.shape[0], self.results.shape[0])
        letters = max(20, int(self.width * CELL * 15))
        self.sentences = [textwrap.wrap(sentence, letters) for sentence in sentences]
        self.lines = max(map(len, self.sentences))
        self.size = (CELL * (self.width + 0.5), CELL * (self.height + 1.6 + 0.42 * self.lines))

    def draw(self, axes: Any, step: int, previous: int) -> None:
        """Draw the image with the window, the output so far, and the sentence of a step after another one."""
        axes.set(xlim=(-0.1, self.width + 0.1), ylim=(self.height + 0.3 + 0.42 * self.lines, -0.6), aspect="equal")
        axes.axis("off")
        _draw_cells(axes, self.pixels, 0, lambda row, column: _is_inside(self.inside, row, column))
        is_known = np.arange(self.results.size).reshape(self.results.shape) <= step
        _draw_cells(axes, np.where(is_known, self.results, np.nan), self.left, lambda *_: True)
        middle = self.height / 2
        axes.annotate("", (self.left - 0.3, middle), (self.left - 1.2, middle), arrowprops={"arrowstyle": "->"})
        frame: dict[str, Any] = {"facecolor": "none", "edgecolor": VERMILION, "linewidth": 2}
        rows, columns = self.places[step]
        for (row, column), _ in np.ndenumerate(np.empty((len(rows), len(columns)))):
            axes.add_patch(Rectangle((float(columns[column]), float(rows[row])), 1, 1, **frame))
            if self.weights is not None:
                corner = (columns[column] + 0.93, rows[row] + 0.9)
                text = format_number(float(self.weights[row, column]))
                axes.text(*corner, text, ha="right", va="bottom", fontsize=6, color=VERMILION)
        row, column = divmod(step, self.results.shape[1])
        axes.add_patch(Rectangle((self.left + column, row), 1, 1, **frame))
        axes.text(0, self.height + 0.25, "\n".join(self.sentences[step]), va="top", fontsize=7.5)
        gap = "... " if step > previous + 1 else ""
        axes.set_title(f"{gap}step {step + 1} of {len(self.sentences)}", fontsize=9, loc="left")


def _animate(frames: _Frames, steps: Sequence[int], path: Path, title: str) -> None:
    """Write one frame for each step, a second each, and the last one longer."""
    images = []
    for step in steps:
        figure = Figure(figsize=(frames.size[0], frames.size[1] + 0.5), dpi=150, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        frames.draw(figure.subplots(), step, step - 1)
        figure.suptitle(title, fontsize=10)
        canvas.draw()
        images.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()).quantize(64))
    durations = [900] * (len(images) - 1) + [2500]
    with whole(path) as temporary:
        images[0].save(temporary, save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=True)


def _is_inside(axes: Sequence[slice], row: int, column: int) -> bool:
    return bool(axes[0].start <= row < axes[0].stop and axes[1].start <= column < axes[1].stop)


def _draw_cells(axes: Any, values: NDArray[Any], left: float, is_inside: Callable[[int, int], bool]) -> None:
    """Draw a grid of numbers; padding is grey, and NaN is an empty cell."""
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if is_inside(row, column) else LIGHT_GREY
        axes.add_patch(Rectangle((left + column, row), 1, 1, facecolor=colour, edgecolor="0.6", linewidth=0.8))
        if np.isfinite(value):
            text = format_number(value)
            size = min(9, 36 / len(text))
            axes.text(left + column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=size)


def format_number(value: float) -> str:
    """Return a number with three digits."""
    return f"{value:.3g}"
