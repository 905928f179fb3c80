"""``cnnzoo data``: list, fetch, verify and preview data sets."""

import shlex
from dataclasses import asdict
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from cnnzoo import config as configs
from cnnzoo import data, runs
from cnnzoo.cli.options import PICTURE, data_dir_option, published_data_dir_option, settings_option
from cnnzoo.cli.output import json_option, print_json, results
from cnnzoo.errors import UserError


@click.group()
def command() -> None:
    """List, fetch, verify and preview data sets."""


@command.command("list")
@published_data_dir_option
@json_option
def list_(data_dir: Path | None, as_json: bool) -> None:
    """List the data sets and where they are."""
    places = {name: data.where(name, data_dir) for name in data.DATA_SETS}
    if as_json:
        print_json({"data_sets": [asdict(data.describe(name)) | {"where": place} for name, place in places.items()]})
        return
    table = Table(box=SIMPLE_HEAD)
    for heading in ("name", "images", "size", "classes"):
        table.add_column(heading, no_wrap=True)
    table.add_column("title")
    for data_set in map(data.describe, data.DATA_SETS):
        height, width, channels = data_set.input_shape
        table.add_row(
            data_set.name,
            f"{data_set.train_count:,} + {data_set.test_count:,}",
            f"{height}x{width}x{channels}",
            str(len(data_set.class_names)),
            data_set.title,
        )
    results().print(table)
    # Not in the table, which would break a long path into pieces.
    for name, place in places.items():
        click.echo(f"{name}: {place or 'not here'}")
    click.echo("A config can also name your own data: folder for images, go for game records (see cnnzoo go import).")


@command.command()
@click.argument("name")
@published_data_dir_option
@json_option
def fetch(name: str, data_dir: Path | None, as_json: bool) -> None:
    """Download the missing or wrong files of the data set NAME.

    Without --data-dir they are downloaded into the cache, where every command looks.
    """
    paths = data.fetch(name, data_dir)
    if as_json:
        print_json({"data_set": name, "files": [str(path) for path in paths]})
        return
    for path in paths:
        click.echo(path)
    if not paths:
        click.echo(f"{name} is {data.where(name)}: nothing to fetch.")


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@published_data_dir_option
@json_option
def verify(names: tuple[str, ...], data_dir: Path | None, as_json: bool) -> None:
    """Check the files of data sets.

    Without a NAME it checks all data sets that are found. The exit code is 2 when a file is wrong or missing.
    """
    checked = names or [name for name in data.DATA_SETS if data.where(name, data_dir)]
    missing = [name for name in data.DATA_SETS if name not in checked and not names]
    checks = [check for name in checked for check in data.verify(name, data_dir)]
    bad = [check for check in checks if check.status in ("wrong", "missing")]
    if as_json:
        files = [asdict(check) | {"path": check.path and str(check.path)} for check in checks]
        print_json({"right": not bad, "files": files})
    else:
        for check in checks:
            click.echo(f"{check.data_set}  {check.file}  {check.status}")
            if check.path:
                click.echo(f"  {check.path}")
        for name in missing:
            click.echo(f"{name} was not found, so it was not checked.", err=True)
        for check in checks:
            if check.status == "structure only":
                click.echo(f"Only the structure was checked, not a hash: {check.file} {check.detail}.")
    if bad:
        raise UserError(_explain(bad, data_dir))


@command.command()
@click.argument("name", metavar="CONFIG")
@click.option("--output", type=PICTURE, help="The picture, .svg or .png; by default CONFIG-preview.png.")
@click.option(
    "--count", type=click.IntRange(1, 64), default=8, show_default=True, help="Number of training images to draw."
)
@settings_option
@data_dir_option
@json_option
def preview(
    name: str, output: Path | None, count: int, settings: tuple[str, ...], data_dir: Path | None, as_json: bool
) -> None:
    """Draw training images and their augmentation.

    The picture shows each image, and what the network sees of it in the first epochs, before normalization.
    """
    config = configs.load(name, settings)
    picture = output or Path(f"{runs.name_for(name)}-preview.png")
    from cnnzoo import runtime  # decides the backend before Keras is imported

    runtime.prepare(**config.runtime.model_dump())
    from cnnzoo.training import preview  # loads Keras

    shown = preview.make_preview(config, count, data_dir)
    preview.draw(shown, picture)
    if as_json:
        print_json({"picture": str(picture), "classes": shown.class_names})
    else:
        click.echo(f"Picture: {picture}")


def _explain(bad: list[data.FileCheck], data_dir: Path | None) -> str:
    """Return sentences that say what is wrong or missing, and what to do."""
    names = list(dict.fromkeys(check.data_set for check in bad))
    lines = [f"{check.path or check.data_set} {check.detail}." for check in bad if check.status == "wrong"]
    for name in names:
        missing = [check.file for check in bad if check.data_set == name and check.status == "missing"]
        if missing:
            lines.append(f"{name} is missing {', '.join(missing)}.")
    option = f" --data-dir {shlex.quote(str(data_dir))}" if data_dir else ""
    commands = [f"cnnzoo data fetch {name}{option}" for name in names if name != "digits"]
    lines += [f"To download again: {'; '.join(commands)}"] if commands else []
    lines += ["The digits are part of scikit-learn: install scikit-learn again."] if "digits" in names else []
    return "\n".join(dict.fromkeys(lines))
