"""Progress of several trainings."""

from typing import Protocol

from cnnzoo.runs import Run


class Listener(Protocol):
    """Shows the progress of several trainings."""

    def line(self, name: str, text: str) -> None:
        """Show a line that a training wrote to standard error."""

    def existing_run(self, name: str, run: Run) -> None:
        """Show that a training has a run already, finished or unfinished."""


class Silent:
    """A listener that shows nothing."""

    def line(self, name: str, text: str) -> None:
        """Show nothing."""

    def existing_run(self, name: str, run: Run) -> None:
        """Show nothing."""
