"""The numbers that the lectures work out."""

import numpy as np

CONVOLUTION_IMAGE = np.array(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]], float
)
CONVOLUTION_KERNEL = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]], float)
POOLING_IMAGE = np.array([[3, 13, 17, 11], [5, 3, 1, 23], [7, 1, 2, 3], [11, 17, 1, 4]], float)
