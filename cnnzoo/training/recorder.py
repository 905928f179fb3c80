"""What Keras's own callbacks lack: whole files, one listener, a run's history."""

import math
import shutil
import signal
import threading
import time
from types import TracebackType
from typing import Any, Self

from keras import callbacks, ops

from cnnzoo import files
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.training.listening import Listener, Row


class Interruption:
    """Ctrl-C as a wish that is granted between two steps; a second one insists.

    A step, a save or a record is never cut, and no library can swallow the interrupt on its way. A wish
    that comes after the last step is passed on when everything is written.
    """

    def __init__(self) -> None:
        self.wished = self.granted = False
        self.previous: Any = None

    def __enter__(self) -> Self:
        """Take the signal over, unless whoever started this process has it ignored."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self.previous = signal.signal(signal.SIGINT, self._wish)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signal back, and a wish that nothing has granted with it."""
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)
        if self.wished and not self.granted and kind is None:
            raise KeyboardInterrupt

    def grant(self) -> None:
        """End the training here if that was wished.

        Raises:
            KeyboardInterrupt: It was.
        """
        if self.wished:
            self.granted = True
            raise KeyboardInterrupt

    def _wish(self, *_: Any) -> None:
        if self.wished:
            self.granted = True
            raise KeyboardInterrupt
        self.wished = True


class Recorder(callbacks.Callback):
    """Keeps the history, the best model by validation and the last one, and tells the listener.

    The best epoch has the highest validation accuracy, and among equals the lowest validation loss.

    Args:
        run: Where files go.
        network: The model to save, from raw pixels to logits.
        images_per_epoch: Training images that one epoch sees.
        listener: Told of steps and epochs.
        interruption: Granted after a step or an epoch.
    """

    def __init__(
        self, run: Run, network: Any, images_per_epoch: int, listener: Listener, interruption: Interruption
    ) -> None:
        super().__init__()
        self.run, self.network, self.listener, self.interruption = run, network, listener, interruption
        self.images_per_epoch = images_per_epoch
        self.rows: list[Row] = []
        self.best: Row | None = None
        self.training_seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch's first learning rate, and start its clock."""
        del logs
        self.learning_rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.current, self.began = epoch + 1, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell how far the epoch is, and stop the clock, so that it counts no validation."""
        del logs
        self.epoch_seconds = time.perf_counter() - self.began
        self.listener.step(self.current, batch + 1)
        self.interruption.grant()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the row and the models."""
        row: Row = {
            "epoch": epoch + 1,
            "learning_rate": self.learning_rate,
            "loss": float(logs["loss"]),
            "accuracy": float(logs["accuracy"]),
            "validation_loss": float(logs["val_loss"]),
            "validation_accuracy": float(logs["val_accuracy"]),
        }
        if not (math.isfinite(row["loss"]) and math.isfinite(row["validation_loss"])):
            kept = f" {self.run.directory} keeps the epochs before." if self.rows else ""
            raise UserError(
                f"The loss is not finite after epoch {epoch + 1} (learning rate {row['learning_rate']:.3g}); "
                f"lower optimizer.learning_rate.{kept}"
            )
        best = self.best is None or _merit(row) > _merit(self.best)
        with files.whole(self.run.last_model_path) as path:
            self.network.save(path)
        if best:
            with files.whole(self.run.model_path) as path:
                shutil.copyfile(self.run.last_model_path, path)
        self.run.write_history([*self.rows, row])
        self.rows.append(row)
        self.best = row if best else self.best
        self.training_seconds += self.epoch_seconds
        self.listener.epoch(row, self.images_per_epoch / self.epoch_seconds, best)
        if epoch + 1 < self.params["epochs"]:  # else the training has come to its end
            self.interruption.grant()


def _merit(row: Row) -> tuple[float, float]:
    return row["validation_accuracy"], -row["validation_loss"]
