"""Blocks of an architecture: what a picture says about one layer.

Small layers (batch normalization, activation, dropout, flattening, padding) are not blocks: they belong to the block
before them.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import keras
from keras import layers

from cnnzoo.inspection import window_of
from cnnzoo.models.layers import AuxiliaryLogits

Shape = tuple[int, ...]
Kind = Literal["input", "convolution", "pooling", "normalization", "dense", "addition", "concatenation", "other"]
Trait = Literal["normalization", "activation", "dropout"]

TIMES = "\N{MULTIPLICATION SIGN}"

_KINDS: dict[type, Kind] = {
    layers.InputLayer: "input",
    layers.Dense: "dense",
    layers.Add: "addition",
    layers.Concatenate: "concatenation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A layer and the small layers behind it. Blocks that differ only in their names are equal.

    Attributes:
        names: The layer's name, then those of the small layers.
        kind: The kind of the layer.
        words: How the layer works, such as ``("3x3 max /2",)``.
        inputs: Shapes of its inputs, without the batch axis.
        shape: Shape of its output, without the batch axis.
        traits: Kind and name of each small layer that has a colour, such as ("activation", "ReLU").
    """

    names: tuple[str, ...] = field(compare=False)
    kind: Kind
    words: tuple[str, ...] = ()
    inputs: tuple[Shape, ...] = ()
    shape: Shape
    traits: tuple[tuple[Trait, str], ...] = ()

    @property
    def name(self) -> str:
        """The name of the layer itself."""
        return self.names[0]


def describe_layer(layer: keras.Operation) -> Block:
    """Return the block of a layer, without small layers."""
    activation = _name_activation(layer)
    return Block(
        names=(layer.name,),
        kind=find_kind(layer),
        words=_describe_work(layer),
        inputs=tuple(tuple(tensor.shape[1:]) for tensor in list_inputs(layer)),
        shape=tuple(layer.output.shape[1:]),
        traits=(("activation", activation),) if activation else (),
    )


def add_layer(block: Block, layer: keras.Operation, *, is_last: bool) -> Block | None:
    """Return a block with one more small layer, or None if the layer is not small."""
    words, shape, traits = block.words, block.shape, block.traits
    match layer:
        case layers.BatchNormalization():
            traits += (("normalization", "batch normalization"),)
        case layers.Activation() | layers.ReLU() | layers.LeakyReLU() | layers.ELU() | layers.PReLU():
            traits += (("activation", _name_activation(layer) or _split_name(type(layer).__name__)),)
        case layers.Dropout():
            words += (f"dropout {layer.rate:g}",)
            traits += (("dropout", "dropout"),)
        case layers.ZeroPadding2D():
            words, shape = (*words, "zero-padded"), tuple(layer.output.shape[1:])
        case AuxiliaryLogits():
            words += (f"loss {TIMES} {layer.loss_weight:g}",)
        case layers.Flatten() | layers.Reshape() if not is_last:
            pass
        case _:
            return None
    return replace(block, names=(*block.names, layer.name), words=words, shape=shape, traits=traits)


def list_inputs(layer: keras.Operation) -> list[Any]:
    """Return the tensors that a layer takes."""
    return [] if isinstance(layer, layers.InputLayer) else keras.tree.flatten(layer.input)


def find_kind(layer: keras.Operation) -> Kind:
    """Return the kind of a layer."""
    name = type(layer).__name__
    for layer_type, kind in _KINDS.items():
        if isinstance(layer, layer_type):
            return kind
    if hasattr(layer, "kernel_size"):
        return "convolution"
    if hasattr(layer, "pool_size") or "Pooling" in name:
        return "pooling"
    return "normalization" if "Normalization" in name else "other"


def _describe_work(layer: keras.Operation) -> tuple[str, ...]:
    """Return window, method, stride and groups of a layer, without those that its name contains."""
    kind, name = find_kind(layer), type(layer).__name__
    if kind in {"normalization", "other"}:
        return (_split_name(name.removesuffix("Normalization")),)
    if kind not in {"convolution", "pooling"}:
        return ()
    window, _, stride = window_of(layer).partition(" ")
    method = _split_name(re.sub("(Grouped)?Conv2D|(Pooling)?2D", "", name))
    if kind == "pooling" and window == "1x1":
        window, method = "", "subsampling"
    groups = getattr(layer, "groups", 1)
    words = " ".join(word for word in ("" if window in layer.name else window, method, stride) if word)
    return tuple(word for word in (words, f"{groups} groups" if groups > 1 else "") if word)


def _name_activation(layer: keras.Operation) -> str:
    """Return the name of a layer's activation, and "" for the identity."""
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return {"linear": "", "relu": "ReLU"}.get(name, name.replace("_", " "))


def _split_name(class_name: str) -> str:
    """Separate the words of a class's name: ``EuclideanRBF`` is "Euclidean RBF"."""
    words = re.findall("[A-Z][a-z]+|[A-Z]+(?![a-z])|[0-9]+D?", class_name)
    return " ".join(word if word.isupper() else word.lower() for word in words)
