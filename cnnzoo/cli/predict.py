"""``cnnzoo predict``: classify images."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.table import Table

from cnnzoo import runs
from cnnzoo.classifier import photographs
from cnnzoo.classifier.photographs import Classification
from cnnzoo.cli.options import NewDirectory, device_option
from cnnzoo.cli.output import json_option, percent, print_json, print_table, results
from cnnzoo.data.glyphs import Ink
from cnnzoo.data.sets.image_files import describe_left_out, find_images
from cnnzoo.downloads import progress
from cnnzoo.errors import UserError
from cnnzoo.runtime import DeviceChoice
from cnnzoo.text import printable

# Endings of weight files.
WEIGHTS = {".bin", ".ckpt", ".h5", ".pt", ".pth", ".safetensors", ".tar"}

BACKGROUNDS = {"dark": "dark on light, inverted", "light": "light on dark"}
UNSURE = "\nunsure: no class has half of the probability"

# How many images are drawn without --pictures; drawing one takes longer than classifying it.
DEFAULT_PICTURES = 10


@click.command("predict")
@click.argument("source", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("images", metavar="IMAGE...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Number of classes to list, the likeliest first.",
)
@click.option(
    "--ink",
    type=click.Choice(["auto", "dark", "light"]),
    default="auto",
    show_default=True,
    help="For digits: dark strokes on light paper, or light strokes on dark; auto recognizes which.",
)
@click.option(
    "--pictures/--no-pictures",
    default=None,
    help=f"Draw all images with their probabilities, or none; by default the first {DEFAULT_PICTURES}.",
)
@click.option(
    "--output",
    type=NewDirectory(),
    help="A new directory for the pictures; by default predictions/ in the run, or beside the model.",
)
@device_option
@click.option("--unfinished", is_flag=True, help="Accept an unfinished run, even while it trains.")
@json_option
def command(
    source: Path,
    images: tuple[Path, ...],
    top: int,
    ink: Ink,
    pictures: bool | None,
    output: Path | None,
    device: DeviceChoice | None,
    unfinished: bool,
    as_json: bool,
) -> None:
    """Classify images of any size with a finished run, or with a model of `weights import`.

    An IMAGE can be a folder; then all images in it are classified. An image that cannot be read is reported, and the
    others are classified; the exit code is 2 then.
    """
    imported = source.suffix == ".keras" and source.is_file()
    if source.is_file() and source.suffix.lower() in WEIGHTS:
        raise UserError(
            f"{source} is a weight file; make a model of it first: cnnzoo weights import NETWORK {source} --output "
            f"{source.stem}.keras"
        )
    if not images or (source.is_file() and not imported):
        raise UserError("Name a run and then its images, such as: cnnzoo predict runs/0001-digits seven.png")
    if output and pictures is False:
        raise UserError("--output says where pictures go, and --no-pictures draws none; leave out one of them.")
    run = None if imported else runs.open_finished(source, unfinished)
    paths = _find_images(images)
    limit = DEFAULT_PICTURES if pictures is None else len(paths) * pictures
    predictions = photographs.predict(run or source, paths, ink, top, device or "auto", pictures=limit, folder=output)
    classifications = _collect(predictions, len(paths), as_json=as_json)
    if as_json:
        print_json({"run" if run else "model": str(source), "predictions": [row.to_dict() for row in classifications]})
    else:
        _print(classifications)
    errors = [row.error for row in classifications if row.error]
    for error in errors:
        click.echo(f"Error: {printable(error)}", err=True)
    all_drawn = _print_drawn(classifications, limit, output, required=bool(pictures or output))
    if errors or not all_drawn:
        click.get_current_context().exit(2)


def _collect(predictions: Iterator[Classification], count: int, *, as_json: bool) -> list[Classification]:
    """Return all predictions, with a progress bar; after Ctrl-C print those that are finished."""
    classifications: list[Classification] = []
    try:
        with progress.show_count("Classifying images", count) as advance:
            for result in predictions:
                # Only --json prints all probabilities; a thousand classes for thousands of images fill the memory.
                classifications.append(result if as_json else replace(result, probabilities={}))
                advance(1)
    except KeyboardInterrupt:
        if not as_json:  # a program would not notice that the JSON is incomplete
            _print(classifications)
            click.echo(f"{len(classifications):,} of {count:,} images classified.", err=True)
        raise
    return classifications


def _find_images(paths: Sequence[Path]) -> list[Path]:
    """Return the images, and those in the folders; print how many a folder has, and what was left out there."""
    images: list[Path] = []
    for path in paths:
        if re.match("(https?|ftp):/", str(path)):
            raise UserError(f"predict takes files and folders, not addresses such as {path}; download the image first.")
        if not path.is_dir():
            images.append(path)
            continue
        if runs.Run(path).config_path.is_file():
            raise UserError(f"{path} is a run, not an image; name one run, and then images.")
        folder_images, left_out = find_images(path)
        images += folder_images or [path]
        count = f"{len(folder_images):,} {'image' if len(folder_images) == 1 else 'images'}"
        clause = f"; left out: {describe_left_out(left_out, path)}" if left_out else ""
        click.echo(f"{printable(str(path))}: {count}{clause}", err=True)
    return images


def _print_drawn(classifications: list[Classification], limit: int, output: Path | None, *, required: bool) -> bool:
    """Print which images were not drawn and why; return False if required pictures could not be drawn."""
    good = [result for result in classifications if not result.error]
    failure = next((result.picture_error for result in good if result.picture_error), None)
    if failure:
        elsewhere = "" if output else "; --output DIR puts pictures elsewhere, --no-pictures draws none"
        count = f"{sum(bool(result.picture) for result in good):,} of {len(good):,} images drawn"
        click.echo(f"{'Error: ' if required else ''}{count}: {printable(failure)}{elsewhere}.", err=True)
    elif 0 < limit < len(classifications):
        count = f"{limit:,} of {len(classifications):,} images"
        click.echo(f"Drew only the first {count}; --pictures draws all, --no-pictures none.", err=True)
    return not (failure and required)


def _print(classifications: Sequence[Classification]) -> None:
    good = [result for result in classifications if not result.error]
    if good:
        print_table(results(), _make_table(good))
    for result in good:
        if result.picture:
            click.echo(f"Picture: {printable(result.picture)}")


def _make_table(classifications: Sequence[Classification]) -> Table:
    """Return a row per image; for digits its second line is the background, so that 80 columns are enough."""
    table = Table("image", "class", "probability %", show_lines=True)
    table.columns[0].overflow = "fold"
    table.columns[2].justify = "right"
    for result in classifications:
        background = f"\n({BACKGROUNDS[result.ink]})" if result.ink else ""
        note = "" if result.top[0].probability >= 0.5 else UNSURE
        table.add_row(
            f"{printable(result.image)}{background}{note}",
            "\n".join(entry.class_name for entry in result.top),
            "\n".join(_format_probability(entry.probability) for entry in result.top),
        )
    return table


def _format_probability(probability: float) -> str:
    """Return a percentage that is never rounded up to 100."""
    return ">99.99" if probability > 0.9999 else percent(probability)
