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


class Workspace(NamedTuple):
    """Arrays that the functions write into; each thread needs its own.

    Attributes:
        mark: (points,) number of the last search that met a point.
        search: (1,) number of the searches so far.
        stack: (points,) points to look at.
        found: (points,) liberties that were found.
        board: (points,) a position after a move.
        label: (points,) number of the chain of each stone.
        chains: (points, 3) of each chain its first stone, its size and its number of liberties.
        liberties: (4 points,) the liberties of all chains, one chain after the other.
        first: (points,) where those of each chain begin.
        boards: (moves, points) the positions of a ladder search.
        moves: (moves, points) the moves of each of them that are tried.
        state: (moves, 3) of each the number of its moves, the next one, and the ko.
    """

    mark: NDArray[np.int64]
    search: NDArray[np.int64]
    stack: NDArray[np.int16]
    found: NDArray[np.int16]
    board: NDArray[np.int8]
    label: NDArray[np.int16]
    chains: NDArray[np.int32]
    liberties: NDArray[np.int16]
    first: NDArray[np.int32]
    boards: NDArray[np.int8]
    moves: NDArray[np.int16]
    state: NDArray[np.int32]


def make_workspace(size: int) -> Workspace:
    """Return the workspace for boards of a size."""
    points = size * size
    return Workspace(
        mark=np.zeros(points, np.int64),
        search=np.zeros(1, np.int64),
        stack=np.zeros(points, np.int16),
        found=np.zeros(points, np.int16),
        board=np.zeros(points, np.int8),
        label=np.zeros(points, np.int16),
        chains=np.zeros((points, 3), np.int32),
        liberties=np.zeros(4 * points, np.int16),
        first=np.zeros(points, np.int32),
        boards=np.zeros((MOST_MOVES + 1, points), np.int8),
        moves=np.zeros((MOST_MOVES + 1, points), np.int16),
        state=np.zeros((MOST_MOVES + 1, 3), np.int32),
    )


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
def find_liberties(stones, beside, point, most, found, work):
    """Write up to ``most`` liberties of the chain at a point into an array; return their number."""
    work.search[0] += 1
    search = work.search[0]
    colour = stones[point]
    work.stack[0] = point
    work.mark[point] = search
    waiting, count = 1, 0
    while waiting:
        waiting -= 1
        here = work.stack[waiting]
        for side in range(4):
            other = beside[here, side]
            if other == NONE:
                break
            if work.mark[other] == search:
                continue
            if stones[other] == EMPTY:
                work.mark[other] = search
                found[count] = other
                count += 1
                if count == most:
                    return count
            elif stones[other] == colour:
                work.mark[other] = search
                work.stack[waiting] = other
                waiting += 1
    return count


@compiled
def count_liberties(stones, beside, point, most, work):
    """Return the liberties of the chain at a point, counted up to ``most``."""
    return find_liberties(stones, beside, point, most, work.found, work)


@compiled
def _list_chain(stones, beside, point, work):
    """Leave the stones of a chain at the beginning of the stack; return their number."""
    work.search[0] += 1
    search = work.search[0]
    colour = stones[point]
    work.stack[0] = point
    work.mark[point] = search
    count, done = 1, 0
    while done < count:
        here = work.stack[done]
        done += 1
        for side in range(4):
            other = beside[here, side]
            if other == NONE:
                break
            if stones[other] == colour and work.mark[other] != search:
                work.mark[other] = search
                work.stack[count] = other
                count += 1
    return count


@compiled
def _remove(stones, beside, point, work):
    """Take the chain at a point off the board; return its size."""
    colour = stones[point]
    stones[point] = EMPTY
    work.stack[0] = point
    waiting, count = 1, 1
    while waiting:
        waiting -= 1
        here = work.stack[waiting]
        for side in range(4):
            other = beside[here, side]
            if other == NONE:
                break
            if stones[other] == colour:
                stones[other] = EMPTY
                count += 1
                work.stack[waiting] = other
                waiting += 1
    return count


@compiled
def is_legal(stones, beside, ko, point, colour, work):
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
        liberties = count_liberties(stones, beside, other, 2, work)
        if (stones[other] == colour) == (liberties == 2):
            return True
    return False


@compiled
def put(stones, beside, point, colour, work):
    """Play a legal move; return the number of captured stones, and the point that the ko forbids next or NONE."""
    stones[point] = colour
    captured, last = 0, NONE
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
        if stones[other] == -colour and count_liberties(stones, beside, other, 1, work) == 0:
            captured += _remove(stones, beside, other, work)
            last = other
    if captured != 1:
        return captured, NONE
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
        if stones[other] == colour:
            return captured, NONE
    if count_liberties(stones, beside, point, 2, work) != 1:
        return captured, NONE
    return captured, last


@compiled
def _list_rescues(stones, beside, stone, found, work):
    """Write the moves that may save a chain in atari into an array; return their number, 0 for other chains.

    They are the captures of chains that touch it, in order, and then its last liberty.
    """
    if count_liberties(stones, beside, stone, 2, work) != 1:
        return 0
    liberty = work.found[0]
    size = _list_chain(stones, beside, stone, work)
    chain = work.stack[:size].copy()
    count = 0
    for index in range(size):
        for side in range(4):
            other = beside[chain[index], side]
            if other == NONE:
                break
            if stones[other] == -stones[stone] and count_liberties(stones, beside, other, 2, work) == 1:
                point = work.found[0]
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
def _look_at(beside, stone, depth, hunted_moves, work):
    """Return whether the chain is captured in a position of a ladder search; if it is undecided, list its moves."""
    stones, moves, state = work.boards[depth], work.moves[depth], work.state[depth]
    state[1] = 0
    if hunted_moves:
        if state[2] != NONE:
            return ESCAPED
        state[0] = _list_rescues(stones, beside, stone, moves, work)
        return ESCAPED if state[0] == 0 or depth == MOST_MOVES else UNDECIDED
    liberties = find_liberties(stones, beside, stone, 3, moves, work)
    if liberties < 2:
        return CAPTURED
    if liberties > 2 or depth == MOST_MOVES:
        return ESCAPED
    if moves[0] > moves[1]:
        moves[0], moves[1] = moves[1], moves[0]
    state[0] = 2
    return UNDECIDED


@compiled
def _play_next(beside, depth, colour, work):
    """Play the next legal move of a position of a ladder search onto the next board; return whether there is one."""
    stones, state = work.boards[depth], work.state[depth]
    while state[1] < state[0]:
        point = work.moves[depth, state[1]]
        state[1] += 1
        if is_legal(stones, beside, state[2], point, colour, work):
            work.boards[depth + 1][:] = stones
            _, work.state[depth + 1, 2] = put(work.boards[depth + 1], beside, point, colour, work)
            return True
    return False


@compiled
def is_captured(beside, stone, hunted_first, work):
    """Return whether a chain is captured in a ladder, from the position ``work.boards[0]`` with its ko in ``state``.

    Args:
        beside: The neighbours of each point.
        stone: A stone of the chain.
        hunted_first: Whether the chain's player moves first, or the opponent.
        work: The workspace.
    """
    colour = work.boards[0][stone]
    depth, left = 0, MOST_POSITIONS
    result = _look_at(beside, stone, 0, hunted_first, work)
    while result == UNDECIDED or depth > 0:
        if result != UNDECIDED:
            depth -= 1
        hunted_moves = hunted_first == (depth % 2 == 0)
        # One escape is enough for the hunted player, one capture for the hunter; otherwise the next move is tried.
        if result != UNDECIDED and (result == ESCAPED) == hunted_moves:
            continue
        if not _play_next(beside, depth, colour if hunted_moves else -colour, work):
            result = CAPTURED if hunted_moves else ESCAPED
        elif left == 0:
            return False
        else:
            left -= 1
            depth += 1
            result = _look_at(beside, stone, depth, not hunted_moves, work)
    return result == CAPTURED


@compiled
def _label_chains(stones, beside, work):
    """Number the chains, and note their size and liberties in the workspace; return how many there are."""
    count, place = 0, 0
    work.label[:] = NONE
    for point in range(len(stones)):
        if stones[point] == EMPTY or work.label[point] != NONE:
            continue
        size = _list_chain(stones, beside, point, work)
        for index in range(size):
            work.label[work.stack[index]] = count
        liberties = find_liberties(stones, beside, point, len(stones), work.liberties[place:], work)
        work.chains[count, 0], work.chains[count, 1], work.chains[count, 2] = point, size, liberties
        work.first[count] = place
        place += liberties
        count += 1
    return count


@compiled
def _set(planes, point, plane):
    planes[point, plane >> 3] |= 128 >> (plane & 7)


@compiled
def _encode_move(stones, ko, colour, point, beside, corners, planes, work):
    """Write the planes of a move at an empty point; return whether it is legal."""
    if point == ko:
        return False
    captured, size = 0, 1
    work.search[0] += 1
    search = work.search[0]
    work.mark[point] = search
    liberties = 0
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
        if stones[other] == EMPTY:
            if work.mark[other] != search:
                work.mark[other] = search
                liberties += 1
            continue
        if not _is_first_of_chain(point, side, beside, work):
            continue
        chain = work.label[other]
        if stones[other] == colour:
            size += work.chains[chain, 1]
            for index in range(work.first[chain], work.first[chain] + work.chains[chain, 2]):
                liberty = work.liberties[index]
                if work.mark[liberty] != search:
                    work.mark[liberty] = search
                    liberties += 1
        elif work.chains[chain, 2] == 1:
            captured += work.chains[chain, 1]
    if captured == 0 and liberties == 0:
        return False
    if captured:
        work.board[:] = stones
        put(work.board, beside, point, colour, work)
        liberties = count_liberties(work.board, beside, point, BINS, work)
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
def _is_first_of_chain(point, side, beside, work):
    """Return whether no neighbour before this one belongs to the same chain."""
    chain = work.label[beside[point, side]]
    for before in range(side):
        if work.label[beside[point, before]] == chain:
            return False
    return True


@compiled
def _captures_in_ladder(stones, colour, point, beside, work):
    """Return whether a legal move puts a chain of two liberties into atari so that it cannot escape."""
    for side in range(4):
        other = beside[point, side]
        if other == NONE:
            break
        if stones[other] != -colour or work.chains[work.label[other], 2] != 2:
            continue
        if not _is_first_of_chain(point, side, beside, work):
            continue
        work.boards[0][:] = stones
        put(work.boards[0], beside, point, colour, work)
        work.state[0, 2] = NONE  # the first answer may take a ko
        if is_captured(beside, other, True, work):
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
    planes[:] = 0
    chains = _label_chains(stones, beside, work)
    for point in range(len(stones)):
        _set(planes, point, 3)
        if stones[point] == EMPTY:
            _set(planes, point, 2)
            if _encode_move(stones, ko, colour, point, beside, corners, planes, work) and _captures_in_ladder(
                stones, colour, point, beside, work
            ):
                _set(planes, point, 44)
        else:
            _set(planes, point, 0 if stones[point] == colour else 1)
            _set(planes, point, 4 + min(turn - placed[point], BINS) - 1)
            _set(planes, point, 12 + min(work.chains[work.label[point], 2], BINS) - 1)
    rescues = work.moves[MOST_MOVES]
    for chain in range(chains):
        stone = work.chains[chain, 0]
        if stones[stone] != colour or work.chains[chain, 2] != 1:
            continue
        count = _list_rescues(stones, beside, stone, rescues, work)
        for index in range(count):
            point = rescues[index]
            if not is_legal(stones, beside, ko, point, colour, work):
                continue
            work.boards[0][:] = stones
            _, next_ko = put(work.boards[0], beside, point, colour, work)
            work.state[0, 2] = next_ko
            if not is_captured(beside, stone, False, work):
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
