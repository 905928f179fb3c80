"""Translations of activations into PyTorch."""

from typing import Any

from keras import activations
from torch import nn

from cnnzoo.bench.torch_network import modules
from cnnzoo.bench.torch_network.graph import Graph, Value
from cnnzoo.models import layers as zoo

ACTIVATIONS: dict[Any, type[nn.Module]] = {
    activations.relu: nn.ReLU,
    activations.tanh: nn.Tanh,
    activations.sigmoid: nn.Sigmoid,
    zoo.scaled_tanh: modules.ScaledTanh,
}


def activate(graph: Graph, layer: Any, name: str, value: Value) -> Value:
    """Add the activation of a layer."""
    if layer.activation is activations.linear:
        return value
    if layer.activation not in ACTIVATIONS:
        raise graph.refuse(layer, "activation")
    value, is_relu = graph.settle(value), layer.activation is activations.relu
    return value._replace(node=graph.add(name, ACTIVATIONS[layer.activation](), value.node), nonnegative=is_relu)
