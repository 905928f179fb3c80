"""``cnnzoo train``: train one network, or resume its training."""

import shlex
from pathlib import Path
from typing import Any

import click

from cnnzoo import data, runs
from cnnzoo.cli.options import (
    NewDirectory,
    config_option,
    data_dir_option,
    device_option,
    load_config,
    settings_option,
)
from cnnzoo.cli.output import json_option, percent, print_json, print_next, progress
from cnnzoo.cli.progress import training_listener
from cnnzoo.cli.trainings import compare_seeds, jobs_option
from cnnzoo.errors import UserError
from cnnzoo.jobs.local import TrainingOptions, end_with_parent
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice
from cnnzoo.training import resume, train


@click.command("train")
@click.argument("file", required=False)
@config_option
@click.option("--run", "directory", type=NewDirectory(), help="A new directory; by default runs/NNNN-NAME.")
@click.option("--resume", "unfinished", type=click.Path(path_type=Path), metavar="RUN", help="Continue this run.")
@click.option("--seed", type=int, help="Seed of weights, order and augmentation, instead of the config's.")
@click.option("--seeds", metavar="SEEDS", help="One run per seed, such as 0..4 or 0,3,7.")
@jobs_option
@data_dir_option
@device_option
@settings_option
@json_option
def command(
    file: str | None,
    config_name: str | None,
    directory: Path | None,
    unfinished: Path | None,
    seed: int | None,
    seeds: str | None,
    jobs: int | None,
    data_dir: Path | None,
    device: DeviceChoice | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train one network from a config, which FILE or --config names.

    The test images are not decoded; `cnnzoo eval` measures on them.

    With --resume, a run that was killed or interrupted continues from its last checkpoint. On the same processor it
    reaches the same weights, bit for bit, as a run without the interruption.

    With --seeds, each seed is trained in a process of its own, one after the other or --jobs at once. Finished seeds
    under runs/ are kept, and unfinished ones continue.
    """
    end_with_parent()
    if seeds is not None and (unfinished or directory or seed is not None):
        raise UserError("--seeds makes new runs; leave out --seed, --run and --resume.")
    if jobs and seeds is None:
        raise UserError("--jobs is for --seeds; leave it out, or pass --seeds too.")
    if unfinished and (file or config_name or directory or settings or seed is not None):
        raise UserError("--resume uses the settings of the run; leave out the config, --run, --seed and --set.")
    if file and config_name:
        raise UserError(f"There are two configs, {file} and --config {config_name}; leave out one of them.")
    name = config_name or file or ""
    if not name and not unfinished:
        raise UserError("Name one config, a path or a shipped one, such as: cnnzoo train --config digits.yaml")
    if seeds is not None:
        options = TrainingOptions(jobs or 1, data_dir, device)
        compare_seeds(load_config(name, settings), seeds, settings, options, as_json=as_json)
        return
    source = runs.open_run(unfinished) if unfinished else load_config(name, settings, device, seed)
    console = progress()
    console.print("Starting ...", style="dim")
    with training_listener(console) as listener:
        if isinstance(source, Run):
            run, metrics = resume(source, device=device, data_dir=data_dir, listener=listener)
        else:
            run, metrics = train(source, directory=directory, data_dir=data_dir, listener=listener)
    if as_json:
        print_json({"run": str(run.directory), **metrics})
    else:
        _summarize(run, metrics, data_dir)
    if metrics["status"] == "interrupted":
        click.get_current_context().exit(130)


def _summarize(run: Run, metrics: dict[str, Any], data_dir: Path | None) -> None:
    """Print the result of a training, its files and the next command."""
    where = ["--data-dir", str(data_dir)] if data_dir else []
    is_interrupted = metrics["status"] == "interrupted"
    again = f"Continue with: {shlex.join(['cnnzoo', 'train', '--resume', str(run.directory), *where])}"
    if not metrics["epochs"]:
        click.echo(f"Interrupted before the first epoch was finished; {run.directory} has no model yet.\n{again}")
        return
    early = ", ended early" if metrics["ended_early"] else ""
    epochs = "1 epoch" if metrics["epochs"] == 1 else f"{metrics['epochs']} epochs"
    speed = metrics.get("images_per_second")
    noun = data.describe(run.config().data).noun
    rate = f" ({speed:,.0f} {noun}s/s)" if speed else ""
    done = "Interrupted" if is_interrupted else "Done"
    click.echo(f"{done} after {epochs} and {metrics['seconds']:.0f} s{early}{rate}.")
    click.echo(
        f"Best by validation (*): epoch {metrics['best_epoch']}, accuracy {percent(metrics['validation_accuracy'])} %."
    )
    files = (run.last_model_path, run.curves_path, run.history_path)
    saved = ", ".join(path.name for path in files if path.is_file())
    click.echo(f"Saved in {run.directory}: {run.model_path.name} (best epoch), {saved}")
    if is_interrupted:
        click.echo(again)
    print_next("eval", [run.directory], data_dir, *["--unfinished"] * is_interrupted)
