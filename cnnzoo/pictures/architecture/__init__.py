"""The architecture of a network as a picture for a slide, derived from the built model's graph alone."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from pathlib import Path

import keras

from cnnzoo.inspection import inspect
from cnnzoo.pictures import style
from cnnzoo.pictures.architecture.canvas import MUTED, Canvas, measure_text
from cnnzoo.pictures.architecture.graph import TIMES, Block, Chain, Repetition, list_blocks, read_chain
from cnnzoo.pictures.architecture.layout import Step, make_row, make_steps
from cnnzoo.pictures.architecture.shapes import COLOURS, Piece, Scale

# Of the slide, in inches. Texts of the network are 8 points there, so that a wide slide has small ones.
NARROWEST = 10.5
SHAPE = 9 / 16
USUAL = 13.33  # what most programs make a slide of that shape; title and legend are sized for it
MARGIN, TURN = 0.3, 0.15  # the turn is that of the line from row to row
BETWEEN_ROWS = 0.3
MOST_ROWS = 10
WIDEST_SPREAD = 0.4  # by which gaps grow where a slide has room

# Sides of the largest map in inches, to be tried in turn; and the gain in size of texts that a smaller one must bring.
SIDES, GAIN = (2.4, 2.0, 1.7, 1.4, 1.2, 1.0, 0.8, 0.65, 0.5), 1.06
SPLIT = 1.15  # rows that begin within a stage are as bad as a slide that is wider by this factor

Rows = list[Sequence[Step]]


@style.use(savefig__bbox=None)
def draw_architecture(model: keras.Model, path: Path, *, title: str, caption: str = "", full: bool = False) -> None:
    """Draw a network's architecture.

    Every block is the map that a layer puts out: a cuboid as high and deep as the map, and as wide as it has
    channels, both on a square root's scale. Batch normalization, activation and dropout are stripes at the
    end of the block that they follow. The same network gives the same bytes, and an SVG's texts are texts.

    Args:
        model: Functional or Sequential, with one input.
        path: Of the picture; ``.svg`` or ``.png``.
        title: Above the picture.
        caption: Below it, such as the paper.
        full: Whether to draw repeated blocks as often as they are there, rather than once with their number.

    Raises:
        UserError: The network's graph is more than chains, branches that are joined, and heads.
    """
    chain = read_chain(model, full=full)
    rows, width = _fit(chain)
    canvas = Canvas(width, width * SHAPE)
    large = width / USUAL
    top = width * SHAPE - MARGIN - 0.2 * large
    canvas.write((MARGIN, top), title, 16 * large, bold=True, align="left")
    summary = inspect(model)
    counts = f"{summary.trainable_parameters:,} parameters, {summary.macs:,} MACs"
    canvas.write((width - MARGIN, top), counts, 10 * large, colour=MUTED, align="right")
    foot = _paint_legend(canvas, chain, caption, large)
    _paint_rows(canvas, rows, width, top - 0.15, foot)
    canvas.save(path)


def _fit(chain: Chain) -> tuple[list[Piece], float]:
    """Break a chain into rows and choose its scale so that its texts become large, then its maps.

    Returns:
        The rows and the width of their slide.
    """
    best: tuple[Rows, float] | None = None
    least = inf
    for side in SIDES:
        for groups in _break_rows(make_steps(chain, _make_scale(chain, side))):
            width = _measure_slide([make_row(group) for group in groups])
            cost = width if all(group[0].opens for group in groups[1:]) else width * SPLIT
            if cost * GAIN < least:
                best, least = (groups, width), cost
    assert best is not None
    groups, width = best
    room = width - 2 * (MARGIN + TURN)
    spread = min(
        [WIDEST_SPREAD, *((room - make_row(group).width) / (len(group) - 1) for group in groups if len(group) > 1)]
    )
    return [make_row(group, max(0.0, spread)) for group in groups], width


def _make_scale(chain: Chain, side: float) -> Scale:
    """Return the scale at which the largest map has a side of so many inches."""
    shapes = [block.shape for block in list_blocks(chain)]
    pixels = max(max(shape[:-1], default=1) for shape in shapes)
    return Scale(side / pixels**0.5, min(0.05, 0.8 / max(shape[-1] for shape in shapes) ** 0.5))


def _break_rows(parts: Sequence[Step]) -> list[Rows]:
    """Break steps into one row, two, and so on, the widest of which is as narrow as it can be."""
    count = len(parts)
    widths = {(begin, end): make_row(parts[begin:end]).width for end in range(count + 1) for begin in range(end)}
    # By number of steps: how wide the widest row is, splits counted, and where each row begins.
    best: list[tuple[float, tuple[int, ...]]] = [(widths.get((0, end), 0.0), (0,)) for end in range(count + 1)]
    found: list[Rows] = []
    for rows in range(1, min(MOST_ROWS, count) + 1):
        begins = (*best[count][1], count)
        found.append([parts[begin:end] for begin, end in pairwise(begins)])
        best = best[: rows + 1] + [
            min(
                (
                    max(best[begin][0], widths[begin, end]) + (0.0 if parts[begin].opens else 1.5),
                    (*best[begin][1], begin),
                )
                for begin in range(rows, end)
            )
            for end in range(rows + 1, count + 1)
        ]
    return found


def _measure_slide(rows: Sequence[Piece]) -> float:
    """Return the width of the slide that holds rows, their title and their legend."""
    width = max(piece.width for piece in rows) + 2 * (MARGIN + TURN)
    height = sum(piece.above + piece.below for piece in rows) + BETWEEN_ROWS * (len(rows) - 1) + 2 * MARGIN + 0.25
    return max(NARROWEST, width, height / (SHAPE - 0.9 / USUAL))


def _paint_rows(canvas: Canvas, rows: Sequence[Piece], width: float, top: float, foot: float) -> None:
    """Paint rows between two heights, and the lines that lead from each to the next."""
    content = max(piece.width for piece in rows)
    left, right = (width - content) / 2, (width + content) / 2
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


def _paint_legend(canvas: Canvas, chain: Chain, caption: str, large: float) -> float:
    """Paint what colours and sizes mean, and the caption; return the height above it."""
    size, x, y = 9 * large, MARGIN, MARGIN
    if caption:
        fitting = min(1.0, (canvas.width - 2 * MARGIN) / measure_text(caption, size))
        canvas.write((x, y), caption, size * fitting, colour=MUTED, align="left")
        y += 0.2 * large
    sentences = ["Height and depth: square root of the map's sides in pixels. Width: square root of its channels."]
    if any("/" in word for block in list_blocks(chain) for word in block.words):
        sentences.append("/2: stride 2.")
    if any(isinstance(link, Repetition) for link in chain):
        sentences.append(f"{TIMES} n: n of them, one after the other.")
    canvas.write((x, y), " ".join(sentences), size, colour=MUTED, align="left")
    y += 0.24 * large
    for kind, words in _explain_colours(list_blocks(chain)).items():
        side = 0.11 * large
        canvas.draw_cuboid((x, y), side, [(side, COLOURS[kind])], (0.3 * side, 0.22 * side), f"legend_{kind}")
        canvas.write((x + 1.6 * side, y), words, size, align="left")
        x += 1.6 * side + measure_text(words, size) + 0.2 * large
    return y + 0.2 * large


def _explain_colours(found: Sequence[Block]) -> dict[str, str]:
    """Say what each colour that occurs stands for."""
    kinds = {block.kind for block in found}
    names: dict[str, set[str]] = {}
    for block in found:
        for trait, name in block.traits:
            names.setdefault(trait, set()).add(name)
    meanings: dict[str, str] = {}
    for kind in COLOURS:
        if kind in kinds:
            meanings[kind] = "other layer" if kind == "other" else kind
        elif kind in names:
            meanings[kind] = ", ".join(sorted(names[kind]))
    return meanings
