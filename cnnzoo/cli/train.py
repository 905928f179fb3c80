"""``cnnzoo train``."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cnnzoo import runs
from cnnzoo.cli.options import config_option, data_dir_option, device_option, load_config, settings_option
from cnnzoo.cli.output import json_option, print_json, progress
from cnnzoo.cli.progress import Lines, listener
from cnnzoo.cli.trainings import compare_seeds, jobs_option
from cnnzoo.config import Config
from cnnzoo.errors import UserError
from cnnzoo.jobs.local import end_with_parent
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice
from cnnzoo.training import resume, train


@click.command("train")
@click.argument("named", metavar="[FILE]", required=False)
@config_option
@click.option("--run", "directory", type=click.Path(path_type=Path), help="A new directory; by default runs/NNNN-NAME.")
@click.option("--resume", "unfinished", type=click.Path(path_type=Path), metavar="RUN", help="Go on with this run.")
@click.option("--seed", type=int, help="Seed of weights, order and augmentation; by default the config's.")
@click.option("--seeds", "several", metavar="SEEDS", help="One run per seed, such as 0..4 or 0,3,7.")
@jobs_option
@data_dir_option
@device_option
@settings_option
@json_option
def command(
    named: str | None,
    config_name: str | None,
    directory: Path | None,
    unfinished: Path | None,
    seed: int | None,
    several: str | None,
    jobs: int | None,
    data_dir: Path | None,
    device: DeviceChoice | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train one network from a config, named with --config or without it.

    No test image is decoded: `cnnzoo eval` does that, once.

    With --resume a run that was killed or interrupted goes on from its last checkpoint, on the same
    processor to the same weights, bit for bit, as if nothing had happened.

    With --seeds every seed is trained in a process of its own, one after the other or --jobs at once. Those that are
    finished under runs/ are kept, and those that broke off go on.
    """
    end_with_parent()
    if several is not None:
        if unfinished or directory or seed is not None:
            raise UserError("--seeds makes runs of its own; leave out --seed, --run and --resume.")
        config = _load(named, config_name, settings, device)
        compare_seeds(config, several, settings, jobs or 1, data_dir, device, as_json=as_json)
        return
    if jobs:
        raise UserError("--jobs goes with --seeds.")
    if unfinished:
        if named or config_name or directory or settings or seed is not None:
            raise UserError(
                "--resume goes on with a run as it was begun; leave out the config, --run, --seed and --set."
            )
        begun = runs.open_begun(unfinished)
        with _listening() as heard:
            run, metrics = resume(begun, device=device, data_dir=data_dir, listener=heard)
    else:
        config = _load(named, config_name, settings, device, seed)
        if directory and directory.exists():
            raise UserError(f"--run {directory} exists already; name a new directory, or leave --run out.")
        with _listening() as heard:
            run, metrics = train(config, directory=directory, data_dir=data_dir, listener=heard)
    _tell(run, metrics, data_dir, as_json=as_json)


@contextmanager
def _listening() -> Iterator[Lines]:
    console = progress()
    console.print("Starting ...", style="dim")
    with listener(console) as heard:
        yield heard


def _tell(run: Run, metrics: dict[str, Any], data_dir: Path | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"run": str(run.directory), **metrics})
    else:
        _summarize(run, metrics, data_dir)
    if metrics["status"] == "interrupted":
        click.get_current_context().exit(130)


def _load(
    named: str | None,
    config_name: str | None,
    settings: tuple[str, ...],
    device: DeviceChoice | None,
    seed: int | None = None,
) -> Config:
    if named and config_name:
        raise UserError(f"Two configs are named, {named} and --config {config_name}; leave one out.")
    if not named and not config_name:
        raise UserError("Name one config, here or a shipped one, such as: cnnzoo train --config digits.yaml")
    return load_config(config_name or named or "", settings, device, seed)


def _summarize(run: Run, metrics: dict[str, Any], data_dir: Path | None) -> None:
    where = ["--data-dir", str(data_dir)] if data_dir else []
    again = shlex.join(["cnnzoo", "train", "--resume", str(run.directory), *where])
    if not metrics["epochs"]:
        click.echo(f"Interrupted before the first epoch was done; {run.directory} holds no model yet.")
        click.echo(f"Go on: {again}")
        return
    early = ", ended early" if metrics["ended_early"] else ""
    done = "Interrupted" if metrics["status"] == "interrupted" else "Done"
    epochs = "1 epoch" if metrics["epochs"] == 1 else f"{metrics['epochs']} epochs"
    speed = metrics.get("images_per_second")
    rate = f" ({speed:,.0f} images/s)" if speed else ""
    click.echo(f"{done} after {epochs} and {metrics['seconds']:.0f} s{early}{rate}.")
    click.echo(
        f"Best by validation (*): epoch {metrics['best_epoch']}, accuracy {100 * metrics['validation_accuracy']:.2f} %."
    )
    others = (run.last_model_path, run.curves_path, run.history_path)
    kept = ", ".join(path.name for path in others if path.is_file())
    click.echo(f"Kept in {run.directory}: {run.model_path.name} (that epoch), {kept}")
    if metrics["status"] == "interrupted":
        click.echo(f"Go on: {again}")
        where = [*where, "--unfinished"]
    click.echo(f"Next: {shlex.join(['cnnzoo', 'eval', str(run.directory), *where])}")
