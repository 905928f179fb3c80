"""Whole games, compiled: their legal moves, their positions as planes, and hashes of their positions."""

import numpy as np
from numpy.typing import NDArray

from cnnzoo.go.board import BLACK, EMPTY
from cnnzoo.go.compiled.planes import BYTES, NEVER, Planes, Workspace, encode_position, make_workspace
from cnnzoo.go.compiled.rules import (
    EDGE,
    NONE,
    Points,
    Scratch,
    Stones,
    compiled,
    is_legal,
    make_scratch,
    put,
    tables,
    widen,
)
from cnnzoo.go.games import GameArrays, Games
from cnnzoo.go.records import Record
from cnnzoo.go.symmetries import SYMMETRIES, permutations

# Seed of the random numbers that stand for the stones in hashes of positions.
HASH_SEED = 20160128


@compiled
def _set_up(games: GameArrays, game: int, stones: Stones, placed: NDArray[np.int32]) -> None:
    stones[:] = EMPTY
    stones[len(stones) - 1] = EDGE
    placed[:] = NEVER
    for index in range(games.setup_starts[game], games.setup_starts[game + 1]):
        stones[games.setup_points[index]] = games.setup_colours[index]


@compiled
def _count_legal(
    games: GameArrays, game: int, beside: Points, stones: Stones, placed: NDArray[np.int32], scratch: Scratch
) -> int:
    """Return how many moves of a game are legal before the first that is not."""
    _set_up(games, game, stones, placed)
    colour, ko = widen(games.first[game]), widen(NONE)
    start, end = games.starts[game], games.starts[game + 1]
    for index in range(start, end):
        point = games.moves[index]
        if point >= len(beside):
            ko = widen(NONE)
        elif not is_legal(stones, beside, ko, point, colour, scratch):
            return int(index - start)
        else:
            _, ko = put(stones, beside, point, colour, scratch)
        colour = -colour
    return int(end - start)


@compiled
def _encode_moves(
    games: GameArrays,
    indices: NDArray[np.int64],
    beside: Points,
    corners: Points,
    planes: Planes,
    stones: Stones,
    placed: NDArray[np.int32],
    work: Workspace,
) -> None:
    """Write the packed planes (count, points, BYTES) of the positions before some moves."""
    for number in range(len(indices)):
        index = indices[number]
        game = np.searchsorted(games.starts, index, side="right") - 1
        _set_up(games, game, stones, placed)
        colour, ko = widen(games.first[game]), widen(NONE)
        start = games.starts[game]
        for turn in range(index - start):
            point = games.moves[start + turn]
            if point < len(beside):
                _, ko = put(stones, beside, point, colour, work.scratch)
                placed[point] = turn
            else:
                ko = widen(NONE)
            colour = -colour
        encode_position(stones, placed, index - start, colour, ko, beside, corners, planes[number], work)


@compiled
def _hash_positions(
    games: GameArrays,
    beside: Points,
    numbers: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    stones: Stones,
    before: Stones,
    placed: NDArray[np.int32],
    scratch: Scratch,
) -> None:
    """Write a hash of the position before each move; ``numbers`` (2, 8, points) stand for own and other stones."""
    # For each player to move and each symmetry.
    sums = np.zeros((2, SYMMETRIES), np.uint64)
    for game in range(len(games.first)):
        _set_up(games, game, stones, placed)
        sums[:] = 0
        before[:] = EMPTY
        colour = widen(games.first[game])
        for index in range(games.starts[game], games.starts[game + 1]):
            for point in range(len(beside)):
                if stones[point] != before[point]:
                    stone = stones[point] if before[point] == EMPTY else before[point]
                    owner = 0 if stone == BLACK else 1
                    for symmetry in range(SYMMETRIES):
                        sums[0, symmetry] ^= numbers[owner, symmetry, point]
                        sums[1, symmetry] ^= numbers[1 - owner, symmetry, point]
            before[:] = stones
            hashes[index] = sums[0 if colour == BLACK else 1].min()
            point = games.moves[index]
            if point < len(beside):
                put(stones, beside, point, colour, scratch)
            colour = -colour


def count_legal(record: Record) -> int:
    """Return how many moves of a game the rules allow, before the first illegal one; see ``records.count_legal``."""
    games = Games.from_records(record.size, ["record"], [(0, record)])
    beside, _ = tables(record.size)
    points = record.size**2
    stones, placed = np.zeros(points + 1, np.int8), np.zeros(points, np.int32)
    return int(_count_legal(games.arrays, 0, beside, stones, placed, make_scratch(record.size)))


def encode_moves(games: Games, indices: NDArray[np.int64]) -> Planes:
    """Return the packed planes of the positions before some moves; threads can call this side by side.

    Args:
        games: The games.
        indices: Indices (count,) into all moves of all games.

    Returns:
        (count, size, size, 6): the bits of the 48 planes, as by ``numpy.packbits``.
    """
    points = games.size**2
    beside, corners = tables(games.size)
    planes = np.empty((len(indices), points, BYTES), np.uint8)
    stones, placed = np.zeros(points + 1, np.int8), np.zeros(points, np.int32)
    _encode_moves(games.arrays, indices, beside, corners, planes, stones, placed, make_workspace(games.size))
    return planes.reshape(-1, games.size, games.size, BYTES)


def hash_positions(games: Games) -> NDArray[np.uint64]:
    """Return a hash of the position before each move of all games (moves,).

    Positions that differ by a symmetry, or by exchanged colours, have the same hash.
    """
    points = games.size**2
    words = np.random.PCG64(HASH_SEED).random_raw(2 * points).reshape(2, 1, points)
    numbers = np.ascontiguousarray(np.concatenate([words[..., row] for row in permutations(games.size)], axis=1))
    hashes = np.zeros(len(games.arrays.moves), np.uint64)
    beside, _ = tables(games.size)
    stones, before, placed = np.zeros(points + 1, np.int8), np.zeros(points + 1, np.int8), np.zeros(points, np.int32)
    before[:] = EMPTY
    _hash_positions(games.arrays, beside, numbers, hashes, stones, before, placed, make_scratch(games.size))
    return hashes
