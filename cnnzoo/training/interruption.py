"""Ctrl-C and SIGTERM, which end a training only between two steps."""

import signal
import threading
from types import TracebackType
from typing import Any, Self

# A batch system sends SIGTERM before it takes the machine away.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """A context in which Ctrl-C and SIGTERM only request an interruption; a second signal raises at once.

    The training calls ``obey`` between two steps, so no step and no save is cut, and no library can swallow the
    interrupt. At the end of the context a pending interruption raises KeyboardInterrupt.

    Attributes:
        requested: Whether a signal has come.
        obeyed: Whether the interrupt has been raised.
    """

    def __init__(self) -> None:
        self.requested = self.obeyed = False
        self.previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Handle the signals, except those that the parent process has set to be ignored."""
        if threading.current_thread() is threading.main_thread():
            handled = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
            self.previous = {number: signal.signal(number, self._request) for number in handled}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the signals' handlers, and raise KeyboardInterrupt if an interruption is pending."""
        for number, handler in self.previous.items():
            signal.signal(number, handler)
        if self.requested and not self.obeyed and kind is None:
            raise KeyboardInterrupt

    def obey(self) -> None:
        """Raise KeyboardInterrupt if an interruption was requested."""
        if self.requested:
            self.obeyed = True
            raise KeyboardInterrupt

    def _request(self, *_: Any) -> None:
        self.obey()  # the second signal
        self.requested = True
