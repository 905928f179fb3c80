"""What Keras's own callbacks lack: whole files, one listener, a run's history, and what follows from it."""

import math
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
from keras import callbacks, ops

from cnnzoo import files
from cnnzoo.config.optimizer import PlateauSection
from cnnzoo.errors import UserError
from cnnzoo.runs import Run, best_row
from cnnzoo.training.fine_tuning import Phase
from cnnzoo.training.listener import Listener, Row
from cnnzoo.training.schedules import plateau_factor
from cnnzoo.training.trainee import Batches


class Averaging(callbacks.Callback):
    """Puts averaged weights, where the optimizer keeps any, in the place of the trained ones to be judged and saved."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Judge the averaged weights."""
        del logs
        self._swap()

    def on_test_end(self, logs: Any = None) -> None:
        """Go on with the trained weights."""
        del logs
        self._swap()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Have the averaged weights in the network inside the block."""
        self._swap()
        yield
        self._swap()

    def _swap(self) -> None:
        averages = self.model.optimizer.averages
        if averages:
            swapped = [*self.model.trainable_variables, *self.model.statistics], [*averages, *self.model.averages]
            for weight, average in zip(*swapped, strict=True):
                trained = np.array(ops.convert_to_numpy(weight))
                weight.assign(average)
                average.assign(trained)


class Recorder(callbacks.Callback):
    """Keeps the history, the best model by validation and the last one, and tells the listener.

    The best epoch has the highest validation accuracy, and among equals the lowest validation loss. A plateau's
    learning rate and early stopping follow from the history alone.

    Args:
        run: Where files go.
        network: The model to save, from raw pixels to logits.
        batches: The training batches.
        phase: The first phase; the others are set as ``phase`` when they begin.
        averaging: Knows the weights to save.
        listener: Told of steps and epochs.
        told: The story that another recorder told at a checkpoint, to go on with.
    """

    def __init__(
        self,
        run: Run,
        network: Any,
        batches: Batches,
        phase: Phase,
        averaging: Averaging,
        listener: Listener,
        told: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.run, self.network, self.batches, self.listener = run, network, batches, listener
        self.phase, self.averaging = phase, averaging
        story = told or {
            "rows": [],
            "learning_rate": 0.0,
            "training_seconds": 0.0,
            "epoch_seconds": 0.0,
            "seconds": 0.0,
        }
        self.rows: list[Row] = story["rows"]
        self.learning_rate: float = story["learning_rate"]
        self.training_seconds: float = story["training_seconds"]
        self.seconds_before: float = story["seconds"]
        self.epoch_seconds = self.epoch_seconds_before = story["epoch_seconds"]
        self.clock = time.perf_counter()

    @property
    def best(self) -> Row | None:
        """The best row so far."""
        return best_row(self.rows)

    @property
    def seconds(self) -> float:
        """All seconds of the training, before interruptions too."""
        return self.seconds_before + time.perf_counter() - self.clock

    def story(self) -> dict[str, Any]:
        """Return what a recorder needs to go on, as JSON."""
        return {
            "rows": self.rows,
            "learning_rate": self.learning_rate,
            "training_seconds": self.training_seconds,
            "epoch_seconds": self.epoch_seconds,
            "seconds": self.seconds,
        }

    def ended_early(self) -> bool:
        """Tell whether early stopping ends the training after the last row."""
        patience, best = self.phase.config.training.early_stopping, self.best
        if patience is None or best is None or not self.phase.last:
            return False
        return len(self.rows) - max(best["epoch"], self.phase.first) >= patience

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the plateau's factor, note the epoch's first learning rate, and start its clock."""
        del logs
        optimizer = self.model.optimizer
        schedule = self.phase.config.schedule
        if isinstance(schedule, PlateauSection):
            sign, key = {"accuracy": (1, "validation_accuracy"), "loss": (-1, "validation_loss")}[schedule.monitor]
            figures = [sign * row[key] for row in self.rows[self.phase.first :]]
            optimizer.factor.assign(plateau_factor(schedule, figures))
        if not self.batches.start:  # else it is known from before
            self.learning_rate = self._rate(epoch * self.batches.count)
        self.current, self.began = epoch + 1, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell how far the epoch is, and stop the clock, so that it counts no validation.

        Raises:
            UserError: The loss is not finite.
        """
        self.epoch_seconds = self.epoch_seconds_before + time.perf_counter() - self.began
        if not math.isfinite(logs["loss"]):
            self.give_up()
        self.listener.step(self.current, self.batches.start + batch + 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the row and the models.

        Raises:
            UserError: The validation loss is not finite.
        """
        row: Row = {
            "epoch": epoch + 1,
            "learning_rate": self.learning_rate,
            "loss": float(logs["loss"]),
            "accuracy": float(logs["accuracy"]),
            "validation_loss": float(logs["val_loss"]),
            "validation_accuracy": float(logs["val_accuracy"]),
        }
        if not math.isfinite(row["validation_loss"]):
            self.give_up()
        best = best_row([*self.rows, row]) is row
        with files.whole(self.run.last_model_path) as path, self.averaging.applied():
            self.network.save(path)
        if best:
            with files.whole(self.run.model_path) as path:
                shutil.copyfile(self.run.last_model_path, path)
        self.run.write_history([*self.rows, row])
        self.rows.append(row)
        self.training_seconds += self.epoch_seconds
        images = self.batches.count * self.batches.batch_size
        self.listener.epoch(row, images / self.epoch_seconds, best)
        self.epoch_seconds = self.epoch_seconds_before = 0.0
        if self.ended_early():
            self.model.stop_training = True

    def _rate(self, step: int) -> float:
        """Return the learning rate of a step of the whole training."""
        rate: float = self.model.optimizer.rate(step - self.phase.first * self.batches.count)
        return rate

    def give_up(self) -> NoReturn:
        """End the training because of a number that is not finite.

        Raises:
            UserError: Always; it names the step, the learning rate and the last good checkpoint.
        """
        self.model.gather()
        step = int(ops.convert_to_numpy(self.model.first_bad_step))
        if step < 0:  # every loss was finite, and what the last step made of the weights is not
            step = int(ops.convert_to_numpy(self.model.steps_done)) - 1
        good = self.run.checkpoints
        raise UserError(
            f"The loss is not finite: epoch {self.current}, step {step + 1:,} of the training, "
            f"learning rate {self._rate(step):.3g}. Lower optimizer.learning_rate or set optimizer.clip_norm. "
            + (f"The last good checkpoint is {good[0]}." if good else "There is no checkpoint before it.")
        )
