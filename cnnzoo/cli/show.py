"""``cnnzoo show``: one network, layer by layer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

import click

from cnnzoo.catalogue import Card, card
from cnnzoo.cli import output
from cnnzoo.cli.network_options import Size, format_value, image_size, network_options, number_of_classes, parse_options
from cnnzoo.options import describe_values
from cnnzoo.text import format_size

if TYPE_CHECKING:
    from rich.table import Table

    from cnnzoo.inspection import LayerRow, NetworkSummary


@click.command("show")
@click.argument("name")
@image_size
@number_of_classes
@network_options
@click.option("--compare", "other_name", metavar="OTHER", help="Another network to compare it with, layer by layer.")
@output.json_option
def command(
    name: str,
    input_shape: Size | None,
    num_classes: int | None,
    settings: tuple[str, ...],
    other_name: str | None,
    as_json: bool,
) -> None:
    """Show a network layer by layer.

    A MAC is one multiplication and one addition, counted for one image. The receptive field is the part of the image
    that one value depends on, in pixels. Memory is that of a layer's output for one image in float32.
    """
    network, other = card(name), card(other_name) if other_name else None
    options = parse_options(network, settings)

    from cnnzoo import runtime  # decides the backend before Keras is imported

    runtime.prepare()
    from cnnzoo.inspection import inspect, outline

    summary = inspect(outline(name, input_shape, num_classes, **options))
    # The other network keeps its default options; input size and number of classes are the same for both.
    other_summary = inspect(outline(other.name, input_shape, num_classes)) if other else None
    if as_json:
        shown = _describe(network, summary, input_shape, num_classes, options)
        if other and other_summary:
            shown["compared_with"] = _describe(other, other_summary, input_shape, num_classes, {})
        output.print_json(shown)
    elif other and other_summary:
        _print_comparison(network, summary, other, other_summary)
    else:
        _print(network, summary, options)


def _describe(
    network: Card,
    summary: "NetworkSummary",
    input_shape: Size | None,
    num_classes: int | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        **asdict(network),
        "input_shape": input_shape or network.input_shape,
        "num_classes": network.num_classes if num_classes is None else num_classes,
        "options": {option: schema["default"] for option, schema in network.options.items()} | dict(options),
        "parameters": summary.trainable_parameters,
        "untrained": summary.parameters - summary.trainable_parameters,
        "macs": summary.macs,
        "activation_bytes": summary.activation_bytes,
        "layers": [asdict(row) | {"activation_bytes": row.activation_bytes} for row in summary.rows],
    }


def _print(network: Card, summary: "NetworkSummary", options: Mapping[str, Any]) -> None:
    console = output.results()
    console.print(f"{network.name}   {network.title}", style="bold")
    console.print(network.summary)
    settings = ", ".join(f"{key} {format_value(value)}" for key, value in options.items())
    console.print(f"{settings}\n" if settings else "")
    tables = (
        _list_layers(summary),
        _list_layers(summary, narrow=True),
        _list_layers(summary, narrow=True, windows=False),
    )
    output.print_table(console, *tables)
    console.print()
    if summary.trainable_parameters < summary.parameters:
        fixed = summary.parameters - summary.trainable_parameters
        console.print(f"{fixed:,} further parameters are not trainable.\n")
    if network.options:
        output.print_table(console, _list_options(network))
        console.print()
    console.print(f"{network.paper}\n{network.link}")
    if network.departures:
        console.print(f"Departs from the paper: {network.departures}")


def _list_layers(summary: "NetworkSummary", *, narrow: bool = False, windows: bool = True) -> "Table":
    """Return the table of layers; the narrow one has no column of kinds."""
    table = _make_table(0 if narrow else 1)
    table.show_footer = True
    table.add_column("layer", "total", no_wrap=True)
    if not narrow:
        table.add_column("kind", no_wrap=True)
    if windows:
        table.add_column("window", no_wrap=True)
    table.add_column("output", justify="right", no_wrap=True)
    table.add_column("parameters", f"{summary.trainable_parameters:,}", justify="right", no_wrap=True)
    table.add_column("MACs", f"{summary.macs:,}", justify="right", no_wrap=True)
    table.add_column("field" if narrow else "receptive\nfield", justify="right", no_wrap=True)
    table.add_column("memory", _format_bytes(summary.activation_bytes), justify="right", no_wrap=True)
    for row in summary.rows:
        kind = (*(() if narrow else (row.kind,)), *((row.window,) if windows else ()))
        counts = (f"{row.trainable_parameters:,}", f"{row.macs:,}", format_size(row.receptive_field))
        table.add_row(row.name, *kind, _format_shape(row), *counts, _format_bytes(row.activation_bytes))
    return table


def _print_comparison(network: Card, summary: "NetworkSummary", other: Card, other_summary: "NetworkSummary") -> None:
    console = output.results()
    console.print(f"{network.name} (left) and {other.name} (right)\n", style="bold")
    tables = (_compare(summary, other_summary), _compare(summary, other_summary, narrow=True))
    output.print_table(console, *tables)
    console.print()
    for quantity, left, right in (
        ("parameters", summary.trainable_parameters, other_summary.trainable_parameters),
        ("MACs", summary.macs, other_summary.macs),
        ("bytes of activations", summary.activation_bytes, other_summary.activation_bytes),
    ):
        console.print(
            f"{other.name} has {right / left:.3g} times the {quantity} of {network.name}: {right:,} to {left:,}."
        )


def _compare(left: "NetworkSummary", right: "NetworkSummary", *, narrow: bool = False) -> "Table":
    """Return the layers of two networks, layers of the same name in one row; the narrow table has no shapes."""
    table = _make_table(0 if narrow else 1)
    table.show_footer = True
    table.add_column("layer", "total", no_wrap=True)
    for side, summary in (("left" if narrow else left.name, left), ("right" if narrow else right.name, right)):
        if not narrow:
            table.add_column(f"{side}\noutput", justify="right", no_wrap=True)
        table.add_column(f"{side}\nparameters", f"{summary.trainable_parameters:,}", justify="right", no_wrap=True)
        table.add_column(f"{side}\nMACs", f"{summary.macs:,}", justify="right", no_wrap=True)

    def cells(row: "LayerRow | None") -> tuple[str, ...]:
        if row is None:
            return ("",) * (2 if narrow else 3)
        return (*(() if narrow else (_format_shape(row),)), f"{row.trainable_parameters:,}", f"{row.macs:,}")

    for left_row, right_row in _align_rows(left.rows, right.rows):
        row = left_row or right_row
        assert row is not None
        table.add_row(row.name, *cells(left_row), *cells(right_row))
    return table


def _align_rows(
    left: Sequence["LayerRow"], right: Sequence["LayerRow"]
) -> Iterator[tuple["LayerRow | None", "LayerRow | None"]]:
    """Yield the rows of two networks in their order, layers of the same name together."""
    matcher = SequenceMatcher(None, [row.name for row in left], [row.name for row in right], autojunk=False)
    for kind, left_start, left_end, right_start, right_end in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(left[left_start:left_end], right[right_start:right_end], strict=True)
        else:
            yield from ((row, None) for row in left[left_start:left_end])
            yield from ((None, row) for row in right[right_start:right_end])


def _format_shape(row: "LayerRow") -> str:
    return f"[{format_size(row.output_shape)}]"


def _format_bytes(count: int) -> str:
    """Round a number of bytes to three digits, such as ``1.11 MiB``."""
    for unit, size in (("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.{max(0, 2 - len(str(count // size)) + 1)}f} {unit}"
    return f"{count} B"


def _list_options(network: Card) -> "Table":
    table = _make_table(1)
    table.add_column("option", no_wrap=True)
    table.add_column("default", no_wrap=True)
    table.add_column("values")
    table.add_column("meaning")
    for option, schema in network.options.items():
        values = describe_values(schema, format_value)
        table.add_row(option, format_value(schema["default"]), values, schema.get("description", ""))
    return table


def _make_table(gap: int) -> "Table":
    """Return an empty table without edges; between its columns is one space and the gap."""
    from rich import box  # only where a table is printed
    from rich.table import Table

    return Table(box=box.SIMPLE, show_edge=False, padding=(0, gap, 0, 0), pad_edge=False)
