"""Parts of a picture: cuboid, label, plus and frame. Each has a size and can draw itself.

A piece is on a horizontal axis, along which the data flow. Lengths are inches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from textwrap import wrap

from cnnzoo.pictures.architecture.blocks import Block
from cnnzoo.pictures.architecture.canvas import INK, MUTED, Canvas, Point, measure_text

# Colour-blind readers can tell these apart, too (Okabe and Ito, "Color Universal Design", 2008).
COLOURS = {
    "input": "#DDDDDD",
    "convolution": "#56B4E9",
    "pooling": "#E69F00",
    "normalization": "#CC79A7",
    "dense": "#009E73",
    "concatenation": "#F0E442",
    "addition": "#F0E442",
    "other": "#AAAAAA",
    "activation": "#26384A",
    "dropout": "#FFFFFF",
}
SHORTCUT = "#D55E00"

SIZE, LEADING = 8.0, 0.142  # size of texts in points, and distance of their lines
LETTERS = 18  # longer labels are broken between words
WIDEST = 1.25  # largest width of a label with its name and first line side by side
BAND = 0.045  # width of the stripe for a small layer
PLUS = 0.1  # radius of the sign for an addition


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a map is drawn.

    Attributes:
        side: Inches for the square root of one pixel of height or width.
        channel: Inches for the square root of one channel.
    """

    side: float
    channel: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the picture.

    Attributes:
        width: From its left edge to its right edge.
        above: Room that it needs above its axis.
        below: Room that it needs below its axis.
        entry: Distance from the left edge to where the data come in.
        exit: Distance from the left edge to where the data go out.
        paint: Draws it; takes the canvas and the left end of its axis.
        forks: Whether the data divide where they come in, so that no arrow points there.
    """

    width: float
    above: float
    below: float
    entry: float
    exit: float
    paint: Callable[[Canvas, Point], None]
    forks: bool = False


def make_cuboid(block: Block, scale: Scale) -> Piece:
    """Return the cuboid for a block's output, without a label."""
    height, depth = (*block.shape[:-1], 1, 1)[:2]
    tall, deep = (max(0.1, scale.side * sqrt(side)) for side in (height, depth))
    right, up = 0.28 * deep, 0.21 * deep
    slices = [(max(0.05, scale.channel * sqrt(block.shape[-1])), COLOURS[block.kind])]
    slices += [(BAND, COLOURS[trait]) for trait, _ in block.traits]
    wide = sum(width for width, _ in slices)
    half = (tall + up) / 2

    def paint(canvas: Canvas, place: Point) -> None:
        canvas.draw_cuboid((place[0], place[1] - half), tall, slices, (right, up), block.name)

    return Piece(wide + right, half, half, 0.0, wide + right / 2, paint)


def label_below(piece: Piece, name: str, lines: Sequence[str]) -> Piece:
    """Put a label below a piece."""
    texts = [(name, True)] if name else []
    texts += [(text, False) for line in lines for text in wrap(line, LETTERS, break_long_words=False)]
    width = max([piece.width, *(measure_text(text, SIZE, bold=bold) for text, bold in texts)])
    start = (width - piece.width) / 2

    def paint(canvas: Canvas, place: Point) -> None:
        x, axis = place
        piece.paint(canvas, (x + start, axis))
        for number, (text, bold) in enumerate(texts):
            base = axis - piece.below - 0.15 - LEADING * number
            canvas.write((x + width / 2, base), text, SIZE, colour=INK if bold else MUTED, bold=bold)

    height = piece.below + 0.06 + LEADING * len(texts)
    return Piece(width, piece.above, height, start + piece.entry, start + piece.exit, paint)


def label_beside(piece: Piece, name: str, lines: Sequence[str]) -> Piece:
    """Put a label to the right of a piece, with its name above the arrow that leaves it."""
    heading = measure_text(name, SIZE, bold=True) + 0.06
    fits = len(lines) > 1 and heading + measure_text(lines[0], SIZE) <= WIDEST
    over, under = (lines[0], lines[1:]) if fits else ("", lines)
    width = max(heading + measure_text(over, SIZE), *(measure_text(line, SIZE) for line in under))

    def paint(canvas: Canvas, place: Point) -> None:
        piece.paint(canvas, place)
        left, axis = place[0] + piece.width + 0.05, place[1]
        canvas.write((left, axis + 0.045), name, SIZE, bold=True, align="left")
        canvas.write((left + heading, axis + 0.045), over, SIZE, colour=MUTED, align="left")
        for number, line in enumerate(under):
            canvas.write((left, axis - 0.14 - LEADING * number), line, SIZE, colour=MUTED, align="left")

    over_axis, under_axis = max(piece.above, 0.045 + LEADING), max(piece.below, 0.04 + LEADING * len(under))
    return Piece(piece.width + 0.05 + width, over_axis, under_axis, piece.entry, piece.exit, paint)


def make_addition(block: Block) -> Piece:
    """Return a plus in a circle for an addition, with the stripe of its activation behind it."""
    stripes = [(BAND, COLOURS[trait]) for trait, _ in block.traits]

    def paint(canvas: Canvas, place: Point) -> None:
        x, axis = place
        if stripes:
            end = x + 2 * PLUS + 0.06
            canvas.draw_line((x + 2 * PLUS, axis), (end, axis))
            canvas.draw_cuboid((end, axis - PLUS), 2 * PLUS, stripes, (0.03, 0.02), f"{block.name}_stripe")
        canvas.draw_plus((x + PLUS, axis), PLUS, COLOURS["addition"], block.name)

    width = 2 * PLUS + (0.07 + BAND * len(stripes) if stripes else 0.0)
    return Piece(width, PLUS, PLUS, 0.0, width, paint)


def frame(piece: Piece, title: str, badge: str) -> Piece:
    """Put a piece into a frame with a title and with a badge, the number of its repetitions."""
    heading = measure_text(title, SIZE, bold=True) + (0.15 + measure_text(badge, SIZE + 1, bold=True) if badge else 0.0)
    width = max(piece.width, heading) + 0.2
    start = (width - piece.width) / 2
    top, foot = piece.above + 0.24, piece.below + 0.07

    def paint(canvas: Canvas, place: Point) -> None:
        x, axis = place
        canvas.draw_frame((x, axis - foot), width, top + foot, f"{title.split(maxsplit=1)[0]}_frame")
        base = axis + top - 0.16
        canvas.write((x + 0.1, base), title, SIZE, bold=True, align="left")
        canvas.write((x + width - 0.1, base), badge, SIZE + 1, bold=True, colour=SHORTCUT, align="right")
        piece.paint(canvas, (x + start, axis))

    return Piece(width, top, foot, start + piece.entry, start + piece.exit, paint, piece.forks)
