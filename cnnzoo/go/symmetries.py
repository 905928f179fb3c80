"""The eight symmetries of a board: four quarter turns, each also mirrored."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

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
