"""Phases of a training, which have one optimizer each, and their stretches, which one call of ``fit`` trains."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from keras import Model, layers

from cnnzoo.config import Config
from cnnzoo.config.optimizer import ConstantSection
from cnnzoo.errors import UserError


class Position(NamedTuple):
    """How far a training has come.

    Attributes:
        epoch: Epochs that are done.
        step: Batches of the next epoch that are done.
    """

    epoch: int
    step: int


class Stretch(NamedTuple):
    """The epochs of one call of ``fit``, at one size of images.

    Attributes:
        start: Where it starts, possibly within an epoch.
        end: The epoch after its last one, counted from 0.
        scale: Factor of the sides of training images, at most 1.
    """

    start: Position
    end: int
    scale: float


@dataclass(frozen=True)
class Phase:
    """Some epochs with one optimizer.

    Attributes:
        first: The first epoch, counted from 0.
        end: The epoch after the last one.
        config: The run's config with the optimizer, schedule and number of epochs of this phase, and without settings
            that count epochs of the whole training.
        trained: Names of the layers that learn, with wildcards; None for all.
        is_last: Whether no other phase follows.
    """

    first: int
    end: int
    config: Config
    trained: tuple[str, ...] | None = None
    is_last: bool = True

    def freeze(self, model: Model) -> None:
        """Make the layers that learn in this phase trainable, and freeze the others.

        Raises:
            UserError: No layer has one of the names.
        """
        weighted = [layer for layer in all_layers(model) if layer.weights]
        for pattern in self.trained or ():
            if not any(fnmatchcase(layer.name, pattern) for layer in weighted):
                names = ", ".join(layer.name for layer in weighted)
                with self.config.at_key("fine_tuning.trained"):
                    raise UserError(f"the network has no layer {pattern} with weights; there are {names}.")
        for layer in weighted:
            layer.trainable = self.trained is None or any(fnmatchcase(layer.name, name) for name in self.trained)

    def stretches(self, position: Position, config: Config) -> Iterator[Stretch]:
        """Yield the rest of the phase: the rest of an epoch, the epochs with smaller images, and the other epochs.

        Args:
            position: How far the training has come.
            config: The run's config.
        """
        resizing = config.training.progressive_resizing
        epoch, step = max(position, Position(self.first, 0))
        ends = {self.end}
        if step:
            ends.add(epoch + 1)
        if resizing and epoch < resizing.epochs < self.end:
            ends.add(resizing.epochs)
        for end in sorted(ends):
            yield Stretch(Position(epoch, step), end, resizing.scale if resizing and epoch < resizing.epochs else 1.0)
            epoch, step = end, 0


def phases(config: Config) -> list[Phase]:
    """Return the phases of a training: one, or two if it starts with frozen layers."""
    section, epochs = config.fine_tuning, config.training.epochs
    if section is None or not section.frozen_epochs:
        return [Phase(0, epochs, config)]
    frozen = section.frozen_epochs
    first = config.replaced(
        training=config.training.model_copy(update={"epochs": frozen, "progressive_resizing": None}),
        optimizer=config.optimizer.model_copy(
            update={"learning_rate": section.frozen_learning_rate or config.optimizer.learning_rate}
        ),
        schedule=ConstantSection(name="constant"),
        fine_tuning=None,
    )
    left = {"epochs": epochs - frozen, "progressive_resizing": None}
    second = config.replaced(training=config.training.model_copy(update=left), fine_tuning=None)
    return [Phase(0, frozen, first, tuple(section.trained), is_last=False), Phase(frozen, epochs, second)]


def all_layers(model: Model) -> Iterator[layers.Layer]:
    """Yield the layers of a model; a model inside it counts as its layers."""
    for layer in model.layers:
        if isinstance(layer, Model):
            yield from all_layers(layer)
        else:
            yield layer
