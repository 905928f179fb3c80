"""How a training shows itself: a bar and rows on a terminal, plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cnnzoo.runs import Run


@contextmanager
def listener(console: Console, run: Run) -> Iterator["Lines"]:
    """Yield the listener that fits the console."""
    if not console.is_terminal:
        yield Lines(console, run)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield Bar(console, run, bar)


class Lines:
    """A line for what starts and a line per epoch."""

    def __init__(self, console: Console, run: Run) -> None:
        self.console, self.run = console, run
        self.epochs = self.steps = 0

    def started(self, facts: dict[str, Any]) -> None:
        """Say what is about to be trained."""
        self.epochs, self.steps = facts["epochs"], facts["steps"]
        lines = {
            "Model": f"{facts['model']}, {facts['parameters']:,} trainable parameters",
            "Data": f"{facts['data']}, {facts['training_images']:,} images to train, "
            f"{facts['validation_images']:,} to validate",
            "On": f"{facts['backend']}, {facts['device']}",
            "Run": f"{self.run.directory}, seed {facts['seed']}",
        }
        for name, text in lines.items():
            self.console.print(f"{name:<6}{text}")
        self.console.print(
            f"{'epoch':>9}  {'loss':>7}  {'accuracy':>9}  {'val. loss':>9}  {'validation':>10}  "
            f"{'learning rate':>13}  {'images/s':>9}"
        )

    def step(self, epoch: int, step: int) -> None:
        """Say nothing: lines come per epoch."""

    def epoch(self, row: dict[str, float], images_per_second: float, best: bool) -> None:
        """Print the row of an epoch, with a star at the best so far."""
        self.console.print(
            f"{row['epoch']:>5.0f}/{self.epochs:<3} {row['loss']:>8.4f}  {100 * row['accuracy']:>7.2f} %  "
            f"{row['validation_loss']:>9.4f}  {100 * row['validation_accuracy']:>8.2f} %{'*' if best else ' '} "
            f"{row['learning_rate']:>13.3g}  {images_per_second:>9,.0f}"
        )


class Bar(Lines):
    """The same lines above one bar with the time left."""

    def __init__(self, console: Console, run: Run, bar: Progress) -> None:
        super().__init__(console, run)
        self.bar = bar
        self.task = bar.add_task("compiling", total=None)

    def started(self, facts: dict[str, Any]) -> None:
        """Say what is about to be trained, and give the bar its length."""
        super().started(facts)
        self.bar.update(self.task, total=self.epochs * self.steps)

    def step(self, epoch: int, step: int) -> None:
        """Move the bar."""
        self.bar.update(self.task, description=f"epoch {epoch}", completed=(epoch - 1) * self.steps + step)
