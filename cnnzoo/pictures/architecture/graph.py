"""What a drawing shows of a network: blocks one after the other, side by side, and repeated.

Read off the built model's graph. Layers that change little (batch normalization, activation, dropout, flattening,
padding) are no blocks: they belong to the block that they follow, or precede.
"""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Literal

import keras
from keras import layers

from cnnzoo.errors import UserError
from cnnzoo.inspection import window_of
from cnnzoo.models.layers import AuxiliaryLogits

Shape = tuple[int, ...]
Kind = Literal["input", "convolution", "pooling", "normalization", "dense", "addition", "concatenation", "other"]
Trait = Literal["normalization", "activation", "dropout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One layer, with the small ones that belong to it.

    Attributes:
        names: Its name, then those of the small layers behind it.
        kind: What it is.
        words: How it does it, such as ``("3x3 max /2",)``.
        inputs: Shapes of what goes in, without the batch axis.
        shape: Of what comes out.
        traits: The small layers behind it that have a colour: what each is, and its name, such as "ReLU".
    """

    names: tuple[str, ...]
    kind: Kind
    words: tuple[str, ...] = ()
    inputs: tuple[Shape, ...] = ()
    shape: Shape
    traits: tuple[tuple[Trait, str], ...] = ()

    @property
    def name(self) -> str:
        """Name of the layer itself."""
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Branches:
    """Chains that begin at the same block and are joined again; an empty one is a shortcut."""

    branches: tuple["Chain", ...]
    join: Block

    @property
    def name(self) -> str:
        """What all layers in it are named after, or else the name of the join."""
        inner = [name for chain in self.branches for block in list_blocks(chain) for name in block.names]
        return next(
            (own for own in self.join.names if all(name.startswith(f"{own}_") for name in inner)), self.join.name
        )


@dataclass(frozen=True, slots=True)
class Repetition:
    """Equal links of a chain, of which one is drawn.

    Attributes:
        link: The first of them.
        names: Of all of them.
    """

    link: "Block | Branches"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """A chain that leaves the network at the link before it and leads to an output of its own."""

    chain: "Chain"


Link = Block | Branches | Repetition | Head
Chain = tuple[Link, ...]

TIMES = "\N{MULTIPLICATION SIGN}"

_KINDS: dict[type, Kind] = {
    layers.InputLayer: "input",
    layers.Dense: "dense",
    layers.Add: "addition",
    layers.Concatenate: "concatenation",
}

# So many equal links in a row are folded into one.
_FOLDED = {Block: 5, Branches: 2}


def read_chain(model: keras.Model, *, full: bool = False) -> Chain:
    """Read the chain of blocks from a model's images to its logits.

    The logits are the output at the end of the longest path; the way to any other is a head.

    Args:
        model: Functional or Sequential, with one input.
        full: Whether to leave repetitions as they are. Otherwise five equal blocks in a row, or two equal
            modules with branches, become one ``Repetition``.

    Raises:
        UserError: The graph has several inputs, nested models, layers called twice, or branches that are
            not joined where they began.
    """
    nodes = _read_nodes(model)
    _find_ways(nodes)
    chain, _ = _follow(nodes[0], None)
    return chain if full else _fold(chain)


def list_blocks(chain: Chain) -> list[Block]:
    """Return all blocks of a chain, of a repetition the first link's."""
    found: list[Block] = []
    for link in chain:
        match link:
            case Block():
                found.append(link)
            case Branches():
                found += [block for branch in link.branches for block in list_blocks(branch)] + [link.join]
            case Repetition():
                found += list_blocks((link.link,))
            case Head():
                found += list_blocks(link.chain)
    return found


@dataclass(eq=False, slots=True)
class _Node:
    """A block in the graph.

    Attributes:
        block: What is drawn.
        sources: The nodes that it takes.
        targets: The nodes that take it.
        ahead: The nodes that every way from here to the logits passes, itself first; none on a head.
    """

    block: Block
    sources: list["_Node"]
    targets: list["_Node"] = field(default_factory=list)
    ahead: list["_Node"] = field(default_factory=list)


def _read_nodes(model: keras.Model) -> list[_Node]:
    """Return the nodes of a model's graph, each behind its sources."""
    operations = keras.Function(model.inputs, model.outputs).operations
    takers = Counter(id(tensor) for layer in operations for tensor in _list_inputs(layer))
    paddings = [layer for layer in operations if isinstance(layer, layers.ZeroPadding2D)]
    windows = {
        id(t) for layer in operations if _find_kind(layer) in {"convolution", "pooling"} for t in _list_inputs(layer)
    }
    ahead = {id(layer) for layer in paddings if id(layer.output) in windows}

    # Of a layer called twice, ``input`` and ``output`` are those of its first call.
    known = {id(tensor) for layer in operations for tensor in keras.tree.flatten(layer.output)}
    used = {*takers, *map(id, model.outputs)}
    if not used <= known or any(isinstance(layer, keras.Model) for layer in operations):
        raise UserError(f"'{model.name}' nests a model or calls a layer twice, and cannot be drawn.")
    if len(model.inputs) > 1:
        raise UserError(f"'{model.name}' has {len(model.inputs)} inputs; only networks with one can be drawn.")

    nodes: list[_Node] = []
    makers: dict[int, _Node] = {}
    for layer in operations:
        sources = [makers[id(tensor)] for tensor in _list_inputs(layer)]
        alone = len(sources) == 1 and takers[id(layer.input)] == 1
        small = _extend(sources[0].block, layer, last=not takers[id(layer.output)]) if alone else None
        if id(layer) in ahead:
            node = sources[0]
        elif small:
            node = sources[0]
            node.block = small
        else:
            node = _Node(_describe(layer), sources)
            nodes.append(node)
            for source in sources:
                source.targets.append(node)
        makers.update((id(tensor), node) for tensor in keras.tree.flatten(layer.output))
    return nodes


def _find_ways(nodes: list[_Node]) -> None:
    """Fill ``ahead`` of every node that leads to the logits."""
    depths: dict[_Node, int] = {}
    for node in nodes:
        depths[node] = 1 + max((depths[source] for source in node.sources), default=0)
    logits = max((node for node in nodes if not node.targets), key=depths.__getitem__)
    logits.ahead = [logits]
    for node in reversed(nodes):
        ways = [target.ahead for target in node.targets if target.ahead]
        if ways:
            node.ahead = [node, *(each for each in ways[0] if all(each in way for way in ways[1:]))]


def _follow(node: _Node, stop: _Node | None) -> tuple[Chain, _Node]:
    """Return the links from a node to the one before ``stop``, or to the end, and the node of the last one."""
    links: list[Link] = [node.block]
    while True:
        links += [_follow_head(target) for target in node.targets if not target.ahead]
        onward = [target for target in node.targets if target.ahead]
        if onward in ([], [stop]):
            return tuple(links), node
        after = node.ahead[1]
        if len(onward) == len(after.sources) == 1:
            links.append(after.block)
        else:
            links.append(_join(node, onward, after))
        node = after


def _join(fork: _Node, onward: list[_Node], join: _Node) -> Branches:
    """Return the branches between two nodes, in the order in which the second takes them."""
    by_end: dict[_Node, Chain] = {}
    for target in onward:
        branch, end = ((), fork) if target is join else _follow(target, join)
        by_end[end] = branch
    if Counter(join.sources) != Counter(by_end.keys()):
        raise UserError(f"The branches between '{fork.block.name}' and '{join.block.name}' cannot be drawn.")
    return Branches(tuple(by_end[source] for source in join.sources), join.block)


def _follow_head(node: _Node) -> Head:
    links = [node.block]
    while node.targets:
        if len(node.targets) > 1 or len(node.targets[0].sources) > 1:
            raise UserError(f"The branches behind '{node.block.name}' cannot be drawn.")
        [node] = node.targets
        links.append(node.block)
    return Head(tuple(links))


def _fold(chain: Chain) -> Chain:
    links: list[Link] = []
    for _, group in groupby(chain, _without_names):
        equal = list(group)
        first = equal[0]
        if isinstance(first, Block | Branches) and len(equal) >= _FOLDED[type(first)]:
            links.append(Repetition(first, tuple(link.name for link in equal if isinstance(link, Block | Branches))))
        else:
            links += equal
    return tuple(links)


def _without_names(link: Link) -> Any:
    """Return what makes two links equal: all but their names."""
    match link:
        case Block():
            return replace(link, names=())
        case Branches():
            return tuple(tuple(map(_without_names, branch)) for branch in link.branches), _without_names(link.join)
        case _:
            return id(link)


def _list_inputs(layer: keras.Operation) -> list[Any]:
    return [] if isinstance(layer, layers.InputLayer) else keras.tree.flatten(layer.input)


def _describe(layer: keras.Operation) -> Block:
    """Describe a layer on its own."""
    activation = _name_activation(getattr(layer, "activation", None))
    return Block(
        names=(layer.name,),
        kind=_find_kind(layer),
        words=_describe_work(layer),
        inputs=tuple(tuple(tensor.shape[1:]) for tensor in _list_inputs(layer)),
        shape=tuple(layer.output.shape[1:]),
        traits=(("activation", activation),) if activation else (),
    )


def _extend(block: Block, layer: keras.Operation, *, last: bool) -> Block | None:
    """Return a block with a small layer behind it, or nothing where the layer is not small."""
    words, traits = block.words, block.traits
    match layer:
        case layers.BatchNormalization():
            traits += (("normalization", "batch normalization"),)
        case layers.Activation() | layers.ReLU() | layers.LeakyReLU() | layers.ELU() | layers.PReLU():
            name = _name_activation(getattr(layer, "activation", None)) or _split_name(type(layer).__name__)
            traits += (("activation", name),)
        case layers.Dropout():
            words += (f"dropout {layer.rate:g}",)
            traits += (("dropout", "dropout"),)
        case layers.ZeroPadding2D():
            words += ("zero-padded",)
            block = replace(block, shape=tuple(layer.output.shape[1:]))
        case AuxiliaryLogits():
            words += (f"loss {TIMES} {layer.loss_weight:g}",)
        case layers.Flatten() | layers.Reshape() if not last:
            pass
        case _:
            return None
    return replace(block, names=(*block.names, layer.name), words=words, traits=traits)


def _find_kind(layer: keras.Operation) -> Kind:
    for known, kind in _KINDS.items():
        if isinstance(layer, known):
            return kind
    name = type(layer).__name__
    if hasattr(layer, "kernel_size"):
        return "convolution"
    if hasattr(layer, "pool_size") or "Pooling" in name:
        return "pooling"
    return "normalization" if "Normalization" in name else "other"


def _describe_work(layer: keras.Operation) -> tuple[str, ...]:
    """Say how a layer does its work: window, kind, stride, groups; what its name says is not repeated."""
    kind, name = _find_kind(layer), type(layer).__name__
    if kind == "normalization":
        return (_split_name(name.removesuffix("Normalization")),)
    if kind == "other":
        return (_split_name(name),)
    if kind not in {"convolution", "pooling"}:
        return ()
    size, _, step = window_of(layer).partition(" ")
    how = _split_name(re.sub("(Grouped)?Conv2D|(Pooling)?2D", "", name))
    if kind == "pooling" and size == "1x1":
        size, how = "", "subsampling"
    groups = getattr(layer, "groups", 1)
    manner = " ".join(word for word in ("" if size in layer.name else size, how, step) if word)
    return tuple(word for word in (manner, f"{groups} groups" if groups > 1 else "") if word)


def _name_activation(function: Any) -> str:
    """Name an activation; the identity has no name."""
    name = getattr(function, "__name__", "linear")
    return {"linear": "", "relu": "ReLU"}.get(name, name.replace("_", " "))


def _split_name(class_name: str) -> str:
    """Separate the words of a class's name: ``EuclideanRBF`` is "Euclidean RBF"."""
    words = re.findall("[A-Z][a-z]+|[A-Z]+(?![a-z])|[0-9]+D?", class_name)
    return " ".join(word if word.isupper() else word.lower() for word in words)
