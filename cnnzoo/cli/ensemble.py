"""``cnnzoo ensemble``: let several runs vote, and train the missing ones."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cnnzoo import runs
from cnnzoo.cli.groups import print_groups
from cnnzoo.cli.options import NewDirectory, data_dir_option, device_option, settings_option, split_option
from cnnzoo.cli.output import json_option, percent, print_json, print_table, progress, results
from cnnzoo.cli.trainings import jobs_option, train_seeds
from cnnzoo.config import SEEDS, Config, Split, load
from cnnzoo.errors import UserError
from cnnzoo.jobs.local import TrainingOptions
from cnnzoo.runs import Run, Vote
from cnnzoo.runtime import DeviceChoice

if TYPE_CHECKING:
    from cnnzoo.ensembles import VoteResult


@click.command("ensemble")
@click.argument("directories", metavar="[RUN]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--config", "config_name", metavar="FILE", help="Train the missing members from this config.")
@click.option(
    "--members",
    type=click.IntRange(1, 1000),
    help="With --config: number of members, with consecutive seeds; 3 by default.",
)
@jobs_option
@split_option
@data_dir_option
@device_option
@click.option("--output", type=NewDirectory(), help="A new directory; by default runs/NNNN-ensemble.")
@settings_option
@json_option
def command(
    directories: tuple[Path, ...],
    config_name: str | None,
    members: int | None,
    jobs: int | None,
    split: Split,
    data_dir: Path | None,
    device: DeviceChoice | None,
    output: Path | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Let several runs vote: name runs, or name a config and the number of members.

    With --config, finished runs of that config under runs/ count as members, whichever backend trained them; only
    missing seeds are trained. Run the same command again after an interruption. If a training fails, those that are
    running finish, and no more are started.
    """
    if bool(directories) == bool(config_name):
        raise UserError("Name either runs, or a config with --config FILE --members N.")
    if directories and (members or jobs or settings):
        raise UserError("--members, --jobs and --set are for --config; leave them out if you name runs.")
    if config_name:
        name = f"{runs.name_for(config_name)}-ensemble"
        options = TrainingOptions(jobs or 1, data_dir, device)
        voters = _train_members(load(config_name, settings), members or 3, settings, options)
    else:
        name = "ensemble"
        voters = [runs.open_finished(path) for path in directories]
    from cnnzoo import ensembles, evaluation  # loads matplotlib

    voters, repeated = ensembles.distinct(voters)
    for run, same in repeated:
        is_copy = run.directory.resolve() != same.directory.resolve()
        reason = f"is a copy of {same.directory}" if is_copy else "is named twice"
        progress().print(f"{run.directory} {reason} and counts once.")
    progress().print(f"Measuring on the {split} split, members: {len(voters)} ...", style="dim")
    ensemble = ensembles.combine_runs(voters, split, evaluation.ImageLoader(data_dir), device or "auto")
    vote = Vote(runs.make_directory(output, runs.RUNS, name))
    result, errors = ensemble.result, ensemble.write(vote.directory)
    for error in errors:
        progress().print(f"{error}; the result is kept.", soft_wrap=True)
    if as_json:
        counted_once = [{"run": str(run.directory), "same_as": str(same.directory)} for run, same in repeated]
        print_json({"directory": str(vote.directory), **result.to_dict(), "counted_once": counted_once})
        return
    _print_votes(results(), result)
    pictures = [str(path) for path in (vote.picture_path, vote.confusion_path(split)) if path.is_file()]
    click.echo(f"Result: {vote.result_path}" if errors else f"Pictures: {', '.join(pictures)}")


def _train_members(config: Config, count: int, settings: tuple[str, ...], options: TrainingOptions) -> list[Run]:
    """Return one finished run per seed; the missing ones are trained first."""
    if config.seed + count > SEEDS:
        raise UserError(f"{count} members from seed {config.seed} on need seeds above the largest, {SEEDS - 1}.")
    seeds = range(config.seed, config.seed + count)
    result = train_seeds(config, seeds, settings, options, vote=True)
    if result["failed"]:
        raise UserError(" ".join(f"Seed {row['seed']} failed: {row['reason']}" for row in result["failed"]))
    return [Run(Path(row["run"])) for row in result["runs"]]


def _print_votes(console: Console, result: "VoteResult") -> None:
    table = Table("member", "model", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("seed", "accuracy %", "error %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for member in result.members:
        table.add_row(member.run, member.model, str(member.seed), *_format_percentages(member.accuracy))
    table.add_section()
    report, spread = result.report, result.standard_deviation
    label = "mean" if spread is None else f"mean ± {percent(spread)} (standard deviation)"
    table.add_row(label, "", "", *_format_percentages(result.mean))
    table.add_row("hard vote", "", "", *_format_percentages(result.hard_vote))
    table.add_row("soft vote", "", "", *_format_percentages(result.soft_vote), style="bold")
    print_table(console, table)
    if report.note:
        console.print(f"Note: {report.note}.")
    if report.top5_accuracy is not None:
        console.print(f"Soft vote: top-5 accuracy {percent(report.top5_accuracy)} %.")
    if result.groups is not None:
        console.print("Soft vote by groups of positions:")
        print_groups(console, result.groups)
    if len(result.members) == 1:
        console.print("One network: a vote needs two or more.")
        return
    noun = "images" if result.groups is None else "positions"
    error = "unknown, all from one game" if result.standard_error is None else f"{result.standard_error:.2f}"
    console.print(
        f"Soft vote: error {percent(1 - result.mean)} % to {percent(1 - result.soft_vote)} %, "
        f"a gain of {result.gain:+.2f} points on {report.images:,} {result.split} {noun} "
        f"(one standard error of the mean: {error})."
    )


def _format_percentages(accuracy: float) -> tuple[str, str]:
    """Return the accuracy and the error."""
    return percent(accuracy), percent(1 - accuracy)
