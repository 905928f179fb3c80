"""Openings: random first moves, so that engines without chance of their own play different games."""

import random
from collections.abc import Sequence
from functools import cache

from cnnzoo.go.board import EMPTY, Board
from cnnzoo.go.symmetries import canonical_moves

# How often a new opening is tried before an old one is used again; a small board has few.
TRIES = 100


@cache
def list_opening_points(size: int) -> tuple[int, ...]:
    """Return the points on the third and fourth lines of a board."""
    return tuple(
        row * size + column
        for row in range(size)
        for column in range(size)
        if min(row, column, size - 1 - row, size - 1 - column) in {2, 3}
    )


@cache
def _list_corners(size: int) -> tuple[tuple[int, ...], ...]:
    """Return for each corner its four points from 3-3 to 4-4."""
    sides = ((2, 3), (size - 3, size - 4))
    return tuple(
        tuple(row * size + column for row in rows for column in columns) for rows in sides for columns in sides
    )


def make_openings(size: int, moves: int, count: int, seed: int) -> list[list[int]]:
    """Return openings that differ by more than a symmetry of the board, as long as there are enough.

    Each move is at random on the third or fourth line from both sides in a corner without stones; when no corner is
    left, anywhere on the third or fourth line.

    Args:
        size: Points a side.
        moves: Number of moves of an opening, Black's first.
        count: Number of openings.
        seed: The first ``n`` openings of a seed are the same for every count.
    """
    chance, openings, seen = random.Random(f"openings {seed}"), [], set()  # noqa: S311 - no secrets
    for _ in range(count):
        for _ in range(TRIES):
            opening = _draw_opening(size, moves, chance)
            form = canonical_moves(opening, size)
            if form not in seen:
                break
        seen.add(form)
        openings.append(opening)
    return openings


def count_distinct(openings: Sequence[Sequence[int]], size: int) -> int:
    """Return the number of openings that differ by more than a symmetry of the board."""
    return len({canonical_moves(opening, size) for opening in openings})


def _draw_opening(size: int, moves: int, chance: random.Random) -> list[int]:
    board, played = Board(size), []
    for _ in range(moves):
        corners = [corner for corner in _list_corners(size) if all(board.stones[point] == EMPTY for point in corner)]
        points = [point for corner in corners for point in corner] or list_opening_points(size)
        move = chance.choice([point for point in points if board.is_legal(point)])
        board.play(move)
        played.append(move)
    return played
