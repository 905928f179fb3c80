"""Ctrl-C and a kill that asks, granted when nothing is half done."""

import signal
import threading
from types import TracebackType
from typing import Any, Self

from keras import callbacks

# The second is what a batch system sends before it takes the machine away.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption(callbacks.Callback):
    """Ctrl-C or SIGTERM as a wish that is granted between two steps; a second one insists.

    A step, a save or a record is never cut, and no library can swallow the interrupt on its way. A wish
    that comes after the last step is passed on when everything is written. To be the last of the callbacks.

    Args:
        epochs: After so many the training has come to its end, and there is nothing to interrupt.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.wished = self.granted = False
        self.previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Take the signals over, unless whoever started this process has them ignored."""
        if threading.current_thread() is threading.main_thread():
            heeded = [one for one in SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
            self.previous = {one: signal.signal(one, self._wish) for one in heeded}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back, and a wish that nothing has granted with them."""
        for one, handler in self.previous.items():
            signal.signal(one, handler)
        if self.wished and not self.granted and kind is None:
            raise KeyboardInterrupt

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Grant the wish between two steps; after an epoch's last one the epoch is written first."""
        del logs
        if batch + 1 < self.params["steps"]:
            self._grant()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Grant the wish between two epochs."""
        del logs
        if epoch + 1 < self.epochs and not self.model.stop_training:
            self._grant()

    def _grant(self) -> None:
        if self.wished:
            self.granted = True
            raise KeyboardInterrupt

    def _wish(self, *_: Any) -> None:
        if self.wished:
            self.granted = True
            raise KeyboardInterrupt
        self.wished = True
