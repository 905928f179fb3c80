"""The fastest way to compute the planes of a position on this machine."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cnnzoo.go import planes
from cnnzoo.go.board import Board

# From a position to its planes (size, size, 48), 0 or 1.
Encoder = Callable[[Board], NDArray[np.uint8]]


def find_numba_problem() -> str:
    """Return why the compiled form cannot be used, as a sentence without a full stop; empty if it can."""
    try:
        import numba  # noqa: F401 - only asks whether it works
    except ImportError as error:
        reason = "is not installed" if isinstance(error, ModuleNotFoundError) else f"does not work ({error})"
        return f"numba {reason}; install it with: pip install 'cnnzoo[go]'"
    return ""


def choose_encoder() -> tuple[Encoder, str]:
    """Return the compiled form of ``planes.encode``, or the plain one where numba does not work.

    Returns:
        The encoder, and a note that it is the slow one; empty if it is not.
    """
    if problem := find_numba_problem():
        return planes.encode, f"planes are computed slowly: {problem}"
    from cnnzoo.go.compiled import planes as compiled  # compiles, or loads machine code

    return compiled.encode, ""
