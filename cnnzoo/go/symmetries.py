"""The eight symmetries of a board: four quarter turns, each also mirrored."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cnnzoo.go.board import PASS

SYMMETRIES = 8


@cache
def permutations(size: int) -> NDArray[np.int64]:
    """Return for each symmetry the point that comes to each place (8, size * size): ``turned = board[row]``.

    Bit 0 of a symmetry's number mirrors the rows (upside down), bit 1 the columns, and bit 2 then exchanges rows and
    columns.
    """
    points = np.arange(size * size).reshape(size, size)
    turned = []
    for symmetry in range(SYMMETRIES):
        board = points[::-1] if symmetry & 1 else points
        board = board[:, ::-1] if symmetry & 2 else board
        turned.append((board.T if symmetry & 4 else board).ravel())
    return np.stack(turned)


@cache
def inverses(size: int) -> NDArray[np.int64]:
    """Return for each symmetry the place that each point comes to (8, size * size)."""
    return np.argsort(permutations(size), axis=1)


def canonical_moves(moves: Sequence[int], size: int) -> tuple[int, ...]:
    """Return the smallest of a game's eight turned and mirrored forms; equal for games that differ in no more.

    Args:
        moves: Points, or PASS.
        size: Points a side.
    """
    played = np.array(moves, dtype=np.int64)
    forms = np.where(played == PASS, PASS, permutations(size)[:, played])
    return min(tuple(form.tolist()) for form in forms)
