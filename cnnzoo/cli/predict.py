"""``cnnzoo predict``."""

from pathlib import Path

import click
from rich.table import Table

from cnnzoo import runs
from cnnzoo.cli.options import device_option
from cnnzoo.cli.output import json_option, print_json, results
from cnnzoo.prediction import Ink
from cnnzoo.runtime import Device


@click.command("predict")
@click.argument("directory", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="Classes to name.")
@click.option(
    "--ink",
    type=click.Choice(["auto", "dark", "light"]),
    default="auto",
    show_default=True,
    help="Digits: dark strokes on light paper, or light ones on dark; auto judges by the border.",
)
@device_option
@click.option("--unfinished", is_flag=True, help="Take what an interrupted run reached.")
@json_option
def command(
    directory: Path, images: tuple[Path, ...], top: int, ink: Ink, device: Device, unfinished: bool, as_json: bool
) -> None:
    """Classify PNG or JPEG images of any size with a finished run."""
    run = runs.open_finished(directory, unfinished)
    from cnnzoo import prediction  # noqa: PLC0415 - loads matplotlib

    with run.locked():
        found = prediction.predict(run, images, ink, top, device)
    if as_json:
        print_json({"run": str(run.directory), "predictions": found})
        return
    table = Table("image", "seen as", "class", "probability %")
    table.columns[3].justify = "right"
    grounds = {"dark": "dark on light, inverted", "light": "light on dark", None: "as it is"}
    for result in found:
        table.add_row(
            result["image"],
            grounds[result["ink"]],
            "\n".join(entry["class"] for entry in result["top"]),
            "\n".join(f"{100 * entry['probability']:.2f}" for entry in result["top"]),
        )
    results().print(table)
    for result in found:
        click.echo(f"Picture: {result['picture']}")
