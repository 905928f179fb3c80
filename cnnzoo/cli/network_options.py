"""The options by which commands say which network they mean, and of what size."""

import json
import re
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

import click

from cnnzoo.catalogue import Card
from cnnzoo.errors import UserError, did_you_mean

Size = tuple[int, int, int]


class ImageSize(click.ParamType[Size]):
    """A size such as ``28x28x1``: height, width and channels."""

    name = "HxWxC"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Size:
        """Return (height, width, channels)."""
        numbers = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)x([1-9]\d*)", value)
        if not numbers:
            self.fail(f"'{value}' is no size; write height, width and channels like 28x28x1.", param, ctx)
        return int(numbers[1]), int(numbers[2]), int(numbers[3])


image_size = click.option(
    "--input", "input_shape", type=ImageSize(), help="Size of the images; the network's native one by default."
)
number_of_classes = click.option(
    "--classes", "num_classes", type=click.IntRange(min=0), help="Number of classes; 0 stops at the features."
)
network_options = click.option(
    "--option",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="One of the network's options, as `cnnzoo show` lists them; repeatable.",
)


def read_options(known: Card, settings: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` settings as the network's card describes its options.

    Raises:
        UserError: An option is unknown, or a value is not of its kind.
    """
    return dict(_setting(known, text) for text in settings)


# The Python types of a JSON Schema type, and how a sentence calls it.
_TYPES: dict[str, tuple[set[type], str]] = {
    "boolean": ({bool}, "true or false"),
    "integer": ({int}, "a whole number"),
    "number": ({int, float}, "a number"),
    "string": ({str}, "a word"),
    "null": ({NoneType}, "null"),
}


def _setting(known: Card, text: str) -> tuple[str, Any]:
    """Read one ``key=value`` as the network's card describes it."""
    key, equals, written = text.partition("=")
    if not equals:
        raise UserError(f"--option {text}: write it as key=value.")
    if key not in known.options:
        raise UserError(f"Model '{known.name}' has no option '{key}'.{did_you_mean(key, known.options)}")
    schema = known.options[key]
    for value in (_read(written), written):
        if _fits(value, schema):
            return key, value
    raise UserError(f"--option {text}: the value must be {values(schema)}.")


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    if "enum" in schema:
        return value in schema["enum"]
    return any(type(value) in _TYPES[kind][0] for kind in _kinds(schema))


def values(schema: Mapping[str, Any]) -> str:
    """Say which values an option may have, such as ``average or max``."""
    choices = map(written, schema["enum"]) if "enum" in schema else (_TYPES[kind][1] for kind in _kinds(schema))
    return " or ".join(choices)


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    """Return the JSON Schema types of an option without choices."""
    return [schema["type"]] if isinstance(schema["type"], str) else list(schema["type"])


def _read(text: str) -> Any:
    """Read a number, true, false or null; anything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def written(value: Any) -> str:
    """Write a value as it is to be given."""
    return value if isinstance(value, str) else json.dumps(value)
