"""The cards of all networks: their descriptions, which can be read without building them.

``scripts/cards`` builds every registered network, counts its parameters and MACs and writes ``cards.json``; a test
compares that file with the networks. Reading it does not load Keras.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from cnnzoo.errors import UserError, did_you_mean

PATH = Path(__file__).with_name("cards.json")


@dataclass(frozen=True, kw_only=True)
class Card:
    """The description of one network.

    Attributes:
        name: Its name in the registry.
        title: What a colleague would call it, such as "VGG-16 (configuration D)".
        summary: Its family, a colon and what the paper brought.
        variant: The arguments that make it from a builder shared by several networks, such as "depth 50"; "" if it
            has a builder of its own.
        departures: Where it departs from the paper.
        module: Where its builder is, such as ``cnnzoo.models.lenet``.
        paper: Authors, title, venue and year.
        year: Year of the paper.
        link: Address of the paper.
        input_shape: Default (height, width, channels).
        smallest: (height, width) of the smallest input; None if the default is the only size.
        num_classes: Default number of classes.
        parameters: Number of trainable parameters at that size.
        macs: Multiply-accumulates for one image of that size.
        options: The builder's options by name: for each a JSON Schema with the default and, if the docstring has one,
            the description.
    """

    name: str
    title: str
    summary: str
    variant: str
    departures: str
    module: str
    paper: str
    year: int
    link: str
    input_shape: tuple[int, ...]
    smallest: tuple[int, ...] | None
    num_classes: int
    parameters: int
    macs: int
    options: Mapping[str, Mapping[str, Any]]


@cache
def cards() -> Mapping[str, Card]:
    """Return the cards of all networks, by name."""
    entries = json.loads(PATH.read_text(encoding="utf-8"))
    for entry in entries.values():
        entry["input_shape"] = tuple(entry["input_shape"])
        entry["smallest"] = tuple(entry["smallest"]) if entry["smallest"] else None
    return {name: Card(name=name, **entry) for name, entry in sorted(entries.items())}


def card(name: str) -> Card:
    """Return the card of one network.

    Args:
        name: A registered name.

    Raises:
        UserError: There is no network of that name.
    """
    if name not in cards():
        if Path(name).exists():
            raise UserError(f"{name} is a file or a folder; name a network, as `cnnzoo models` lists them.")
        raise UserError(f"There is no network named '{name}'.{did_you_mean(name, cards())}")
    return cards()[name]


def select(pattern: str) -> list[Card]:
    """Return the cards whose names match a pattern.

    Args:
        pattern: A glob such as ``resnet*``, or a part of the name, in upper or lower case.

    Raises:
        UserError: No network matches.
    """
    glob = pattern.lower() if any(sign in pattern for sign in "*?[") else f"*{pattern.lower()}*"
    matching = [card for name, card in cards().items() if fnmatchcase(name.lower(), glob)]
    if not matching:
        raise UserError(f"No network matches '{pattern}'.{did_you_mean(pattern.strip('*?'), cards())}")
    return matching
