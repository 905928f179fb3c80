"""Command-line options for a network: its input size, its classes and its own options."""

import json
import re
from collections.abc import Sequence
from typing import Any

import click

from cnnzoo.catalogue import Card
from cnnzoo.errors import UserError
from cnnzoo.options import OptionError, accepts, check_options

Size = tuple[int, int, int]


class ImageSize(click.ParamType[Size]):
    """A size such as ``28x28x1``: height, width and channels."""

    name = "HxWxC"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Size:
        """Return (height, width, channels)."""
        numbers = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)x([1-9]\d*)", value)
        if not numbers:
            self.fail(f"'{value}' is not a size; write height, width and channels like 28x28x1.", param, ctx)
        return int(numbers[1]), int(numbers[2]), int(numbers[3])


image_size = click.option(
    "--input", "input_shape", type=ImageSize(), help="Size of the images; by default the network's own."
)
number_of_classes = click.option(
    "--classes", "num_classes", type=click.IntRange(min=0), help="Number of classes; 0 stops at the features."
)
network_options = click.option(
    "--option",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="An option of the network, as `cnnzoo show` lists them; repeatable.",
)


def parse_options(card: Card, settings: Sequence[str]) -> dict[str, Any]:
    """Parse ``key=value`` settings by the options on a network's card.

    Raises:
        UserError: An option is unknown, or a value is invalid for it.
    """
    options = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise UserError(f"--option {setting}: write it as key=value.")
        value = _parse(text)
        if key in card.options and not accepts(card.options[key], value):
            value = text
        try:
            check_options(card.name, card.options, {key: value})
        except OptionError as error:
            raise UserError(f"--option {setting}: {error}") from error
        options[key] = value
    return options


def _parse(text: str) -> Any:
    """Return a number, true, false or null; anything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def format_value(value: Any) -> str:
    """Write a value as an option takes it."""
    return value if isinstance(value, str) else json.dumps(value)
