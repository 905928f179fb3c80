"""What the commands that train several runs share: an option, progress lines and tables."""

from collections.abc import Iterable, Sequence
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


class TrainingLines:
    """Shows the lines of several trainings, each after the training's name."""

    def __init__(self, names: Iterable[str]) -> None:
        self.console, self.width = progress(), max(map(len, names))

    def line(self, name: str, text: str) -> None:
        """Print a line of a training."""
        if text.strip():
            self.console.print(f"{name:<{self.width}}  {text}", soft_wrap=True)

    def existing_run(self, name: str, run: Run) -> None:
        """Print whether a run is finished or goes on."""
        if run.metrics().get("status") == "finished":
            text = f"is there already, trained on {run.config().runtime.backend}"
        else:
            text = "is unfinished and goes on"
        self.line(name, f"{run.directory} {text}")


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
    """Train the seeds that are missing under ``runs/``, and show their lines; see ``jobs.seeds.train_seeds``.

    A vote takes runs of any backend, and needs all of them.
    """
    from cnnzoo.jobs import seeds as library  # loads the data sets

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
            listener=TrainingLines([f"seed {seed}" for seed in seeds]),
        )
    except KeyboardInterrupt:
        progress().print("The same command goes on where this one ended, and keeps the seeds that are done.")
        raise


def compare_seeds(
    config: Config,
    text: str,
    settings: tuple[str, ...],
    jobs: int,
    data_dir: Path | None,
    device: DeviceChoice | None,
    *,
    as_json: bool,
) -> None:
    """Run ``cnnzoo train --seeds``; end with exit code 2 if a training failed."""
    try:
        seeds = parse_seeds(text)
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
    """Print why some trainings failed."""
    for name, reason in reasons.items():
        console.print(f"{name} failed: {reason}", soft_wrap=True)
