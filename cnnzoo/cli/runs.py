"""``cnnzoo runs``: list, compare and clean up runs."""

import shlex
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cnnzoo import runs
from cnnzoo.cli.options import PICTURE
from cnnzoo.cli.output import json_option, numbers_table, percent, print_json, print_table, results
from cnnzoo.config import as_yaml
from cnnzoo.errors import UserError
from cnnzoo.runs import Run, status
from cnnzoo.runs.facts import to_dict
from cnnzoo.runs.status import RunSummary, VoteSummary

folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the runs, such as a sweep's directory; by default runs/.",
)


@click.group("runs")
def command() -> None:
    """List, compare and clean up runs."""


@command.command("list")
@folder_option
@json_option
def list_(folder: Path | None, as_json: bool) -> None:
    """List runs, the newest last, then ensembles and sweeps.

    The test accuracy appears after `cnnzoo eval` has measured it.
    """
    parent = folder or runs.RUNS
    rows = [status.summarize(run) for run in runs.list_runs(parent)]
    votes = status.summarize_votes(parent)
    sweeps = [str(folder.directory) for folder in runs.list_sweeps(parent)]
    if as_json:
        print_json({"runs": list(map(to_dict, rows)), "ensembles": list(map(to_dict, votes)), "sweeps": sweeps})
        return
    if rows:
        headings = ("model", "data", "seed", "status", "epochs", "validation %", "test %", "started", "size")
        tables = [numbers_table("run", *headings), numbers_table("run", *headings[2:-2])]
        for row in rows:
            cells = [
                _format_value(row.model),
                _format_images(row),
                *map(_format_value, (row.seed, row.status, row.epochs)),
                *map(percent, (row.validation_accuracy, row.test_accuracy)),
                datetime.fromtimestamp(row.created).astimezone().strftime("%Y-%m-%d %H:%M"),
                _format_bytes(row.bytes),
            ]
            tables[0].add_row(row.run, *cells)
            tables[1].add_row(row.run, *cells[2:-2])
        print_table(results(), *tables)
        for row in rows:
            if row.error:
                remedy = shlex.join(["cnnzoo", "runs", "clean", row.run, "--yes"])
                click.echo(f"{row.run} is unreadable: {row.error} To remove it: {remedy}")
    elif not (sweeps or votes):
        click.echo(f"There is no run under {parent}/. Train one: cnnzoo train --config digits.yaml")
    if votes:
        table = numbers_table("ensemble", "members", "data", "split", "mean %", "hard vote %", "soft vote %")
        for vote in votes:
            shares = map(percent, (vote.mean, vote.hard_vote, vote.soft_vote))
            table.add_row(vote.ensemble, str(vote.members), _format_images(vote), _format_value(vote.split), *shares)
        print_table(results(), table)
    for directory in sweeps:
        click.echo(f"{directory} is a sweep; its runs: cnnzoo runs list --folder {directory}")


@command.command("compare")
@click.argument("directories", metavar="RUN RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--output", type=PICTURE, help="Draw the validation curves into this file, .svg or .png.")
@json_option
def compare(directories: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Compare the configs and the results of runs."""
    compared = [runs.open_run(path) for path in directories]
    if len({run.directory.resolve() for run in compared}) < max(2, len(compared)):
        raise UserError("Name two or more runs, each of them once.")
    differing = status.differences(compared)
    rows = [status.summarize(run) for run in compared]
    if output:
        _draw(compared, output)
    if as_json:
        picture = {"picture": str(output)} if output else {}
        print_json({"differences": differing, "runs": list(map(to_dict, rows)), **picture})
        return
    _print_comparison(differing, rows)
    if output:
        click.echo(f"Picture: {output}")


def _draw(compared: list[Run], output: Path) -> None:
    with_history = [run for run in compared if run.history_path.is_file()]
    if not with_history:
        raise UserError("None of these runs has completed an epoch, so there are no curves to draw.")
    from cnnzoo.pictures.training import draw_comparison  # loads matplotlib

    draw_comparison(
        {str(run.directory): run.history() for run in with_history}, output, title=f"{len(with_history)} runs"
    )


def _print_comparison(differing: dict[str, list[Any]], rows: list[RunSummary]) -> None:
    table = numbers_table("", *(row.run for row in rows))
    for key, values in differing.items():
        table.add_row(key, *("" if value is None else as_yaml(value) for value in values))
    table.add_section()
    for label, key, shown in (
        ("status", "status", "{}"),
        ("epochs", "epochs", "{}"),
        ("best epoch", "best_epoch", "{}"),
        ("validation accuracy", "validation_accuracy", "{:.2%}"),
        ("validation loss", "validation_loss", "{:.4f}"),
        ("test accuracy", "test_accuracy", "{:.2%}"),
        ("images/s", "images_per_second", "{:,.0f}"),
        ("seconds", "seconds", "{:,.0f}"),
    ):
        values = [getattr(row, key) for row in rows]
        table.add_row(label, *("" if value is None else shown.format(value).replace("%", " %") for value in values))
    print_table(results(), table)
    if not differing:
        click.echo("Their configs are the same.")


@command.command("clean")
@click.argument("directories", metavar="[RUN]...", nargs=-1, type=click.Path(path_type=Path))
@folder_option
@click.option("--yes", is_flag=True, help="Remove what is listed; without --yes nothing is removed.")
@json_option
def clean(directories: tuple[Path, ...], folder: Path | None, yes: bool, as_json: bool) -> None:
    """List what can be removed, and remove it with --yes.

    Without a RUN it lists unfinished runs under runs/ that no process uses (`cnnzoo train --resume` could still
    continue them), checkpoints of finished runs, and files left over from killed processes. With RUNs it lists these
    runs, finished or not. A finished run is removed only if you name it.
    """
    if directories and folder:
        raise UserError("Name runs or a --folder, not both.")
    parent = folder or runs.RUNS
    items = [status.open_removable(path) for path in directories] if directories else status.find_removable(parent)
    if yes:
        for item in items:
            item.remove()
    total = sum(item.bytes for item in items)
    if as_json:
        listed = [{"path": str(item.path), "reason": item.reason, "bytes": item.bytes} for item in items]
        print_json({"removed": yes, "found": listed, "bytes": total})
        return
    if not items:
        click.echo(f"There is nothing to remove under {parent}/.")
        return
    table = numbers_table("removed" if yes else "removable", "reason", "size")
    for item in items:
        table.add_row(str(item.path), item.reason, _format_bytes(item.bytes))
    print_table(results(), table)
    click.echo(f"{'Removed' if yes else 'Nothing is removed yet; --yes removes'} {_format_bytes(total)}.")


def _format_value(value: Any) -> str:
    return "" if value is None else str(value)


def _format_images(row: RunSummary | VoteSummary) -> str:
    """Return the name of a data set, or the path of a folder of images, relative to the current directory."""
    if not row.folder:
        return _format_value(row.data)
    folder = Path(row.folder)
    return str(folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder)


def _format_bytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
