"""Progress events of a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Row = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a training starts with.

    Attributes:
        model: Name of the network.
        parameters: Number of trainable parameters.
        data: Name of the data set.
        training_images: Number of images to train on.
        validation_images: Number of images to validate on.
        note: A caveat about these images; empty if there is none.
        summary: For a folder of images lines on its classes, its splits and the files left out.
        backend: Name of the backend.
        device: The device in words.
        epochs: Of the whole training.
        steps: Of an epoch.
        seed: The run's seed.
        run: The run's directory.
    """

    model: str
    parameters: int
    data: str
    training_images: int
    validation_images: int
    note: str
    summary: list[str]
    backend: str
    device: str
    epochs: int
    steps: int
    seed: int
    run: str


class Listener(Protocol):
    """Shows the progress of a training."""

    def started(self, facts: Facts) -> None:
        """Show what is about to be trained."""

    def resumed(self, rows: Sequence[Row], epoch: int, step: int) -> None:
        """Show where a training goes on.

        Args:
            rows: The history so far.
            epoch: Epochs that are done.
            step: Batches of the next epoch that are done.
        """

    def note(self, text: str) -> None:
        """Show a sentence that a person should know."""

    def step(self, epoch: int, step: int) -> None:
        """Show that a number of steps of an epoch, counted from 1, are done."""

    def epoch(self, row: Row, images_per_second: float, best: bool) -> None:
        """Show the history's row of an epoch that is done."""


class Silent:
    """A listener that shows nothing."""

    def started(self, facts: Facts) -> None:
        """Show nothing."""

    def resumed(self, rows: Sequence[Row], epoch: int, step: int) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def step(self, epoch: int, step: int) -> None:
        """Show nothing."""

    def epoch(self, row: Row, images_per_second: float, best: bool) -> None:
        """Show nothing."""
