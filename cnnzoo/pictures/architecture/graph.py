"""The graph of a network as a chain of blocks, with branches, repetitions and heads."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain as concatenated
from itertools import groupby
from math import inf

import keras
from keras import layers

from cnnzoo.errors import UserError
from cnnzoo.pictures.architecture.blocks import Block, add_layer, describe_layer, find_kind, list_inputs


@dataclass(frozen=True, slots=True)
class Branches:
    """Chains that begin at the same block and are joined again; an empty one is a shortcut."""

    branches: tuple["Chain", ...]
    join: Block

    @property
    def name(self) -> str:
        """The prefix that the names of all layers inside share, or else the name of the join."""
        inner = [name for block in list_blocks(concatenated(*self.branches)) for name in block.names]
        prefixes = (own for own in self.join.names if all(name.startswith(f"{own}_") for name in inner))
        return next(prefixes, self.join.name)


@dataclass(frozen=True, slots=True)
class Repetition:
    """Equal links of a chain, of which the first is drawn.

    Attributes:
        link: The first of them.
        names: Names of all of them.
    """

    link: Block | Branches
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """A chain that leaves the network at the link before it and leads to an output of its own."""

    chain: "Chain"


Link = Block | Branches | Repetition | Head
Chain = tuple[Link, ...]

# How many equal links in a row are folded into one.
_FOLDED = {Block: 5, Branches: 2}


def read_chain(model: keras.Model, *, full: bool = False) -> Chain:
    """Read the chain of blocks from a model's images to its logits.

    The logits are the output at the end of the longest path; the way to any other output is a head.

    Args:
        model: Functional or Sequential, with one input.
        full: Whether to leave repetitions unfolded. Otherwise five equal blocks in a row, or two equal modules with
            branches, become one ``Repetition``.

    Raises:
        UserError: The graph has several inputs, nested models, layers called twice, or branches that are not joined
            where they began.
    """
    nodes = _read_nodes(model)
    logits = max((node for node in nodes if not node.targets), key=lambda node: node.depth)
    logits.ahead = [logits]
    for node in reversed(nodes):
        ways = [target.ahead for target in node.targets if target.ahead]
        if ways:
            node.ahead = [node, *(each for each in ways[0] if all(each in way for way in ways[1:]))]
    chain, _ = _follow(nodes[0], None)
    return chain if full else _fold(chain)


def list_blocks(chain: Iterable[Link]) -> list[Block]:
    """Return all blocks of a chain; a repetition has those of its first link."""
    blocks: list[Block] = []
    for link in chain:
        match link:
            case Block():
                blocks.append(link)
            case Branches():
                blocks += [*list_blocks(concatenated(*link.branches)), link.join]
            case Repetition():
                blocks += list_blocks([link.link])
            case Head():
                blocks += list_blocks(link.chain)
    return blocks


@dataclass(eq=False, slots=True)
class _Node:
    """A block in the graph.

    Attributes:
        block: What is drawn.
        sources: The nodes whose outputs it takes.
        targets: The nodes that take its output.
        ahead: The nodes on every way from here to the logits, itself first; none on a head.
        depth: The number of nodes on the longest way to it.
    """

    block: Block
    sources: list["_Node"]
    targets: list["_Node"] = field(default_factory=list)
    ahead: list["_Node"] = field(default_factory=list)
    depth: int = 1

    def __post_init__(self) -> None:
        for source in self.sources:
            source.targets.append(self)
            self.depth = max(self.depth, source.depth + 1)


def _read_nodes(model: keras.Model) -> list[_Node]:
    """Return the nodes of a model's graph, each behind its sources."""
    operations = keras.Function(model.inputs, model.outputs).operations
    takers = Counter(id(tensor) for layer in operations for tensor in list_inputs(layer))
    # Of a layer called twice, ``input`` and ``output`` are those of its first call.
    outputs = {id(layer.output) for layer in operations}
    is_nested = any(isinstance(layer, keras.Model) for layer in operations)
    if is_nested or not {*takers, *map(id, model.outputs)} <= outputs:
        raise UserError(f"'{model.name}' nests a model or calls a layer twice, and cannot be drawn.")
    if len(model.inputs) > 1:
        raise UserError(f"'{model.name}' has {len(model.inputs)} inputs; only networks with one can be drawn.")

    windows = {id(layer.input) for layer in operations if find_kind(layer) in {"convolution", "pooling"}}
    nodes: dict[int, _Node] = {}  # by their output
    for layer in operations:
        sources = [nodes[id(tensor)] for tensor in list_inputs(layer)]
        is_only_target = len(sources) == 1 and takers[id(layer.input)] == 1
        if isinstance(layer, layers.ZeroPadding2D) and id(layer.output) in windows:
            node = sources[0]
        elif is_only_target and (more := add_layer(sources[0].block, layer, is_last=not takers[id(layer.output)])):
            node = sources[0]
            node.block = more
        else:
            node = _Node(describe_layer(layer), sources)
        nodes[id(layer.output)] = node
    return list(dict.fromkeys(nodes.values()))


def _follow(node: _Node, stop: _Node | None) -> tuple[Chain, _Node]:
    """Return the links from a node to the one before ``stop``, or to the end, and the node of the last one."""
    links: list[Link] = [node.block]
    while True:
        links += [Head(_follow_head(target)) for target in node.targets if not target.ahead]
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
    """Return the branches between two nodes, in the order of the second node's inputs."""
    by_end: dict[_Node, Chain] = {}
    for target in onward:
        branch, end = ((), fork) if target is join else _follow(target, join)
        by_end[end] = branch
    if Counter(join.sources) != Counter(by_end.keys()):
        raise UserError(f"The branches between '{fork.block.name}' and '{join.block.name}' cannot be drawn.")
    return Branches(tuple(by_end[source] for source in join.sources), join.block)


def _follow_head(node: _Node) -> Chain:
    match node.targets:
        case []:
            return (node.block,)
        case [target] if len(target.sources) == 1:
            return (node.block, *_follow_head(target))
    raise UserError(f"The branches behind '{node.block.name}' cannot be drawn.")


def _fold(chain: Chain) -> Chain:
    """Replace equal links in a row by one repetition."""
    links: list[Link] = []
    for first, group in groupby(chain):
        equal = list(group)
        names = tuple(link.name for link in equal if isinstance(link, Block | Branches))
        if isinstance(first, Block | Branches) and len(equal) >= _FOLDED.get(type(first), inf):
            links.append(Repetition(first, names))
        else:
            links += equal
    return tuple(links)
