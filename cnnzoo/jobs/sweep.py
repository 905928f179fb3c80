"""Sweeps: a config trained with several values of some keys."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnnzoo import config as configs
from cnnzoo import files, runs
from cnnzoo.config import Plan, Point
from cnnzoo.errors import UserError
from cnnzoo.jobs.listener import Listener
from cnnzoo.jobs.local import DEFAULT_OPTIONS, TrainingOptions, run_all, train_command
from cnnzoo.jobs.seeds import check_data, figures, spread
from cnnzoo.pictures.style import try_drawing
from cnnzoo.pictures.training import draw_sweep
from cnnzoo.runs import Run, SweepFolder, open_sweep


def create_or_open(
    plan: Plan, directory: Path | None = None, data_dir: Path | None = None, parent: Path = runs.RUNS
) -> SweepFolder:
    """Make the directory of a sweep, or open it if it contains the same sweep already.

    Args:
        plan: From ``cnnzoo.config.load_sweep``.
        directory: The directory; None for a new number under ``parent``.
        data_dir: The directory of the data set; None to search for it.
        parent: Folder of numbered directories.

    Raises:
        UserError: The directory contains something else or cannot be made, or the images are missing or damaged.
    """
    if directory and directory.exists():
        folder = open_sweep(directory)
        points, own_points = ([point.config for point in each.points] for each in (plan, folder.plan))
        if points != own_points or plan.seeds != folder.plan.seeds:
            raise UserError(
                f"{directory} contains a different sweep, not that of {plan.path}; name a new directory, or continue: "
                f"cnnzoo sweep --resume {directory}"
            )
        return folder
    check_data([point.config for point in plan.points], data_dir)
    directory = runs.make_directory(directory, parent, f"sweep-{runs.name_for(plan.sweep.config)}")
    folder = SweepFolder(directory)
    sweep, base = plan.copies()
    try:
        # The config comes first: a directory with a sweep file is complete.
        files.write_text(folder.base_path, base)
        files.write_text(folder.file_path, sweep)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return folder


def train(
    folder: SweepFolder, options: TrainingOptions = DEFAULT_OPTIONS, listener: Listener | None = None
) -> dict[str, Any]:
    """Train the missing runs of a sweep, each in a process of its own; the test images are not touched.

    Args:
        folder: From ``create_or_open`` or ``open_sweep``.
        options: How they run.
        listener: Shows the progress; None to show nothing.

    Returns:
        directory, config, method, keys (those with more than one value), and points, the best by validation first.
        Each point has values by key, runs (see ``seeds.figures``), failed (run, seed and reason), mean and
        standard_deviation (of validation_accuracy and validation_loss). ``sweep.json`` has the same content, and
        ``sweep.png`` shows it; picture_error says why it could not be drawn.

    Raises:
        KeyboardInterrupt: Ctrl-C; every training has ended and can be resumed.
        UserError: Another process uses the sweep or one of its runs, or no training has finished.
    """
    listener = listener or Listener()
    members = folder.members()
    commands = {}
    with folder.locked():
        for name, (point, seed, run) in members.items():
            resume = run.directory if _has_begun(run) else None
            if resume:
                listener.existing_run(name, run)
            if not run.is_finished():
                where = {"resume": resume, "directory": run.directory}
                commands[name] = train_command(folder.plan.base, seed, point.settings, **where, options=options)
        results = run_all(commands, options.jobs, listener.show_line)
        reasons = {
            name: results[name].reason if name in results else "its run has been removed"
            for name, (_, _, run) in members.items()
            if not run.is_finished()
        }
        if len(reasons) == len(members):
            name, reason = next(iter(reasons.items()))
            raise UserError(f"No training in {folder.directory} finished. {name}: {reason}")
        result = _summarize(folder, members, reasons)
        files.write_json(folder.result_path, result)
        problem = _draw(folder, result)
    return result | ({"picture_error": problem} if problem else {})


def _has_begun(run: Run) -> bool:
    """Return whether a run has a config, its first file; remove the directory if its training was killed before that.

    Raises:
        UserError: Another process is training it.
    """
    if run.config_path.is_file():
        if run.is_in_use():
            raise UserError(f"Another process is training {run.directory}; wait for it to end.")
        return True
    if run.directory.is_dir() and all(path.name.startswith(".") for path in run.directory.iterdir()):
        shutil.rmtree(run.directory)
    return False


def _summarize(
    folder: SweepFolder, members: Mapping[str, tuple[Point, int, Run]], reasons: Mapping[str, str]
) -> dict[str, Any]:
    points = []
    for point in folder.plan.points:
        runs_of_point = {name: (seed, run) for name, (other, seed, run) in members.items() if other is point}
        trained = [figures(run) for name, (_, run) in runs_of_point.items() if name not in reasons]
        failed = [
            {"run": str(run.directory), "seed": seed, "reason": reasons[name]}
            for name, (seed, run) in runs_of_point.items()
            if name in reasons
        ]
        points.append({"values": point.values, "runs": trained, "failed": failed, **spread(trained)})
    return {
        "directory": str(folder.directory),
        "config": runs.name_for(folder.plan.sweep.config),
        "method": folder.plan.sweep.method,
        "keys": folder.varied,
        "points": sorted(points, key=_rank_key, reverse=True),
    }


def _rank_key(point: dict[str, Any]) -> tuple[float, float]:
    """Return what points are sorted by: validation accuracy, then loss; points without runs are the lowest."""
    mean = point["mean"]
    return (mean["validation_accuracy"], -mean["validation_loss"]) if point["runs"] else (-1.0, 0.0)


def _draw(folder: SweepFolder, result: dict[str, Any]) -> str | None:
    """Draw a sweep's picture; return why it could not be drawn, None if it was."""
    points = [point for point in result["points"] if point["runs"]]
    return try_drawing(
        folder.picture_path,
        draw_sweep,
        {key: [_format_for_axis(point["values"][key]) for point in points] for key in result["keys"]},
        [[100 * row["validation_accuracy"] for row in point["runs"]] for point in points],
        title=f"{len(points)} points of {result['config']}",
    )


def _format_for_axis(value: Any) -> Any:
    """Return a number unchanged, and any other value as text."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else configs.as_yaml(value)
