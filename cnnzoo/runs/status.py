"""Status, comparison and clean-up of runs."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cnnzoo import files, runs
from cnnzoo.config import Config, FolderSection
from cnnzoo.errors import UserError
from cnnzoo.runs import Run, vote
from cnnzoo.runs.facts import Metrics, from_dict

Status = Literal["finished", "interrupted", "running", "broken off", "unreadable"]

# What a summary takes from the metrics.
FIGURES = ("epochs", "best_epoch", "validation_accuracy", "validation_loss", "images_per_second", "seconds")


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run in one line; None for unknown figures.

    Attributes:
        run: Its directory.
        config: Name of its config.
        status: See ``status``.
        model: Name of the network.
        data: Name of the data set.
        folder: The folder of the user's own images.
        seed: Seed of the config.
        epochs: Epochs completed, see ``Metrics``, like the next five.
        best_epoch: The epoch of the highest validation accuracy.
        validation_accuracy: Of the best epoch.
        validation_loss: Of the best epoch.
        images_per_second: While training.
        seconds: Of training.
        test_accuracy: From ``cnnzoo eval``.
        created: When the run was created, in seconds since 1970.
        bytes: Size of all its files.
        error: Why it is unreadable.
    """

    run: str
    config: str
    status: Status
    model: str | None
    data: str | None
    folder: str | None
    seed: int | None
    epochs: int | None
    best_epoch: int | None
    validation_accuracy: float | None
    validation_loss: float | None
    images_per_second: float | None
    seconds: float | None
    test_accuracy: float | None
    created: float
    bytes: int
    error: str | None


@dataclass(frozen=True, kw_only=True)
class VoteSummary:
    """An ensemble's vote in one line; None for unknown figures.

    Attributes:
        ensemble: Its directory.
        members: How many voted.
        data: Name of the data set.
        folder: The folder of the user's own images.
        split: Which images were classified.
        mean: Mean accuracy of the members, as a fraction of 1, like the next two.
        soft_vote: Accuracy of the soft vote.
        hard_vote: Accuracy of the hard vote.
    """

    ensemble: str
    members: int
    data: str | None = None
    folder: str | None = None
    split: str | None = None
    mean: float | None = None
    soft_vote: float | None = None
    hard_vote: float | None = None


def status(run: Run) -> Status:
    """Return the status of a run.

    Returns:
        "finished"; "interrupted" by Ctrl-C; "running" now; "broken off" by a kill or an error; "unreadable" if its
        files are damaged, or if its network is registered by another program.
    """
    try:
        return _read(run)[0]
    except UserError:
        return "unreadable"


def _read(run: Run) -> tuple[Status, Config, Metrics]:
    """Return the status, the config and the metrics of a run; without metrics, what its history says.

    Raises:
        UserError: The run is unreadable.
    """
    config, metrics = run.config(), from_dict(Metrics, run.metrics())
    if metrics.status == "finished":
        return "finished", config, metrics
    is_running = run.is_in_use()
    if metrics.status == "interrupted" and not is_running:
        return "interrupted", config, metrics
    rows = run.history() if run.history_path.is_file() else []
    if best := runs.best_row(rows):
        metrics = from_dict(Metrics, {"epochs": len(rows), "best_epoch": int(best["epoch"]), **best})
    return "running" if is_running else "broken off", config, metrics


def summarize(run: Run) -> RunSummary:
    """Return a run in one line."""
    run_status: Status = "unreadable"
    config, metrics, reason = None, Metrics(), None
    try:
        run_status, config, metrics = _read(run)
    except UserError as error:
        reason = str(error)
    return RunSummary(
        run=str(run.directory),
        config=runs.name_for(run.config_path),
        status=run_status,
        model=config.model.name if config else None,
        data=config.data.name if config else None,
        folder=config.data.path if config and isinstance(config.data, FolderSection) else None,
        seed=config.seed if config else None,
        **{key: getattr(metrics, key) for key in FIGURES},
        test_accuracy=_read_test_accuracy(run),
        created=run.config_path.stat().st_mtime,
        bytes=size(run.directory),
        error=reason,
    )


def summarize_votes(parent: Path = runs.RUNS) -> list[VoteSummary]:
    """Return the votes in a folder, each in one line; a damaged file leaves the line empty."""
    rows = []
    for ensemble in vote.list_votes(parent):
        try:
            result = files.read_json(ensemble.result_path)
        except UserError:
            result = {}
        result |= {"ensemble": str(ensemble.directory), "members": len(result.get("members", []))}
        rows.append(from_dict(VoteSummary, result))
    return rows


def differences(compared: Sequence[Run]) -> dict[str, list[Any]]:
    """Return the values, one per run, of each key that differs between their configs; None where a run has no value."""
    flat = [dict(_flatten(run.config().model_dump(mode="json"))) for run in compared]
    keys = dict.fromkeys(key for values in flat for key in values)
    columns = {key: [values.get(key) for values in flat] for key in keys}
    return {key: column for key, column in columns.items() if any(value != column[0] for value in column)}


@dataclass(frozen=True)
class Removable:
    """A file or folder of a run that can be removed.

    Attributes:
        path: The file or folder.
        reason: Why it can be removed.
        run: The run that it belongs to.
        bytes: Its size.
    """

    path: Path
    reason: str
    run: Run
    bytes: int

    def remove(self) -> None:
        """Remove the file or folder.

        Raises:
            UserError: Another process has locked the run in the meantime.
        """
        with self.run.locked():
            if self.path.is_dir():
                shutil.rmtree(self.path)
            else:
                self.path.unlink(missing_ok=True)


def find_removable(parent: Path = runs.RUNS) -> list[Removable]:
    """Return what can be removed in a folder of runs: unfinished runs, and checkpoints and remains of finished ones.

    Runs in use, unreadable runs, links, and unfinished runs with foreign files stay.
    """
    removable: list[tuple[Path, str, Run]] = []
    for run in runs.list_runs(parent):
        run_status = status(run)
        if run.is_in_use() or run_status == "unreadable" or run.directory.is_symlink():
            continue
        if run_status != "finished":
            if not run.foreign_files():
                removable.append((run.directory, run_status, run))
            continue
        if run.checkpoints_folder.is_dir():
            removable.append((run.checkpoints_folder, "checkpoints of a finished run", run))
        left_over = files.find_left_over(run.directory)
        removable += [(path, "left over from a killed process", run) for path in left_over]
    return [Removable(path, reason, run, size(path)) for path, reason, run in removable]


def open_removable(directory: Path) -> Removable:
    """Open a run to remove it, finished or not.

    Raises:
        UserError: It is not a run, is in use, or contains foreign files.
    """
    run = runs.open_run(directory)
    if directory.is_symlink():
        raise UserError(f"{directory} is a link; remove it by hand, or name the directory that it points to.")
    if run.is_in_use():
        raise UserError(f"{directory} is in use by another process; wait for it to end.")
    foreign = run.foreign_files()
    if foreign:
        raise UserError(f"{directory} contains {foreign[0]}, which no command wrote; move it away first.")
    return Removable(directory, status(run), run, size(directory))


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    total = 0
    for file in (path, *path.rglob("*")):
        with suppress(OSError):  # a training may rename its files at the same time
            total += file.stat().st_size if file.is_file() and not file.is_symlink() else 0
    return total


def _read_test_accuracy(run: Run) -> float | None:
    report = run.report_path("test")
    try:
        return files.read_json(report).get("accuracy") if report.is_file() else None
    except UserError:
        return None


def _flatten(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all values with their keys, such as ``optimizer.learning_rate``."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
