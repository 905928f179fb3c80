"""Translations of Keras's layers, and of the zoo's own, into PyTorch."""

import operator
from collections.abc import Callable
from typing import Any

import torch
from keras import layers
from torch import nn

from cnnzoo.bench.torch_network import modules, windows
from cnnzoo.bench.torch_network.activations import activate
from cnnzoo.bench.torch_network.graph import Graph, Value, copy_values
from cnnzoo.models import layers as zoo
from cnnzoo.models.normalization import BatchNormalization


def _activation(graph: Graph, layer: Any, value: Value) -> Value:
    return activate(graph, layer, layer.name, value)


def _relu(graph: Graph, layer: Any, value: Value) -> Value:
    if layer.max_value is not None or layer.negative_slope or layer.threshold:
        raise graph.refuse(layer, "slope, threshold or maximum")
    value = graph.settle(value)
    return value._replace(node=graph.add(layer.name, nn.ReLU(), value.node), nonnegative=True)


def _normalization(graph: Graph, layer: Any, value: Value) -> Value:
    value = graph.settle(value)
    if layer.axis not in {-1, len(value.shape)}:
        raise graph.refuse(layer, "axis")
    if layer.scale != layer.center:
        raise graph.refuse(layer, "scale without center, or center without scale,")
    norm = nn.BatchNorm2d if len(value.shape) == 3 else nn.BatchNorm1d
    module = norm(value.shape[-1], layer.epsilon, momentum=1.0 - layer.momentum, affine=layer.scale)
    weights = {"running_mean": layer.moving_mean, "running_var": layer.moving_variance}
    if layer.scale:
        weights.update(weight=layer.gamma, bias=layer.beta)
    module.load_state_dict({name: copy_values(variable) for name, variable in weights.items()})
    return Value(graph.add(layer.name, module, value.node), value.shape)


def _response_normalization(graph: Graph, layer: Any, value: Value) -> Value:
    value, size = graph.settle(value), 2 * layer.depth_radius + 1
    alpha = layer.alpha * size if layer.scaling == "paper" else layer.alpha  # PyTorch divides it by the size
    module = nn.LocalResponseNorm(size, alpha, layer.beta, layer.bias)
    return value._replace(node=graph.add(layer.name, module, value.node))


def _dropout(graph: Graph, layer: Any, value: Value) -> Value:
    if layer.noise_shape is not None:
        raise graph.refuse(layer, "noise_shape")
    value = graph.settle(value)
    return value._replace(node=graph.add(layer.name, nn.Dropout(layer.rate), value.node))


def _flatten(graph: Graph, layer: Any, value: Value) -> Value:
    value = graph.settle(value)
    return value if len(value.shape) == 1 else value._replace(flatten=layer.name)


def _reshape(graph: Graph, layer: Any, value: Value) -> Value:
    if not value.flatten or layer.target_shape != value.shape:
        raise graph.refuse(layer)
    return value._replace(flatten="")  # as before the flattening


def _dense(graph: Graph, layer: Any, value: Value) -> Value:
    kernel, node = copy_values(layer.kernel), value.node
    if value.flatten:
        # Keras flattens (height, width, channels), PyTorch (channels, height, width), so the inputs change places.
        kernel = kernel.reshape(*value.shape, layer.units).permute(2, 0, 1, 3).reshape(-1, layer.units)
        node = graph.add(value.flatten, nn.Flatten(), node)
    elif len(value.shape) != 1:
        raise graph.refuse(layer)
    module = nn.Linear(*kernel.shape, bias=layer.use_bias)
    module.load_state_dict({"weight": kernel.T, **({"bias": copy_values(layer.bias)} if layer.use_bias else {})})
    output = Value(graph.add(layer.name, module, node), (layer.units,))
    return activate(graph, layer, f"{layer.name}_{layer.activation.__name__}", output)


def _add(graph: Graph, layer: Any, *values: Value) -> Value:
    values = tuple(map(graph.settle, values))
    if len({value.shape for value in values}) > 1:
        raise graph.refuse(layer)
    node = values[0].node
    for value in values[1:]:
        node = graph.call(operator.add, node, value.node)
    return Value(node, values[0].shape, nonnegative=all(value.nonnegative for value in values))


def _concatenate(graph: Graph, layer: Any, *values: Value) -> Value:
    values = tuple(map(graph.settle, values))
    *sides, _ = values[0].shape
    if layer.axis not in {-1, len(values[0].shape)}:
        raise graph.refuse(layer, "axis")
    node = graph.call(torch.cat, [value.node for value in values], 1)
    channels = sum(value.shape[-1] for value in values)
    return Value(node, (*sides, channels), nonnegative=all(value.nonnegative for value in values))


def _distances(graph: Graph, layer: Any, value: Value) -> Value:
    module = modules.EuclideanRBF(copy_values(layer.centres))
    return Value(graph.add(layer.name, module, graph.settle(value).node), (len(layer.centres),))


def _position_bias(graph: Graph, layer: Any, value: Value) -> Value:
    value = graph.settle(value)
    return Value(graph.add(layer.name, modules.PositionBias(copy_values(layer.bias)), value.node), value.shape)


# By exact class, because a subclass may compute something else.
TRANSLATIONS: dict[type, Callable[..., Value]] = {
    layers.Activation: _activation,
    layers.Add: _add,
    layers.AveragePooling2D: windows.average_pooling,
    layers.BatchNormalization: _normalization,
    layers.Concatenate: _concatenate,
    layers.Conv2D: windows.convolution,
    layers.Dense: _dense,
    layers.Dropout: _dropout,
    layers.Flatten: _flatten,
    layers.GlobalAveragePooling2D: windows.global_pooling,
    layers.GlobalMaxPooling2D: windows.global_pooling,
    layers.MaxPooling2D: windows.max_pooling,
    layers.ReLU: _relu,
    layers.Reshape: _reshape,
    layers.ZeroPadding2D: windows.zero_padding,
    BatchNormalization: _normalization,
    zoo.EuclideanRBF: _distances,
    zoo.GroupedConv2D: windows.convolution,
    zoo.LocalResponseNormalization: _response_normalization,
    zoo.PositionBias: _position_bias,
    zoo.SparselyConnectedConv2D: windows.sparse_convolution,
    zoo.Subsampling2D: windows.subsampling,
}
