"""A graph of PyTorch modules, to which layers are added one by one."""

import math
import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import torch
from torch import fx, nn
from torch.nn import functional

from cnnzoo.errors import UserError

# Pixels at the top and the bottom, and on the left and the right.
Padding = tuple[tuple[int, int], tuple[int, int]]
NO_PADDING: Padding = ((0, 0), (0, 0))

# Their backward passes do not read their outputs, so a later layer may overwrite them.
OVERWRITABLE = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)


class Value(NamedTuple):
    """A tensor of the network, perhaps with padding or flattening that is left to the layer that reads it.

    Attributes:
        node: The tensor in PyTorch's graph, (batch, channels, height, width) or (batch, units).
        shape: Of that tensor in Keras, (height, width, channels) or (units,).
        padding: Zeros that its reader adds around it. A convolution does so itself, which is faster.
        flatten: Name of the layer that flattens it, left to its reader. A dense layer can take PyTorch's order.
        nonnegative: Whether no value is below 0.
    """

    node: fx.Node
    shape: tuple[int, ...]
    padding: Padding = NO_PADDING
    flatten: str = ""
    nonnegative: bool = False


class Graph:
    """A graph of PyTorch modules, to which layers are added one by one.

    Args:
        name: Of the network, for errors.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.graph = fx.Graph()
        self.modules: dict[str, nn.Module] = {}

    def add(self, name: str, module: nn.Module, node: fx.Node) -> fx.Node:
        """Apply a module to a tensor."""
        name = re.sub(r"\W", "_", name)
        while name in self.modules:
            name += "_"
        self.modules[name] = module
        return self.graph.call_module(name, (node,))

    def call(self, function: Callable[..., Any], *args: Any) -> fx.Node:
        """Apply a function."""
        return self.graph.call_function(function, args)

    def settle(self, value: Value, fill: float = 0.0) -> Value:
        """Pad or flatten a tensor as Keras does, where this was left to its reader.

        Args:
            value: The tensor.
            fill: Value of the padding.
        """
        if value.flatten:
            channels_last = self.graph.call_method("permute", (value.node, 0, 2, 3, 1))
            node = self.graph.call_method("flatten", (channels_last, 1))
            return value._replace(node=node, shape=(math.prod(value.shape),), flatten="")
        if value.padding == NO_PADDING:
            return value
        (top, bottom), (left, right) = value.padding
        height, width, channels = value.shape
        shape = (top + height + bottom, left + width + right, channels)
        node = self.call(functional.pad, value.node, (left, right, top, bottom), "constant", fill)
        return value._replace(node=node, shape=shape, padding=NO_PADDING)

    def finish(self, output: Value) -> fx.GraphModule:
        """Return the module."""
        self.graph.output(self.settle(output).node)
        module = fx.GraphModule(self.modules, self.graph)
        overwrite(module)
        module.recompile()
        return module.to(memory_format=torch.channels_last)

    def refuse(self, layer: Any, setting: str = "") -> UserError:
        """Return the error that says that a layer, or a setting of it, has no translation."""
        what = f"its layer '{layer.name}' ({type(layer).__name__})"
        reason = f"the {setting} of {what}" if setting else what
        return UserError(f"{self.name} cannot be translated to PyTorch, because {reason} has no translation.")


def copy_values(values: Any) -> Any:
    """Return a PyTorch copy of a variable or an array."""
    return torch.tensor(np.asarray(keras.ops.convert_to_numpy(values), "float32"))


def overwrite(module: fx.GraphModule) -> None:
    """Let ReLUs and sums overwrite an input that nothing else reads, which saves memory and time."""
    parts = dict(module.named_modules())

    def is_overwritable(node: fx.Node) -> bool:
        is_sum = node.target in {operator.add, operator.iadd}
        return len(node.users) == 1 and (is_sum or isinstance(parts.get(node.target), OVERWRITABLE))

    for node in module.graph.nodes:
        if node.target is operator.add:
            one, other = node.args
            if is_overwritable(other):
                node.target, node.args = operator.iadd, (other, one)
            elif is_overwritable(one):
                node.target = operator.iadd
        elif isinstance(parts.get(node.target), nn.ReLU):
            parts[node.target].inplace = is_overwritable(node.args[0])
