"""Fixed kernels, most of them those of the lecture on filters."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

GAUSSIAN = np.array([[1, 4, 7, 4, 1], [4, 16, 26, 16, 4], [7, 26, 41, 26, 7], [4, 16, 26, 16, 4], [1, 4, 7, 4, 1]])


def enlarge(kernel: ArrayLike, factor: int) -> NDArray[Any]:
    """Return a kernel of ``factor`` times the side, every weight spread over a square, with the same sum."""
    weights = np.asarray(kernel, float)
    return np.kron(weights, np.ones((factor, factor))) / factor**2


# The kernels of the lecture on filters, and the horizontal edge; each (height, width).
FILTERS: Mapping[str, NDArray[Any]] = MappingProxyType(
    {
        "edge": np.array([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
        "sharpen": np.array([[-1.0, -1, -1], [-1, 9, -1], [-1, -1, -1]]),
        "smooth": np.full((3, 3), 1 / 9),
        "gaussian": GAUSSIAN / 273,
        "gaussian15": enlarge(GAUSSIAN / 273, 3),
        "vertical": np.array([[-1.0, 0, 1]] * 3),
        "horizontal": np.array([[-1.0, 0, 1]] * 3).T,
    }
)
# What a kernel's name does not say.
NOTES = {"gaussian15": "each weight of the 5x5 Gaussian repeated 3x3 and divided by 9, as in the lecture"}
