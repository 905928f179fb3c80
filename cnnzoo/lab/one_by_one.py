"""What the 1x1 convolutions of a network gain: channels, computation, and a nonlinearity.

Lin, Chen, Yan: "Network In Network", ICLR 2014; Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, section 4,
which reduces the channels before the expensive 3x3 and 5x5 convolutions.
"""

from dataclasses import dataclass
from itertools import takewhile
from math import prod
from typing import Any

import keras

from cnnzoo.keras_internals import layer_calls

# Layers that leave the channels as they are, so that a convolution behind them still reads those of the 1x1.
_BETWEEN = (
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.BatchNormalization,
    keras.layers.Dropout,
    keras.layers.ZeroPadding2D,
)


@dataclass(frozen=True)
class OneByOne:
    """One 1x1 convolution and the convolution that reads its output.

    Attributes:
        layer: Name of the 1x1 convolution.
        channels_in: Channels that it reads.
        channels_out: Channels that it sets.
        has_nonlinearity: Whether an activation follows before the next convolution, perhaps behind an addition.
        next_layer: Name of the convolution behind it; None where its output goes elsewhere, such as into a
            concatenation.
        parameters: Weights and biases of both convolutions; of the 1x1 alone without a next layer.
        parameters_without: Of the next convolution if it read all of ``channels_in``; None without a next layer.
        macs: Multiply-accumulates of both for one image.
        macs_without: Likewise.
    """

    layer: str
    channels_in: int
    channels_out: int
    has_nonlinearity: bool
    next_layer: str | None
    parameters: int
    parameters_without: int | None
    macs: int
    macs_without: int | None

    @property
    def saved_parameters(self) -> int:
        """Weights and biases that the 1x1 convolution saves; negative where it costs some, 0 without a next layer."""
        return 0 if self.parameters_without is None else self.parameters_without - self.parameters

    @property
    def saved_macs(self) -> int:
        """Multiply-accumulates that the 1x1 convolution saves."""
        return 0 if self.macs_without is None else self.macs_without - self.macs


@dataclass(frozen=True)
class Module:
    """The convolutions of one part of a network in which 1x1 convolutions stand before others.

    Attributes:
        name: Beginning of the layers' names, such as "inception_3a"; the names of a pair that has none in common.
        layers: Names of all convolutions of the module.
        macs: Their multiply-accumulates for one image.
        macs_without: Likewise if the convolutions behind a 1x1 read all channels themselves.
        parameters: Their weights and biases.
        parameters_without: Likewise.
    """

    name: str
    layers: tuple[str, ...]
    macs: int
    macs_without: int
    parameters: int
    parameters_without: int


def list_one_by_one(model: keras.Model) -> list[OneByOne]:
    """Return the 1x1 convolutions of a network, from the first to the last.

    Args:
        model: A functional model; an outline without weights will do.
    """
    calls = _list_calls(model)
    readers: dict[int, list[Any]] = {}
    for call in calls.values():
        for tensor in call.input_tensors:
            readers.setdefault(id(tensor), []).append(call)
    return [_describe(calls[layer.name], readers) for layer in model.layers if _is_one_by_one(layer)]


def list_modules(model: keras.Model) -> list[Module]:
    """Return the modules of a network that have 1x1 convolutions before others, from the first to the last.

    Args:
        model: A functional model of the zoo, whose layers are named by their modules; an outline will do.
    """
    pairs: dict[str, list[OneByOne]] = {}
    for row in list_one_by_one(model):
        if row.next_layer is not None:
            name = _find_module(row.layer, row.next_layer)
            pairs.setdefault(name, []).append(row)
    convolutions = {
        name: call for name, call in _list_calls(model).items() if isinstance(call.operation, keras.layers.Conv2D)
    }
    modules = []
    for name, rows in pairs.items():
        paired = {layer for row in rows for layer in (row.layer, row.next_layer)}
        layers = [layer for layer in convolutions if layer in paired or layer.startswith(f"{name}_")]
        macs = sum(_macs(convolutions[layer]) for layer in layers)
        parameters = sum(_parameters(convolutions[layer].operation) for layer in layers)
        modules.append(
            Module(
                name,
                tuple(layers),
                macs,
                macs + sum(row.saved_macs for row in rows),
                parameters,
                parameters + sum(row.saved_parameters for row in rows),
            )
        )
    return modules


def _list_calls(model: keras.Model) -> dict[str, Any]:
    return {call.operation.name: call for call in layer_calls(model) if not call.is_input}


def _find_module(layer: str, next_layer: str) -> str:
    """Return the words, separated by underscores, before the last one with which both names begin; else both names."""
    both = zip(layer.split("_")[:-1], next_layer.split("_")[:-1], strict=False)
    words = [word for word, _ in takewhile(lambda words: words[0] == words[1], both)]
    return "_".join(words) or f"{layer}, {next_layer}"


def _has_nonlinearity(call: Any, readers: dict[int, list[Any]]) -> bool:
    """Return whether an activation follows before the next convolution, perhaps behind an addition."""
    while not _is_nonlinear(call.operation):
        following = readers.get(id(call.output_tensors[0]), [])
        if len(following) != 1 or not isinstance(following[0].operation, (*_BETWEEN, keras.layers.Add)):
            return False
        (call,) = following
    return True


def _is_one_by_one(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Conv2D) and tuple(layer.kernel_size) == (1, 1)


def _describe(call: Any, readers: dict[int, list[Any]]) -> OneByOne:
    layer = call.operation
    channels_in, channels_out = layer.kernel.shape[2] * layer.groups, layer.filters
    has_nonlinearity = _has_nonlinearity(call, readers)
    following = readers.get(id(call.output_tensors[0]), [])
    while len(following) == 1 and isinstance(following[0].operation, _BETWEEN):
        following = readers.get(id(following[0].output_tensors[0]), [])
    following = [reader for reader in following if isinstance(reader.operation, keras.layers.Conv2D)]
    parameters, macs = _parameters(layer), _macs(call)
    if len(following) != 1 or following[0].operation.groups != 1:
        return OneByOne(layer.name, channels_in, channels_out, has_nonlinearity, None, parameters, None, macs, None)
    reader = following[0]
    factor = channels_in / channels_out
    biases = reader.operation.filters if reader.operation.use_bias else 0
    return OneByOne(
        layer=layer.name,
        channels_in=channels_in,
        channels_out=channels_out,
        has_nonlinearity=has_nonlinearity,
        next_layer=reader.operation.name,
        parameters=parameters + _parameters(reader.operation),
        parameters_without=round((_parameters(reader.operation) - biases) * factor) + biases,
        macs=macs + _macs(reader),
        macs_without=round(_macs(reader) * factor),
    )


def _is_nonlinear(layer: Any) -> bool:
    activation = getattr(layer, "activation", None)
    return isinstance(layer, keras.layers.ReLU) or (
        activation is not None and getattr(activation, "__name__", "") != "linear"
    )


def _parameters(layer: Any) -> int:
    return sum(prod(weight.shape) for weight in layer.weights)


def _macs(call: Any) -> int:
    return int(prod(call.operation.kernel.shape) * prod(call.output_tensors[0].shape[1:-1]))
