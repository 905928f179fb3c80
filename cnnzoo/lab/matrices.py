"""A convolution as a product of matrices: shared weights (Toeplitz), and patches (im2col)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo.lab.convolution import Convolution


@dataclass(frozen=True)
class ConvolutionMatrix:
    """A convolution as a dense layer of which most weights are zero and the others are shared.

    Attributes:
        weights: The matrix (outputs, inputs): ``weights @ image.ravel()`` is the output.
        element: Which element of the kernel each weight is (outputs, inputs), counted row by row from 0; -1 where a
            dense layer has a weight and the convolution has none.
        kernel_size: Number of weights of the kernel, which the connections share.
    """

    weights: NDArray[Any]
    element: NDArray[np.int_]
    kernel_size: int

    @property
    def connections(self) -> int:
        """Number of pairs of an input and an output that are connected."""
        return int((self.element >= 0).sum())

    @property
    def unused_weights(self) -> int:
        """Number of weights of the kernel that meet nothing but padding."""
        return self.kernel_size - len(np.unique(self.element[self.element >= 0]))

    @property
    def dense_weights(self) -> int:
        """Number of weights of a dense layer between the same inputs and outputs, which is also its connections."""
        return self.element.size


def as_matrix(convolution: Convolution) -> ConvolutionMatrix:
    """Return a convolution as the sparse matrix of its shared weights, a Toeplitz matrix in one dimension.

    Inputs and outputs are counted row by row. Weights on the padding, which is zero, have no column.
    """
    axes = convolution.windows.axes
    elements = np.arange(convolution.kernel.size).reshape(convolution.kernel.shape)
    padded = np.full((convolution.output.size, convolution.windows.padded.size), -1)
    places = np.arange(convolution.windows.padded.size).reshape(convolution.windows.padded.shape)
    grid = np.meshgrid(*(axis.positions().ravel() for axis in axes), indexing="ij")
    covered = places[tuple(grid)].reshape([n for axis in axes for n in (axis.output_size, axis.window)])
    order = [*range(0, 2 * len(axes), 2), *range(1, 2 * len(axes), 2)]
    covered = covered.transpose(order).reshape(convolution.output.size, convolution.kernel.size)
    np.put_along_axis(padded, covered, elements.reshape(1, -1), axis=1)
    element = padded[:, places[convolution.windows.inside].ravel()]
    weights = np.where(element >= 0, convolution.kernel.ravel()[element], 0.0)
    return ConvolutionMatrix(weights, element, convolution.kernel.size)


def as_patches(convolution: Convolution) -> NDArray[Any]:
    """Return the patches under the window as the rows of a matrix (outputs, weights), known as im2col.

    ``patches @ kernel.ravel()`` is the output; a pixel stands in it as often as a window covers it.
    """
    return convolution.windows.values.reshape(convolution.output.size, convolution.kernel.size)
