"""What a picture is painted with: cuboids, lines, frames and texts.

Lengths are inches; x runs to the right and y upwards.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path as Outline

from cnnzoo.files import whole

INK, MUTED, LINE = "#111111", "#555555", "#666666"
FONT = "DejaVu Sans"  # comes with matplotlib, so that a text is as wide everywhere
PIXELS = 3200  # width of a PNG

# Texts stay texts, with a font to fall back on, and names within the file are not drawn by chance.
RENDERING = {"svg.fonttype": "none", "svg.hashsalt": "cnnzoo", "font.sans-serif": [FONT]}

Point = tuple[float, float]


@cache
def measure_text(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of text in inches, its size given in points."""
    font = get_font(findfont(FontProperties(family=FONT, weight="bold" if bold else "normal")))
    dots = 4608  # per inch; with few the width of each letter would be rounded
    font.set_size(size, dots)
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64 / dots


class Canvas:
    """An empty slide.

    Args:
        width: In inches.
        height: In inches.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.figure = Figure(figsize=(width, height), facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(0, height))
        self.axes.set_axis_off()

    def draw_cuboid(
        self, corner: Point, height: float, slices: Sequence[tuple[float, str]], back: Point, gid: str
    ) -> None:
        """Paint slices of given widths and colours from left to right; the right side has the first one's colour.

        Args:
            corner: The lower left corner of the front.
            height: Of the front.
            slices: Width and colour of each.
            back: How far the back is shifted to the right and up.
            gid: What the cuboid is called in an SVG.
        """
        (x, y), (dx, dy) = corner, back
        for number, (width, colour) in enumerate(slices):
            last = number == len(slices) - 1
            front = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
            top = [
                (x, y + height),
                (x + dx, y + height + dy),
                (x + width + dx, y + height + dy),
                (x + width, y + height),
            ]
            side = [
                (x + width, y),
                (x + width + dx, y + dy),
                (x + width + dx, y + height + dy),
                (x + width, y + height),
            ]
            faces = [(top, _light(colour, 1.25)), (front, colour), (side, _light(slices[0][1], 0.78))]
            for face, paint in faces if last else faces[:2]:
                patch = Polygon(face, facecolor=paint, edgecolor=INK, linewidth=0.5, zorder=2)
                patch.set_joinstyle("round")
                if face is front and not number:
                    patch.set_gid(gid)
                self.axes.add_artist(patch)
            x += width

    def draw_line(
        self, *points: Point, colour: str = LINE, width: float = 1.0, pointed: bool = False, gid: str | None = None
    ) -> None:
        """Paint a line with rounded corners, with the head of an arrow at its end where asked for."""
        ends = list(points)
        head = 0.07
        (x0, y0), (x1, y1) = ends[-2:]
        if pointed:
            length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-6)
            along = ((x1 - x0) / length, (y1 - y0) / length)
            foot = (x1 - head * along[0], y1 - head * along[1])
            wing = (-along[1] * head * 0.45, along[0] * head * 0.45)
            triangle = [(x1, y1), (foot[0] + wing[0], foot[1] + wing[1]), (foot[0] - wing[0], foot[1] - wing[1])]
            self.axes.add_artist(Polygon(triangle, facecolor=colour, edgecolor="none", zorder=2.5))
            ends[-1] = foot
        vertices, codes = [ends[0]], [Outline.MOVETO]
        for before, corner, after in zip(ends, ends[1:], ends[2:], strict=False):
            radius = min(0.08, _distance(before, corner) / 2, _distance(corner, after) / 2)
            vertices += [_towards(corner, before, radius), corner, _towards(corner, after, radius)]
            codes += [Outline.LINETO, Outline.CURVE3, Outline.CURVE3]
        vertices.append(ends[-1])
        codes.append(Outline.LINETO)
        patch = PathPatch(Outline(vertices, codes), facecolor="none", edgecolor=colour, linewidth=width, zorder=1)
        patch.set_capstyle("butt")
        patch.set_gid(gid)
        self.axes.add_artist(patch)

    def draw_plus(self, centre: Point, radius: float, colour: str, gid: str) -> None:
        """Paint a plus in a filled circle."""
        (x, y), arm = centre, 0.55 * radius
        circle = Circle(centre, radius, facecolor=colour, edgecolor=INK, linewidth=0.8, zorder=2)
        circle.set_gid(gid)
        cross = Outline([(x - arm, y), (x + arm, y), (x, y - arm), (x, y + arm)], [Outline.MOVETO, Outline.LINETO] * 2)
        self.axes.add_artist(circle)
        self.axes.add_artist(PathPatch(cross, edgecolor=INK, linewidth=1.2, zorder=2))

    def draw_frame(self, corner: Point, width: float, height: float, gid: str) -> None:
        """Paint a light ground with rounded corners, given its lower left one."""
        style = "round,pad=0,rounding_size=0.08"
        patch = FancyBboxPatch(
            corner, width, height, boxstyle=style, facecolor="#F3F4F6", edgecolor="#C9CDD3", linewidth=0.8, zorder=0
        )
        patch.set_gid(gid)
        self.axes.add_artist(patch)

    def write(
        self, place: Point, text: str, size: float, *, colour: str = INK, bold: bool = False, align: str = "center"
    ) -> None:
        """Write a line of text; the place is on its base line."""
        weight = "bold" if bold else "normal"
        self.axes.text(
            *place,
            text,
            fontsize=size,
            color=colour,
            fontweight=weight,
            family=[FONT, "sans-serif"],
            ha=align,
            va="baseline",
            zorder=3,
        )

    def save(self, path: Path) -> None:
        """Write the picture, whole or not at all; its suffix chooses the format.

        The same picture gives the same bytes, and an SVG's texts are texts.
        """
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {}
        with whole(path) as temporary, mpl.rc_context(RENDERING):
            self.figure.savefig(temporary, dpi=PIXELS / self.width, metadata=metadata)


def _light(colour: str, light: float) -> tuple[float, ...]:
    """Return a colour in more light, beyond 1, or in less."""
    parts = to_rgb(colour)
    return tuple(1 - (1 - part) / light if light > 1 else part * light for part in parts)


def _distance(start: Point, end: Point) -> float:
    return float(((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5)


def _towards(start: Point, end: Point, length: float) -> Point:
    share = length / max(_distance(start, end), 1e-9)
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
