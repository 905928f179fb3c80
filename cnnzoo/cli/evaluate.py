"""``cnnzoo eval``: measure finished runs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from cnnzoo import data, runs
from cnnzoo.cli.groups import print_groups
from cnnzoo.cli.options import data_dir_option, device_option, split_option
from cnnzoo.cli.output import json_option, numbers_table, percent, print_json, print_table, progress, results
from cnnzoo.config import Split
from cnnzoo.runtime import DeviceChoice

if TYPE_CHECKING:
    from cnnzoo.evaluation import Evaluation, Report


@click.command("eval")
@click.argument("directories", metavar="[RUN]...", nargs=-1, type=click.Path(path_type=Path))
@split_option
@data_dir_option
@device_option
@click.option("--unfinished", is_flag=True, help="Accept an unfinished run, and use its best epoch so far.")
@json_option
def command(
    directories: tuple[Path, ...],
    split: Split,
    data_dir: Path | None,
    device: DeviceChoice | None,
    unfinished: bool,
    as_json: bool,
) -> None:
    """Measure finished runs; without a RUN, the run that finished last.

    Predictions, report and a picture go into the run's directory: the confusion matrix, or for Go the accuracy on
    groups of positions.
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

    loader, evaluations = evaluation.ImageLoader(data_dir), []
    for run in opened:
        noun = data.describe(run.config().data).noun
        progress().print(f"Measuring {run.directory} on the {split} {noun}s ...", style="dim")
        evaluations.append(evaluation.evaluate(run, split, loader, device or "auto"))
        if error := evaluations[-1].picture_error:
            progress().print(f"{error}; the report is kept.", soft_wrap=True)
    if as_json:
        print_json({"runs": [result.to_dict() for result in evaluations]})
        return
    console = results()
    for run, result in zip(opened, evaluations, strict=True):
        _print_evaluation(console, result)
        path = run.confusion_path(split) if result.groups is None else run.groups_path(split)
        picture = "" if result.picture_error else f"Picture: {path}; report: "
        click.echo(f"{picture or 'Report: '}{run.report_path(split)}\n")


def _print_evaluation(console: Console, result: "Evaluation") -> None:
    """Print the figures, a table of the classes and, for up to 20 classes, the confusion matrix; or groups for Go."""
    report = result.report
    images = result.folder or result.data
    console.print(f"{result.run}: {result.model} on {images}, {result.split}", style="bold")
    console.print(f"computed on {result.computed_on}", style="dim")
    noun = "image" if result.groups is None else "position"
    top5 = "" if report.top5_accuracy is None else f"   top-5 {percent(report.top5_accuracy)} %"
    console.print(
        f"accuracy {percent(report.accuracy)} %   error {percent(report.error)} % "
        f"({report.images - report.correct:,} of {report.images:,} {noun}s){top5}   loss {report.loss:.4f}"
    )
    if report.note:
        console.print(f"Note: {report.note}")
    if result.groups is not None:
        print_groups(console, result.groups)
        return
    table = numbers_table("class", "precision %", "recall %", "F1 %", "images")
    for row in report.per_class:
        shares = (percent(share, missing="-") for share in (row.precision, row.recall, row.f1))
        table.add_row(row.class_name, *shares, f"{row.images:,}")
    print_table(console, table)
    names = [row.class_name for row in report.per_class]
    if len(names) <= 20:
        numbers = [str(number) for number in range(len(names))]
        numbered = [f"{number} {name}" for number, name in zip(numbers, names, strict=True)]
        console.print("rows: true class; columns: predicted class")
        print_table(console, _make_matrix(names, names, report), _make_matrix(numbered, numbers, report))


def _make_matrix(rows: list[str], columns: list[str], report: "Report") -> Table:
    table = numbers_table("", *columns)
    for name, counts in zip(rows, report.confusion, strict=True):
        table.add_row(name, *(str(count) if count else "." for count in counts))
    return table
