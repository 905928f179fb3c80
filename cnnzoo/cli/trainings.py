"""Options, progress lines and tables of the commands that train several runs."""

from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console

from cnnzoo.cli.output import numbers_table, percent, print_json, print_next, print_table, progress, results
from cnnzoo.config import Config, parse_seeds
from cnnzoo.errors import UserError
from cnnzoo.jobs.listener import Listener
from cnnzoo.jobs.local import TrainingOptions, training_name
from cnnzoo.runs import Run

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="How many trainings run at once; 1 by default. Each uses all processor threads.",
)


class TrainingLines(Listener):
    """Prints the lines of several trainings, each after the training's name."""

    def __init__(self, names: Iterable[str]) -> None:
        self.console, self.width = progress(), max(map(len, names))

    def show_line(self, name: str, text: str) -> None:
        """Print a line of a training."""
        if text.strip():
            self.console.print(f"{name:<{self.width}}  {text}", soft_wrap=True)

    def existing_run(self, name: str, run: Run) -> None:
        """Print whether a run is finished or continues."""
        if run.is_finished():
            text = f"is finished already, trained on {run.config().runtime.backend}"
        else:
            text = "is unfinished and continues"
        self.show_line(name, f"{run.directory} {text}")


def train_seeds(
    config: Config, seeds: Sequence[int], settings: tuple[str, ...], options: TrainingOptions, *, vote: bool
) -> dict[str, Any]:
    """Train the seeds that are missing under ``runs/``, and print their lines; see ``jobs.seeds.train_seeds``.

    A vote accepts runs of any backend, and needs all of them.
    """
    from cnnzoo.jobs import seeds as seeds_module  # loads the data sets

    listener = TrainingLines(map(training_name, seeds))
    try:
        return seeds_module.train_seeds(
            config, seeds, settings, options, any_backend=vote, stop_at_failure=vote, listener=listener
        )
    except KeyboardInterrupt:
        progress().print("Run the same command again to continue; the seeds that are finished are kept.")
        raise


def compare_seeds(
    config: Config, text: str, settings: tuple[str, ...], options: TrainingOptions, *, as_json: bool
) -> None:
    """Run ``cnnzoo train --seeds``; exit with code 2 if a training failed."""
    try:
        seeds = parse_seeds(text)
    except UserError as error:
        raise UserError(f"--seeds {error}") from None
    result = train_seeds(config, seeds, settings, options, vote=False)
    if as_json:
        print_json(result)
    else:
        _print_seeds(result)
        trained = [row["run"] for row in result["runs"]]
        if trained:
            print_next("ensemble" if len(trained) > 1 else "eval", trained, options.data_dir)
    if result["failed"]:
        click.get_current_context().exit(2)


def _print_seeds(result: dict[str, Any]) -> None:
    """Print one row per seed, then mean and standard deviation."""
    table = numbers_table("run", "seed", "best epoch", "validation %", "val. loss", "seconds")
    for row in result["runs"]:
        cells = (str(row["seed"]), str(row["best_epoch"]), percent(row["validation_accuracy"]))
        table.add_row(row["run"], *cells, f"{row['validation_loss']:.4f}", f"{row['seconds']:.0f}")
    table.add_section()
    for label, key in (("mean", "mean"), ("standard deviation", "standard_deviation")):
        accuracy, loss = result[key]["validation_accuracy"], result[key]["validation_loss"]
        if accuracy is not None:
            table.add_row(label, "", "", percent(accuracy), f"{loss:.4f}", "")
    console = results()
    if result["runs"]:
        print_table(console, table)
    for row in result["failed"]:
        print_failure(console, training_name(row["seed"]), row["reason"])


def print_failure(console: Console, name: str, reason: str) -> None:
    """Print why a training failed."""
    console.print(f"{name} failed: {reason}", soft_wrap=True)
