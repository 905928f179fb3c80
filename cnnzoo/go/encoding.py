"""The fastest way to compute the planes of a position on this machine."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cnnzoo.go import planes
from cnnzoo.go.board import Board

# From a position to its planes (size, size, 48), 0 or 1.
Encoder = Callable[[Board], NDArray[np.uint8]]


def choose_encoder() -> tuple[Encoder, str]:
    """Return the compiled form of ``planes.encode``, or the plain one where numba is missing.

    Returns:
        The encoder, and a note that it is the slow one; empty if it is not.
    """
    try:
        from cnnzoo.go.compiled import planes as compiled
    except ImportError:
        return planes.encode, "numba is missing, so planes are computed slowly; install it: pip install 'cnnzoo[go]'"
    return compiled.encode, ""
