"""The pieces of a network in their places: chains, modules with branches, and rows of them.

A piece of several pieces is a piece. Lengths are inches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from cnnzoo.pictures.architecture.canvas import MUTED, Canvas, Point, measure_text
from cnnzoo.pictures.architecture.graph import TIMES, Block, Branches, Chain, Head, Repetition, list_blocks
from cnnzoo.pictures.architecture.shapes import (
    LEADING,
    PLUS,
    SHORTCUT,
    SIZE,
    Piece,
    Scale,
    format_shape,
    frame,
    label_below,
    label_beside,
    make_addition,
    make_cuboid,
)

GAP = 0.16  # between two pieces


@dataclass(frozen=True, slots=True)
class Step:
    """A link of a chain as a piece.

    Attributes:
        piece: The link itself.
        note: What is written before it, by lines.
        opens: Whether a row would do well to begin with it: maps become smaller here, or have just been pooled.
        heads: The chains that leave behind it.
    """

    piece: Piece
    note: tuple[str, ...]
    opens: bool
    heads: tuple[Piece, ...] = ()

    @property
    def gap(self) -> float:
        """Room before it."""
        return max([GAP, *(measure_text(line, SIZE) + 0.12 for line in self.note)])


def make_steps(chain: Chain, scale: Scale, prefix: str = "", *, along: bool = False) -> list[Step]:
    """Return the pieces of a chain's links.

    Args:
        chain: At least one link, the first of which is no head.
        scale: How large maps are drawn.
        prefix: What the names of the layers need not repeat.
        along: Whether labels stand along the arrows rather than below their cuboids.
    """
    found: list[Step] = []
    before: Block | None = None
    for link in chain:
        if isinstance(link, Head):
            head = make_row(make_steps(link.chain, scale))
            found[-1] = replace(found[-1], heads=(*found[-1].heads, head))
            continue
        first = list_blocks((link,))[0]
        flattened = before is not None and len(first.inputs[0]) < len(before.shape)
        note = ("flatten", format_shape(first.inputs[0])) if flattened else ()
        pooled = before is not None and before.kind == "pooling"
        last = list_blocks((link,))[-1]
        shrinks = before is not None and first.kind != "pooling" and last.shape[:-1] < before.shape[:-1]
        found.append(Step(_make_piece(link, scale, prefix, along=along), note, opens=pooled or shrinks))
        before = last
    return found


def make_row(parts: Sequence[Step], spread: float = 0.0) -> Piece:
    """Put pieces one after the other, with arrows between them, and their heads above them.

    Args:
        parts: At least one.
        spread: By how much they stand further apart than they must.
    """
    starts = [0.0]
    for part, after in pairwise(parts):
        starts.append(starts[-1] + part.piece.width + after.gap + spread)
    above = max(part.piece.above for part in parts)
    heads = [(start, part.piece, head) for start, part in zip(starts, parts, strict=True) for head in part.heads]
    lift = above + 0.12 + max((head.below for *_, head in heads), default=0.0)
    width = starts[-1] + parts[-1].piece.width
    places = [0.0]  # where each head begins; the last one is where the next would
    for start, piece, head in heads:
        natural = start + piece.width + 2 * GAP
        begin = max(places.pop(), min(natural, width - head.width))
        places += [begin, begin + head.width + 2 * GAP]

    def paint(canvas: Canvas, place: Point) -> None:
        left, axis = place
        for start, part in zip(starts, parts, strict=True):
            part.piece.paint(canvas, (left + start, axis))
        for (start, part), (start_after, after) in pairwise(zip(starts, parts, strict=True)):
            begin, end = left + start + part.piece.exit, left + start_after + after.piece.entry
            canvas.draw_line((begin, axis), (end, axis), pointed=not after.piece.forks)
            for number, line in enumerate(after.note):
                middle = left + start_after - (after.gap + spread) / 2
                canvas.write((middle, axis - 0.16 - LEADING * number), line, SIZE - 1, colour=MUTED)
        for (start, piece, head), begin in zip(heads, places, strict=False):
            leave, level, corner = left + start + piece.width + GAP / 2, axis + lift, left + begin - GAP
            route = [(left + start + piece.exit, axis), (leave, axis)]
            if corner < leave:  # a head that would reach beyond the row begins further left
                route += [(leave, axis + above + 0.06), (corner, axis + above + 0.06), (corner, level)]
            else:
                route += [(leave, level)]
            canvas.draw_line(*route, (left + begin + head.entry, level), pointed=True)
            head.paint(canvas, (left + begin, level))

    return Piece(
        width=max(width, places[-1] - 2 * GAP),
        above=max([above, *(lift + head.above for *_, head in heads)]),
        below=max(part.piece.below for part in parts),
        entry=parts[0].piece.entry,
        exit=starts[-1] + parts[-1].piece.exit,
        paint=paint,
        forks=parts[0].piece.forks,
    )


def _make_piece(link: Block | Branches | Repetition, scale: Scale, prefix: str, *, along: bool) -> Piece:
    match link:
        case Block():
            label = label_beside if along else label_below
            return label(
                make_cuboid(link, scale), link.name.removeprefix(prefix), [*link.words, format_shape(link.shape)]
            )
        case Branches():
            return frame(_make_module(link, scale), link.name, "")
        case Repetition(Block() as block):
            inner = label_below(make_cuboid(block, scale), "", [*block.words, format_shape(block.shape)])
        case Repetition(Branches() as branches):
            inner = _make_module(branches, scale)
    return frame(inner, f"{link.names[0]} … {link.names[-1]}", f"{TIMES} {len(link.names)}")


def _make_module(link: Branches, scale: Scale) -> Piece:
    """Show chains side by side, or a residual block."""
    if link.join.kind == "addition" and len(link.branches) == 2:
        other, main = sorted(link.branches, key=lambda chain: len(list_blocks(chain)))
        if main:
            return _make_residual(link, main, other, scale)
    return _make_parallel(link, scale)


def _make_residual(link: Branches, main: Chain, other: Chain, scale: Scale) -> Piece:
    """Show a chain with a shortcut around it."""
    prefix = f"{link.name}_"
    chain, plus = make_row(make_steps(main, scale, prefix)), make_addition(link.join)
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
        way: list[list[Point]]
        top = axis + lift
        if detour:
            left = x + (middle - detour.width) / 2
            detour.paint(canvas, (left, top))
            way = [
                [(x, axis), (x, top), (left + detour.entry, top)],
                [(left + detour.exit, top), (x + middle, top), (x + middle, axis + PLUS)],
            ]
        else:
            way = [[(x, axis), (x, top), (x + middle, top), (x + middle, axis + PLUS)]]
        for number, points in enumerate(way):
            gid = None if number else f"{link.name}_shortcut_line"
            canvas.draw_line(*points, colour=SHORTCUT, width=1.6, pointed=True, gid=gid)

    above = lift + (detour.above if detour else 0.02)
    return Piece(end + plus.width, above, chain.below, 0.0, end + plus.width, paint, forks=True)


def _make_join(block: Block, scale: Scale) -> Piece:
    return (
        make_addition(block)
        if block.kind == "addition"
        else label_below(make_cuboid(block, scale), "", [format_shape(block.shape)])
    )


def _make_parallel(link: Branches, scale: Scale) -> Piece:
    """Show chains one above the other, the first on top, between one fork and one join."""
    prefix = f"{link.name}_"
    lanes = [make_row(make_steps(chain, scale, prefix, along=True)) if chain else None for chain in link.branches]
    join = _make_join(link.join, scale)
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
        for number, (lane, level) in enumerate(zip(lanes, axes, strict=True)):
            y = axis + level
            far = [(x + meet, y), (x + meet, axis), (x + end + join.entry, axis)]
            gid = f"{link.name}_branch_{number + 1}"
            if lane is None:
                canvas.draw_line((x, axis), (x, y), *far, pointed=True, gid=gid)
                continue
            left = x + begin + (widest - lane.width) / 2
            canvas.draw_line((x, axis), (x, y), (left + lane.entry, y), pointed=not lane.forks, gid=gid)
            lane.paint(canvas, (left, y))
            canvas.draw_line((left + lane.exit, y), *far, pointed=True)

    height = max(total / 2, join.below)
    return Piece(end + join.width, max(total / 2, join.above), height, 0.0, end + join.exit, paint, forks=True)
