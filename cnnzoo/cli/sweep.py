"""``cnnzoo sweep``."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnzoo.cli.options import data_dir_option, device_option
from cnnzoo.cli.output import json_option, numbers_table, print_json, print_table, progress, results
from cnnzoo.cli.trainings import jobs_option, print_failures, teller
from cnnzoo.config import as_yaml, load_sweep
from cnnzoo.errors import UserError
from cnnzoo.runtime import DeviceChoice

if TYPE_CHECKING:
    from cnnzoo.jobs.sweep import SweepFolder


@click.command("sweep")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Its directory; by default runs/NNNN-sweep-NAME.")
@click.option("--resume", "begun", type=click.Path(path_type=Path), metavar="DIRECTORY", help="Go on with this sweep.")
@jobs_option
@data_dir_option
@device_option
@json_option
def command(
    file: Path | None,
    output: Path | None,
    begun: Path | None,
    jobs: int | None,
    data_dir: Path | None,
    device: DeviceChoice | None,
    as_json: bool,
) -> None:
    """Train a config with other values of some keys, as a file says, and compare by validation.

    The file names the config, `method: grid` (all combinations) or `method: random` with `count`, and under `keys` the
    values of each, such as `optimizer.learning_rate: [0.001, 0.01]`, or for random `{log_uniform: [0.0001, 0.1]}` or
    `{uniform: [0, 0.5]}`. With `seeds: 0..2` each point is trained three times.

    Every training is a process of its own; one that fails, such as by a loss that is not finite, does not end the
    others, is told at the end, and makes the exit code 2. The same command with the same --output goes on where an
    interruption left it, as --resume does. The test images are not touched.
    """
    if bool(file) == bool(begun) or (begun and output):
        raise UserError("Name a sweep file, or a begun sweep with --resume; one of the two.")
    plan = load_sweep(file) if file else None
    from cnnzoo.jobs import sweep as sweeps  # noqa: PLC0415 - loads matplotlib

    sweep = sweeps.begin(plan, output, data_dir) if plan else sweeps.open_begun(begun or Path())
    count = len(sweep.plan.points)
    progress().print(f"{sweep.directory}: {count} points, trainings: {count * len(sweep.plan.seeds)}", soft_wrap=True)
    heard, announce = teller(list(sweep.members()))
    try:
        result = sweeps.train(sweep, jobs=jobs or 1, data_dir=data_dir, device=device, heard=heard, announce=announce)
    except KeyboardInterrupt:
        again = shlex.join(["cnnzoo", "sweep", "--resume", str(sweep.directory)])
        progress().print(f"Go on: {again}", soft_wrap=True)
        raise
    if as_json:
        print_json(result)
    else:
        _print_points(sweep, result)
    if any(point["failed"] for point in result["points"]):
        click.get_current_context().exit(2)


def _print_points(sweep: "SweepFolder", result: dict[str, Any]) -> None:
    several = len(sweep.plan.seeds) > 1
    table = numbers_table(
        "runs" if several else "run", *sweep.varied, "validation %", *["±"] * several, "loss", "best epoch"
    )
    failed: dict[str, str] = {}
    for point in result["points"]:
        trained, mean = point["runs"], point["mean"]
        failed |= {Path(row["run"]).name: row["reason"] for row in point["failed"]}
        if not trained:
            continue
        name = Path(trained[0]["run"]).name
        deviation = point["standard_deviation"]["validation_accuracy"]
        table.add_row(
            name.rpartition("-seed-")[0] if several else name,
            *(as_yaml(point["values"][key]) for key in sweep.varied),
            f"{100 * mean['validation_accuracy']:.2f}",
            *["" if deviation is None else f"{100 * deviation:.2f}"] * several,
            f"{mean['validation_loss']:.4f}",
            ", ".join(str(row["best_epoch"]) for row in trained),
        )
    console = results()
    print_table(console, table)
    print_failures(console, failed)
    click.echo(f"Picture: {sweep.picture_path}; everything: {sweep.result_path}")
