"""The ladders of ``ladders``, compiled by numba. It skips moves that cannot succeed, so it rarely meets a limit."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnzoo.go.compiled.rules import (
    CHAIN,
    HUNTED,
    LIBERTIES,
    NONE,
    Points,
    Scratch,
    Stones,
    compiled,
    copy,
    count_empty,
    count_liberties,
    is_legal,
    put,
    search_chain,
)
from cnnzoo.go.ladders import MOST_MOVES, MOST_POSITIONS

UNDECIDED, ESCAPED, CAPTURED = -1, 0, 1


class Ladder(NamedTuple):
    """The positions of a ladder search, one for each move ahead.

    Attributes:
        boards: (moves, points + 1) int8, the stones.
        moves: (moves, points + 1) uint16, the moves that are tried.
        state: (moves, 3) int32, the number of these moves, the next one, and the ko.
    """

    boards: NDArray[np.int8]
    moves: Points
    state: NDArray[np.int32]


def make_ladder(size: int) -> Ladder:
    """Return the arrays of a search on boards of a size; each thread needs its own."""
    points = size * size + 1
    return Ladder(
        np.zeros((MOST_MOVES + 1, points), np.int8),
        np.zeros((MOST_MOVES + 1, points), np.uint16),
        np.zeros((MOST_MOVES + 1, 3), np.int32),
    )


@compiled
def list_rescues(stones: Stones, beside: Points, stone: int, found: Points, scratch: Scratch) -> int:
    """Write the moves that may save a chain in atari into an array; return their number, 0 for other chains.

    They are the captures of chains that touch it, in order, and then its last liberty.
    """
    liberties, size = search_chain(stones, beside, stone, 2, scratch)
    if liberties != 1:
        return 0
    liberty = scratch[LIBERTIES, 0]
    for index in range(size):
        scratch[HUNTED, index] = scratch[CHAIN, index]
    count = 0
    for index in range(size):
        for side in range(4):
            other = beside[scratch[HUNTED, index], side]
            if stones[other] != -stones[stone] or count_empty(stones, beside, other) > 1:
                continue
            if count_liberties(stones, beside, other, 2, scratch) == 1:
                point = scratch[LIBERTIES, 0]
                if point != liberty:
                    count = _insert(found, count, point)
    found[count] = liberty
    return count + 1


@compiled
def _insert(ordered: Points, count: int, point: int) -> int:
    """Insert a point into the first ``count`` of an ordered array, unless it is there; return the new count."""
    place = count
    while place > 0 and ordered[place - 1] > point:
        place -= 1
    if place > 0 and ordered[place - 1] == point:
        return count
    for index in range(count, place, -1):
        ordered[index] = ordered[index - 1]
    ordered[place] = point
    return count + 1


@compiled
def has_room(stones: Stones, beside: Points, point: int, taken: int) -> bool:
    """Return whether a chain escapes by a move at its last liberty, because three empty points are beside that.

    Such moves need no search; ``taken`` does not count, because the hunter has just played there.
    """
    empty = count_empty(stones, beside, point)
    for side in range(4):
        empty -= beside[point, side] == taken
    return empty >= 3


@compiled
def _look_at(beside: Points, stone: int, depth: int, hunted_moves: bool, ladder: Ladder, scratch: Scratch) -> int:
    """Return whether the chain is captured in a position of a ladder search; if it is undecided, list its moves."""
    stones, moves, state = ladder.boards[depth], ladder.moves[depth], ladder.state[depth]
    state[1] = 0
    if hunted_moves:
        if state[2] != NONE:
            return ESCAPED
        state[0] = list_rescues(stones, beside, stone, moves, scratch)
        if state[0] == 0 or depth == MOST_MOVES or has_room(stones, beside, moves[state[0] - 1], NONE):
            return ESCAPED
        return UNDECIDED
    liberties = count_liberties(stones, beside, stone, 3, scratch)
    if liberties < 2:
        return CAPTURED
    if liberties > 2 or depth == MOST_MOVES:
        return ESCAPED
    one, other = scratch[LIBERTIES, 0], scratch[LIBERTIES, 1]
    first, second = min(one, other), max(one, other)
    state[0] = 0
    if not has_room(stones, beside, second, first):
        moves[0] = first
        state[0] = 1
    if not has_room(stones, beside, first, second):
        moves[state[0]] = second
        state[0] += 1
    return UNDECIDED


@compiled
def _play_next(beside: Points, depth: int, colour: int, ladder: Ladder, scratch: Scratch) -> bool:
    """Play the next legal move of a position of a ladder search onto the next board; return whether there is one."""
    stones, state = ladder.boards[depth], ladder.state[depth]
    while state[1] < state[0]:
        point = ladder.moves[depth, state[1]]
        state[1] += 1
        if is_legal(stones, beside, state[2], point, colour, scratch):
            copy(stones, ladder.boards[depth + 1])
            _, ladder.state[depth + 1, 2] = put(ladder.boards[depth + 1], beside, point, colour, scratch)
            return True
    return False


@compiled
def is_captured(beside: Points, stone: int, hunted_first: bool, ladder: Ladder, scratch: Scratch) -> bool:
    """Return whether a chain is captured in a ladder, from the position ``ladder.boards[0]`` with its ko in ``state``.

    Args:
        beside: The neighbours of each point.
        stone: A stone of the chain.
        hunted_first: Whether the chain's player moves first, or the opponent.
        ladder: The positions of the search.
        scratch: See ``make_scratch``.
    """
    colour = ladder.boards[0][stone]
    depth, left = 0, MOST_POSITIONS
    result = _look_at(beside, stone, 0, hunted_first, ladder, scratch)
    while result == UNDECIDED or depth > 0:
        if result != UNDECIDED:
            depth -= 1
        hunted_moves = hunted_first == (depth % 2 == 0)
        # One escape is enough for the hunted player, one capture for the hunter; otherwise the next move is tried.
        if result != UNDECIDED and (result == ESCAPED) == hunted_moves:
            continue
        if not _play_next(beside, depth, colour if hunted_moves else -colour, ladder, scratch):
            result = CAPTURED if hunted_moves else ESCAPED
        elif left == 0:
            return False
        else:
            left -= 1
            depth += 1
            result = _look_at(beside, stone, depth, not hunted_moves, ladder, scratch)
    return result == CAPTURED
