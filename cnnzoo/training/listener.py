"""What a training tells of itself while it runs."""

from collections.abc import Sequence
from typing import Any, Protocol

Row = dict[str, float]


class Listener(Protocol):
    """Whoever shows the progress of a training."""

    def started(self, facts: dict[str, Any]) -> None:
        """Hear what is about to be trained.

        Args:
            facts: model, parameters (trainable ones), data, training_images, validation_images, remark (what
                is to be said of these images, or nothing), summary (lines on the classes, the parts and what is left
                out of a folder of images), backend, device, epochs, steps (of an epoch), seed, run (its directory).
        """

    def resumed(self, rows: Sequence[Row], epoch: int, step: int) -> None:
        """Hear from where a training goes on.

        Args:
            rows: The history so far.
            epoch: Epochs that are done.
            step: Batches that are done of the next one.
        """

    def remark(self, text: str) -> None:
        """Hear of something that a person should know."""

    def step(self, epoch: int, step: int) -> None:
        """Hear that steps (counted from 1) of an epoch (counted from 1) are done."""

    def epoch(self, row: Row, images_per_second: float, best: bool) -> None:
        """Hear the history's row of an epoch that is done."""


class Silent:
    """A listener that shows nothing."""

    def started(self, facts: dict[str, Any]) -> None:
        """Hear what is about to be trained."""

    def resumed(self, rows: Sequence[Row], epoch: int, step: int) -> None:
        """Hear from where a training goes on."""

    def remark(self, text: str) -> None:
        """Hear of something that a person should know."""

    def step(self, epoch: int, step: int) -> None:
        """Hear that steps are done."""

    def epoch(self, row: Row, images_per_second: float, best: bool) -> None:
        """Hear the history's row of an epoch."""
