"""Translations of convolutions and poolings into PyTorch, with padding as in Keras."""

import math
import operator
from typing import Any

from keras import layers
from torch import nn
from torch.nn import functional

from cnnzoo.bench.torch_network import modules
from cnnzoo.bench.torch_network.activations import activate
from cnnzoo.bench.torch_network.graph import NO_PADDING, Graph, Padding, Value, copy_values


def convolution(graph: Graph, layer: Any, value: Value) -> Value:
    """Add a convolution and its activation."""
    size = [(side - 1) * rate + 1 for side, rate in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
    value = _with_own_padding(graph, layer, value, (size[0], size[1]))
    if _symmetric(value.padding) is None:
        value = graph.settle(value)
    module = nn.Conv2d(
        value.shape[-1],
        layer.filters,
        layer.kernel_size,
        layer.strides,
        _symmetric(value.padding),
        layer.dilation_rate,
        layer.groups,
        bias=layer.use_bias,
    )
    weights = {"weight": copy_values(layer.kernel).permute(3, 2, 0, 1)}
    module.load_state_dict({**weights, "bias": copy_values(layer.bias)} if layer.use_bias else weights)
    shape = _output_shape(value, (size[0], size[1]), layer.strides, layer.filters)
    output = Value(graph.add(layer.name, module, value.node), shape)
    return activate(graph, layer, f"{layer.name}_{layer.activation.__name__}", output)


def max_pooling(graph: Graph, layer: Any, value: Value) -> Value:
    """Add a max pooling."""
    if layer.padding == "valid" and not value.nonnegative:
        value = graph.settle(value)  # PyTorch pads with -inf, which is like 0 only where no value is below 0
    value = _with_own_padding(graph, layer, value, layer.pool_size)
    shape = _output_shape(value, layer.pool_size, layer.strides, value.shape[-1])
    settings = _pool_settings(value, layer.pool_size, layer.strides, shape)
    if settings is None:
        value = graph.settle(value, 0.0 if layer.padding == "valid" else -math.inf)
    module = nn.MaxPool2d(layer.pool_size, layer.strides, **settings or {})
    return Value(graph.add(layer.name, module, value.node), shape, nonnegative=value.nonnegative)


def average_pooling(graph: Graph, layer: Any, value: Value) -> Value:
    """Add an average pooling."""
    size, strides, is_valid = layer.pool_size, layer.strides, layer.padding == "valid"
    value = _with_own_padding(graph, layer, value, size)
    shape = _output_shape(value, size, strides, value.shape[-1])
    if size == (1, 1) and value.padding == NO_PADDING:
        rows, columns = (slice(None, None, step) for step in strides)
        node = graph.call(operator.getitem, value.node, (slice(None), slice(None), rows, columns))
        return Value(node, shape, nonnegative=value.nonnegative)
    settings = _pool_settings(value, size, strides, shape)
    if is_valid and (settings is None or "ceil_mode" in settings):
        value, settings = graph.settle(value), {}  # ceil mode does not count the padding
    if settings is None:
        (top, bottom), (left, right) = value.padding
        sides = (value.shape[0], value.shape[1])
        module = modules.PaddedAveragePool(sides, size, strides, (left, right, top, bottom))
    else:
        module = nn.AvgPool2d(size, strides, count_include_pad=is_valid, **settings)
    return Value(graph.add(layer.name, module, value.node), shape, nonnegative=value.nonnegative)


def global_pooling(graph: Graph, layer: Any, value: Value) -> Value:
    """Add the average or the maximum of each map."""
    value = graph.settle(value)
    is_average = isinstance(layer, layers.GlobalAveragePooling2D)
    module = nn.AdaptiveAvgPool2d(1) if is_average else nn.AdaptiveMaxPool2d(1)
    pooled = value._replace(node=graph.add(layer.name, module, value.node), shape=(1, 1, value.shape[-1]))
    if layer.keepdims:
        return pooled
    node = graph.add(f"{layer.name}_flatten", nn.Flatten(), pooled.node)
    return pooled._replace(node=node, shape=pooled.shape[2:])


def sparse_convolution(graph: Graph, layer: Any, value: Value) -> Value:
    """Add a convolution in which each output map sees only some of the input maps."""
    value = graph.settle(value)
    kernel = copy_values(layer.kernel).permute(2, 0, 1)
    module = modules.SparselyConnectedConv(layer.connections, value.shape[-1], kernel, copy_values(layer.bias))
    shape = _output_shape(value, layer.kernel_size, layer.strides, len(layer.connections))
    return Value(graph.add(layer.name, module, value.node), shape)


def subsampling(graph: Graph, layer: Any, value: Value) -> Value:
    """Add a pooling with weights."""
    value = graph.settle(value)
    height, width, maps = value.shape
    module = modules.Subsampling(copy_values(layer.coefficient), copy_values(layer.bias))
    return Value(graph.add(layer.name, module, value.node), (height // 2, width // 2, maps))


def zero_padding(graph: Graph, layer: Any, value: Value) -> Value:
    """Leave padding to the next layer."""
    value = graph.settle(value)
    first, second = layer.padding
    if layer.data_format == "channels_last":
        return value._replace(padding=(first, second))
    # Keras then pads the second and third axis of (height, width, channels).
    height, width, channels = value.shape
    node = graph.call(functional.pad, value.node, (*first, 0, 0, *second))
    return value._replace(node=node, shape=(height, width + sum(first), channels + sum(second)))


def _with_own_padding(graph: Graph, layer: Any, value: Value, size: tuple[int, int]) -> Value:
    """Return maps with the padding of a layer, which is left to the reader.

    Args:
        graph: The graph.
        layer: A convolution or a pooling.
        value: The maps.
        size: Height and width of the layer's windows.
    """
    if layer.padding == "valid":
        return value
    value = graph.settle(value)
    totals = [
        max((math.ceil(side / stride) - 1) * stride + window - side, 0)
        for side, window, stride in zip(value.shape[:2], size, layer.strides, strict=True)
    ]
    rows, columns = ((total // 2, total - total // 2) for total in totals)
    return value._replace(padding=(rows, columns))


def _symmetric(padding: Padding) -> tuple[int, int] | None:
    """Return the padding of a side vertically and horizontally, or None if two sides differ."""
    (top, bottom), (left, right) = padding
    return (top, left) if (top, left) == (bottom, right) else None


def _output_shape(value: Value, size: tuple[int, int], strides: tuple[int, int], channels: int) -> tuple[int, ...]:
    """Return height, width and channels after windows have moved over padded maps."""
    sides = zip(value.shape[:2], value.padding, size, strides, strict=True)
    return (*((side + sum(ends) - window) // stride + 1 for side, ends, window, stride in sides), channels)


def _pool_settings(
    value: Value, size: tuple[int, int], strides: tuple[int, int], shape: tuple[int, ...]
) -> dict[str, Any] | None:
    """Return the settings by which PyTorch's pooling pads maps itself, or None if it cannot.

    Args:
        value: The maps, with padding.
        size: Height and width of the windows.
        strides: Step of the windows, vertically and horizontally.
        shape: Height, width and channels of the output.
    """
    padding = _symmetric(value.padding)
    if padding is not None and all(2 * pixels <= side for pixels, side in zip(padding, size, strict=True)):
        return {"padding": padding}
    (top, _), (left, _) = value.padding
    sides = zip(value.shape[:2], size, strides, shape[:2], strict=True)
    # In ceil mode the last window may reach beyond the edge, but not start there.
    if top == left == 0 and all(
        count == math.ceil((side - window) / step) + 1 and (count - 1) * step < side
        for side, window, step, count in sides
    ):
        return {"ceil_mode": True}
    return None
