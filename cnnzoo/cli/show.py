"""``cnnzoo show``: one network, layer by layer, as it is built."""

import json
import re
from dataclasses import asdict
from types import NoneType
from typing import TYPE_CHECKING, Any

import click

from cnnzoo.cards import Card, card
from cnnzoo.cli import output
from cnnzoo.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from cnnzoo.inspection import Summary

Size = tuple[int, int, int]


class ImageSize(click.ParamType[Size]):
    """A size such as ``32x32x1``: height, width and channels."""

    name = "HxWxC"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Size:
        """Return (height, width, channels)."""
        numbers = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)x([1-9]\d*)", value)
        if not numbers:
            self.fail(f"'{value}' is no size; write height, width and channels like 32x32x1.", param, ctx)
        return int(numbers[1]), int(numbers[2]), int(numbers[3])


@click.command("show")
@click.argument("name")
@click.option(
    "--input", "input_shape", type=ImageSize(), help="Size of the images; the network's native one by default."
)
@click.option(
    "--classes", "num_classes", type=click.IntRange(min=0), help="Number of classes; 0 stops at the features."
)
@click.option("--option", "settings", metavar="KEY=VALUE", multiple=True, help="An option of the network; repeatable.")
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
    from rich import box  # noqa: PLC0415 - only where a table is printed
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE, show_footer=True, pad_edge=False)
    table.add_column("layer", "total", overflow="fold")
    table.add_column("kind", overflow="fold")
    table.add_column("output", justify="right", no_wrap=True)
    table.add_column("parameters", f"{summary.parameters:,}", justify="right", no_wrap=True)
    table.add_column("MACs", f"{summary.macs:,}", justify="right", no_wrap=True)
    table.add_column("receptive field", justify="right")
    for row in summary.rows:
        shape, field = "x".join(map(str, row.output_shape)), "x".join(map(str, row.receptive_field))
        table.add_row(row.name, row.kind, f"[{shape}]", f"{row.parameters:,}", f"{row.macs:,}", field)

    console = output.results()
    console.print(f"{known.name}   {known.title}", style="bold")
    console.print(table)
    if summary.trainable_parameters < summary.parameters:
        fixed = summary.parameters - summary.trainable_parameters
        console.print(f"{summary.trainable_parameters:,} parameters are trained, {fixed:,} are not.")
    console.print(f"{known.paper}\n{known.link}")
    if known.departures:
        console.print(f"Departs from the paper: {known.departures}")


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
    choices, kinds = known.options[key].get("enum"), known.options[key].get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    for value in (_json(written), written):
        if value in choices if choices else any(type(value) in _TYPES[kind][0] for kind in kinds):
            return key, value
    wanted = choices or [_TYPES[kind][1] for kind in kinds]
    raise UserError(f"--option {text}: the value must be {' or '.join(map(str, wanted))}.")


def _json(text: str) -> Any:
    """Read a number, true, false or null; anything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
