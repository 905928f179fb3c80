"""Progress of a training: a bar and rows on a terminal, plain lines elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from cnnzoo.training import Listener, TrainingFacts


@contextmanager
def training_listener(console: Console) -> Iterator["Lines"]:
    """Yield a listener that shows the progress of a training on a console."""
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TimesColumn())  # fit into 80 characters
    bar = Progress(*columns, console=console, transient=True)
    try:
        yield Bar(console, bar)
    finally:
        bar.stop()


class TimesColumn(ProgressColumn):
    """The time elapsed and, once it can be estimated, the time left."""

    def render(self, task: Task) -> Text:
        """Return the times in hours, minutes and seconds."""
        elapsed = f"{timedelta(seconds=int(task.elapsed or 0))} elapsed"
        left = "" if task.time_remaining is None else f", {timedelta(seconds=int(task.time_remaining))} left"
        return Text(elapsed + left)


class Lines(Listener):
    """Prints the facts of a training at its start, and a line per epoch."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.epochs = self.steps = 0

    def started(self, facts: TrainingFacts) -> None:
        """Print the facts of a training and the headings of the epochs."""
        self.epochs, self.steps = facts.epochs, facts.steps
        lines = {
            "Model": f"{facts.model}, {facts.parameters:,} trainable parameters",
            "Data": f"{facts.data}, {facts.training_images:,} {facts.noun}s to train, "
            f"{facts.validation_images:,} to validate{facts.note and '; '}{facts.note}",
            "On": f"{facts.backend}, {facts.device}",
            "Run": f"{facts.run}, seed {facts.seed}",
        }
        for name, text in lines.items():
            self.console.print(f"{name:<6}{text}", soft_wrap=True)
            if name == "Data":
                for line in facts.summary:
                    self.console.print(f"{'':<6}{line}", soft_wrap=True)
        self.console.print(
            f"{'epoch':>9}  {'loss':>7}  {'accuracy':>9}  {'val. loss':>9}  {'validation':>10}  "
            f"{'rate at start':>13}  {facts.noun + 's/s':>9}"
        )

    def resumed(self, rows: Sequence[dict[str, float]], epoch: int, step: int) -> None:
        """Print where the training continues."""
        del rows
        batches = f" and {step:,} batches" if step else ""
        self.console.print(f"{epoch} of {self.epochs} epochs{batches} are done; continuing")

    def note(self, text: str) -> None:
        """Print a text."""
        self.console.print(text, soft_wrap=True)

    def epoch(self, row: dict[str, float], images_per_second: float, best: bool) -> None:
        """Print the row of an epoch, with a star if it is the best so far."""
        self.console.print(
            f"{row['epoch']:>5.0f}/{self.epochs:<3} {row['loss']:>8.4f}  {100 * row['accuracy']:>7.2f} %  "
            f"{row['validation_loss']:>9.4f}  {100 * row['validation_accuracy']:>8.2f} %{'*' if best else ' '} "
            f"{row['learning_rate']:>13.3g}  {images_per_second:>9,.0f}"
        )


class Bar(Lines):
    """The same lines, above a bar with the time left."""

    def __init__(self, console: Console, bar: Progress) -> None:
        super().__init__(console)
        self.bar = bar

    def started(self, facts: TrainingFacts) -> None:
        """Print the same, and start the bar."""
        super().started(facts)
        self.task = self.bar.add_task("compiling", total=self.epochs * self.steps)
        self.bar.start()

    def resumed(self, rows: Sequence[dict[str, float]], epoch: int, step: int) -> None:
        """Print where the training continues, and move the bar there, so that it estimates the time from here on."""
        super().resumed(rows, epoch, step)
        self.bar.reset(self.task, total=self.epochs * self.steps, completed=epoch * self.steps + step)

    def step(self, epoch: int, step: int) -> None:
        """Move the bar."""
        completed = (epoch - 1) * self.steps + step
        self.bar.update(self.task, description=f"epoch {epoch}/{self.epochs}", completed=completed)
