"""``cnnzoo predict``."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from cnnzoo import prediction, runs
from cnnzoo.cli.options import device_option
from cnnzoo.cli.output import json_option, print_json, print_table, results
from cnnzoo.errors import UserError
from cnnzoo.prediction import Ink
from cnnzoo.runtime import Device

GROUNDS = {"dark": "dark on light, inverted", "light": "light on dark", None: "as it is"}
UNSURE = "\nunsure: no class has half of the probability"


@click.command("predict")
@click.argument("source", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("images", metavar="IMAGE...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="Classes to name.")
@click.option(
    "--ink",
    type=click.Choice(["auto", "dark", "light"]),
    default="auto",
    show_default=True,
    help="Digits: dark strokes on light paper, or light ones on dark; auto judges by what stands out.",
)
@device_option
@click.option("--unfinished", is_flag=True, help="Take what an interrupted run reached.")
@json_option
def command(
    source: Path,
    images: tuple[Path, ...],
    top: int,
    ink: Ink,
    device: Device | None,
    unfinished: bool,
    as_json: bool,
) -> None:
    """Classify images of any size and kind with a finished run, or with a model of `weights import`.

    An image that cannot be taken is named, the others are classified; the exit code is 2 then.
    """
    imported = source.suffix == ".keras" and source.is_file()
    if not images or (source.is_file() and not imported):
        raise UserError("Name a run and then its images, such as: cnnzoo predict runs/0001-digits seven.png")
    run = None if imported else runs.open_finished(source, unfinished)
    with run.locked() if run else nullcontext():
        found = prediction.predict(run or source, images, ink, top, device or "auto")
    good = [result for result in found if "error" not in result]
    if as_json:
        print_json({"run" if run else "model": str(source), "predictions": found})
    elif good:
        print_table(results(), _table(good))
        for result in good:
            click.echo(f"Picture: {result['picture']}")
    for result in found:
        if "error" in result:
            click.echo(f"Error: {result['error']}", err=True)
    if len(good) < len(found):
        click.get_current_context().exit(2)


def _table(found: Sequence[dict[str, Any]]) -> Table:
    """Return a row per image; its ground stands below its name, so that 80 columns hold both."""
    table = Table("image", "class", "probability %", show_lines=True)
    table.columns[0].overflow = "fold"
    table.columns[2].justify = "right"
    for result in found:
        table.add_row(
            f"{result['image']}\n({GROUNDS[result['ink']]}){'' if _is_sure(result) else UNSURE}",
            "\n".join(entry["class"] for entry in result["top"]),
            "\n".join(_percent(entry["probability"]) for entry in result["top"]),
        )
    return table


def _is_sure(result: dict[str, Any]) -> bool:
    return bool(result["top"][0]["probability"] >= 0.5)


def _percent(probability: float) -> str:
    """Return a percentage that is never rounded up to certainty."""
    return ">99.99" if probability > 0.9999 else f"{100 * probability:.2f}"
