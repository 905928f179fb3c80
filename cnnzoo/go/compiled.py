"""The planes of ``planes`` and the rules of ``board``, compiled by numba: 1,000 times as fast, and equal.

Positions are arrays: ``stones`` (points,) int8 with BLACK, WHITE and EMPTY; ``placed`` (points,) int32, the turn at
which each stone was played, or NEVER for set-up stones; ``ko``, a point or NONE. ``beside`` (points, 4) int16 lists the
neighbours of each point, filled up with NONE. The functions write into arrays of a ``Workspace``, so that a thread
allocates nothing for a position.
"""

from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from cnnzoo.go.board import BLACK, EMPTY, Board, diagonals, neighbours
from cnnzoo.go.ladders import MOST_MOVES, MOST_POSITIONS
from cnnzoo.go.planes import BINS, PLANES

NONE = -1
UNDECIDED, ESCAPED, CAPTURED = -1, 0, 1
NEVER = -1_000
# Planes of a point, packed as by numpy.packbits.
BYTES = PLANES // 8

compiled: Any = numba.njit(cache=True, nogil=True)


# Rows of ``scratch`` (3, points + 1), in which the functions search. Of the first row the last entry counts the
# searches, and the others are the last search that met a point; so nothing is cleared between two searches.
MARK, STACK, FOUND = 0, 1, 2

# Rows of ``chains`` (5, points): the number of each point's chain, and of each chain a stone, its size, the number of its
# liberties, and where they begin in ``liberties`` (4 points,).
LABEL, STONE, SIZE, COUNT, FIRST = 0, 1, 2, 3, 4


class Ladder(NamedTuple):
    """The positions of a ladder search, one for each move ahead.

    Attributes:
        boards: (moves, points) int8, the stones.
        moves: (moves, points) int16, the moves that are tried.
        state: (moves, 3) int32, the number of these moves, the next one, and the ko.
    """

    boards: NDArray[np.int8]
    moves: NDArray[np.int16]
    state: NDArray[np.int32]


class Workspace(NamedTuple):
    """Arrays that ``encode_position`` writes into; each thread needs its own."""

    chains: NDArray[np.int32]
    liberties: NDArray[np.int16]
    ladder: Ladder
    scratch: NDArray[np.int32]


def make_workspace(size: int) -> Workspace:
    """Return the workspace for boards of a size."""
    points = size * size
    ladder = Ladder(
        np.zeros((MOST_MOVES + 1, points), np.int8),
        np.zeros((MOST_MOVES + 1, points), np.int16),
        np.zeros((MOST_MOVES + 1, 3), np.int32),
    )
    return Workspace(np.zeros((5, points), np.int32), np.zeros(4 * points, np.int16), ladder, make_scratch(size))


def make_scratch(size: int) -> NDArray[np.int32]:
    """Return the array in which the functions search; each thread needs its own."""
    return np.zeros((3, size * size + 1), np.int32)


@cache
def tables(size: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return the neighbours and the diagonal points of each point (points, 4), filled up with NONE."""
    both = []
    for listed in (neighbours(size), diagonals(size)):
        table = np.full((size * size, 4), NONE, np.int16)
        for point, others in enumerate(listed):
            table[point, : len(others)] = others
        both.append(table)
    return both[0], both[1]


@compiled
def find_liberties(stones, beside, point, most, found, scratch):
    """Write up to ``most`` liberties of the chain at a point into an array; return their number."""
    scratch[MARK, -1] += 1
    search = scratch[MARK, -1]
    colour = stones[point]
    scratch[STACK, 0] = point
    scratch[MARK, point] = search
    waiting, count = 1, 0
    while waiting:
        waiting -= 1
        here = scratch[STACK, waiting]
        for side in range(4):
            other = beside[here, side]
            if other == NONE:
                break
            if scratch[MARK, other] == search:
                continue
            if stones[other] == EMPTY:
                scratch[MARK, other] = search
                found[count] = other
                count += 1
                if count == most:
                    return count
            elif stones[other] == colour:
                scratch[MARK, other] = search
                scratch[STACK, waiting] = other
                waiting += 1
    return count


@compiled
def count_liberties(stones, beside, point, most, scratch):
    """Return the liberties of the chain at a point, counted up to ``most``."""
    return find_liberties(stones, beside, point, most, scratch[FOUND], scratch)


@compiled
def _list_chain(stones, beside, point, scratch):
    """Leave the stones of a chain at the beginning of the stack; return their number."""
    scratch[MARK, -1] += 1
    search = scratch[MARK, -1]
    colour = stones[point]
    scratch[STACK, 0] = point
    scratch[MARK, point] = search
    count, done = 1, 0
    while done < count:
        here = scratch[STACK, done]
        done += 1
        for side in range(4):
            other = beside[here, side]
            if other == NONE:
                break
            if stones[other] == colour and scratch[MARK, other] != search:
                scratch[MARK, other] = search
                scratch[STACK, count] = other
                count += 1
    return count


@compiled
def _remove(stones, beside, point, scratch):
    """Take the chain at a point off the board; return its size."""
    colour = stones[point]
    stones[point] = EMPTY
    scratch[STACK, 0] = point
    waiting, count = 1, 1
    while waiting:
        waiting -= 1
        here = scratch[STACK, waiting]
        for side in range(4):
            other = beside[here, side]
            if other == NONE:
                break
            if stones[other] == colour:
                stones[other] = EMPTY
                count += 1
                scratch[STACK, waiting] = other
                waiting += 1
    return count


@compiled
def is_legal(stones, beside, ko, point, colour, scratch):
    """Return whether a player may play at a point, under simple ko and without suicide."""
    if stones[point] != EMPTY or point == ko:
        return False
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
        if stones[other] == EMPTY:
            return True
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
        liberties = count_liberties(stones, beside, other, 2, scratch)
        if (stones[other] == colour) == (liberties == 2):
            return True
    return False


@compiled
def put(stones, beside, point, colour, scratch):
    """Play a legal move; return the number of captured stones, and the point that the ko forbids next or NONE."""
    stones[point] = colour
    captured, last = 0, NONE
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
        if stones[other] == -colour and count_liberties(stones, beside, other, 1, scratch) == 0:
            captured += _remove(stones, beside, other, scratch)
            last = other
    if captured != 1:
        return captured, NONE
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
        if stones[other] == colour:
            return captured, NONE
    if count_liberties(stones, beside, point, 2, scratch) != 1:
        return captured, NONE
    return captured, last


@compiled
def _list_rescues(stones, beside, stone, found, scratch):
    """Write the moves that may save a chain in atari into an array; return their number, 0 for other chains.

    They are the captures of chains that touch it, in order, and then its last liberty.
    """
    if count_liberties(stones, beside, stone, 2, scratch) != 1:
        return 0
    liberty = scratch[FOUND, 0]
    size = _list_chain(stones, beside, stone, scratch)
    chain = scratch[STACK, :size].copy()
    count = 0
    for index in range(size):
        for side in range(4):
            other = beside[chain[index], side]
            if other == NONE:
                break
            if stones[other] == -stones[stone] and count_liberties(stones, beside, other, 2, scratch) == 1:
                point = scratch[FOUND, 0]
                if point != liberty:
                    count = _insert(found, count, point)
    found[count] = liberty
    return count + 1


@compiled
def _insert(ordered, count, point):
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
def _look_at(beside, stone, depth, hunted_moves, ladder, scratch):
    """Return whether the chain is captured in a position of a ladder search; if it is undecided, list its moves."""
    stones, moves, state = ladder.boards[depth], ladder.moves[depth], ladder.state[depth]
    state[1] = 0
    if hunted_moves:
        if state[2] != NONE:
            return ESCAPED
        state[0] = _list_rescues(stones, beside, stone, moves, scratch)
        return ESCAPED if state[0] == 0 or depth == MOST_MOVES else UNDECIDED
    liberties = find_liberties(stones, beside, stone, 3, moves, scratch)
    if liberties < 2:
        return CAPTURED
    if liberties > 2 or depth == MOST_MOVES:
        return ESCAPED
    if moves[0] > moves[1]:
        moves[0], moves[1] = moves[1], moves[0]
    state[0] = 2
    return UNDECIDED


@compiled
def _play_next(beside, depth, colour, ladder, scratch):
    """Play the next legal move of a position of a ladder search onto the next board; return whether there is one."""
    stones, state = ladder.boards[depth], ladder.state[depth]
    while state[1] < state[0]:
        point = ladder.moves[depth, state[1]]
        state[1] += 1
        if is_legal(stones, beside, state[2], point, colour, scratch):
            ladder.boards[depth + 1][:] = stones
            _, ladder.state[depth + 1, 2] = put(ladder.boards[depth + 1], beside, point, colour, scratch)
            return True
    return False


@compiled
def is_captured(beside, stone, hunted_first, ladder, scratch):
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


@compiled
def _label_chains(stones, beside, chains, liberties, scratch):
    """Number the chains, and note their size and liberties ; return how many there are."""
    count, place = 0, 0
    chains[LABEL] = NONE
    for point in range(len(stones)):
        if stones[point] == EMPTY or chains[LABEL, point] != NONE:
            continue
        size = _list_chain(stones, beside, point, scratch)
        for index in range(size):
            chains[LABEL, scratch[STACK, index]] = count
        found = find_liberties(stones, beside, point, len(stones), liberties[place:], scratch)
        chains[STONE, count], chains[SIZE, count], chains[COUNT, count] = point, size, found
        chains[FIRST, count] = place
        place += found
        count += 1
    return count


@compiled
def _set(planes, point, plane):
    planes[point, plane >> 3] |= 128 >> (plane & 7)


@compiled
def _encode_move(stones, ko, colour, point, beside, corners, planes, chains, all_liberties, board, scratch):
    """Write the planes of a move at an empty point; return whether it is legal."""
    if point == ko:
        return False
    captured, size = 0, 1
    scratch[MARK, -1] += 1
    search = scratch[MARK, -1]
    scratch[MARK, point] = search
    liberties = 0
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
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
        elif chains[COUNT, chain] == 1:
            captured += chains[SIZE, chain]
    if captured == 0 and liberties == 0:
        return False
    if captured:
        board[:] = stones
        put(board, beside, point, colour, scratch)
        liberties = count_liberties(board, beside, point, BINS, scratch)
    _set(planes, point, 20 + min(captured, BINS - 1))
    if liberties == 1:
        _set(planes, point, 28 + min(size, BINS) - 1)
    _set(planes, point, 36 + min(liberties, BINS) - 1)
    if not _is_eye(stones, colour, point, beside, corners):
        _set(planes, point, 46)
    return True


@compiled
def _is_eye(stones, colour, point, beside, corners):
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
        if stones[other] != colour:
            return False
    opponents = 0
    for corner in range(4):
        other = corners[point, corner]
        if other == NONE:
            return opponents == 0
        opponents += stones[other] == -colour
    return opponents <= 1


@compiled
def _is_first_of_chain(point, side, beside, chains):
    """Return whether no neighbour before this one belongs to the same chain."""
    chain = chains[LABEL, beside[point, side]]
    for before in range(side):
        if chains[LABEL, beside[point, before]] == chain:
            return False
    return True


@compiled
def _captures_in_ladder(stones, colour, point, beside, chains, ladder, scratch):
    """Return whether a legal move puts a chain of two liberties into atari so that it cannot escape."""
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
        if stones[other] != -colour or chains[COUNT, chains[LABEL, other]] != 2:
            continue
        if not _is_first_of_chain(point, side, beside, chains):
            continue
        ladder.boards[0][:] = stones
        put(ladder.boards[0], beside, point, colour, scratch)
        ladder.state[0, 2] = NONE  # the first answer may take a ko
        if is_captured(beside, other, True, ladder, scratch):
            return True
    return False


@compiled
def encode_position(stones, placed, turn, colour, ko, beside, corners, planes, work):
    """Write the planes of a position, packed.

    Args:
        stones: (points,).
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
    for point in range(len(stones)):
        _set(planes, point, 3)
        if stones[point] == EMPTY:
            _set(planes, point, 2)
            if _encode_move(
                stones, ko, colour, point, beside, corners, planes, chains, liberties, ladder.boards[0], scratch
            ) and _captures_in_ladder(stones, colour, point, beside, chains, ladder, scratch):
                _set(planes, point, 44)
        else:
            _set(planes, point, 0 if stones[point] == colour else 1)
            _set(planes, point, 4 + min(turn - placed[point], BINS) - 1)
            _set(planes, point, 12 + min(chains[COUNT, chains[LABEL, point]], BINS) - 1)
    rescues = ladder.moves[MOST_MOVES]
    for chain in range(count):
        stone = chains[STONE, chain]
        if stones[stone] != colour or chains[COUNT, chain] != 1:
            continue
        for index in range(_list_rescues(stones, beside, stone, rescues, scratch)):
            point = rescues[index]
            if not is_legal(stones, beside, ko, point, colour, scratch):
                continue
            ladder.boards[0][:] = stones
            _, next_ko = put(ladder.boards[0], beside, point, colour, scratch)
            ladder.state[0, 2] = next_ko
            if not is_captured(beside, stone, False, ladder, scratch):
                _set(planes, point, 45)


def encode(board: Board, *, player_colour: bool = False) -> NDArray[np.uint8]:
    """Return the planes of a position; see ``planes.encode``."""
    beside, corners = tables(board.size)
    placed = np.array([NEVER if turn is None else turn for turn in board.placed], np.int32)
    packed = np.zeros((board.size * board.size, BYTES), np.uint8)
    ko = NONE if board.ko is None else board.ko
    stones = np.array(board.stones, np.int8)
    work = make_workspace(board.size)
    encode_position(stones, placed, board.turn, board.to_move, ko, beside, corners, packed, work)
    planes = np.unpackbits(packed, axis=1).reshape(board.size, board.size, PLANES)
    if not player_colour:
        return planes
    colour = np.full((*planes.shape[:2], 1), board.to_move == BLACK, np.uint8)
    return np.concatenate([planes, colour], axis=2)
