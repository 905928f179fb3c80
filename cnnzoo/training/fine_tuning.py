"""A training that begins with the weights of another, and with most of them frozen."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from keras import Model, layers

from cnnzoo.classifier.model_file import load_model
from cnnzoo.config import Config, PreprocessingSection
from cnnzoo.config.optimizer import ConstantSection
from cnnzoo.errors import UserError

CLASSIFIER = "logits"

# What a layer does that its weights' shapes do not tell.
DECISIVE = frozenset({"activation", "dilation_rate", "epsilon", "groups", "padding", "pool_size", "strides"})


@dataclass(frozen=True)
class Phase:
    """Some epochs with one optimizer.

    Attributes:
        first: The first epoch, counted from 0.
        end: The one after the last.
        config: The run's config, with the optimizer, schedule and number of epochs of this phase alone, and nothing
            that counts the epochs of the whole training.
        trained: Names of the layers that learn, with wildcards; None for all.
        last: No other phase follows.
    """

    first: int
    end: int
    config: Config
    trained: tuple[str, ...] | None = None
    last: bool = True

    def freeze(self, model: Model) -> None:
        """Have the layers learn that learn in this phase, and no others.

        Raises:
            UserError: There is no layer of such a name.
        """
        weighted = [layer for layer in flat(model) if layer.weights]
        for pattern in self.trained or ():
            if not any(fnmatchcase(layer.name, pattern) for layer in weighted):
                names = ", ".join(layer.name for layer in weighted)
                with self.config.blaming("fine_tuning.trained"):
                    raise UserError(f"the network has no layer {pattern} with weights; there are {names}.")
        for layer in weighted:
            layer.trainable = self.trained is None or any(fnmatchcase(layer.name, name) for name in self.trained)


def phases(config: Config) -> list[Phase]:
    """Return the phases of a training: one, or two where it begins with frozen layers."""
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
    return [Phase(0, frozen, first, tuple(section.trained), last=False), Phase(frozen, epochs, second)]


@dataclass(frozen=True)
class InitialWeights:
    """A model file to begin with.

    Attributes:
        path: The file.
        model: From raw pixels to logits.
    """

    path: Path
    model: Model

    def preprocessing(self, section: PreprocessingSection, channels: int) -> PreprocessingSection:
        """Fill in mean and deviation, where a config leaves them out, as the model was trained with them.

        Args:
            section: The config's section.
            channels: Of the images.

        Raises:
            UserError: The model takes images of other channels.
        """
        taken = self.model.input_shape[-1]
        if taken != channels:
            raise UserError(f"the network in {self.path} takes images of {taken} channel(s), not of {channels}.")
        found = [layer for layer in flat(self.model) if layer.name == "normalize"]
        if not found:
            return section
        scale, offset = (np.atleast_1d(values).astype("float64") for values in (found[0].scale, found[0].offset))
        deviation, mean = 1 / (255 * scale), -offset / (255 * scale)
        known = {"mean": mean.tolist(), "deviation": deviation.tolist()}
        return section.model_copy(update={key: own for key, own in known.items() if getattr(section, key) is None})

    def give(self, network: Model) -> None:
        """Put the weights into a new network, those of its classifier only if it has as many classes.

        Args:
            network: From normalized images to logits.

        Raises:
            UserError: The file holds another network's.
        """
        theirs = {layer.name: layer.get_weights() for layer in flat(self.model) if layer.weights}
        self._check_kinds(network)
        for layer in network.layers:
            if not layer.weights:
                continue
            wanted = [tuple(weight.shape) for weight in layer.weights]
            given = theirs.get(layer.name)
            if given is not None and [value.shape for value in given] == wanted:
                layer.set_weights(given)
            elif layer.name != CLASSIFIER and not layer.name.startswith("auxiliary"):
                has = "no such layer" if given is None else f"{_sizes(value.shape for value in given)} there"
                raise UserError(
                    f"{self.path} holds another network's weights: layer {layer.name} has {_sizes(wanted)}, "
                    f"and the file has {has}."
                )

    def _check_kinds(self, network: Model) -> None:
        """Check that layers of the same name do the same, where no shape would tell.

        Raises:
            UserError: They do not.
        """
        theirs = {layer.name: layer for layer in flat(self.model)}
        ours_before, theirs_before = _before(network), _before(self.model)
        for layer in network.layers:
            other = theirs.get(layer.name)
            if other is None:
                continue
            before, given_before = (names.get(layer.name, []) for names in (ours_before, theirs_before))
            if before != given_before and set(before) | set(given_before) <= theirs.keys() & ours_before.keys():
                raise UserError(
                    f"{self.path} holds another network's weights: layer {layer.name} comes after "
                    f"{' and '.join(before)}, and the file's after {' and '.join(given_before)}; the model's "
                    "options decide that."
                )
            if layer.name == CLASSIFIER:
                continue
            ours, given = layer.get_config(), other.get_config()
            for key in sorted(DECISIVE & ours.keys() & given.keys()):
                if ours[key] != given[key]:
                    raise UserError(
                        f"{self.path} holds another network's weights: layer {layer.name} has {key} {ours[key]}, "
                        f"and the file's has {given[key]}; the model's options decide that."
                    )
            if type(layer).__name__ != type(other).__name__:
                kinds = f"{type(layer).__name__}, and the file's is {type(other).__name__}"
                raise UserError(f"{self.path} holds another network's weights: layer {layer.name} is {kinds}.")


def opened(config: Config) -> InitialWeights:
    """Open the model file that a config begins with.

    Raises:
        UserError: There is no such file, or it is no model.
    """
    assert config.fine_tuning is not None
    path = Path(config.fine_tuning.weights)
    with config.blaming("fine_tuning.weights"):
        if not path.is_file():
            raise UserError(f"there is no file {path}; name a .keras file, such as runs/0001-lenet/model.keras.")
        return InitialWeights(path, load_model(path))


def flat(model: Model) -> Iterator[layers.Layer]:
    """Yield the layers of a model, and those of a model inside it in its place."""
    for layer in model.layers:
        if isinstance(layer, Model):
            yield from flat(layer)
        else:
            yield layer


def _before(model: Model) -> dict[str, list[str]]:
    """Return the names of the layers that each layer takes its inputs from, for a model inside the model too."""
    found: dict[str, list[str]] = {}
    for layer in model.layers:
        if isinstance(layer, Model):
            found |= _before(layer)
    for layer in model.get_config()["layers"]:
        found[layer["name"]] = list(_sources(layer.get("inbound_nodes", [])))
    return found


def _sources(node: Any) -> Iterator[str]:
    """Yield the names of layers in what Keras writes of a layer's inputs."""
    if isinstance(node, dict):
        if "keras_history" in node:
            yield node["keras_history"][0]
        else:
            for part in node.values():
                yield from _sources(part)
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _sources(part)


def _sizes(shapes: "Iterator[tuple[int, ...]] | list[tuple[int, ...]]") -> str:
    return " and ".join("x".join(map(str, shape)) or "1" for shape in shapes)
