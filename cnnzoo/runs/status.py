"""Runs as a whole: what became of them, in what they differ, and what of them can go."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cnnzoo import files, runs
from cnnzoo.config import FolderSection
from cnnzoo.errors import UserError
from cnnzoo.runs import Run

Status = Literal["finished", "interrupted", "running", "broken off", "unreadable"]

# What ``files.whole`` leaves behind when its process is killed.
LEFT_OVER = re.compile(r"\..*\.[0-9a-f]{8}\.tmp(\..*)?")


def status(run: Run) -> Status:
    """Say what became of a run.

    Returns:
        "finished"; "interrupted" by Ctrl-C; "running" now; "broken off", by a kill or a mistake; "unreadable",
        where its files are damaged or its network is registered by another program.
    """
    try:
        run.config()
        reached = run.metrics().get("status")
    except UserError:
        return "unreadable"
    if reached == "finished":
        return "finished"
    if run.is_in_use():
        return "running"
    return "interrupted" if reached == "interrupted" else "broken off"


def summary(run: Run) -> dict[str, Any]:
    """Return what there is to say of a run in one line.

    Returns:
        run, config (its name), model, data, folder (of a person's own images), seed, status, epochs, best_epoch,
        validation_accuracy, validation_loss, test_accuracy where ``cnnzoo eval`` has measured it, images_per_second,
        seconds, begun (seconds since 1970) and bytes; None for what is not known.
    """
    became = status(run)
    row: dict[str, Any] = {"run": str(run.directory), "config": runs.name_for(run.config_path), "status": became}
    config = None if became == "unreadable" else run.config()
    metrics = {} if became == "unreadable" else run.metrics()
    epochs = metrics.get("epochs")
    if became in ("running", "broken off") and run.history_path.is_file():
        rows = run.history()
        epochs, metrics = len(rows), {**(runs.best_row(rows) or {})}
        metrics["best_epoch"] = metrics.get("epoch") and int(metrics["epoch"])
    row |= {
        "model": config and config.model.name,
        "data": config and config.data.name,
        "folder": config.data.path if config and isinstance(config.data, FolderSection) else None,
        "seed": config and config.seed,
        "epochs": epochs,
    }
    for key in ("best_epoch", "validation_accuracy", "validation_loss", "images_per_second", "seconds"):
        row[key] = metrics.get(key)
    return {
        **row,
        "test_accuracy": _test_accuracy(run),
        "begun": run.config_path.stat().st_mtime,
        "bytes": size(run.directory),
    }


def ensembles(parent: Path = runs.RUNS) -> list[dict[str, Any]]:
    """Return the ensembles in a folder, the newest at the end.

    Returns:
        For each ensemble: ensemble (its directory), data, folder (of a person's own images), split, members (how many),
        mean, soft_vote and hard_vote (accuracies as fractions of 1); None for what its file does not say.
    """
    rows = []
    for path in sorted(parent.glob("*/ensemble.json")):
        try:
            result = files.read_json(path)
        except UserError:  # damaged, so that it tells nothing
            result = {}
        row = {key: result.get(key) for key in ("data", "folder", "split", "mean", "soft_vote", "hard_vote")}
        rows.append({"ensemble": str(path.parent), "members": len(result.get("members", [])), **row})
    return rows


def differences(compared: Sequence[Run]) -> dict[str, list[Any]]:
    """Return the keys in which the configs of runs differ, each with its value in every run; None where it has none."""
    flat = [dict(_flat(run.config().model_dump(mode="json"))) for run in compared]
    keys = dict.fromkeys(key for values in flat for key in values)
    columns = {key: [values.get(key) for values in flat] for key in keys}
    return {key: column for key, column in columns.items() if any(value != column[0] for value in column)}


@dataclass(frozen=True)
class Removable:
    """A file or folder that can go, and why."""

    path: Path
    reason: str
    run: Run
    bytes: int

    def remove(self) -> None:
        """Remove it, if nobody has begun to use its run meanwhile.

        Raises:
            UserError: Another process holds the run.
        """
        with self.run.locked():
            if self.path.is_dir():
                shutil.rmtree(self.path)
            else:
                self.path.unlink(missing_ok=True)


def find_removable(parent: Path = runs.RUNS) -> list[Removable]:
    """Return what can go of the runs in a folder: unfinished ones that nobody holds, and what finished ones can spare.

    Finished runs stay, and so does what holds files of another making.
    """
    found = []
    for run in runs.list_runs(parent):
        became = status(run)
        if run.is_in_use() or became == "unreadable" or run.directory.is_symlink():
            continue
        if became != "finished":
            if not run.foreign_files():
                found.append(Removable(run.directory, became, run, size(run.directory)))
            continue
        if run.checkpoints_folder.is_dir():
            folder = run.checkpoints_folder
            found.append(Removable(folder, "checkpoints of a finished run", run, size(folder)))
        found += [
            Removable(path, "left over from a killed process", run, size(path))
            for path in sorted(run.directory.iterdir())
            if path.is_file() and LEFT_OVER.fullmatch(path.name)
        ]
    return found


def open_removable(directory: Path) -> Removable:
    """Return a run that a person wants to be removed, whatever became of it.

    Raises:
        UserError: It is no run, is in use, or holds files of another making.
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
    except UserError:  # damaged, which is told when somebody opens it
        return None


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all values with their keys, sections and key joined by dots."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
