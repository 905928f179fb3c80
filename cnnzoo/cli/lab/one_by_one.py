"""``cnnzoo lab one-by-one``: what a network's 1x1 convolutions gain."""

from dataclasses import asdict
from pathlib import Path

import click

from cnnzoo.catalogue import card
from cnnzoo.cli.lab import common
from cnnzoo.cli.network_options import Size, image_size, network_options, parse_options
from cnnzoo.cli.output import json_option, numbers_table, print_json, print_table, results
from cnnzoo.errors import UserError

LECTURE = "the 1x1 convolution's three gains: channels, computation, nonlinearity"


@click.command("one-by-one")
@click.argument("name", metavar="NETWORK")
@image_size
@network_options
@common.picture_option("one-by-one")
@json_option
def command(name: str, input_shape: Size | None, settings: tuple[str, ...], output: Path | None, as_json: bool) -> None:
    """Show what the 1x1 convolutions of a network gain.

    A 1x1 convolution sets the number of channels. If another convolution reads its output, the two are compared with
    that convolution alone on all channels: negative savings are a cost. Batch normalization is not counted.
    """
    network = card(name)
    options = parse_options(network, settings)

    from cnnzoo import runtime  # decides the backend before Keras is imported

    runtime.prepare()
    from cnnzoo.inspection import inspect, outline
    from cnnzoo.lab.one_by_one import list_one_by_one
    from cnnzoo.pictures.lab import draw_savings

    model = outline(name, input_shape, **options)
    rows = list_one_by_one(model)
    if not rows:
        raise UserError(f"{name} has no 1x1 convolution; googlenet and resnet50 have some.")
    summary = inspect(model)
    saved_macs, saved_parameters = (
        sum(getattr(row, f"saved_{what}") for row in rows) for what in ("macs", "parameters")
    )
    path = output or Path("one-by-one.png")
    pairs = [row for row in rows if row.macs_without is not None]
    draw_savings(
        [row.layer for row in pairs],
        [row.macs / 1e6 for row in pairs],
        [(row.macs_without or 0) / 1e6 for row in pairs],
        path,
        title=f"1x1 convolutions of {name}: {saved_macs / 1e6:,.0f} million MACs saved",
    )
    if as_json:
        layers = [
            asdict(row) | {"saved_parameters": row.saved_parameters, "saved_macs": row.saved_macs} for row in rows
        ]
        totals = {"saved_parameters": saved_parameters, "saved_macs": saved_macs}
        print_json({"network": name, "layers": layers, **totals, "macs": summary.macs, "path": str(path)})
        return
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
    table.add_section()
    table.add_row("total", "", "", "", f"{saved_macs / 1e6:,.2f} M", f"{saved_parameters / 1e3:,.1f} k")
    print_table(results(), table)
    whole = summary.macs + saved_macs
    click.echo(
        f"{name} computes {summary.macs:,} MACs; without them {whole:,}: {100 * saved_macs / whole:.0f} % saved."
    )
    common.show_picture(path, LECTURE)
