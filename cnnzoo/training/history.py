"""The history of a training: a row per epoch, the clocks, and the decisions of plateau and early stopping."""

import time
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from cnnzoo.config.optimizer import PlateauSection
from cnnzoo.runs import best_row
from cnnzoo.training.listener import Row
from cnnzoo.training.phases import Phase
from cnnzoo.training.schedules import plateau_factor

# The attributes that a checkpoint keeps as they are.
SAVED_ATTRIBUTES = ("rows", "learning_rate", "training_seconds", "epoch_seconds")


@dataclass
class History:
    """The rows of the epochs that are done, and the clocks of a training.

    Attributes:
        rows: One per epoch: epoch (from 1), learning_rate (of the epoch's first step), loss, accuracy, validation_loss
            and validation_accuracy.
        learning_rate: Of the first step of the current epoch.
        training_seconds: Spent in the steps of all epochs in ``rows``, without validation.
        epoch_seconds: Spent in the steps of the current epoch so far.
        seconds_before: All seconds of the training before this process.
    """

    rows: list[Row] = field(default_factory=list)
    learning_rate: float = 0.0
    training_seconds: float = 0.0
    epoch_seconds: float = 0.0
    seconds_before: float = 0.0

    def __post_init__(self) -> None:
        self._started = time.perf_counter()
        self._epoch_seconds_before = self.epoch_seconds
        self._epoch_started = self._started

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "History":
        """Return the history saved in a checkpoint's state."""
        return cls(**{key: state[key] for key in SAVED_ATTRIBUTES}, seconds_before=state["seconds"])

    def state(self) -> dict[str, Any]:
        """Return a copy of what a checkpoint keeps of the history; JSON can hold it."""
        return {**{key: copy(getattr(self, key)) for key in SAVED_ATTRIBUTES}, "seconds": self.seconds}

    @property
    def seconds(self) -> float:
        """All seconds of the training, those before interruptions included."""
        return self.seconds_before + time.perf_counter() - self._started

    def start_epoch(self, learning_rate: float | None) -> None:
        """Start the clock of an epoch.

        Args:
            learning_rate: Of the epoch's first step; None to keep it in an epoch that continues after an interruption.
        """
        if learning_rate is not None:
            self.learning_rate = learning_rate
        self._epoch_started = time.perf_counter()

    def measure_epoch_seconds(self) -> None:
        """Measure the seconds of the epoch's steps so far, before validation, which does not count."""
        self.epoch_seconds = self._epoch_seconds_before + time.perf_counter() - self._epoch_started

    def row(self, epoch: int, logs: dict[str, Any]) -> Row:
        """Return the row of an epoch, counted from 1, with the figures that Keras measured."""
        measured = {"loss": "loss", "accuracy": "accuracy", "validation_loss": "val_loss"}
        measured["validation_accuracy"] = "val_accuracy"
        figures = {name: float(logs[key]) for name, key in measured.items()}
        return {"epoch": epoch, "learning_rate": self.learning_rate, **figures}

    def append(self, row: Row) -> float:
        """Add the row of an epoch that is done, and return the seconds of its steps."""
        self.rows.append(row)
        seconds = self.epoch_seconds
        self.training_seconds += seconds
        self.epoch_seconds = self._epoch_seconds_before = 0.0
        return seconds

    def plateau_factor(self, phase: Phase) -> float | None:
        """Return the factor of the learning rate after the rows so far; None where no plateau sets it."""
        schedule = phase.config.schedule
        if not isinstance(schedule, PlateauSection):
            return None
        sign, key = {"accuracy": (1, "validation_accuracy"), "loss": (-1, "validation_loss")}[schedule.monitor]
        return plateau_factor(schedule, [sign * row[key] for row in self.rows[phase.first :]])

    def stops_early(self, phase: Phase) -> bool:
        """Return whether early stopping ends the training after the last row; only the last phase stops early."""
        patience, best = phase.config.training.early_stopping, best_row(self.rows)
        if patience is None or best is None or not phase.is_last:
            return False
        return len(self.rows) - max(best["epoch"], phase.first) >= patience
