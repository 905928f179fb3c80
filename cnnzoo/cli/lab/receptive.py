"""``cnnzoo lab receptive``: the receptive field of a network's layers."""

from dataclasses import asdict
from pathlib import Path

import click

from cnnzoo.catalogue import card
from cnnzoo.cli.lab import common
from cnnzoo.cli.network_options import Size, image_size, network_options, parse_options
from cnnzoo.cli.output import json_option, numbers_table, print_json, print_table, results
from cnnzoo.errors import UserError

LECTURE = "from low level to high level: how much of the image a feature sees"


@click.command("receptive")
@click.argument("name", metavar="NETWORK")
@image_size
@network_options
@common.picture_option("receptive")
@json_option
def command(name: str, input_shape: Size | None, settings: tuple[str, ...], output: Path | None, as_json: bool) -> None:
    """Show how many pixels a value of each layer depends on.

    Layers that do not enlarge the receptive field are left out. "Formula" follows kernels, strides and dilations;
    "measured" counts the pixels of the image on which the middle value of the layer has a gradient, in a copy of the
    network with equal positive weights and an average for each maximum, so that no path is cut off. The formula
    counts padding, so it may exceed the image.
    """
    network = card(name)
    options = parse_options(network, settings)

    from cnnzoo import runtime  # decides the backend before Keras is imported

    runtime.prepare()
    from cnnzoo.inspection import outline
    from cnnzoo.lab.receptive_field import measure_receptive_fields
    from cnnzoo.pictures.lab import draw_receptive_fields

    model = outline(name, input_shape, **options)
    fields = list(measure_receptive_fields(model))
    if not fields:
        raise UserError(f"{name} has no convolution and no pooling, so each value depends on one pixel or on all.")
    path = common.picture_path(output, "receptive")
    side = model.input_shape[1:3]
    draw_receptive_fields(
        [field.layer for field in fields],
        [field.formula[0] for field in fields],
        [field.measured[0] for field in fields],
        side[0],
        path,
        title=f"Receptive fields of {name}",
    )
    if as_json:
        print_json({"network": name, "image": side, "layers": [asdict(field) for field in fields], "path": str(path)})
        return
    table = numbers_table("layer", "window", "output", "formula", "measured")
    for field in fields:
        shapes = [common.format_shape(shape) for shape in (field.output_shape, field.formula, field.measured)]
        table.add_row(field.layer, field.window, *shapes)
    print_table(results(), table)
    click.echo(f"Image: {common.format_shape(side)} pixels")
    common.show_picture(path, LECTURE)
