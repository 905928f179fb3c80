"""What is known of every network of the zoo without building one.

The cards are generated: ``scripts/cards`` builds every registered network, counts it and writes
``cards.json``, and a test holds that file to the built models. Reading it takes no Keras.
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
    """What is known of one network.

    Attributes:
        name: What the registry calls it.
        title: Its family and what that brought, from the first line of its module.
        summary: The first sentence of its builder's docstring.
        variant: What it settles of a builder that several networks share, such as "depth 50"; empty where
            it has a builder of its own.
        departures: Where the builder does otherwise than the paper; empty where it nowhere does.
        module: Where its builder lives, such as ``cnnzoo.models.lenet``.
        paper: Authors, title and venue.
        year: Of the paper.
        link: To the paper.
        input_shape: (height, width, channels) that the builder takes unasked.
        num_classes: Number of classes that the builder takes unasked.
        parameters: Number of trainable parameters at that size.
        macs: Multiply-accumulates for one image of that size.
        options: The builder's options by name, each a JSON Schema of its value with the default
            and, where the docstring has one, the description.
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
    num_classes: int
    parameters: int
    macs: int
    options: Mapping[str, Mapping[str, Any]]


@cache
def cards() -> Mapping[str, Card]:
    """Return the cards of all networks, by name."""
    entries = json.loads(PATH.read_text(encoding="utf-8"))
    return {
        name: Card(name=name, **{**entry, "input_shape": tuple(entry["input_shape"])})
        for name, entry in sorted(entries.items())
    }


def card(name: str) -> Card:
    """Return the card of one network.

    Args:
        name: A registered name.

    Raises:
        UserError: There is no model of that name.
    """
    if name not in cards():
        raise UserError(f"There is no model named '{name}'.{did_you_mean(name, cards())}")
    return cards()[name]


def select(pattern: str) -> list[Card]:
    """Return the cards whose name fits a pattern.

    Args:
        pattern: A glob such as ``resnet*``, or a word that is part of the name; upper and lower
            case are the same.

    Raises:
        UserError: No name fits.
    """
    wanted = pattern.lower() if any(sign in pattern for sign in "*?[") else f"*{pattern.lower()}*"
    fitting = [card for name, card in cards().items() if fnmatchcase(name.lower(), wanted)]
    if not fitting:
        raise UserError(f"No model's name fits '{pattern}'.{did_you_mean(pattern.strip('*?'), cards())}")
    return fitting
