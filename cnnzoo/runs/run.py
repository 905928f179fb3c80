"""The directory of a training run; only this module has the names of its files."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from cnnzoo import config as configs
from cnnzoo import files
from cnnzoo.config import Config, Split
from cnnzoo.errors import UserError
from cnnzoo.runs.directory import EvaluatedDirectory, File


class Run(EvaluatedDirectory):
    """A directory with everything about one training.

    Attributes:
        config_path: The resolved config, which replays the run.
        environment_path: Versions, device, backend, seed and git commit; see ``Environment``.
        history_path: A row per epoch, without times, so that equal runs have equal histories.
        division_path: Which files of a folder of images trained and which validated.
        metrics_path: What the training has reached; see ``Metrics``.
        model_path: The model of the epoch that validation chose; it takes raw pixels.
        last_model_path: The model of the last epoch.
        checkpoints_folder: The states from which an unfinished training resumes; removed when it has finished.
        curves_path: The picture of loss, accuracy and learning rate.
        events_path: TensorBoard's folder.
        predictions_folder: The folder of pictures of predictions for the user's own images.
    """

    config_path = File("config.yaml")
    environment_path = File("environment.json")
    history_path = File("history.csv")
    division_path = File("division.csv")
    metrics_path = File("metrics.json")
    model_path = File("model.keras")
    last_model_path = File("last.keras")
    checkpoints_folder = File("checkpoints")
    curves_path = File("curves.png")
    events_path = File("events")
    predictions_folder = File("predictions")

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.directory.resolve().name

    @property
    def checkpoints(self) -> list[Path]:
        """The files from which an unfinished training resumes, the newest first."""
        return sorted(self.checkpoints_folder.glob("epoch-*-step-*.npz"), reverse=True)

    def checkpoint_path(self, epoch: int, step: int) -> Path:
        """Return the file of the state after some epochs, and some batches of the next one."""
        return self.checkpoints_folder / f"epoch-{epoch:06d}-step-{step:08d}.npz"

    def checkpoint_position(self, path: Path) -> tuple[int, int]:
        """Return the epochs and batches that are done, as ``checkpoint_path`` has written them into a file's name."""
        epoch, step = re.findall(r"\d+", path.stem)
        return int(epoch), int(step)

    def report_path(self, split: Split) -> Path:
        """Return the file of the report on a split."""
        return self.directory / f"report-{split}.json"

    def foreign_files(self) -> list[str]:
        """Return the names of the files in the directory that no command wrote."""
        ours = {file.name for file in vars(Run).values() if isinstance(file, File)}
        ours |= {path.name for path in self._list_evaluation_files()}
        return sorted(
            path.name for path in self.directory.iterdir() if path.name not in ours and not path.name.startswith(".")
        )

    def _list_evaluation_files(self) -> list[Path]:
        paths = (self.predictions_path, self.report_path, self.confusion_path, self.groups_path)
        return [path(split) for split in get_args(Split) for path in paths]

    def discard_results(self) -> None:
        """Remove metrics and evaluations of an interrupted training before it resumes, because they become outdated."""
        for path in (self.metrics_path, *self._list_evaluation_files()):
            path.unlink(missing_ok=True)

    def config(self) -> Config:
        """Load the resolved config."""
        return configs.load(self.config_path)

    def metrics(self) -> dict[str, Any]:
        """Load what the training has reached, see ``Metrics``; empty before it has ended."""
        return files.read_json(self.metrics_path) if self.metrics_path.is_file() else {}

    def environment(self) -> dict[str, Any]:
        """Load what the run's numbers depend on besides its config; see ``Environment``."""
        return files.read_json(self.environment_path)

    def history(self) -> list[dict[str, float]]:
        """Load the rows of the history.

        Raises:
            UserError: The file is damaged.
        """
        try:
            with self.history_path.open(encoding="utf-8", newline="") as file:
                rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
            best_row(rows)  # a file whose first line is cut has no such columns
        except (csv.Error, KeyError, TypeError, ValueError):
            raise UserError(f"{self.history_path} is damaged; train the run again.") from None
        return rows

    def is_finished(self) -> bool:
        """Return whether the training has finished.

        Raises:
            UserError: The metrics are damaged.
        """
        return bool(self.metrics().get("status") == "finished")

    def division(self) -> dict[str, str]:
        """Load the split, "train" or "validation", of each image file; empty where images are not files."""
        return {file: split for split, file, _ in self._read_division()}

    def division_hashes(self) -> dict[str, bytes]:
        """Load the SHA-256 of each training and validation file; older runs have none."""
        return {file: sha256 for _, file, sha256 in self._read_division() if sha256}

    def _read_division(self) -> list[tuple[str, str, bytes]]:
        """Return the split, the name and the SHA-256 of each file.

        Raises:
            UserError: The file with them is damaged.
        """
        if not self.division_path.is_file():
            return []
        try:
            with self.division_path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
                rows = [
                    (row["part"], row["file"], bytes.fromhex(row.get("sha256") or "")) for row in csv.DictReader(file)
                ]
        except (csv.Error, KeyError, ValueError):
            rows = [("", "", b"")]
        if not all(split and name for split, name, _ in rows):
            raise UserError(f"{self.division_path} is damaged; train the run again.")
        return rows

    def write_division(self, hashes: Mapping[str, bytes] | None = None, /, **splits: Sequence[str]) -> None:
        """Write which image files train and which validate.

        Args:
            hashes: The SHA-256 of each file.
            **splits: The names of the files of each split.
        """
        hashes = hashes or {}
        with (
            files.whole(self.division_path) as path,
            path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(("part", "file", "sha256"))
            rows = ((split, name, hashes.get(name, b"").hex()) for split, names in splits.items() for name in names)
            writer.writerows(rows)

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write all rows of the history."""
        with files.whole(self.history_path) as path, path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write what the training has reached."""
        files.write_json(self.metrics_path, metrics)


def best_row(rows: Sequence[dict[str, float]]) -> dict[str, float] | None:
    """Return the row of the highest validation accuracy, and among equal ones of the lowest loss; None without rows."""
    return max(rows, key=lambda row: (row["validation_accuracy"], -row["validation_loss"]), default=None)
