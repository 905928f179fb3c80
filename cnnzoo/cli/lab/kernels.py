"""``cnnzoo lab kernels``: the first convolution's kernels, learned beside drawn."""

from pathlib import Path

import click
import numpy as np

from cnnzoo.cli.lab import common, model_options
from cnnzoo.cli.options import device_option
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.runtime import DeviceChoice

LECTURE = "the kernels of the first layer: random at the start, edges and colours after the training"


@click.command("kernels")
@model_options.source_argument
@model_options.unfinished_option
@device_option
@common.picture_option("kernels")
@json_option
def command(source: Path, unfinished: bool, device: DeviceChoice | None, output: Path | None, as_json: bool) -> None:
    """Show the kernels of a model's first convolution.

    For a run they stand beside those that its training started from, which its seed determines. An imported model was
    trained elsewhere, so nothing stands beside its kernels.
    """
    run, classifier = model_options.open_source(source, device, unfinished)
    layers = model_options.open_layers(classifier)
    from cnnzoo.lab.first_layer import drawn_kernels, learned_kernels
    from cnnzoo.pictures.lab import draw_kernels

    name, learned = learned_kernels(layers)
    drawn = drawn_kernels(run.config(), layers) if run and not run.config().fine_tuning else None
    path = output or Path("kernels.png")
    draw_kernels(learned, drawn, path, title=f"{classifier.title}: kernels of {name}")
    height, width, channels, filters = learned.shape
    figures = {"learned": float(learned.std())} | ({} if drawn is None else {"drawn": float(drawn.std())})
    correlation = None if drawn is None else float(np.corrcoef(learned.ravel(), drawn.ravel())[0, 1])
    if as_json:
        facts = {"standard_deviation": figures, "correlation": correlation}
        print_json({"layer": name, "shape": learned.shape, **facts, "path": str(path)})
        return
    click.echo(f"Layer {name}: {filters} kernels of {height}x{width}, on {channels} channel{'s'[: channels != 1]}")
    click.echo(
        "Standard deviation of the weights: " + ", ".join(f"{value:.4f} {key}" for key, value in figures.items())
    )
    if correlation is not None:
        click.echo(f"Correlation of the learned weights with the drawn ones: {correlation:.2f}")
    elif run:
        click.echo("The training started from another model's weights, so no drawn kernels are shown.")
    common.show_picture(path, LECTURE)
