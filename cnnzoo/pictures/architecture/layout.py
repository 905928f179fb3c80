"""Layout of a network's pieces: chains, modules with branches, and rows.

Several pieces beside each other form one piece. Lengths are inches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cnnzoo.pictures.architecture import shapes
from cnnzoo.pictures.architecture.blocks import TIMES, Block
from cnnzoo.pictures.architecture.canvas import MUTED, Canvas, Point, measure_text
from cnnzoo.pictures.architecture.graph import Branches, Chain, Head, Repetition, list_blocks
from cnnzoo.pictures.architecture.shapes import LEADING, PLUS, SIZE, Piece, Scale
from cnnzoo.text import format_size

GAP = 0.16  # between two pieces


@dataclass(slots=True)
class Step:
    """A link of a chain as a piece.

    Attributes:
        piece: The link itself.
        note: Lines of text before it.
        is_start: Whether it is a good start of a row, because maps become smaller here or have just been pooled.
        heads: The heads that branch off behind it.
    """

    piece: Piece
    note: tuple[str, ...]
    is_start: bool
    heads: tuple[Piece, ...] = ()

    @property
    def gap(self) -> float:
        """Width of the gap before it."""
        return max([GAP, *(measure_text(line, SIZE) + 0.12 for line in self.note)])


def make_steps(chain: Chain, scale: Scale, prefix: str = "", *, along: bool = False) -> list[Step]:
    """Return the pieces of a chain's links.

    Args:
        chain: At least one link; the first is not a head.
        scale: How large maps are drawn.
        prefix: A prefix to leave out of the names of layers.
        along: Whether labels are beside their cuboids, along the arrows, rather than below them.
    """
    steps: list[Step] = []
    before: Block | None = None
    for link in chain:
        if isinstance(link, Head):
            steps[-1].heads += (make_row(make_steps(link.chain, scale)),)
            continue
        blocks = list_blocks([link])
        first, last = blocks[0], blocks[-1]
        note: tuple[str, ...] = ()
        is_start = False
        if before:
            if len(first.inputs[0]) < len(before.shape):
                note = ("flatten", format_size(first.inputs[0]))
            shrinks = first.kind != "pooling" and last.shape[:-1] < before.shape[:-1]
            is_start = shrinks or before.kind == "pooling"
        steps.append(Step(_make_piece(link, scale, prefix, along=along), note, is_start))
        before = last
    return steps


def make_row(steps: Sequence[Step], spread: float = 0.0) -> Piece:
    """Put pieces one after the other, with arrows between them, and their heads above them.

    Args:
        steps: The pieces, at least one.
        spread: Additional room between two pieces.
    """
    starts = [0.0]
    for step, after in pairwise(steps):
        starts.append(starts[-1] + step.piece.width + after.gap + spread)
    above = max(step.piece.above for step in steps)
    heads = [(start, step.piece, head) for start, step in zip(starts, steps, strict=True) for head in step.heads]
    lift = above + 0.12 + max((head.below for *_, head in heads), default=0.0)
    width = starts[-1] + steps[-1].piece.width
    places = [0.0]  # where each head begins; the last place is for the next head
    for start, piece, head in heads:
        natural = start + piece.width + 2 * GAP
        begin = max(places.pop(), min(natural, width - head.width))
        places += [begin, begin + head.width + 2 * GAP]

    def paint(canvas: Canvas, place: Point) -> None:
        left, axis = place
        for start, step in zip(starts, steps, strict=True):
            step.piece.paint(canvas, (left + start, axis))
        for (start, step), (start_after, after) in pairwise(zip(starts, steps, strict=True)):
            begin, end = left + start + step.piece.exit, left + start_after + after.piece.entry
            canvas.draw_line((begin, axis), (end, axis), pointed=not after.piece.forks)
            for number, line in enumerate(after.note):
                middle = left + start_after - (after.gap + spread) / 2
                canvas.write((middle, axis - 0.16 - LEADING * number), line, SIZE - 1, colour=MUTED)
        for (start, piece, head), begin in zip(heads, places, strict=False):
            leave, level, corner = left + start + piece.width + GAP / 2, axis + lift, left + begin - GAP
            route = [(left + start + piece.exit, axis), (leave, axis)]
            if corner < leave:  # a head that would extend beyond the row begins further left
                route += [(leave, axis + above + 0.06), (corner, axis + above + 0.06), (corner, level)]
            else:
                route += [(leave, level)]
            canvas.draw_line(*route, (left + begin + head.entry, level), pointed=True)
            head.paint(canvas, (left + begin, level))

    first, last = steps[0].piece, steps[-1].piece
    width, below = max(width, places[-1] - 2 * GAP), max(step.piece.below for step in steps)
    height = max([above, *(lift + head.above for *_, head in heads)])
    return Piece(width, height, below, first.entry, starts[-1] + last.exit, paint, first.forks)


def _make_piece(link: Block | Branches | Repetition, scale: Scale, prefix: str, *, along: bool) -> Piece:
    match link:
        case Block():
            return _label(link, scale, link.name.removeprefix(prefix), along=along)
        case Branches():
            return shapes.frame(_make_module(link, scale), link.name, "")
        case Repetition(first, names):
            inner = _label(first, scale, "") if isinstance(first, Block) else _make_module(first, scale)
            return shapes.frame(inner, f"{names[0]} … {names[-1]}", f"{TIMES} {len(names)}")


def _label(block: Block, scale: Scale, name: str, *, along: bool = False) -> Piece:
    put_label = shapes.label_beside if along else shapes.label_below
    return put_label(shapes.make_cuboid(block, scale), name, [*block.words, format_size(block.shape)])


def _make_module(module: Branches, scale: Scale) -> Piece:
    """Draw a residual block, or chains side by side."""
    if module.join.kind == "addition" and len(module.branches) == 2:
        other, main = sorted(module.branches, key=lambda chain: len(list_blocks(chain)))
        if main:
            return _make_residual(module, main, other, scale)
    return _make_parallel(module, scale)


def _make_residual(module: Branches, main: Chain, other: Chain, scale: Scale) -> Piece:
    """Draw a chain with a shortcut around it."""
    prefix = f"{module.name}_"
    chain, plus = make_row(make_steps(main, scale, prefix)), shapes.make_addition(module.join)
    detour = make_row(make_steps(other, scale, prefix, along=True)) if other else None
    room = max(chain.width, detour.width - 0.1 if detour else 0.0)
    begin, end = 0.2 + (room - chain.width) / 2, 0.2 + room + 0.2
    lift = chain.above + (0.1 + detour.below if detour else 0.12)
    middle = end + PLUS

    def paint(canvas: Canvas, place: Point) -> None:
        x, axis = place
        chain.paint(canvas, (x + begin, axis))
        plus.paint(canvas, (x + end, axis))
        canvas.draw_line((x, axis), (x + begin + chain.entry, axis), pointed=not chain.forks)
        canvas.draw_line((x + begin + chain.exit, axis), (x + end, axis), pointed=True)
        way: dict[str, Any] = {"colour": shapes.SHORTCUT, "width": 1.6, "pointed": True}
        gid, top = f"{module.name}_shortcut_line", axis + lift
        up, down = [(x, axis), (x, top)], [(x + middle, top), (x + middle, axis + PLUS)]
        if detour:
            left = x + (middle - detour.width) / 2
            detour.paint(canvas, (left, top))
            canvas.draw_line(*up, (left + detour.entry, top), gid=gid, **way)
            canvas.draw_line((left + detour.exit, top), *down, **way)
        else:
            canvas.draw_line(*up, *down, gid=gid, **way)

    above = lift + (detour.above if detour else 0.02)
    return Piece(end + plus.width, above, chain.below, 0.0, end + plus.width, paint, forks=True)


def _make_parallel(module: Branches, scale: Scale) -> Piece:
    """Draw chains one above the other, the first at the top, between a fork and a join."""
    prefix = f"{module.name}_"
    lanes = [make_row(make_steps(chain, scale, prefix, along=True)) if chain else None for chain in module.branches]
    is_sum = module.join.kind == "addition"
    join = shapes.make_addition(module.join) if is_sum else _label(module.join, scale, "")
    widest = max(lane.width for lane in lanes if lane)
    heights = [lane.above + lane.below if lane else 0.1 for lane in lanes]
    total = sum(heights) + 0.08 * (len(lanes) - 1)
    axes, top = [], total / 2
    for lane, height in zip(lanes, heights, strict=True):
        axes.append(top - (lane.above if lane else 0.05))
        top -= height + 0.08
    begin, meet = 0.16, 0.16 + widest + 0.08
    end = meet + 0.15

    def paint(canvas: Canvas, place: Point) -> None:
        x, axis = place
        join.paint(canvas, (x + end, axis))
        for number, (lane, level) in enumerate(zip(lanes, axes, strict=True), start=1):
            y, gid = axis + level, f"{module.name}_branch_{number}"
            far = [(x + meet, y), (x + meet, axis), (x + end + join.entry, axis)]
            if lane is None:
                canvas.draw_line((x, axis), (x, y), *far, pointed=True, gid=gid)
                continue
            left = x + begin + (widest - lane.width) / 2
            canvas.draw_line((x, axis), (x, y), (left + lane.entry, y), pointed=not lane.forks, gid=gid)
            lane.paint(canvas, (left, y))
            canvas.draw_line((left + lane.exit, y), *far, pointed=True)

    above, below = max(total / 2, join.above), max(total / 2, join.below)
    return Piece(end + join.width, above, below, 0.0, end + join.exit, paint, forks=True)
