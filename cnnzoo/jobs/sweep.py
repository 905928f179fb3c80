"""Several trainings: of one config with many seeds (``seeds``), or of many configs that differ in some keys.

Each is a process of its own (``processes``). A sweep is a directory that holds its own files, a run per training, and
at the end ``sweep.json`` and ``sweep.png``.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnzoo import config as configs
from cnnzoo import files, runs
from cnnzoo.config import Plan, Point
from cnnzoo.errors import UserError
from cnnzoo.jobs.local import Heard, run_all, train_command
from cnnzoo.jobs.seeds import check_data, figures, spread
from cnnzoo.pictures.training import draw_sweep
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice


@dataclass(frozen=True)
class SweepFolder:
    """A directory that holds a sweep."""

    directory: Path
    plan: Plan

    @property
    def result_path(self) -> Path:
        """The points, the best by validation first."""
        return self.directory / "sweep.json"

    @property
    def picture_path(self) -> Path:
        """Validation accuracy by each key."""
        return self.directory / "sweep.png"

    @property
    def varied(self) -> list[str]:
        """The keys that take more than one value; all, where none does."""
        keys = self.plan.sweep.keys
        return [key for key, values in keys.items() if not values.choice or len(values.choice) > 1] or list(keys)

    def members(self) -> dict[str, tuple[Point, int, Run]]:
        """Return each training's point, seed and run, by the name of the run."""
        digits = max(2, len(str(len(self.plan.points))))
        return {
            name: (point, seed, Run(self.directory / name))
            for place, point in enumerate(self.plan.points, start=1)
            for seed in self.plan.seeds
            for name in [f"point-{place:0{digits}}-seed-{seed}"]
        }


def begin(
    plan: Plan, directory: Path | None = None, data_dir: Path | None = None, parent: Path = runs.RUNS
) -> SweepFolder:
    """Make the directory of a sweep, or open it where it holds the same sweep already.

    Args:
        plan: From ``cnnzoo.config.load_sweep``.
        directory: Where it shall lie; None for a new number under ``parent``.
        data_dir: Where the data set lies; None to search for it.
        parent: Folder of numbered directories.

    Raises:
        UserError: The directory holds something else or cannot be made, or the images are not there or damaged.
    """
    if directory and directory.exists():
        begun = open_begun(directory)
        told, known = ([point.config for point in each.points] for each in (plan, begun.plan))
        if told != known or plan.seeds != begun.plan.seeds:
            raise UserError(
                f"{directory} holds another sweep than {plan.path}; name a new directory, or go on with that one: "
                f"cnnzoo sweep --resume {directory}"
            )
        return begun
    check_data([point.config for point in plan.points], data_dir)
    try:
        if directory:
            directory.mkdir(parents=True)
        else:
            directory = runs.numbered(parent, f"sweep-{runs.name_for(plan.sweep.config)}")
    except OSError as error:
        raise UserError(f"{directory or parent} cannot be made: {error.strerror}.") from None
    sweep, base = plan.copies()
    try:
        # The config first: a directory with a sweep file is complete.
        files.write_text(_base_path(directory), base)
        files.write_text(_file_path(directory), sweep)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return open_begun(directory)


def open_begun(directory: Path) -> SweepFolder:
    """Open a sweep, however far it has come.

    Raises:
        UserError: The directory is no sweep.
    """
    if not directory.is_dir():
        raise UserError(f"There is no sweep {directory}.")
    for path in (_file_path(directory), _base_path(directory)):
        if not path.is_file():
            raise UserError(f"{directory} is not a sweep: it holds no {path.name}.")
    return SweepFolder(directory, configs.load_sweep(_file_path(directory), _base_path(directory)))


def train(
    sweep: SweepFolder,
    *,
    jobs: int = 1,
    data_dir: Path | None = None,
    device: DeviceChoice | None = None,
    heard: Heard = lambda *_: None,
    announce: Callable[[str, Run | None], None] = lambda *_: None,
) -> dict[str, Any]:
    """Train what a sweep still lacks, each point and seed in a process of its own; the test images are not touched.

    Args:
        sweep: From ``begin`` or ``open_begun``.
        jobs: How many train at once.
        data_dir: Where the data set lies; None to search for it.
        device: Where to compute; None for what the config says.
        heard: Told what the trainings write while they run.
        announce: Told of each training, and of its run where it is finished or begun.

    Returns:
        directory, config, method, keys (those with more than one value), and points, the best by validation first: each
        one's values by key, runs (see ``seeds.figures``), failed (run, seed and reason), and of validation_accuracy and
        validation_loss the mean and the standard_deviation. ``sweep.json`` holds the same, ``sweep.png`` draws it.

    Raises:
        KeyboardInterrupt: Ctrl-C; every training has ended and can go on.
        UserError: Another process holds the sweep or one of its runs, or no training came to its end.
    """
    members = sweep.members()
    commands = {}
    with Run(sweep.directory).locked():
        for name, (point, seed, run) in members.items():
            begun = _is_begun(run)
            announce(name, run if begun else None)
            if begun and run.metrics().get("status") == "finished":
                continue
            commands[name] = train_command(
                sweep.plan.base,
                seed,
                point.settings,
                begun=run.directory if begun else None,
                directory=run.directory,
                data_dir=data_dir,
                device=device,
            )
        ended = run_all(commands, jobs, heard)
        reasons = {
            name: ended[name].reason if name in ended else "its run is gone"
            for name, (_, _, run) in members.items()
            if run.metrics().get("status") != "finished"
        }
        if len(reasons) == len(members):
            name, reason = next(iter(reasons.items()))
            raise UserError(f"No training of {sweep.directory} came to its end. {name}: {reason}")
        result = _result(sweep, members, reasons)
        files.write_json(sweep.result_path, result)
        done = [point for point in result["points"] if point["runs"]]
        draw_sweep(
            {key: [_shown(point["values"][key]) for point in done] for key in sweep.varied},
            [[100 * row["validation_accuracy"] for row in point["runs"]] for point in done],
            sweep.picture_path,
            title=f"{len(done)} points of {runs.name_for(sweep.plan.sweep.config)}",
        )
    return result


def _is_begun(run: Run) -> bool:
    """Say whether a run has a config, which is its first file; what was killed before it is cleared away.

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


def _result(sweep: SweepFolder, members: dict[str, tuple[Point, int, Run]], reasons: dict[str, str]) -> dict[str, Any]:
    points = []
    for point in sweep.plan.points:
        own = {name: (seed, run) for name, (of, seed, run) in members.items() if of is point}
        trained = [figures(run) for name, (_, run) in own.items() if name not in reasons]
        failed = [
            {"run": str(run.directory), "seed": seed, "reason": reasons[name]}
            for name, (seed, run) in own.items()
            if name in reasons
        ]
        points.append({"values": point.values, "runs": trained, "failed": failed, **spread(trained)})
    return {
        "directory": str(sweep.directory),
        "config": runs.name_for(sweep.plan.sweep.config),
        "method": sweep.plan.sweep.method,
        "keys": sweep.varied,
        "points": sorted(points, key=_merit, reverse=True),
    }


def _merit(point: dict[str, Any]) -> tuple[float, float]:
    mean = point["mean"]
    if not point["runs"]:
        return -1.0, 0.0
    return mean["validation_accuracy"], -mean["validation_loss"]


def _shown(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else configs.as_yaml(value)


def _file_path(directory: Path) -> Path:
    return directory / "sweep.yaml"


def _base_path(directory: Path) -> Path:
    """Return the copy of the config, so that a change of the original makes no other sweep of this one."""
    return directory / "base.yaml"
