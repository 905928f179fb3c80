"""``cnnzoo show``: one network, layer by layer, as it is built."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from types import NoneType
from typing import TYPE_CHECKING, Any

import click

from cnnzoo.cards import Card, card
from cnnzoo.cli import output
from cnnzoo.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from rich.table import Table

    from cnnzoo.inspection import Summary

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


@click.command("show")
@click.argument("name")
@click.option(
    "--input", "input_shape", type=ImageSize(), help="Size of the images; the network's native one by default."
)
@click.option(
    "--classes", "num_classes", type=click.IntRange(min=0), help="Number of classes; 0 stops at the features."
)
@click.option(
    "--option",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="One of the network's options, as listed; repeatable.",
)
@output.json_option
def command(
    name: str, input_shape: Size | None, num_classes: int | None, settings: tuple[str, ...], as_json: bool
) -> None:
    """Show a network layer by layer.

    A MAC is one multiplication and one addition, counted for one image. The receptive field is what one
    value sees of the image, in pixels.
    """
    known = card(name)
    options = dict(_setting(known, text) for text in settings)

    from cnnzoo import runtime  # noqa: PLC0415 - decides the backend before Keras is imported

    runtime.prepare()
    import cnnzoo.models  # noqa: F401, PLC0415 - registers the zoo
    from cnnzoo.inspection import inspect, outline  # noqa: PLC0415

    summary = inspect(outline(name, input_shape, num_classes, **options))
    if as_json:
        output.print_json(
            {
                **asdict(known),
                "input_shape": input_shape or known.input_shape,
                "num_classes": known.num_classes if num_classes is None else num_classes,
                "options": {option: schema["default"] for option, schema in known.options.items()} | options,
                "parameters": summary.parameters,
                "trainable_parameters": summary.trainable_parameters,
                "macs": summary.macs,
                "layers": [asdict(row) for row in summary.rows],
            }
        )
    else:
        _print(known, summary)


def _print(known: Card, summary: "Summary") -> None:
    console = output.results()
    console.print(f"{known.name}   {known.title}", style="bold")
    console.print(known.summary.removeprefix("Build ") + "\n")
    output.print_table(console, _layers(summary), _layers(summary, narrow=True))
    console.print()
    if summary.trainable_parameters < summary.parameters:
        fixed = summary.parameters - summary.trainable_parameters
        console.print(f"{summary.trainable_parameters:,} parameters are trained, {fixed:,} are not.\n")
    if known.options:
        output.print_table(console, _options(known))
        console.print()
    console.print(f"{known.paper}\n{known.link}")
    if known.departures:
        console.print(f"Departs from the paper: {known.departures}")


def _layers(summary: "Summary", *, narrow: bool = False) -> "Table":
    """Return the table of layers; the narrow one breaks kinds such as MaxPooling2D between their words."""
    table = _table(0 if narrow else 1)
    table.show_footer = True
    table.add_column("layer", "total", no_wrap=True)
    table.add_column("kind")
    table.add_column("output", justify="right", no_wrap=True)
    table.add_column("parameters", f"{summary.parameters:,}", justify="right", no_wrap=True)
    table.add_column("MACs", f"{summary.macs:,}", justify="right", no_wrap=True)
    table.add_column("field" if narrow else "receptive\nfield", justify="right", no_wrap=True)
    for row in summary.rows:
        kind = re.sub("(?<=[a-z])(?=[A-Z][a-z])", " ", row.kind) if narrow else row.kind
        shape, field = "x".join(map(str, row.output_shape)), "x".join(map(str, row.receptive_field))
        table.add_row(row.name, kind, shape, f"{row.parameters:,}", f"{row.macs:,}", field)
    return table


def _options(known: Card) -> "Table":
    table = _table(1)
    table.add_column("option", no_wrap=True)
    table.add_column("default", no_wrap=True)
    table.add_column("values")
    table.add_column("meaning")
    for option, schema in known.options.items():
        table.add_row(option, _written(schema["default"]), _values(schema), schema.get("description", ""))
    return table


def _table(gap: int) -> "Table":
    """Return an empty table without edges, its columns one space apart, or more by the gap."""
    from rich import box  # noqa: PLC0415 - only where a table is printed
    from rich.table import Table  # noqa: PLC0415

    return Table(box=box.SIMPLE, show_edge=False, padding=(0, gap, 0, 0), pad_edge=False)


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
    raise UserError(f"--option {text}: the value must be {_values(schema)}.")


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    if "enum" in schema:
        return value in schema["enum"]
    return any(type(value) in _TYPES[kind][0] for kind in _kinds(schema))


def _values(schema: Mapping[str, Any]) -> str:
    """Say which values an option may have, such as ``average or max``."""
    choices = map(_written, schema["enum"]) if "enum" in schema else (_TYPES[kind][1] for kind in _kinds(schema))
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


def _written(value: Any) -> str:
    """Write a value as it is to be given."""
    return value if isinstance(value, str) else json.dumps(value)
