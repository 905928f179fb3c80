"""Pictures of Go boards."""

from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle
from numpy.typing import NDArray

from cnnzoo.go.star_points import star_points
from cnnzoo.go.vertices import COLUMNS
from cnnzoo.pictures import style
from cnnzoo.pictures.style import BLUE, VERMILION

WOOD, LINES, BLACK_STONE, WHITE_STONE = "#F3E5C8", "#8C8271", "#202020", "#FFFFFF"
# The colour of an improbable move; that of a certain one is BLUE.
PALE = "#E6F1F8"
# Points with less are not coloured, or have no number.
LEAST_COLOURED, LEAST_NUMBERED = 0.005, 0.01
# Inches of a point of the board, and the most for its side.
CELL, LARGEST_SIDE = 0.6, 7.0


@style.apply()
def draw_policy(
    stones: NDArray[Any],
    probabilities: NDArray[Any],
    path: style.StrPath,
    *,
    played: tuple[int, int] | None = None,
    last: tuple[int, int] | None = None,
    title: str = "",
) -> None:
    """Draw a board with the probability of the next move at each point.

    Equal colours are equal probabilities in all pictures: the amount of blue is the square root of the probability.

    Args:
        stones: 1 for Black, -1 for White, 0 for an empty point (size, size), row 0 at the top.
        probabilities: From 0 to 1 (size, size); those below half a percent are not shown.
        path: The picture's file.
        played: Row and column of the move that was played, to mark it.
        last: Row and column of the move before, to mark its stone.
        title: Title of the picture.
    """
    size = len(stones)
    side = min(CELL * (size + 1), LARGEST_SIDE)
    figure = Figure(figsize=(side, side + 0.5), layout="constrained")
    axes = figure.subplots()
    points_per_cell = 72 * side / (size + 1.6)
    _draw_board(axes, size, points_per_cell)
    for (row, column), probability in np.ndenumerate(probabilities):
        if stones[row, column] == 0 and (probability >= LEAST_COLOURED or (row, column) == played):
            _draw_probability(axes, row, column, float(probability), (row, column) == played, points_per_cell)
    for (row, column), colour in np.ndenumerate(stones):
        if colour:
            face = BLACK_STONE if colour > 0 else WHITE_STONE
            axes.add_patch(Circle((column, row), 0.47, facecolor=face, edgecolor=BLACK_STONE, linewidth=0.8, zorder=4))
    if last:
        axes.add_patch(Circle(last[::-1], 0.16, facecolor=VERMILION, edgecolor="none", zorder=5))
    if played:
        axes.add_patch(Circle(played[::-1], 0.47, facecolor="none", edgecolor=VERMILION, linewidth=2, zorder=5))
    _add_legend(figure, has_played=played is not None, has_last=last is not None)
    figure.suptitle(title, fontsize=12)
    style.save(figure, path)


def _draw_board(axes: Any, size: int, points_per_cell: float) -> None:
    """Draw lines, star points and coordinates."""
    axes.set(xlim=(-1.25, size + 0.25), ylim=(size + 0.25, -1.25), aspect="equal")
    axes.axis("off")
    axes.add_patch(Rectangle((-0.7, -0.7), size + 0.4, size + 0.4, facecolor=WOOD, edgecolor="none", zorder=0))
    for line in range(size):
        width = 1.2 if line in (0, size - 1) else 0.7
        ends = [0, size - 1]
        axes.plot([line, line], ends, color=LINES, linewidth=width, solid_capstyle="projecting", zorder=1)
        axes.plot(ends, [line, line], color=LINES, linewidth=width, solid_capstyle="projecting", zorder=1)
        letters: dict[str, Any] = {
            "ha": "center",
            "va": "center",
            "fontsize": min(9.0, 0.45 * points_per_cell),
            "color": "0.35",
        }
        for edge in (-1.05, size + 0.05):
            axes.text(line, edge, COLUMNS[line], **letters)
            axes.text(edge, line, size - line, **letters)
    for row, column in (divmod(point, size) for point in star_points(size)):
        axes.add_patch(Circle((column, row), 0.1, facecolor=LINES, edgecolor="none", zorder=1))


def _draw_probability(
    axes: Any, row: int, column: int, probability: float, is_played: bool, points_per_cell: float
) -> None:
    """Colour a point, and write its probability in percent on it."""
    amount = min(1.0, probability) ** 0.5
    colour = tuple(np.array(to_rgb(PALE)) * (1 - amount) + np.array(to_rgb(BLUE)) * amount)
    axes.add_patch(
        Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.6, zorder=2)
    )
    if probability >= LEAST_NUMBERED or is_played:
        text = f"{100 * probability:.0f}" if probability >= LEAST_NUMBERED else "<1"
        shade = "white" if amount > 0.55 else "black"
        font = {"fontsize": min(11.0, 0.42 * points_per_cell), "color": shade, "fontweight": "bold"}
        axes.text(column, row, text, ha="center", va="center_baseline", zorder=6, **font)


def _add_legend(figure: Figure, *, has_played: bool, has_last: bool) -> None:
    marks = [("s", BLUE, BLUE, "probability of the next move in %")]
    if has_played:
        marks.append(("o", "none", VERMILION, "the move played"))
    if has_last:
        marks.append(("o", VERMILION, VERMILION, "the move before"))
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            markersize=6 if face == edge == VERMILION else 10,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=2 if face == "none" else 0,
            label=label,
        )
        for marker, face, edge, label in marks
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        fontsize=9,
        handletextpad=0.3,
        columnspacing=1.4,
    )
