"""``cnnzoo lab one-by-one``: what a network's 1x1 convolutions gain."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnnzoo.catalogue import card
from cnnzoo.cli.lab import common
from cnnzoo.cli.network_options import Size, image_size, network_options, parse_options
from cnnzoo.cli.output import json_option, numbers_table, print_json, print_table, results
from cnnzoo.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from cnnzoo.lab.one_by_one import Module, OneByOne

LECTURE = "the 1x1 convolution's three gains: channels, computation, nonlinearity"


@click.command("one-by-one")
@click.argument("name", metavar="NETWORK")
@image_size
@network_options
@common.picture_option("one-by-one")
@json_option
def command(name: str, input_shape: Size | None, settings: tuple[str, ...], output: Path | None, as_json: bool) -> None:
    """Show what the 1x1 convolutions of a network gain.

    A 1x1 convolution sets the number of channels. If another convolution reads its output, also behind a pooling, the
    two are compared with that convolution alone on all channels: negative savings are a cost. Batch normalization is
    not counted. The picture shows the modules with and without the 1x1
    convolutions that stand before others.
    """
    network = card(name)
    options = parse_options(network, settings)

    from cnnzoo import runtime  # decides the backend before Keras is imported

    runtime.prepare()
    from cnnzoo.inspection import inspect, outline
    from cnnzoo.lab.one_by_one import list_modules, list_one_by_one

    model = outline(name, input_shape, **options)
    rows, modules = list_one_by_one(model), list_modules(model)
    if not rows:
        raise UserError(f"{name} has no 1x1 convolution; googlenet and resnet50 have some.")
    path = common.picture_path(output, "one-by-one")
    _draw(name, rows, modules, path)
    macs = inspect(model).macs
    saved = {what: sum(getattr(row, what) for row in rows) for what in ("saved_parameters", "saved_macs")}
    if as_json:
        layers = [
            asdict(row) | {"saved_parameters": row.saved_parameters, "saved_macs": row.saved_macs} for row in rows
        ]
        listed = {"layers": layers, "modules": [asdict(module) for module in modules]}
        print_json({"network": name, **listed, **saved, "macs": macs, "path": str(path)})
        return
    print_table(results(), _tabulate_layers(rows))
    if modules:
        print_table(results(), _tabulate_modules(modules, saved))
    click.echo(_summarize(name, macs, saved["saved_macs"], bool(modules)))
    common.show_picture(path, LECTURE)


def _draw(name: str, rows: list["OneByOne"], modules: list["Module"], path: Path) -> None:
    from cnnzoo.pictures.lab import draw_channels, draw_savings  # load matplotlib

    if not modules:
        title = f"Channels that the 1x1 convolutions of {name} set"
        draw_channels(
            [row.layer for row in rows],
            [row.channels_in for row in rows],
            [row.channels_out for row in rows],
            path,
            title=title,
        )
        return
    draw_savings(
        [module.name for module in modules],
        [module.macs / 1e6 for module in modules],
        [module.macs_without / 1e6 for module in modules],
        path,
        title=f"Modules of {name} with and without 1x1 convolutions before others",
    )


def _tabulate_layers(rows: list["OneByOne"]) -> "Table":
    table = numbers_table("1x1 convolution", "channels", "nonlinear", "next", "MACs saved", "weights saved")
    for row in rows:
        table.add_row(
            row.layer,
            f"{row.channels_in} to {row.channels_out}",
            "yes" if row.has_nonlinearity else "no",
            row.next_layer or "",
            f"{row.saved_macs / 1e6:,.2f} M" if row.next_layer else "",
            f"{row.saved_parameters / 1e3:,.1f} k" if row.next_layer else "",
        )
    return table


def _tabulate_modules(modules: list["Module"], saved: dict[str, int]) -> "Table":
    table = numbers_table("module", "MACs", "without", "saved %", "weights", "without", "saved %")
    for module in modules:
        table.add_row(
            module.name,
            f"{module.macs / 1e6:,.2f} M",
            f"{module.macs_without / 1e6:,.2f} M",
            f"{100 * (1 - module.macs / module.macs_without):.0f}",
            f"{module.parameters / 1e3:,.1f} k",
            f"{module.parameters_without / 1e3:,.1f} k",
            f"{100 * (1 - module.parameters / module.parameters_without):.0f}",
        )
    table.add_section()
    table.add_row("saved", f"{saved['saved_macs'] / 1e6:,.2f} M", "", "", f"{saved['saved_parameters'] / 1e3:,.1f} k")
    return table


def _summarize(name: str, macs: int, saved: int, has_modules: bool) -> str:
    if not has_modules:
        return "No convolution reads the output of a 1x1 convolution, so none saves anything here."
    without = macs + saved
    verb = "save" if saved >= 0 else "cost"
    return (
        f"{name} computes {macs:,} MACs, and {without:,} without the 1x1 convolutions\n"
        f"that stand before another convolution: they {verb} {100 * abs(saved) / without:.0f} %."
    )
