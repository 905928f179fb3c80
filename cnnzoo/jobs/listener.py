"""Progress of several trainings."""

from cnnzoo.runs import Run


class Listener:
    """Shows the progress of several trainings; this one shows nothing."""

    def show_line(self, name: str, text: str) -> None:
        """Show a line that a training wrote to standard error."""

    def existing_run(self, name: str, run: Run) -> None:
        """Show that a training has a run already, finished or unfinished."""
