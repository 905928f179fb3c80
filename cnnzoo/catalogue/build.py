"""Making the cards from the registry and from the networks themselves."""

import re
from collections.abc import Callable
from functools import partial
from inspect import getdoc, signature
from typing import Any

from cnnzoo import registry
from cnnzoo.catalogue import Card
from cnnzoo.inspection import inspect, outline
from cnnzoo.options import read_options


def make_card(name: str) -> Card:
    """Make the card of a registered network, with its counts at the default input shape.

    Raises:
        ValueError: The network is registered without a title or a paper, or an option's type has no JSON Schema.
    """
    entry = registry.entry(name)
    if not (entry.title and entry.paper):
        raise ValueError(f"{name}: a card needs the network's title and paper; pass them to register().")
    builder = entry.builder
    function = builder.func if isinstance(builder, partial) else builder
    descriptions = _describe_arguments(function)
    options = {}
    for option, schema in read_options(builder).items():
        if not {"type", "enum"} & schema.keys():
            raise ValueError(f"{name}: {option} must be bool, int, float, str or a Literal, or one of these or None.")
        options[option] = {**schema, **({"description": descriptions[option]} if option in descriptions else {})}
    defaults = signature(builder).parameters
    summary = inspect(outline(name))
    return Card(
        name=name,
        title=entry.title,
        summary=entry.paper.contribution,
        variant=_describe_variant(builder),
        departures=entry.departures,
        module=function.__module__,
        paper=entry.paper.citation,
        year=entry.paper.year,
        link=entry.paper.link,
        input_shape=tuple(defaults["input_shape"].default),
        smallest=entry.smallest,
        num_classes=defaults["num_classes"].default,
        parameters=summary.trainable_parameters,
        macs=summary.macs,
        options=options,
    )


def _describe_arguments(function: Callable[..., Any]) -> dict[str, str]:
    """Return the descriptions in the Args section of a docstring, whose form the linter checks."""
    section = re.search(r"^Args:\n((?:[ ]+.*\n?|\n)*)", getdoc(function) or "", re.MULTILINE)
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section[1] if section else "", re.MULTILINE)
    return {argument: " ".join(text.split()) for argument, text in entries}


def _describe_variant(builder: Callable[..., Any]) -> str:
    """Describe the arguments that a partial passes to its builder, such as ``column A, groups 1``."""
    if not isinstance(builder, partial):
        return ""
    fixed = signature(builder.func).bind_partial(*builder.args, **builder.keywords).arguments
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in fixed.items())
