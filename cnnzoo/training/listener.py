"""Progress events of a training."""

from collections.abc import Sequence
from dataclasses import dataclass

Row = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class TrainingFacts:
    """What a training starts with.

    Attributes:
        model: Name of the network.
        parameters: Number of trainable parameters.
        data: Name of the data set.
        noun: What one example is called: "image" or "position".
        training_images: Number of images to train on.
        validation_images: Number of images to validate on.
        note: A caveat about these images; empty if there is none.
        summary: Lines about the classes, splits and left-out files of a folder of images; empty for other data sets.
        backend: Name of the backend.
        device: The device in words.
        epochs: Epochs of the whole training.
        steps: Steps of an epoch.
        seed: The run's seed.
        run: The run's directory.
    """

    model: str
    parameters: int
    data: str
    noun: str
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


class Listener:
    """Shows the progress of a training: a subclass overrides the events that it shows, and this class shows none."""

    def started(self, facts: TrainingFacts) -> None:
        """Show what is about to be trained."""

    def resumed(self, rows: Sequence[Row], epoch: int, step: int) -> None:
        """Show where a training continues.

        Args:
            rows: The history so far.
            epoch: Epochs that are done.
            step: Batches of the next epoch that are done.
        """

    def note(self, text: str) -> None:
        """Show a sentence about the training."""

    def step(self, epoch: int, step: int) -> None:
        """Show that a number of steps of an epoch, counted from 1, are done."""

    def epoch(self, row: Row, images_per_second: float, best: bool) -> None:
        """Show the history's row of an epoch that is done; its files are still being written."""
