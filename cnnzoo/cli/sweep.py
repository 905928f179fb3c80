"""``cnnzoo sweep``: train a config with several values of some keys."""

import shlex
from pathlib import Path
from typing import Any

import click

from cnnzoo.cli.options import data_dir_option, device_option
from cnnzoo.cli.output import (
    json_option,
    numbers_table,
    percent,
    print_json,
    print_next,
    print_table,
    progress,
    results,
)
from cnnzoo.cli.trainings import TrainingLines, jobs_option, print_failure
from cnnzoo.config import as_yaml, load_sweep
from cnnzoo.errors import UserError
from cnnzoo.jobs.local import TrainingOptions
from cnnzoo.runs import SweepFolder, open_sweep
from cnnzoo.runtime import DeviceChoice


@click.command("sweep")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--output", type=click.Path(path_type=Path), help="The sweep's directory; by default runs/NNNN-sweep-NAME."
)
@click.option(
    "--resume", "unfinished", type=click.Path(path_type=Path), metavar="DIRECTORY", help="Continue this sweep."
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
    """Train a config with several values of some keys, and compare them by validation accuracy.

    FILE names the config, `method: grid` (all combinations) or `method: random` with `count`, and under `keys` the
    values of each key, such as `optimizer.learning_rate: [0.001, 0.01]`, or with random `{log_uniform: [0.0001, 0.1]}`
    or `{uniform: [0, 0.5]}`. With `seeds: 0..2` each combination is trained three times.

    Each training is a process of its own. If one fails, for example because its loss is not finite, the others
    continue; the reason is printed at the end, and the exit code is 2. After an interruption, continue with --resume
    or the same command with the same --output. The test images are not touched.
    """
    if bool(file) == bool(unfinished) or (unfinished and output):
        raise UserError("Name either a sweep file, or an unfinished sweep with --resume.")
    plan = load_sweep(file) if file else None
    from cnnzoo.jobs import sweep as sweeps  # loads the data sets

    folder = sweeps.create_or_open(plan, output, data_dir) if plan else open_sweep(unfinished or Path())
    count = len(folder.plan.points)
    progress().print(f"{folder.directory}: {count} points, trainings: {count * len(folder.plan.seeds)}", soft_wrap=True)
    listener = TrainingLines(folder.members())
    try:
        result = sweeps.train(folder, TrainingOptions(jobs or 1, data_dir, device), listener)
    except KeyboardInterrupt:
        again = shlex.join(["cnnzoo", "sweep", "--resume", str(folder.directory)])
        progress().print(f"Continue with: {again}", soft_wrap=True)
        raise
    if as_json:
        print_json(result)
    else:
        _print_points(folder, result)
        print_next("eval", (row["run"] for row in result["points"][0]["runs"]), data_dir)
    if any(point["failed"] for point in result["points"]):
        click.get_current_context().exit(2)


def _print_points(folder: SweepFolder, result: dict[str, Any]) -> None:
    several = len(folder.plan.seeds) > 1
    figures = ("validation %", *["deviation %"] * several, "val. loss", "best epoch")
    table = numbers_table("point" if several else "run", *folder.varied, *figures)
    for point in result["points"]:
        trained, mean = point["runs"], point["mean"]
        if not trained:
            continue
        name = Path(trained[0]["run"]).name
        deviation = point["standard_deviation"]["validation_accuracy"]
        table.add_row(
            name.rpartition("-seed-")[0] if several else name,
            *(as_yaml(point["values"][key]) for key in folder.varied),
            percent(mean["validation_accuracy"]),
            *[percent(deviation)] * several,
            f"{mean['validation_loss']:.4f}",
            ", ".join(str(row["best_epoch"]) for row in trained),
        )
    console = results()
    print_table(console, table)
    for row in (row for point in result["points"] for row in point["failed"]):
        print_failure(console, Path(row["run"]).name, row["reason"])
    if "picture_error" in result:
        click.echo(f"{result['picture_error']}.", err=True)
        click.echo(f"Results: {folder.result_path}")
    else:
        click.echo(f"Picture: {folder.picture_path}; results: {folder.result_path}")
