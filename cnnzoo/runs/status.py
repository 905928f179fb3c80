"""Status, comparison and clean-up of runs."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cnnzoo import files, runs
from cnnzoo.config import FolderSection
from cnnzoo.errors import UserError
from cnnzoo.runs import Run, vote
from cnnzoo.runs.facts import Metrics, from_dict

Status = Literal["finished", "interrupted", "running", "broken off", "unreadable"]

# What a summary takes from the metrics.
FIGURES = ("epochs", "best_epoch", "validation_accuracy", "validation_loss", "images_per_second", "seconds")

# What ``files.whole`` leaves behind when its process is killed.
LEFT_OVER = re.compile(r"\..*\.[0-9a-f]{8}\.tmp(\..*)?")


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run in one line; None for what is not known.

    Attributes:
        run: Its directory.
        config: Name of its config.
        status: See ``status``.
        model: Name of the network.
        data: Name of the data set.
        folder: The folder of the user's own images.
        seed: The config's.
        epochs: Epochs completed.
        best_epoch: See ``Metrics``, like the next four.
        validation_accuracy: Of the best epoch.
        validation_loss: Of the best epoch.
        images_per_second: While training.
        seconds: Of training.
        test_accuracy: Where ``cnnzoo eval`` has measured it.
        created: Seconds since 1970.
        bytes: Of all its files.
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


@dataclass(frozen=True, kw_only=True)
class VoteSummary:
    """An ensemble's vote in one line; None for what its file does not say.

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
        "finished"; "interrupted" by Ctrl-C; "running" now; "broken off" by a kill or an error; "unreadable",
        where its files are damaged or its network is registered by another program.
    """
    try:
        run.config()
        recorded = run.metrics().get("status")
    except UserError:
        return "unreadable"
    if recorded == "finished":
        return "finished"
    if run.is_in_use():
        return "running"
    return "interrupted" if recorded == "interrupted" else "broken off"


def summarize(run: Run) -> RunSummary:
    """Return a run in one line; what an unfinished run has reached is read from its history."""
    state = status(run)
    config, metrics = None, Metrics()
    if state != "unreadable":
        config, metrics = run.config(), from_dict(Metrics, run.metrics())
    if state in ("running", "broken off") and run.history_path.is_file():
        rows = run.history()
        best = runs.best_row(rows) or {}
        metrics = from_dict(Metrics, {"epochs": len(rows), "best_epoch": int(best["epoch"]) if best else None, **best})
    return RunSummary(
        run=str(run.directory),
        config=runs.name_for(run.config_path),
        status=state,
        model=config.model.name if config else None,
        data=config.data.name if config else None,
        folder=config.data.path if config and isinstance(config.data, FolderSection) else None,
        seed=config.seed if config else None,
        **{key: getattr(metrics, key) for key in FIGURES},
        test_accuracy=_test_accuracy(run),
        created=run.config_path.stat().st_mtime,
        bytes=size(run.directory),
    )


def summarize_votes(parent: Path = runs.RUNS) -> list[VoteSummary]:
    """Return the votes in a folder, each in one line; a damaged file leaves the line empty."""
    rows = []
    for found in vote.list_votes(parent):
        try:
            result = files.read_json(found.result_path)
        except UserError:
            result = {}
        result |= {"ensemble": str(found.directory), "members": len(result.get("members", []))}
        rows.append(from_dict(VoteSummary, result))
    return rows


def differences(compared: Sequence[Run]) -> dict[str, list[Any]]:
    """Return the keys in which the configs of runs differ, each with its value in every run; None where it has none."""
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
        """Remove it.

        Raises:
            UserError: Another process has locked the run in the meantime.
        """
        with self.run.locked():
            if self.path.is_dir():
                shutil.rmtree(self.path)
            else:
                self.path.unlink(missing_ok=True)


def find_removable(parent: Path = runs.RUNS) -> list[Removable]:
    """Return what is not needed in a folder of runs: unfinished runs, and checkpoints and remains of finished ones.

    Runs in use, unreadable runs, links, and unfinished runs with foreign files are left alone.
    """
    found: list[tuple[Path, str, Run]] = []
    for run in runs.list_runs(parent):
        state = status(run)
        if run.is_in_use() or state == "unreadable" or run.directory.is_symlink():
            continue
        if state != "finished":
            if not run.foreign_files():
                found.append((run.directory, state, run))
            continue
        if run.checkpoints_folder.is_dir():
            found.append((run.checkpoints_folder, "checkpoints of a finished run", run))
        found += [
            (path, "left over from a killed process", run)
            for path in sorted(run.directory.iterdir())
            if path.is_file() and LEFT_OVER.fullmatch(path.name)
        ]
    return [Removable(path, reason, run, size(path)) for path, reason, run in found]


def open_removable(directory: Path) -> Removable:
    """Open a run to remove it, finished or not.

    Raises:
        UserError: It is no run, is in use, or holds foreign files.
    """
    run = runs.open_run(directory)
    if directory.is_symlink():
        raise UserError(f"{directory} is a link; remove it by hand, or name the directory that it leads to.")
    if run.is_in_use():
        raise UserError(f"{directory} is in use by another process; wait for it to end.")
    foreign = run.foreign_files()
    if foreign:
        raise UserError(f"{directory} holds {foreign[0]}, which is no file of a run; move it away first.")
    return Removable(directory, status(run), run, size(directory))


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def _test_accuracy(run: Run) -> float | None:
    report = run.report_path("test")
    try:
        return files.read_json(report).get("accuracy") if report.is_file() else None
    except UserError:
        return None


def _flatten(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all values with their keys, sections and key joined by dots."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
