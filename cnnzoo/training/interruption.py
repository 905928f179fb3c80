"""Ctrl-C and SIGTERM, obeyed when nothing is half done."""

import signal
import threading
from types import TracebackType
from typing import Any, Self

# A batch system sends SIGTERM before it takes the machine away.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """A context in which Ctrl-C and SIGTERM only ask for an interruption; the second one raises at once.

    The training obeys between two steps, so a step or a save is never cut, and no library can swallow the interrupt. A
    request that nothing obeyed is raised at the end of the context.

    Attributes:
        requested: Whether somebody asked.
    """

    def __init__(self) -> None:
        self.requested = self.obeyed = False
        self.previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Handle the signals, except those that the parent process has set to be ignored."""
        if threading.current_thread() is threading.main_thread():
            handled = [one for one in SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
            self.previous = {one: signal.signal(one, self._request) for one in handled}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the signals' handlers, and raise a request that nothing has obeyed."""
        for one, handler in self.previous.items():
            signal.signal(one, handler)
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
