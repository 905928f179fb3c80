"""``cnnzoo lab kernels``: the first convolution's kernels, learned beside initial."""

from pathlib import Path

import click
import numpy as np

from cnnzoo.cli.lab import common, model_options
from cnnzoo.cli.options import device_option
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice, keras_backend

LECTURE = "the kernels of the first layer, before and after the training"


@click.command("kernels")
@model_options.source_argument
@model_options.unfinished_option
@device_option
@common.picture_option("kernels")
@json_option
def command(source: Path, unfinished: bool, device: DeviceChoice | None, output: Path | None, as_json: bool) -> None:
    """Show the kernels of a model's first convolution.

    For a run they stand beside those that its training started from, drawn again from its seed. This needs the backend
    of the training, and a training that did not start from another model's weights.
    """
    run, classifier = model_options.open_source(source, device, unfinished)
    layers = model_options.open_layers(classifier)
    from cnnzoo.lab.first_layer import initial_kernels, learned_kernels
    from cnnzoo.pictures.lab import draw_kernels

    name, learned = learned_kernels(layers)
    obstacle = _find_obstacle(run)
    initial = initial_kernels(run.config(), layers) if run and not obstacle else None
    path = common.picture_path(output, "kernels")
    draw_kernels(learned, initial, path, title=f"{classifier.title}: kernels of {name}")
    height, width, channels, filters = learned.shape
    figures = {"learned": float(learned.std())} | ({} if initial is None else {"initial": float(initial.std())})
    correlation = None if initial is None else float(np.corrcoef(learned.ravel(), initial.ravel())[0, 1])
    if as_json:
        facts = {"standard_deviation": figures, "correlation": correlation, "note": obstacle}
        print_json({"layer": name, "shape": learned.shape, **facts, "path": str(path)})
        return
    click.echo(f"Layer {name}: {filters} kernels of {height}x{width}, on {channels} channel{'s'[: channels != 1]}")
    click.echo(
        "Standard deviation of the weights: " + ", ".join(f"{value:.4f} {key}" for key, value in figures.items())
    )
    if correlation is not None:
        click.echo(f"Correlation of the learned weights with the initial ones: {correlation:.2f}")
    if obstacle:
        click.echo(f"Note: {obstacle}")
    common.show_picture(path, LECTURE)


def _find_obstacle(run: Run | None) -> str:
    """Return why the initial kernels of a model cannot be shown; empty if they can."""
    if run is None:
        return "an imported model was trained elsewhere, so its initial kernels are not known"
    config = run.config()
    if config.fine_tuning:
        return "the training started from another model's weights, so no initial kernels are shown"
    backend = config.runtime.backend
    if backend != keras_backend():
        return f"initial kernels need the backend of the training: KERAS_BACKEND={backend}"
    return ""
