"""The examples of a lecture on convolutional networks, computed: arrays in, arrays out.

What this package exports needs NumPy alone; modules about networks and ``filters`` load Keras.
"""

from cnnzoo.lab.convolution import Convolution, convolve
from cnnzoo.lab.matrices import ConvolutionMatrix, as_matrix, as_patches
from cnnzoo.lab.pooling import Pooling, pool
from cnnzoo.lab.windows import Axis, Windows, make_axis, slide

__all__ = [
    "Axis",
    "Convolution",
    "ConvolutionMatrix",
    "Pooling",
    "Windows",
    "as_matrix",
    "as_patches",
    "convolve",
    "make_axis",
    "pool",
    "slide",
]
