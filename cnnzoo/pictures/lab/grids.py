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
    two_axes = padded.ndim == 2
    pixels, results = np.atleast_2d(padded), np.atleast_2d(output)
    rows = inside if two_axes else (slice(0, 1), *inside)
    windows = [step if two_axes else (np.zeros(1, int), *step) for step in places]
    corner_weights = None if weights is None else np.atleast_2d(weights)
    width = pixels.shape[1] + 1.5 + results.shape[1]
    height = max(pixels.shape[0], results.shape[0])
    letters = max(20, int(width * CELL * 15))
    lines = max(len(textwrap.wrap(sentence, letters)) for sentence in sentences)

    def draw_frame(axes: Any, step: int) -> None:
        axes.set(xlim=(-0.1, width + 0.1), ylim=(height + 0.3 + 0.42 * lines, -0.6), aspect="equal")
        axes.axis("off")
        _draw_cells(axes, pixels, 0, lambda row, column: _is_inside(rows, row, column))
        shown = np.where(np.arange(results.size).reshape(results.shape) <= step, results, np.nan)
        left = pixels.shape[1] + 1.5
        _draw_cells(axes, shown, left, lambda *_: True)
        axes.annotate("", (left - 0.3, height / 2), (left - 1.2, height / 2), arrowprops={"arrowstyle": "->"})
        for row_index, row in enumerate(windows[step][0]):
            for column_index, column in enumerate(windows[step][1]):
                axes.add_patch(Rectangle((column, row), 1, 1, facecolor="none", edgecolor=VERMILION, linewidth=2))
                if corner_weights is not None:
                    text = format_number(corner_weights[row_index, column_index])
                    axes.text(column + 0.93, row + 0.9, text, ha="right", va="bottom", fontsize=6, color=VERMILION)
        row, column = divmod(step, results.shape[1])
        axes.add_patch(Rectangle((left + column, row), 1, 1, facecolor="none", edgecolor=VERMILION, linewidth=2))
        axes.text(0, height + 0.25, textwrap.fill(sentences[step], letters), va="top", fontsize=7.5)
        axes.set_title(f"step {step + 1} of {len(sentences)}", fontsize=9, loc="left")

    size = (CELL * (width + 0.5), CELL * (height + 1.6 + 0.42 * lines))
    steps = list(range(len(sentences)))
    if path.suffix.lower() == ".gif":
        _animate(draw_frame, steps, size, path, title)
        return len(steps)
    shown_steps = steps if len(steps) <= STRIP else [*steps[: STRIP - 1], steps[-1]]
    columns = min(COLUMNS, len(shown_steps))
    lines_of_frames = -(-len(shown_steps) // columns)
    figure = Figure(figsize=(size[0] * columns, size[1] * lines_of_frames + 0.5), layout="constrained")
    grid = figure.subplots(lines_of_frames, columns, squeeze=False).ravel()
    for axes in grid[len(shown_steps) :]:
        axes.axis("off")
    for axes, step in zip(grid, shown_steps, strict=False):
        draw_frame(axes, step)
    figure.suptitle(title)
    style.save(figure, path)
    return len(shown_steps)


def _animate(
    draw_frame: Callable[[Any, int], None], steps: Sequence[int], size: tuple[float, float], path: Path, title: str
) -> None:
    """Write one frame for each step, a second each, and the last one longer."""
    frames = []
    for step in steps:
        figure = Figure(figsize=(size[0], size[1] + 0.5), dpi=100, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        draw_frame(figure.subplots(), step)
        figure.suptitle(title, fontsize=10)
        canvas.draw()
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()).quantize(64))
    durations = [900] * (len(frames) - 1) + [2500]
    with whole(path) as temporary:
        frames[0].save(temporary, save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)


def _is_inside(axes: Sequence[slice], row: int, column: int) -> bool:
    return bool(axes[0].start <= row < axes[0].stop and axes[1].start <= column < axes[1].stop)


def _draw_cells(axes: Any, values: NDArray[Any], left: float, is_inside: Callable[[int, int], bool]) -> None:
    """Draw a grid of numbers; padding is grey, and NaN is an empty cell."""
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if is_inside(row, column) else LIGHT_GREY
        axes.add_patch(Rectangle((left + column, row), 1, 1, facecolor=colour, edgecolor="0.6", linewidth=0.8))
        if np.isfinite(value):
            axes.text(left + column + 0.5, row + 0.5, format_number(value), ha="center", va="center", fontsize=9)


def format_number(value: float) -> str:
    """Return a number with three digits."""
    return f"{value:.3g}"
