"""The planes of ``planes``, compiled by numba: hundreds of times as fast.

They are equal, unless a ladder search reaches its limit; the two count its positions differently.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnzoo.go.board import BLACK, EMPTY, Board
from cnnzoo.go.compiled.ladders import Ladder, has_room, is_captured, list_rescues, make_ladder
from cnnzoo.go.compiled.rules import (
    CHAIN,
    EDGE,
    LIBERTIES,
    MARK,
    NONE,
    SEARCHES,
    Points,
    Scratch,
    Stones,
    compiled,
    copy,
    count_liberties,
    inlined,
    is_legal,
    make_scratch,
    put,
    search_chain,
    tables,
)
from cnnzoo.go.ladders import MOST_MOVES
from cnnzoo.go.planes import BINS, PLANES

# The turn at which set-up stones were played.
NEVER = -1_000
# Of a point, packed as by numpy.packbits.
BYTES = PLANES // 8
# Rows of ``chains`` (5, points + 1): the number of each point's chain, and of each chain a stone, its size, the number
# of its liberties, and where they begin in ``liberties`` (4 points,).
LABEL, STONE, SIZE, COUNT, FIRST = 0, 1, 2, 3, 4

Planes = NDArray[np.uint8]


class Workspace(NamedTuple):
    """Arrays that ``encode_position`` writes into; each thread needs its own."""

    chains: Scratch
    liberties: Points
    ladder: Ladder
    scratch: Scratch


def make_workspace(size: int) -> Workspace:
    """Return the workspace for boards of a size."""
    points = size * size
    chains, liberties = np.zeros((5, points + 1), np.int64), np.zeros(4 * points, np.uint16)
    return Workspace(chains, liberties, make_ladder(size), make_scratch(size))


@compiled
def _label_chains(stones: Stones, beside: Points, chains: Scratch, liberties: Points, scratch: Scratch) -> int:
    """Number the chains, and write down their sizes and liberties; return how many there are."""
    count, place = 0, 0
    chains[LABEL] = NONE
    for point in range(len(beside)):
        if stones[point] == EMPTY or chains[LABEL, point] != NONE:
            continue
        found, size = search_chain(stones, beside, point, len(beside), scratch)
        for index in range(size):
            chains[LABEL, scratch[CHAIN, index]] = count
        for index in range(found):
            liberties[place + index] = scratch[LIBERTIES, index]
        chains[STONE, count], chains[SIZE, count], chains[COUNT, count] = point, size, found
        chains[FIRST, count] = place
        place += found
        count += 1
    return count


@inlined
def _set(planes: Planes, point: int, plane: int) -> None:
    planes[point, plane >> 3] |= 128 >> (plane & 7)


@compiled
def _encode_moves(
    stones: Stones,
    ko: int,
    colour: int,
    beside: Points,
    corners: Points,
    planes: Planes,
    chains: Scratch,
    all_liberties: Points,
    board: Stones,
    scratch: Scratch,
) -> None:
    """Write the planes of the legal moves, but not those of ladders."""
    for point in range(len(beside)):
        if stones[point] != EMPTY:
            continue
        captured, size, liberties = _look_around(stones, colour, point, beside, chains, all_liberties, scratch)
        if point == ko or (captured == 0 and liberties == 0):
            continue
        if captured:
            copy(stones, board)
            put(board, beside, point, colour, scratch)
            liberties = count_liberties(board, beside, point, BINS, scratch)
        _set(planes, point, 20 + min(captured, BINS - 1))
        if liberties == 1:
            _set(planes, point, 28 + min(size, BINS) - 1)
        _set(planes, point, 36 + min(liberties, BINS) - 1)
        if not _is_eye(stones, colour, point, beside, corners):
            _set(planes, point, 46)


@inlined
def _look_around(
    stones: Stones, colour: int, point: int, beside: Points, chains: Scratch, all_liberties: Points, scratch: Scratch
) -> tuple[int, int, int]:
    """Return the captured stones of a move at an empty point, and the size and liberties of its chain without them."""
    scratch[SEARCHES, 0] += 1
    search = scratch[SEARCHES, 0]
    scratch[MARK, point] = search
    captured, size, liberties = 0, 1, 0
    for side in range(4):
        other = beside[point, side]
        if stones[other] == EMPTY:
            if scratch[MARK, other] != search:
                scratch[MARK, other] = search
                liberties += 1
            continue
        if not _is_first_of_chain(point, side, beside, chains):
            continue
        chain = chains[LABEL, other]
        if stones[other] == colour:
            size += chains[SIZE, chain]
            for index in range(chains[FIRST, chain], chains[FIRST, chain] + chains[COUNT, chain]):
                liberty = all_liberties[index]
                if scratch[MARK, liberty] != search:
                    scratch[MARK, liberty] = search
                    liberties += 1
        elif stones[other] != EDGE and chains[COUNT, chain] == 1:
            captured += chains[SIZE, chain]
    return captured, size, liberties


@inlined
def _is_eye(stones: Stones, colour: int, point: int, beside: Points, corners: Points) -> bool:
    for side in range(4):
        other = beside[point, side]
        if stones[other] != colour and stones[other] != EDGE:
            return False
    opponents, edges = 0, 0
    for corner in range(4):
        other = corners[point, corner]
        edges += stones[other] == EDGE
        opponents += stones[other] == -colour
    return opponents <= (1 if edges == 0 else 0)


@inlined
def _is_first_of_chain(point: int, side: int, beside: Points, chains: Scratch) -> bool:
    """Return whether no neighbour before this one belongs to the same chain."""
    chain = chains[LABEL, beside[point, side]]
    for before in range(side):  # noqa: SIM110 - numba compiles no generator expressions
        if chains[LABEL, beside[point, before]] == chain:
            return False
    return True


@compiled
def _encode_captures(
    stones: Stones,
    ko: int,
    colour: int,
    beside: Points,
    planes: Planes,
    chains: Scratch,
    count: int,
    liberties: Points,
    ladder: Ladder,
    scratch: Scratch,
) -> None:
    """Write the plane of the legal moves that put a chain of two liberties into atari so that it cannot escape."""
    for chain in range(count):
        stone = chains[STONE, chain]
        if stones[stone] != -colour or chains[COUNT, chain] != 2:
            continue
        for index in range(2):
            point, answer = liberties[chains[FIRST, chain] + index], liberties[chains[FIRST, chain] + 1 - index]
            if has_room(stones, beside, answer, point) or not is_legal(stones, beside, ko, point, colour, scratch):
                continue
            copy(stones, ladder.boards[0])
            put(ladder.boards[0], beside, point, colour, scratch)
            ladder.state[0, 2] = NONE  # the first answer may take a ko
            if is_captured(beside, stone, True, ladder, scratch):
                _set(planes, point, 44)


@compiled
def _encode_escapes(
    stones: Stones,
    ko: int,
    colour: int,
    beside: Points,
    planes: Planes,
    chains: Scratch,
    count: int,
    ladder: Ladder,
    scratch: Scratch,
) -> None:
    """Write the plane of the legal moves that save an own chain in atari from a ladder."""
    rescues = ladder.moves[MOST_MOVES]
    for chain in range(count):
        stone = chains[STONE, chain]
        if stones[stone] != colour or chains[COUNT, chain] != 1:
            continue
        for index in range(list_rescues(stones, beside, stone, rescues, scratch)):
            point = rescues[index]
            if not is_legal(stones, beside, ko, point, colour, scratch):
                continue
            copy(stones, ladder.boards[0])
            _, ladder.state[0, 2] = put(ladder.boards[0], beside, point, colour, scratch)
            if not is_captured(beside, stone, False, ladder, scratch):
                _set(planes, point, 45)


@compiled
def encode_position(
    stones: Stones,
    placed: NDArray[np.int32],
    turn: int,
    colour: int,
    ko: int,
    beside: Points,
    corners: Points,
    planes: Planes,
    work: Workspace,
) -> None:
    """Write the planes of a position, packed.

    Args:
        stones: (points + 1,).
        placed: (points,).
        turn: Number of turns so far.
        colour: The player to move.
        ko: The point that the simple ko forbids, or NONE.
        beside: The neighbours of each point.
        corners: The diagonal points of each point.
        planes: (points, 6) bytes that are written: the bits of 48 planes as by ``numpy.packbits``.
        work: The workspace.
    """
    chains, liberties, ladder, scratch = work
    planes[:] = 0
    count = _label_chains(stones, beside, chains, liberties, scratch)
    for point in range(len(beside)):
        _set(planes, point, 3)
        if stones[point] == EMPTY:
            _set(planes, point, 2)
        else:
            _set(planes, point, 0 if stones[point] == colour else 1)
            _set(planes, point, 4 + min(turn - placed[point], BINS) - 1)
            _set(planes, point, 12 + min(chains[COUNT, chains[LABEL, point]], BINS) - 1)
    _encode_moves(stones, ko, colour, beside, corners, planes, chains, liberties, ladder.boards[0], scratch)
    _encode_captures(stones, ko, colour, beside, planes, chains, count, liberties, ladder, scratch)
    _encode_escapes(stones, ko, colour, beside, planes, chains, count, ladder, scratch)


def encode(board: Board, *, player_colour: bool = False) -> NDArray[np.uint8]:
    """Return the planes of a position; see ``planes.encode``."""
    beside, corners = tables(board.size)
    placed = np.array([NEVER if turn is None else turn for turn in board.placed], np.int32)
    packed = np.zeros((board.size * board.size, BYTES), np.uint8)
    ko = NONE if board.ko is None else board.ko
    stones = np.array([*board.stones, EDGE], np.int8)
    work = make_workspace(board.size)
    encode_position(stones, placed, board.turn, board.to_move, ko, beside, corners, packed, work)
    planes = np.unpackbits(packed, axis=1).reshape(board.size, board.size, PLANES)
    if not player_colour:
        return planes
    colour = np.full((*planes.shape[:2], 1), board.to_move == BLACK, np.uint8)
    return np.concatenate([planes, colour], axis=2)
