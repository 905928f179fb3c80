"""The cards of the zoo as they should be: made from each builder's text and from the network that it builds."""

import re
import sys
from collections.abc import Callable
from functools import partial
from inspect import Parameter, getdoc, signature
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from cnnzoo import registry
from cnnzoo.catalogue import Card
from cnnzoo.inspection import inspect, outline

_DEPARTS = "Departs from the paper:"
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def make_card(name: str) -> Card:
    """Make the card of a registered network from its builder's text and from the network at its native size.

    Raises:
        ValueError: The module's docstring cites no paper, or an option has no type that a card can state.
    """
    builder = registry.builder(name)
    # A partial is called as it is, but read as the function that it completes: only there is it
    # told which arguments are options and which pick the row of the paper's table.
    function = builder.func if isinstance(builder, partial) else builder
    defaults = {parameter.name: parameter.default for parameter in signature(builder).parameters.values()}
    paragraphs = (getdoc(function) or "").split("\n\n")
    departures = [part for part in paragraphs if part.startswith(_DEPARTS)]
    summary = inspect(outline(name))
    return Card(
        name=name,
        **_paper(function.__module__),
        summary=_flat(paragraphs[0]),
        variant=_variant(builder),
        departures=_flat(departures[0].removeprefix(_DEPARTS)) if departures else "",
        module=function.__module__,
        input_shape=tuple(defaults["input_shape"]),
        num_classes=defaults["num_classes"],
        parameters=summary.trainable_parameters,
        macs=summary.macs,
        options={option: schema | {"default": defaults[option]} for option, schema in _options(name, function).items()},
    )


def _options(name: str, function: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas of a builder's keyword-only arguments, described by its Args section."""
    hints = get_type_hints(function)
    section = re.search(r"^Args:\n((?:[ ]+.*\n?|\n)*)", getdoc(function) or "", re.MULTILINE)
    entries = dict(re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section[1] if section else "", re.MULTILINE))
    options = {}
    for option, parameter in signature(function).parameters.items():
        if parameter.kind is Parameter.KEYWORD_ONLY:
            options[option] = _schema(f"{name}: {option}", hints[option])
            if option in entries:
                options[option]["description"] = _flat(entries[option])
    return options


def _variant(builder: Callable[..., Any]) -> str:
    """Say which arguments a partial has settled, such as ``column A, groups 1``."""
    if not isinstance(builder, partial):
        return ""
    settled = signature(builder.func).bind_partial(*builder.args, **builder.keywords).arguments
    return ", ".join(f"{name.replace('_', ' ')} {_written(value)}" for name, value in settled.items())


def _written(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _paper(module: str) -> dict[str, Any]:
    """Read title, citation, year and link from the first two paragraphs of a module's docstring."""
    paragraphs = [_flat(part) for part in (sys.modules[module].__doc__ or "").split("\n\n")]
    citation = re.fullmatch(
        r"(?P<paper>.*\b(?P<year>(19|20)\d\d)\b.*?) (?P<link>https?://\S+)", "".join(paragraphs[1:2])
    )
    if not citation:
        raise ValueError(
            f"{module}: the docstring's second paragraph must cite a paper with its year and end in a link."
        )
    return {
        "title": paragraphs[0].removesuffix("."),
        "paper": citation["paper"],
        "year": int(citation["year"]),
        "link": citation["link"],
    }


def _schema(where: str, hint: Any) -> dict[str, Any]:
    """Return the JSON Schema of an option's annotation."""
    kinds = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    plain = [kind for kind in kinds if kind is not NoneType]
    null = len(plain) < len(kinds)
    if len(plain) == 1 and plain[0] in _JSON_TYPES:
        kind = _JSON_TYPES[plain[0]]
        return {"type": [kind, "null"] if null else kind}
    if len(plain) == 1 and get_origin(plain[0]) is Literal:
        return {"enum": [*get_args(plain[0]), *([None] if null else [])]}
    raise ValueError(f"{where} must be bool, int, float, str or a Literal, or one of these or None, not {hint}.")
