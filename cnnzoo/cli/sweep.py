"""``cnnzoo sweep``."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnzoo.cli.options import data_dir_option, device_option
from cnnzoo.cli.output import json_option, numbers_table, print_json, print_table, progress, results
from cnnzoo.cli.trainings import TrainingLines, jobs_option, print_failures
from cnnzoo.config import as_yaml, load_sweep
from cnnzoo.errors import UserError
from cnnzoo.runtime import DeviceChoice

if TYPE_CHECKING:
    from cnnzoo.jobs.sweep import SweepFolder

DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.command("sweep")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--output", type=click.Path(path_type=Path), help="The sweep's directory; by default runs/NNNN-sweep-NAME."
)
@click.option(
    "--resume", "unfinished", type=click.Path(path_type=Path), metavar="DIRECTORY", help="Go on with this sweep."
)
@jobs_option
@data_dir_option
@device_option
@json_option
def command(
    file: Path | None,
    output: Path | None,
    unfinished: Path | None,
    jobs: int | None,
    data_dir: Path | None,
    device: DeviceChoice | None,
    as_json: bool,
) -> None:
    """Train a config with several values of some keys, as FILE says, and compare the points by validation.

    The file names the config, `method: grid` (all combinations) or `method: random` with `count`, and under `keys` the
    values of each, such as `optimizer.learning_rate: [0.001, 0.01]`, or for random `{log_uniform: [0.0001, 0.1]}` or
    `{uniform: [0, 0.5]}`. With `seeds: 0..2` each point is trained three times.

    Every training is a process of its own. One that fails, for example because its loss is not finite, does not end
    the others; the reason is printed at the end, and the exit code is 2. After an interruption, --resume or the same
    command with the same --output goes on. The test images are not touched.
    """
    if bool(file) == bool(unfinished) or (unfinished and output):
        raise UserError("Name a sweep file, or an unfinished sweep with --resume; one of the two.")
    plan = load_sweep(file) if file else None
    from cnnzoo.jobs import sweep as sweeps  # loads the data sets

    folder = sweeps.create_or_open(plan, output, data_dir) if plan else sweeps.open_folder(unfinished or Path())
    count = len(folder.plan.points)
    progress().print(f"{folder.directory}: {count} points, trainings: {count * len(folder.plan.seeds)}", soft_wrap=True)
    listener = TrainingLines(folder.members())
    try:
        result = sweeps.train(folder, jobs=jobs or 1, data_dir=data_dir, device=device, listener=listener)
    except KeyboardInterrupt:
        again = shlex.join(["cnnzoo", "sweep", "--resume", str(folder.directory)])
        progress().print(f"Go on: {again}", soft_wrap=True)
        raise
    if as_json:
        print_json(result)
    else:
        _print_points(folder, result)
    if any(point["failed"] for point in result["points"]):
        click.get_current_context().exit(2)


def _print_points(folder: "SweepFolder", result: dict[str, Any]) -> None:
    several = len(folder.plan.seeds) > 1
    table = numbers_table(
        "runs" if several else "run", *folder.varied, "validation %", *["±"] * several, "loss", "best epoch"
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
            *(as_yaml(point["values"][key]) for key in folder.varied),
            f"{100 * mean['validation_accuracy']:.2f}",
            *["" if deviation is None else f"{100 * deviation:.2f}"] * several,
            f"{mean['validation_loss']:.4f}",
            ", ".join(str(row["best_epoch"]) for row in trained),
        )
    console = results()
    print_table(console, table)
    print_failures(console, failed)
    if "picture_error" in result:
        click.echo(f"{result['picture_error']}.", err=True)
    picture = "" if "picture_error" in result else f"Picture: {folder.picture_path}; "
    click.echo(f"{picture}everything: {folder.result_path}")
