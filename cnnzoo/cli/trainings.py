"""What the commands that train several runs have in common: options, lines while they run, tables."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cnnzoo.cli.output import numbers_table, print_json, print_table, progress, results
from cnnzoo.config import Config, parse_seeds
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice

jobs_option = click.option(
    "--jobs", type=click.IntRange(1, 64), help="How many train at once; 1 by default, each with all processor threads."
)


def teller(names: list[str]) -> tuple[Callable[[str, str], None], Callable[[str, Run | None], None]]:
    """Return what shows the lines of trainings after their names, and what says which of them are there already."""
    console, width = progress(), max(map(len, names))

    def heard(name: str, line: str) -> None:
        if line.strip():
            console.print(f"{name:<{width}}  {line}", soft_wrap=True)

    def announce(name: str, run: Run | None) -> None:
        if run:
            finished = run.metrics().get("status") == "finished"
            there = f"is there already, trained on {run.config().runtime.backend}"
            heard(name, f"{run.directory} {there if finished else 'was begun and goes on'}")

    return heard, announce


def train_seeds(
    config: Config,
    seeds: Sequence[int],
    settings: tuple[str, ...],
    jobs: int,
    data_dir: Path | None,
    device: DeviceChoice | None,
    *,
    vote: bool,
) -> dict[str, Any]:
    """Train the seeds that are missing under ``runs/``, with their lines; see ``jobs.seeds.train_seeds``.

    For a vote it makes no difference where one ran, and there is none without all of them.
    """
    from cnnzoo.jobs import seeds as library  # noqa: PLC0415 - loads matplotlib

    heard, announce = teller([f"seed {seed}" for seed in seeds])
    try:
        return library.train_seeds(
            config,
            seeds,
            settings,
            jobs=jobs,
            data_dir=data_dir,
            device=device,
            any_backend=vote,
            stop_at_failure=vote,
            heard=heard,
            announce=announce,
        )
    except KeyboardInterrupt:
        progress().print("The same command goes on where this one ended, and keeps the seeds that are done.")
        raise


def compare_seeds(
    config: Config,
    named: str,
    settings: tuple[str, ...],
    jobs: int,
    data_dir: Path | None,
    device: DeviceChoice | None,
    *,
    as_json: bool,
) -> None:
    """Do what ``cnnzoo train --seeds`` does, and end with exit code 2 if a training failed."""
    try:
        seeds = parse_seeds(named)
    except UserError as error:
        raise UserError(f"--seeds {error}") from None
    result = train_seeds(config, seeds, settings, jobs, data_dir, device, vote=False)
    if as_json:
        print_json(result)
    else:
        _print_seeds(result)
    if result["failed"]:
        click.get_current_context().exit(2)


def _print_seeds(result: dict[str, Any]) -> None:
    """Print one row per seed, then mean and standard deviation."""
    table = numbers_table("run", "seed", "best epoch", "validation %", "loss", "seconds")
    for row in result["runs"]:
        best, accuracy = str(row["best_epoch"]), f"{100 * row['validation_accuracy']:.2f}"
        table.add_row(
            row["run"], str(row["seed"]), best, accuracy, f"{row['validation_loss']:.4f}", f"{row['seconds']:.0f}"
        )
    table.add_section()
    for label, key in (("mean", "mean"), ("standard deviation", "standard_deviation")):
        accuracy, loss = result[key]["validation_accuracy"], result[key]["validation_loss"]
        if accuracy is not None:
            table.add_row(label, "", "", f"{100 * accuracy:.2f}", f"{loss:.4f}", "")
    console = results()
    if result["runs"]:
        print_table(console, table)
    print_failures(console, {f"seed {row['seed']}": row["reason"] for row in result["failed"]})


def print_failures(console: Console, reasons: dict[str, str]) -> None:
    """Print why some trainings did not come to their end."""
    for name, reason in reasons.items():
        console.print(f"{name} failed: {reason}", soft_wrap=True)
