"""Sweeps: a config trained with several values of some keys.

A sweep is a directory. It holds its own files, a run per training, and at the end ``sweep.json`` and ``sweep.png``.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cnnzoo import config as configs
from cnnzoo import files, runs
from cnnzoo.config import Plan, Point
from cnnzoo.errors import UserError
from cnnzoo.jobs.listener import Listener, Silent
from cnnzoo.jobs.local import run_all, train_command
from cnnzoo.jobs.seeds import check_data, figures, spread
from cnnzoo.pictures.style import try_drawing
from cnnzoo.pictures.training import draw_sweep
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice


@dataclass(frozen=True)
class SweepFolder:
    """The directory of a sweep: the one place that knows the names of its files."""

    directory: Path

    @property
    def file_path(self) -> Path:
        """The copy of the sweep file."""
        return self.directory / "sweep.yaml"

    @property
    def base_path(self) -> Path:
        """The copy of the config, so that a change of the original does not change the sweep."""
        return self.directory / "base.yaml"

    @property
    def result_path(self) -> Path:
        """The points, the best by validation first."""
        return self.directory / "sweep.json"

    @property
    def picture_path(self) -> Path:
        """Validation accuracy by each key."""
        return self.directory / "sweep.png"

    @cached_property
    def plan(self) -> Plan:
        """The content of the sweep file and the config."""
        return configs.load_sweep(self.file_path, self.base_path)

    @property
    def varied(self) -> list[str]:
        """The keys that take more than one value; all keys if none does."""
        keys = self.plan.sweep.keys
        return [key for key, values in keys.items() if not values.choice or len(values.choice) > 1] or list(keys)

    def members(self) -> dict[str, tuple[Point, int, Run]]:
        """Return the point, the seed and the run of each training, by the name of the run."""
        digits = max(2, len(str(len(self.plan.points))))
        return {
            name: (point, seed, Run(self.directory / name))
            for number, point in enumerate(self.plan.points, start=1)
            for seed in self.plan.seeds
            for name in [f"point-{number:0{digits}}-seed-{seed}"]
        }


def sweeps_in(parent: Path) -> list[SweepFolder]:
    """Return the sweeps in a folder."""
    folders = map(SweepFolder, sorted(parent.glob("*")))
    return [folder for folder in folders if folder.file_path.is_file()]


def create_or_open(
    plan: Plan, directory: Path | None = None, data_dir: Path | None = None, parent: Path = runs.RUNS
) -> SweepFolder:
    """Make the directory of a sweep, or open it where it holds the same sweep already.

    Args:
        plan: From ``cnnzoo.config.load_sweep``.
        directory: The directory; None for a new number under ``parent``.
        data_dir: The directory of the data set; None to search for it.
        parent: Folder of numbered directories.

    Raises:
        UserError: The directory holds something else or cannot be made, or the images are missing or damaged.
    """
    if directory and directory.exists():
        folder = open_folder(directory)
        points, own_points = ([point.config for point in each.points] for each in (plan, folder.plan))
        if points != own_points or plan.seeds != folder.plan.seeds:
            raise UserError(
                f"{directory} holds another sweep than {plan.path}; name a new directory, or go on with that one: "
                f"cnnzoo sweep --resume {directory}"
            )
        return folder
    check_data([point.config for point in plan.points], data_dir)
    try:
        if directory:
            directory.mkdir(parents=True)
        else:
            directory = runs.make_numbered(parent, f"sweep-{runs.name_for(plan.sweep.config)}")
    except OSError as error:
        raise UserError(f"{directory or parent} cannot be made: {error.strerror}.") from None
    folder = SweepFolder(directory)
    sweep, base = plan.copies()
    try:
        # The config first: a directory with a sweep file is complete.
        files.write_text(folder.base_path, base)
        files.write_text(folder.file_path, sweep)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return folder


def open_folder(directory: Path) -> SweepFolder:
    """Open a sweep, finished or not.

    Raises:
        UserError: The directory is no sweep.
    """
    if not directory.is_dir():
        raise UserError(f"There is no sweep {directory}.")
    folder = SweepFolder(directory)
    for path in (folder.file_path, folder.base_path):
        if not path.is_file():
            raise UserError(f"{directory} is not a sweep: it holds no {path.name}.")
    return folder


def train(
    folder: SweepFolder,
    *,
    jobs: int = 1,
    data_dir: Path | None = None,
    device: DeviceChoice | None = None,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Train the missing runs of a sweep, each in a process of its own; the test images are not touched.

    Args:
        folder: From ``create_or_open`` or ``open_folder``.
        jobs: How many train at once.
        data_dir: The directory of the data set; None to search for it.
        device: Where to compute; None for the config's device.
        listener: Shows the progress; None for silence.

    Returns:
        directory, config, method, keys (those with more than one value), and points, the best by validation first: the
        values by key, runs (see ``seeds.figures``), failed (run, seed and reason), and of validation_accuracy and
        validation_loss the mean and the standard_deviation. ``sweep.json`` holds the same, ``sweep.png`` draws it;
        picture_error says why not, if it could not be drawn.

    Raises:
        KeyboardInterrupt: Ctrl-C; every training has ended and can go on.
        UserError: Another process uses the sweep or one of its runs, or no training has finished.
    """
    listener = listener or Silent()
    members = folder.members()
    commands = {}
    with Run(folder.directory).locked():
        for name, (point, seed, run) in members.items():
            resume = run.directory if _has_begun(run) else None
            if resume:
                listener.existing_run(name, run)
            if not _is_finished(run):
                where = {"resume": resume, "directory": run.directory, "data_dir": data_dir}
                commands[name] = train_command(folder.plan.base, seed, point.settings, **where, device=device)
        outcomes = run_all(commands, jobs, listener.line)
        reasons = {
            name: outcomes[name].reason if name in outcomes else "its run is gone"
            for name, (_, _, run) in members.items()
            if not _is_finished(run)
        }
        if len(reasons) == len(members):
            name, reason = next(iter(reasons.items()))
            raise UserError(f"No training of {folder.directory} came to its end. {name}: {reason}")
        result = _result(folder, members, reasons)
        files.write_json(folder.result_path, result)
        problem = _draw(folder, result)
    return result | ({"picture_error": problem} if problem else {})


def _is_finished(run: Run) -> bool:
    return run.metrics().get("status") == "finished"


def _has_begun(run: Run) -> bool:
    """Return whether a run has a config, which is its first file; clear away what was killed before.

    Raises:
        UserError: Another process trains it.
    """
    if run.config_path.is_file():
        if run.is_in_use():
            raise UserError(f"{run.directory} is being trained by another process; wait for it to end.")
        return True
    if run.directory.is_dir() and all(path.name.startswith(".") for path in run.directory.iterdir()):
        shutil.rmtree(run.directory)
    return False


def _result(
    folder: SweepFolder, members: Mapping[str, tuple[Point, int, Run]], reasons: Mapping[str, str]
) -> dict[str, Any]:
    points = []
    for point in folder.plan.points:
        own = {name: (seed, run) for name, (of, seed, run) in members.items() if of is point}
        trained = [figures(run) for name, (_, run) in own.items() if name not in reasons]
        failed = [
            {"run": str(run.directory), "seed": seed, "reason": reasons[name]}
            for name, (seed, run) in own.items()
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
    mean = point["mean"]
    return (mean["validation_accuracy"], -mean["validation_loss"]) if point["runs"] else (-1.0, 0.0)


def _draw(folder: SweepFolder, result: dict[str, Any]) -> str | None:
    """Draw a sweep's picture; return why it could not be drawn, or None."""
    points = [point for point in result["points"] if point["runs"]]
    return try_drawing(
        folder.picture_path,
        draw_sweep,
        {key: [_for_axis(point["values"][key]) for point in points] for key in result["keys"]},
        [[100 * row["validation_accuracy"] for row in point["runs"]] for point in points],
        title=f"{len(points)} points of {result['config']}",
    )


def _for_axis(value: Any) -> Any:
    """Return a number as it is, and any other value as text."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else configs.as_yaml(value)
