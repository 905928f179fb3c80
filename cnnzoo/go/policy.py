"""What a program that plays needs of a network."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cnnzoo.go.board import Board

# From a position to the probability of each point (size * size,), summing to 1; illegal points have some too.
Policy = Callable[[Board], NDArray[np.float64]]
