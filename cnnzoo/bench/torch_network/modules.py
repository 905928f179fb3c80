"""Layers of the zoo that PyTorch does not have."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x/3), as ``cnnzoo.models.layers.scaled_tanh``."""

    def forward(self, x: Any) -> Any:
        """Return the squashed values."""
        return 1.7159 * torch.tanh((2.0 / 3.0) * x)


class Subsampling(nn.Module):
    """Sum of each 2x2 window times a coefficient plus a bias, as ``cnnzoo.models.layers.Subsampling2D``.

    Args:
        coefficient: One per map.
        bias: One per map.
    """

    def __init__(self, coefficient: Any, bias: Any) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(coefficient.reshape(-1, 1, 1))
        self.bias = nn.Parameter(bias.reshape(-1, 1, 1))

    def forward(self, maps: Any) -> Any:
        """Return the subsampled maps."""
        return functional.avg_pool2d(maps, 2) * (4.0 * self.coefficient) + self.bias


class SparselyConnectedConv(nn.Module):
    """A convolution in which each output map sees only some of the input maps.

    It has weights for the connections that exist, as ``cnnzoo.models.layers.SparselyConnectedConv2D``.

    Args:
        connections: For each output map, the indices of the input maps that it sees.
        input_maps: Number of input maps.
        kernel: One per connection; (connections, height, width).
        bias: One per output map.
    """

    def __init__(self, connections: Sequence[Sequence[int]], input_maps: int, kernel: Any, bias: Any) -> None:
        super().__init__()
        self.kernel = nn.Parameter(kernel)
        self.bias = nn.Parameter(bias)
        self.dense_shape = (len(connections), input_maps, *kernel.shape[1:])
        pairs = [(target, source) for target, sources in enumerate(connections) for source in sources]
        targets, sources = torch.tensor(pairs).unbind(1)
        self.register_buffer("targets", targets)
        self.register_buffer("sources", sources)

    def forward(self, maps: Any) -> Any:
        """Return the convolved maps."""
        dense = self.kernel.new_zeros(self.dense_shape).index_put((self.targets, self.sources), self.kernel)
        return functional.conv2d(maps, dense, self.bias)


class EuclideanRBF(nn.Module):
    """Negated squared Euclidean distances to fixed centres, as ``cnnzoo.models.layers.EuclideanRBF``.

    Args:
        centres: One per class; (classes, units).
    """

    def __init__(self, centres: Any) -> None:
        super().__init__()
        self.register_buffer("centres", centres)

    def forward(self, units: Any) -> Any:
        """Return the logits."""
        squares = units.square().sum(1, keepdim=True) + self.centres.square().sum(1)
        return 2.0 * units @ self.centres.T - squares


class PositionBias(nn.Module):
    """A bias for every point, as ``cnnzoo.models.layers.PositionBias``.

    Args:
        bias: One per point.
    """

    def __init__(self, bias: Any) -> None:
        super().__init__()
        self.bias = nn.Parameter(bias)

    def forward(self, points: Any) -> Any:
        """Return the points with their biases added."""
        return points + self.bias


class PaddedAveragePool(nn.Module):
    """Average pooling that pads each side differently and does not count the padding.

    Args:
        size: Height and width of the maps.
        kernel_size: Height and width of the windows.
        stride: Step of the windows, vertically and horizontally.
        padding: Pixels on the left, on the right, at the top and at the bottom.
    """

    def __init__(
        self, size: tuple[int, int], kernel_size: tuple[int, int], stride: tuple[int, int], padding: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        covered = functional.avg_pool2d(functional.pad(torch.ones(1, 1, *size), padding), kernel_size, stride)
        self.register_buffer("scale", 1.0 / covered)

    def forward(self, maps: Any) -> Any:
        """Return the pooled maps."""
        return functional.avg_pool2d(functional.pad(maps, self.padding), self.kernel_size, self.stride) * self.scale
