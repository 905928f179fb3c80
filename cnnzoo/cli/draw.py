"""``cnnzoo draw``: a picture of one network."""

from pathlib import Path

import click

from cnnzoo.catalogue import card
from cnnzoo.cli.network_options import Size, format_value, image_size, network_options, number_of_classes, parse_options
from cnnzoo.cli.options import PICTURE
from cnnzoo.cli.output import json_option, print_json


@click.command("draw")
@click.argument("name")
@image_size
@number_of_classes
@network_options
@click.option("--full", is_flag=True, help="Draw every repeated block, not one block with a count.")
@click.option("--output", type=PICTURE, help="The picture, .svg or .png; by default NAME.svg in the current directory.")
@json_option
def command(
    name: str,
    input_shape: Size | None,
    num_classes: int | None,
    settings: tuple[str, ...],
    full: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Draw a network's architecture for a slide.

    A box is a layer's output: its height and depth show the size of the feature maps, its width their number, both on
    a square-root scale. Equal blocks in a row are drawn once, with a count.
    """
    network = card(name)
    options = parse_options(network, settings)
    path = output or Path(f"{name}.svg")

    from cnnzoo import runtime  # decides the backend before Keras is imported

    runtime.prepare()
    from cnnzoo.inspection import outline
    from cnnzoo.pictures.architecture import draw_architecture

    model = outline(name, input_shape, num_classes, **options)
    title = ", ".join([name, *(f"{option}={format_value(value)}" for option, value in options.items())])
    draw_architecture(model, path, title=title, caption=network.paper, full=full)
    if as_json:
        print_json({"path": str(path)})
    else:
        click.echo(f"Picture: {path}")
