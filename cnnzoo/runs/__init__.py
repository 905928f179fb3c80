"""A run's directory: the one place that knows the names of its files."""

import csv
import errno
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from filelock import FileLock, Timeout

from cnnzoo import config as configs
from cnnzoo import files, runtime
from cnnzoo.config import Config, Split
from cnnzoo.errors import UserError

RUNS = Path("runs")


@dataclass(frozen=True)
class Run:
    """A directory that holds everything about one training."""

    directory: Path

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.directory.resolve().name

    @property
    def lock_path(self) -> Path:
        """Held by the process that trains or measures the run."""
        return self.directory / ".lock"

    @property
    def config_path(self) -> Path:
        """The resolved config, which replays the run."""
        return self.directory / "config.yaml"

    @property
    def environment_path(self) -> Path:
        """Versions, device, backend, seed and git commit."""
        return self.directory / "environment.json"

    @property
    def history_path(self) -> Path:
        """A row per epoch; it holds no clock, so that equal runs have equal histories."""
        return self.directory / "history.csv"

    @property
    def division_path(self) -> Path:
        """Which files of a folder of images trained and which validated."""
        return self.directory / "division.csv"

    @property
    def metrics_path(self) -> Path:
        """What was reached; its ``status`` is "interrupted" or "finished"."""
        return self.directory / "metrics.json"

    @property
    def model_path(self) -> Path:
        """The model of the epoch that validation chose; it takes raw pixels."""
        return self.directory / "model.keras"

    @property
    def last_model_path(self) -> Path:
        """The model of the last epoch."""
        return self.directory / "last.keras"

    @property
    def checkpoints_folder(self) -> Path:
        """The states from which an unfinished training goes on; gone when it has come to its end."""
        return self.directory / "checkpoints"

    @property
    def checkpoints(self) -> list[Path]:
        """The states from which an unfinished training goes on, the newest first."""
        return sorted(self.checkpoints_folder.glob("epoch-*-step-*.npz"), reverse=True)

    def checkpoint_path(self, epoch: int, step: int) -> Path:
        """Return the file of the state after some epochs, and some batches of the next one."""
        return self.checkpoints_folder / f"epoch-{epoch:06d}-step-{step:08d}.npz"

    @property
    def curves_path(self) -> Path:
        """The picture of loss, accuracy and learning rate."""
        return self.directory / "curves.png"

    @property
    def events_path(self) -> Path:
        """TensorBoard's folder."""
        return self.directory / "events"

    def predictions_path(self, split: Split) -> Path:
        """Return the file of predicted probabilities (count, num_classes) on a split."""
        return self.directory / f"predictions-{split}.npz"

    def report_path(self, split: Split) -> Path:
        """Return the file of the report on a split."""
        return self.directory / f"report-{split}.json"

    def confusion_path(self, split: Split) -> Path:
        """Return the picture of the confusion matrix on a split."""
        return self.directory / f"confusion-{split}.png"

    @property
    def predictions_folder(self) -> Path:
        """The folder of pictures of predictions for a person's own images."""
        return self.directory / "predictions"

    def foreign_files(self) -> list[str]:
        """Return the names of the files in the directory that are of another making."""
        ways = [name for name in dir(Run) if name.endswith(("_path", "_folder"))]
        known = {getattr(self, name).name for name in ways if isinstance(getattr(Run, name), property)}
        known |= {path.name for path in self._measured()}
        names = sorted(path.name for path in self.directory.iterdir())
        return [name for name in names if name not in known and not name.startswith(".")]

    def _measured(self) -> list[Path]:
        ways = (self.predictions_path, self.report_path, self.confusion_path)
        return [path(split) for split in get_args(Split) for path in ways]

    def discard_results(self) -> None:
        """Remove the metrics and what was measured of an interrupted training, which is about to become another."""
        for path in (self.metrics_path, *self._measured()):
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process; the operating system lets go when the process ends, however it ends.

        Raises:
            UserError: Another process holds it, or the directory cannot be written to.
        """
        lock = FileLock(self.lock_path, timeout=1)  # who only asks, as `is_in_use` does, holds it for a moment
        try:
            lock.acquire()
        except Timeout:
            raise UserError(f"{self.directory} is in use by another process; wait for it to end.") from None
        except OSError as error:
            raise UserError(f"{self.directory} cannot be written to: {error.strerror}.") from None
        try:
            yield
        finally:
            lock.release()

    def is_in_use(self) -> bool:
        """Say whether another process holds the run; on a disk that is read-only, none does."""
        if not self.lock_path.is_file():
            return False
        try:
            with FileLock(self.lock_path, timeout=0):
                return False
        except Timeout:
            return True
        except OSError as error:
            return error.errno != errno.EROFS

    def config(self) -> Config:
        """Load the resolved config."""
        return configs.load(self.config_path)

    def metrics(self) -> dict[str, Any]:
        """Load what was reached; empty before the training has ended."""
        return files.read_json(self.metrics_path) if self.metrics_path.is_file() else {}

    def environment(self) -> dict[str, Any]:
        """Load where and with what the run was made."""
        return files.read_json(self.environment_path)

    def history(self) -> list[dict[str, float]]:
        """Load the rows of the history."""
        with self.history_path.open(encoding="utf-8", newline="") as file:
            return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]

    def division(self) -> dict[str, str]:
        """Load the part, train or validation, of each file that the training saw; empty where images are not files."""
        if not self.division_path.is_file():
            return {}
        with self.division_path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            return {row["file"]: row["part"] for row in csv.DictReader(file)}

    def division_hashes(self) -> dict[str, str]:
        """Load the SHA-256 of each file that the training saw; empty where it is not known, as of older runs."""
        if not self.division_path.is_file():
            return {}
        with self.division_path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            return {row["file"]: row["sha256"] for row in csv.DictReader(file) if row.get("sha256")}

    def write_division(self, contents: Mapping[str, bytes] | None = None, /, **parts: Sequence[str]) -> None:
        """Write the files of each part.

        Args:
            contents: The SHA-256 of each file.
            **parts: The names of the files.
        """
        hashes = contents or {}
        with (
            files.whole(self.division_path) as path,
            path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(("part", "file", "sha256"))
            rows = ((part, name, hashes.get(name, b"").hex()) for part, names in parts.items() for name in names)
            writer.writerows(rows)

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write all rows of the history."""
        with files.whole(self.history_path) as path, path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write what was reached."""
        files.write_json(self.metrics_path, metrics)


def create(config: Config, name: str, directory: Path | None = None, parent: Path = RUNS) -> Run:
    """Make a new run directory that holds the resolved config.

    Args:
        config: The config, with its backend resolved.
        name: Ending of a numbered directory, such as ``name_for`` its config.
        directory: Where the run shall lie; None for a new number under ``parent``.
        parent: Folder of numbered runs.

    Raises:
        UserError: The directory exists already, or cannot be made.
    """
    try:
        directory = _make(directory) if directory else make_numbered(parent, name)
    except OSError as error:
        raise UserError(f"{directory or parent} cannot be made: {error.strerror}.") from None
    run = Run(directory)
    try:
        files.write_text(run.config_path, config.to_yaml())
    except OSError as error:
        directory.rmdir()
        raise UserError(f"{directory} cannot be written to: {error.strerror}.") from None
    return run


def name_for(config_path: str | Path) -> str:
    """Return what the runs of a config are called: its stem, or for a run's own config that run's name less its number.

    Args:
        config_path: Such as ``lenet.yaml``, ``lenet`` or ``runs/0001-lenet/config.yaml``, each ``lenet``.
    """
    path = Path(config_path)
    run = Run(path.parent)
    if path == run.config_path and run.environment_path.is_file():
        return re.sub(r"^\d+-(?=.)", "", run.name)
    return path.stem


def write_environment(run: Run, config: Config, device: str, images: str, preprocessing: dict[str, Any]) -> None:
    """Write what the run's numbers depend on beside its config: versions, machine, commit and images.

    Args:
        run: The run.
        config: Its config.
        device: The device in words.
        images: A hash of the training images.
        preprocessing: With the mean and the deviation that were found in them.
    """
    environment = {
        "backend": config.runtime.backend,
        "device": device,
        "precision": config.runtime.precision,
        "seed": config.seed,
        "git_commit": _git_commit(),
        "versions": runtime.describe(),
        "images": images,
        "preprocessing": preprocessing,
    }
    files.write_json(run.environment_path, environment)


def open_run(directory: Path) -> Run:
    """Open a run, whatever has become of it.

    Args:
        directory: A run's directory.

    Raises:
        UserError: The directory is no run.
    """
    run = Run(directory)
    if directory.is_file() and Run(directory.parent).config_path.is_file():
        raise UserError(f"{directory} is a file of a run; name the run: {directory.parent}")
    if not directory.is_dir():
        raise UserError(f"There is no run {directory}.{_suggest_runs(directory)}")
    if not run.config_path.is_file():
        votes = "it is an ensemble, name its members" if (directory / "ensemble.json").is_file() else None
        raise UserError(f"{directory} is not a run: {votes or f'it holds no {run.config_path.name}'}.")
    return run


def open_finished(directory: Path, unfinished: bool = False) -> Run:
    """Open a run that has ended.

    Args:
        directory: A run's directory.
        unfinished: Take an interrupted run as well, if an epoch of it was completed.

    Raises:
        UserError: The directory is no run, or its training has not ended.
    """
    run = open_run(directory)
    status = run.metrics().get("status")
    if status == "finished" or (unfinished and run.model_path.is_file()):
        if not run.model_path.is_file():
            raise UserError(f"{directory} is damaged: it holds no {run.model_path.name}.")
        return run
    if run.is_in_use():  # by its training, which has not broken off then
        reached = "; cnnzoo predict takes what it has reached with --unfinished" if run.model_path.is_file() else ""
        raise UserError(f"{directory} is in use by another process; wait for it to end{reached}.")
    if run.model_path.is_file():
        reached = "its training did not come to its end; --unfinished takes what it reached"
    else:
        reached = "no epoch of its training has finished, so there is no model"
    again = f"go on with: cnnzoo train --resume {shlex.quote(str(run.directory))}"
    raise UserError(f"{directory} is unfinished: {reached}; {again}")


def _suggest_runs(missing: Path) -> str:
    """Go on after a wrong name with the nearest right one and the newest ones, where it points to or where runs lie."""
    there = [run for parent in dict.fromkeys((missing.parent, RUNS)) for run in list_runs(parent)]
    if not there:
        return ""
    directories = {run.name: run.directory for run in there}
    nearest = get_close_matches(missing.name, directories, n=1)
    suggested = f" Did you mean {directories[nearest[0]]}?" if nearest else ""
    listed = [
        f"{run.directory}{'' if _is_finished(run) else ' (unfinished)'}" for run in sorted(there, key=_created)[:-11:-1]
    ]
    return f"{suggested} There are, the newest first: {', '.join(listed)}."


def best_row(rows: Sequence[dict[str, float]]) -> dict[str, float] | None:
    """Return a history's row of the highest validation accuracy, among equals the lowest loss; None without rows."""
    return max(rows, key=lambda row: (row["validation_accuracy"], -row["validation_loss"]), default=None)


def list_runs(parent: Path = RUNS) -> list[Run]:
    """Return all runs in a folder, finished or not, the one that was begun last at the end."""
    return sorted((Run(path.parent) for path in parent.glob("*/config.yaml")), key=_created)


def finished(parent: Path = RUNS) -> list[Run]:
    """Return the finished runs in a folder, the one that finished last at the end."""
    done = [run for run in list_runs(parent) if run.model_path.is_file() and _is_finished(run)]
    return sorted(done, key=lambda run: (run.metrics_path.stat().st_mtime_ns, run.name))


def unfinished_since(run: Run, parent: Path = RUNS) -> list[Run]:
    """Return the runs in a folder that were begun after a given one and are not finished, the last one at the end."""
    return [other for other in list_runs(parent) if _created(other) > _created(run) and not _is_finished(other)]


def newest(parent: Path = RUNS) -> Run:
    """Return the run that finished last.

    Raises:
        UserError: No run in the folder has finished.
    """
    done = finished(parent)
    if done:
        return done[-1]
    kept = [run for run in list_runs(parent) if run.model_path.is_file()]
    name = f"name one, such as {kept[-1].directory} with --unfinished" if kept else "name one"
    raise UserError(f"There is no finished run under {parent}/; {name}, or make one: cnnzoo train --config digits.yaml")


def _created(run: Run) -> tuple[int, str]:
    """Return when a run was begun: its config is written first and never again."""
    return run.config_path.stat().st_mtime_ns, run.name


def _is_finished(run: Run) -> bool:
    try:
        return run.metrics().get("status") == "finished"
    except UserError:  # damaged, which is told when somebody names this run
        return False


def _make(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True)
    except FileExistsError:
        raise UserError(f"--run {directory} exists already; name a new directory, or leave --run out.") from None
    return directory


def make_numbered(parent: Path, name: str) -> Path:
    """Make and return a new directory ``parent/NNNN-name`` with the next free number, whatever follows the others."""
    parent.mkdir(parents=True, exist_ok=True)
    with FileLock(parent / ".lock"):  # two that start at once shall not find the same number free
        numbers = [int(found[1]) for path in parent.iterdir() if (found := re.match(r"(\d+)-", path.name))]
        directory = parent / f"{max(numbers, default=0) + 1:04d}-{name}"
        directory.mkdir()
    return directory


def _git_commit() -> str | None:
    """Return the commit of the checkout that this package runs from, marked when files differ from it."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None
    try:
        answer = subprocess.run(
            ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
