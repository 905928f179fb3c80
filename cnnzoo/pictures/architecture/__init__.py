"""The architecture of a network as a picture for a slide, drawn from the graph of the model."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import keras

from cnnzoo.inspection import inspect
from cnnzoo.pictures import style
from cnnzoo.pictures.architecture.blocks import TIMES, Block
from cnnzoo.pictures.architecture.canvas import MUTED, SETTINGS, Canvas, measure_text
from cnnzoo.pictures.architecture.graph import Chain, Repetition, list_blocks, read_chain
from cnnzoo.pictures.architecture.layout import Step, make_row, make_steps
from cnnzoo.pictures.architecture.shapes import COLOURS, Piece, Scale

# Sizes of the slide in inches. Texts of the network have 8 points on it, so on a wide slide they look small.
NARROWEST = 10.5
SHAPE = 9 / 16
USUAL = 13.33  # width of a slide of that shape in most programs; title and legend are sized for it
MARGIN, TURN = 0.3, 0.15  # TURN is the distance from a row to the line that leads to the next row
BETWEEN_ROWS = 0.3
MOST_ROWS = 10
WIDEST_SPREAD = 0.4  # the most by which gaps grow if a slide has room

# Sides of the largest map in inches, tried in turn. A smaller one must make the texts larger by the factor GAIN.
SIDES, GAIN = (2.4, 2.0, 1.7, 1.4, 1.2, 1.0, 0.8, 0.65, 0.5), 1.06
SPLIT = 1.15  # a row that begins within a stage costs as much as a slide that is wider by this factor

Rows = list[Sequence[Step]]


@style.apply(**SETTINGS)
def draw_architecture(
    model: keras.Model, path: style.StrPath, *, title: str, caption: str = "", full: bool = False
) -> None:
    """Draw a network's architecture.

    Every block is a cuboid for the output of a layer. Its height and depth are those of the map and its width is the
    number of channels, all on the scale of square roots. Batch normalization, activation and dropout are stripes at
    the end of the block before them. The same network gives the same bytes, and the texts in an SVG can be searched.

    Args:
        model: Functional or Sequential, with one input.
        path: The picture's file, ``.svg`` or ``.png``.
        title: Text above the picture.
        caption: Text below the picture, such as the paper.
        full: Draw every repeated block instead of one with their number.

    Raises:
        UserError: The network's graph has parts other than chains, branches that are joined, and heads.
    """
    chain = read_chain(model, full=full)
    rows, width = _fit(chain)
    canvas = Canvas(width, width * SHAPE, title)
    large = width / USUAL
    top = width * SHAPE - MARGIN - 0.2 * large
    canvas.write((MARGIN, top), title, 16 * large, bold=True, align="left")
    summary = inspect(model)
    counts = f"{summary.trainable_parameters:,} parameters, {summary.macs:,} MACs"
    canvas.write((width - MARGIN, top), counts, 10 * large, colour=MUTED, align="right")
    foot = _draw_legend(canvas, chain, caption, large)
    _draw_rows(canvas, rows, top - 0.15, foot)
    canvas.save(path)


def _fit(chain: Chain) -> tuple[list[Piece], float]:
    """Break a chain into rows and scale its maps so that the texts become as large as possible, and then the maps.

    Returns:
        The rows, and the width of their slide.
    """
    groups: Rows = []
    width = least = float("inf")
    shapes = [block.shape for block in list_blocks(chain)]
    pixels = max(max(shape[:-1], default=1) for shape in shapes)
    channel = min(0.05, 0.8 / max(shape[-1] for shape in shapes) ** 0.5)
    for side in SIDES:
        for candidate in _break_rows(make_steps(chain, Scale(side / pixels**0.5, channel))):
            needed = _measure_slide([make_row(group) for group in candidate])
            cost = needed if all(group[0].is_start for group in candidate[1:]) else needed * SPLIT
            if cost * GAIN < least:
                groups, width, least = candidate, needed, cost
    room = width - 2 * (MARGIN + TURN)
    spreads = [(room - make_row(group).width) / (len(group) - 1) for group in groups if len(group) > 1]
    return [make_row(group, max(0.0, min([WIDEST_SPREAD, *spreads]))) for group in groups], width


def _break_rows(steps: Sequence[Step]) -> list[Rows]:
    """Break steps into one row, into two rows, and so on, each time with the widest row as narrow as possible."""

    @cache
    def measure(begin: int, end: int) -> float:
        return make_row(steps[begin:end]).width

    @cache
    def place(rows: int, end: int) -> tuple[float, tuple[int, ...]]:
        """Return the cost of the best rows before ``end``, and the beginning of each."""
        if rows == 1:
            return measure(0, end), (0,)
        ways = ((*place(rows - 1, begin), begin) for begin in range(rows - 1, end))
        return min(
            (max(cost, measure(begin, end)) + (0.0 if steps[begin].is_start else 1.5), (*begins, begin))
            for cost, begins, begin in ways
        )

    all_begins = [place(rows, len(steps))[1] for rows in range(1, min(MOST_ROWS, len(steps)) + 1)]
    return [[steps[begin:end] for begin, end in pairwise((*begins, len(steps)))] for begins in all_begins]


def _measure_slide(rows: Sequence[Piece]) -> float:
    """Return the width of the slide that holds rows, their title and their legend."""
    width = max(piece.width for piece in rows) + 2 * (MARGIN + TURN)
    height = sum(piece.above + piece.below for piece in rows) + BETWEEN_ROWS * (len(rows) - 1) + 2 * MARGIN + 0.25
    return max(NARROWEST, width, height / (SHAPE - 0.9 / USUAL))


def _draw_rows(canvas: Canvas, rows: Sequence[Piece], top: float, foot: float) -> None:
    """Draw rows between two heights, and the lines from each to the next."""
    content = max(piece.width for piece in rows)
    left, right = (canvas.width - content) / 2, (canvas.width + content) / 2
    room = (top - foot - sum(piece.above + piece.below for piece in rows)) / len(rows)
    axes, y = [], top
    for piece in rows:
        axes.append(y - room / 2 - piece.above)
        y = axes[-1] - piece.below - room / 2
        piece.paint(canvas, (left, axes[-1]))
    for (piece, axis), (after, axis_after) in pairwise(zip(rows, axes, strict=True)):
        turn = (axis - piece.below + axis_after + after.above) / 2
        down = [(right + TURN, axis), (right + TURN, turn), (left - TURN, turn), (left - TURN, axis_after)]
        end = (left + after.entry, axis_after)
        canvas.draw_line((left + piece.exit, axis), *down, end, pointed=not after.forks)


def _draw_legend(canvas: Canvas, chain: Chain, caption: str, large: float) -> float:
    """Draw the meaning of colours and sizes, and the caption; return the height above it."""
    size, x, y = 9 * large, MARGIN, MARGIN
    if caption:
        fitting = min(1.0, (canvas.width - 2 * MARGIN) / measure_text(caption, size))
        canvas.write((x, y), caption, size * fitting, colour=MUTED, align="left")
        y += 0.2 * large
    blocks = list_blocks(chain)
    sentences = ["Height and depth: square root of the map's sides in pixels. Width: square root of its channels."]
    if any("/" in word for block in blocks for word in block.words):
        sentences.append("/2: stride 2.")
    if any(isinstance(link, Repetition) for link in chain):
        sentences.append(f"{TIMES} n: n of them, one after the other.")
    canvas.write((x, y), " ".join(sentences), size, colour=MUTED, align="left")
    y += 0.24 * large
    for kind, meaning in _explain_colours(blocks).items():
        side = 0.11 * large
        canvas.draw_cuboid((x, y), side, [(side, COLOURS[kind])], (0.3 * side, 0.22 * side), f"legend_{kind}")
        canvas.write((x + 1.6 * side, y), meaning, size, align="left")
        x += 1.6 * side + measure_text(meaning, size) + 0.2 * large
    return y + 0.2 * large


def _explain_colours(blocks: Sequence[Block]) -> dict[str, str]:
    """Return the meaning of each colour that occurs."""
    names: dict[str, set[str]] = {kind: set() for kind in COLOURS}
    for block in blocks:
        names[block.kind].add("other layer" if block.kind == "other" else block.kind)
        for trait, name in block.traits:
            names[trait].add(name)
    return {kind: ", ".join(sorted(meanings)) for kind, meanings in names.items() if meanings}
