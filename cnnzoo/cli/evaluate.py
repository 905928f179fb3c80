"""``cnnzoo eval``."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cnnzoo import runs
from cnnzoo.cli.options import data_dir_option, device_option, split_option
from cnnzoo.cli.output import json_option, numbers_table, print_json, print_table, progress, results
from cnnzoo.config import Split
from cnnzoo.runtime import DeviceChoice


@click.command("eval")
@click.argument("directories", metavar="[RUN]...", nargs=-1, type=click.Path(path_type=Path))
@split_option
@data_dir_option
@device_option
@click.option("--unfinished", is_flag=True, help="Take what an interrupted run reached.")
@json_option
def command(
    directories: tuple[Path, ...],
    split: Split,
    data_dir: Path | None,
    device: DeviceChoice | None,
    unfinished: bool,
    as_json: bool,
) -> None:
    """Measure finished runs, the newest one when none is named.

    Predictions, report and the picture of the confusion matrix go into the run's directory.
    """
    paths = {path.resolve(): path for path in reversed(directories)}
    if len(paths) < len(directories):
        progress().print("A run is named twice; it is measured once.")
    opened = [runs.open_finished(path, unfinished) for path in directories if paths.pop(path.resolve(), None)]
    if not opened:
        opened = [runs.newest()]
        for other in runs.unfinished_since(opened[0]):
            progress().print(f"{other.directory} is newer and unfinished; name it, with --unfinished, to measure it.")
    from cnnzoo import evaluation  # loads matplotlib

    reports = []
    for run in opened:
        progress().print(f"Measuring {run.directory} on the {split} images ...", style="dim")
        with run.locked():
            reports.append(evaluation.evaluate(run, split, data_dir, device or "auto"))
    if as_json:
        print_json({"runs": reports})
        return
    console = results()
    for run, report in zip(opened, reports, strict=True):
        print_report(console, report)
        click.echo(f"Picture: {run.confusion_path(split)}; everything: {run.report_path(split)}\n")


def print_report(console: Console, report: dict[str, Any]) -> None:
    """Print a report: one line, the classes, and the confusion matrix of up to 20 classes."""
    images = report["folder"] or report["data"]
    console.print(f"{report['run']}: {report['model']} on {images}, {report['split']}", style="bold")
    console.print(f"computed on {report['computed_on']}", style="dim")
    console.print(
        f"accuracy {100 * report['accuracy']:.2f} %   error {100 * report['error']:.2f} % "
        f"({report['images'] - report['correct']:,} of {report['images']:,} images)   loss {report['loss']:.4f}"
    )
    if report["remark"]:
        console.print(f"of the images: {report['remark']}")
    table = numbers_table("class", "precision %", "recall %", "F1 %", "images")
    for row in report["per_class"]:
        shares = ("-" if row[key] is None else f"{100 * row[key]:.2f}" for key in ("precision", "recall", "f1"))
        table.add_row(row["class"], *shares, f"{row['images']:,}")
    print_table(console, table)
    names = [row["class"] for row in report["per_class"]]
    if len(names) <= 20:
        plain = [str(place) for place in range(len(names))]
        numbered = [f"{place} {name}" for place, name in zip(plain, names, strict=True)]
        console.print("rows: true class; columns: predicted class")
        print_table(console, _matrix(names, names, report), _matrix(numbered, plain, report))


def _matrix(rows: list[str], columns: list[str], report: dict[str, Any]) -> Table:
    table = numbers_table("", *columns)
    for name, counts in zip(rows, report["confusion"], strict=True):
        table.add_row(name, *(str(count) if count else "." for count in counts))
    return table
