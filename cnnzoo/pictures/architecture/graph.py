"""The graph of a network as a chain of blocks with branches, repetitions and heads."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain as concatenated
from itertools import groupby
from math import inf

import keras
from keras import layers

from cnnzoo.errors import UserError
from cnnzoo.pictures.architecture.blocks import Block, add_layer, describe_layer, find_kind, list_inputs


@dataclass(frozen=True, slots=True)
class Branches:
    """Chains that begin at the same block and are joined again; an empty chain is a shortcut."""

    branches: tuple["Chain", ...]
    join: Block

    @property
    def name(self) -> str:
        """The common prefix of the names of all layers inside, or else the name of the join."""
        inner = [name for block in list_blocks(concatenated(*self.branches)) for name in block.names]
        prefixes = (prefix for prefix in self.join.names if all(name.startswith(f"{prefix}_") for name in inner))
        return next(prefixes, self.join.name)


@dataclass(frozen=True, slots=True)
class Repetition:
    """Equal links of a chain; only the first is drawn.

    Attributes:
        link: The first link.
        names: The names of all links.
    """

    link: Block | Branches
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """A chain that branches off at the link before it and leads to an output of its own."""

    chain: "Chain"


Link = Block | Branches | Repetition | Head
Chain = tuple[Link, ...]

# The smallest number of equal links in a row that are folded into one.
_FOLDED = {Block: 5, Branches: 2}


def read_chain(model: keras.Model, *, full: bool = False) -> Chain:
    """Read the chain of blocks from a model's images to its logits.

    The logits are the output at the end of the longest path; the path to any other output is a head.

    Args:
        model: Functional or Sequential, with one input.
        full: Leave repetitions unfolded. Otherwise five equal blocks in a row, or two equal modules with branches,
            become one ``Repetition``.

    Raises:
        UserError: The graph has several inputs, nested models, layers called twice, or branches that are not joined
            where they began.
    """
    chain, _ = _read_graph(model).follow(0, None)
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


@dataclass(frozen=True, slots=True)
class _Graph:
    """The blocks of a network, numbered from 0, each after those whose outputs it takes.

    Attributes:
        blocks: What is drawn.
        sources: For each block the numbers of those whose outputs it takes.
        targets: For each block the numbers of those that take its output.
        ahead: For the number of each block the numbers of those on every path from it to the logits, itself first;
            blocks of heads are missing.
    """

    blocks: list[Block]
    sources: list[list[int]]
    targets: list[list[int]]
    ahead: dict[int, list[int]]

    def follow(self, number: int, stop: int | None) -> tuple[Chain, int]:
        """Return the links from a block to the one before ``stop``, or to the end, and the number of the last one."""
        links: list[Link] = [self.blocks[number]]
        while True:
            links += [Head(self.follow_head(target)) for target in self.targets[number] if target not in self.ahead]
            onward = [target for target in self.targets[number] if target in self.ahead]
            if onward in ([], [stop]):
                return tuple(links), number
            after = self.ahead[number][1]
            is_next = len(onward) == len(self.sources[after]) == 1
            links.append(self.blocks[after] if is_next else self.join(number, onward, after))
            number = after

    def join(self, fork: int, onward: list[int], join: int) -> Branches:
        """Return the branches between two blocks, in the order of the second block's inputs."""
        by_end: dict[int, Chain] = {}
        for target in onward:
            branch, end = ((), fork) if target == join else self.follow(target, join)
            by_end[end] = branch
        if Counter(self.sources[join]) != Counter(by_end.keys()):
            names = f"'{self.blocks[fork].name}' and '{self.blocks[join].name}'"
            raise UserError(f"The branches between {names} cannot be drawn.")
        return Branches(tuple(by_end[source] for source in self.sources[join]), self.blocks[join])

    def follow_head(self, number: int) -> Chain:
        """Return the links from a block on a head to the head's output."""
        match self.targets[number]:
            case []:
                return (self.blocks[number],)
            case [target] if len(self.sources[target]) == 1:
                return (self.blocks[number], *self.follow_head(target))
        raise UserError(f"The branches behind '{self.blocks[number].name}' cannot be drawn.")


def _read_graph(model: keras.Model) -> _Graph:
    """Read the graph of a model.

    Raises:
        UserError: See ``read_chain``.
    """
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
    blocks: list[Block] = []
    sources: list[list[int]] = []
    numbers: dict[int, int] = {}  # of the block that each tensor is the output of
    for layer in operations:
        inputs = [numbers[id(tensor)] for tensor in list_inputs(layer)]
        number = inputs[0] if inputs else 0
        is_only_target = len(inputs) == 1 and takers[id(layer.input)] == 1
        is_last = not takers[id(layer.output)]
        if isinstance(layer, layers.ZeroPadding2D) and id(layer.output) in windows:
            pass  # the padding of a convolution or pooling is not drawn
        elif is_only_target and (more := add_layer(blocks[number], layer, is_last=is_last)):
            blocks[number] = more
        else:
            number = len(blocks)
            blocks.append(describe_layer(layer))
            sources.append(inputs)
        numbers[id(layer.output)] = number
    targets: list[list[int]] = [[] for _ in blocks]
    for target, taken in enumerate(sources):
        for source in taken:
            targets[source].append(target)
    return _Graph(blocks, sources, targets, _find_blocks_ahead(sources, targets))


def _find_blocks_ahead(sources: list[list[int]], targets: list[list[int]]) -> dict[int, list[int]]:
    """Return for each block those on every path from it to the logits, the output at the end of the longest path."""
    depths: list[int] = []
    for taken in sources:
        depths.append(1 + max((depths[source] for source in taken), default=0))
    logits = max((number for number, takers in enumerate(targets) if not takers), key=depths.__getitem__)
    ahead = {logits: [logits]}
    for number in reversed(range(len(targets))):
        ways = [ahead[target] for target in targets[number] if target in ahead]
        if ways:
            ahead[number] = [number, *(each for each in ways[0] if all(each in way for way in ways[1:]))]
    return ahead


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
