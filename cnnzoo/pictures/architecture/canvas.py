"""A slide to draw on: cuboids, lines, frames and texts.

Lengths are inches; x runs to the right and y upwards.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from cnnzoo.pictures import style

INK, MUTED, LINE = "#111111", "#555555", "#666666"
FONT = "DejaVu Sans"  # comes with matplotlib, so that texts have the same width everywhere
PIXELS = 3200  # width of a PNG
SETTINGS = {
    "font.family": [FONT, "sans-serif"],
    "font.sans-serif": [FONT],
    "savefig.bbox": None,  # the whole slide
    "svg.fonttype": "none",  # texts stay texts
}

Point = tuple[float, float]


@cache
def measure_text(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of text in inches, for a size in points."""
    font = get_font(findfont(FontProperties(family=FONT, weight="bold" if bold else "normal")))
    dots = 4608  # per inch; at fewer the width of each letter would be rounded
    font.set_size(size, dots)
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64 / dots


class Canvas:
    """A slide.

    Args:
        width: In inches.
        height: In inches.
        title: Title in the file's metadata.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width = width
        self.figure = Figure(figsize=(width, height), facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(0, height))
        self.axes.set_axis_off()
        self.axes.set_title(title, visible=False)

    def draw_cuboid(
        self, corner: Point, height: float, slices: Sequence[tuple[float, str]], back: Point, gid: str
    ) -> None:
        """Draw a cuboid of slices from left to right; its right side has the colour of the first slice.

        Args:
            corner: Lower left corner of the front.
            height: Height of the front.
            slices: Width and colour of each.
            back: How far the back is shifted to the right and up.
            gid: Name of the cuboid in an SVG.
        """
        left, up, behind = np.array(corner), np.array((0, height)), np.array(back)
        for number, (width, colour) in enumerate(slices):
            right = left + np.array((width, 0))
            self._draw_face([left + up, left + up + behind, right + up + behind, right + up], _lighten(colour, 1.25))
            self._draw_face([left, right, right + up, left + up], colour, None if number else gid)
            left = right
        self._draw_face([left, left + behind, left + up + behind, left + up], _lighten(slices[0][1], 0.78))

    def draw_line(
        self, *points: Point, colour: str = LINE, width: float = 1.0, pointed: bool = False, gid: str | None = None
    ) -> None:
        """Draw a line with rounded corners; a pointed one ends in the head of an arrow."""
        ends = np.array(points, float)
        if pointed:
            along = 0.07 * _unit(ends[-1] - ends[-2])
            tip, foot, wing = ends[-1].copy(), ends[-1] - along, 0.45 * along[::-1] * (-1, 1)
            self._add(Polygon([tip, foot + wing, foot - wing], facecolor=colour, edgecolor="none", zorder=2.5))
            ends[-1] = foot
        vertices, codes = [ends[0]], [Outline.MOVETO]
        for (before, corner), (_, after) in pairwise(pairwise(ends)):
            radius = min(0.08, np.hypot(*(before - corner)) / 2, np.hypot(*(after - corner)) / 2)
            vertices += [corner + radius * _unit(before - corner), corner, corner + radius * _unit(after - corner)]
            codes += [Outline.LINETO, Outline.CURVE3, Outline.CURVE3]
        outline = Outline([*vertices, ends[-1]], [*codes, Outline.LINETO])
        self._add(
            PathPatch(outline, facecolor="none", edgecolor=colour, linewidth=width, zorder=1, capstyle="butt"), gid
        )

    def draw_plus(self, centre: Point, radius: float, colour: str, gid: str) -> None:
        """Draw a plus in a filled circle."""
        (x, y), arm = centre, 0.55 * radius
        self._add(Circle(centre, radius, facecolor=colour, edgecolor=INK, linewidth=0.8, zorder=2), gid)
        cross = Outline([(x - arm, y), (x + arm, y), (x, y - arm), (x, y + arm)], [Outline.MOVETO, Outline.LINETO] * 2)
        self._add(PathPatch(cross, edgecolor=INK, linewidth=1.2, zorder=2))

    def draw_frame(self, corner: Point, width: float, height: float, gid: str) -> None:
        """Draw a light area with rounded corners, whose lower left corner is at ``corner``."""
        patch = FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.08", zorder=0)
        patch.set(facecolor="#F3F4F6", edgecolor="#C9CDD3", linewidth=0.8)
        self._add(patch, gid)

    def write(
        self, place: Point, text: str, size: float, *, colour: str = INK, bold: bool = False, align: str = "center"
    ) -> None:
        """Write a line of text, aligned left, right or centred at a point."""
        weight = "bold" if bold else "normal"
        self.axes.text(*place, text, fontsize=size, color=colour, fontweight=weight, ha=align)

    def save(self, path: style.StrPath) -> None:
        """Write the picture to a file, whole or not at all; the suffix chooses the format."""
        style.save(self.figure, path, dpi=PIXELS / self.width)

    def _draw_face(self, corners: list[NDArray[Any]], colour: Any, gid: str | None = None) -> None:
        face = Polygon(corners, facecolor=colour, edgecolor=INK, linewidth=0.5, zorder=2, joinstyle="round")
        self._add(face, gid)

    def _add(self, patch: Any, gid: str | None = None) -> None:
        patch.set_gid(gid)
        self.axes.add_artist(patch)


def _lighten(colour: str, light: float) -> tuple[float, ...]:
    """Return a lighter colour for ``light`` above 1, or a darker one below 1."""
    return tuple(1 - (1 - value) / light if light > 1 else value * light for value in to_rgb(colour))


def _unit(vector: NDArray[Any]) -> Any:
    """Return a vector of length 1 in the same direction."""
    return vector / max(np.hypot(*vector), 1e-9)
