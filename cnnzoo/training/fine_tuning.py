"""The weights of a model file, as the start of another training."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from keras import Model, layers

from cnnzoo import keras_internals
from cnnzoo.classifier.model_file import load_model
from cnnzoo.config import Config, PreprocessingSection
from cnnzoo.errors import UserError
from cnnzoo.training.phases import all_layers

CLASSIFIER = "logits"

# What decides the result of a layer, and does not show in the shapes of its weights.
DECISIVE = frozenset({"activation", "dilation_rate", "epsilon", "groups", "padding", "pool_size", "strides"})


@dataclass(frozen=True)
class InitialWeights:
    """A model file to start with.

    Attributes:
        path: The file.
        model: From raw pixels to logits.
    """

    path: Path
    model: Model

    @cached_property
    def layers(self) -> dict[str, layers.Layer]:
        """The file's layers by name."""
        return {layer.name: layer for layer in all_layers(self.model)}

    def preprocessing(self, section: PreprocessingSection, channels: int) -> PreprocessingSection:
        """Fill in mean and deviation that the config leaves out, as the model was trained with them.

        Args:
            section: The config's section.
            channels: Channels of the images.

        Raises:
            UserError: The model takes images with another number of channels.
        """
        expected = self.model.input_shape[-1]
        if expected != channels:
            raise UserError(f"the network in {self.path} takes images of {expected} channel(s), not of {channels}.")
        normalize = self.layers.get("normalize")
        if normalize is None:
            return section
        scale, offset = (np.atleast_1d(values).astype("float64") for values in (normalize.scale, normalize.offset))
        inside = {"mean": (-offset / (255 * scale)).tolist(), "deviation": (1 / (255 * scale)).tolist()}
        return section.model_copy(update={key: own for key, own in inside.items() if getattr(section, key) is None})

    def copy_to(self, network: Model) -> None:
        """Copy the weights into a new network, those of the classifier only if it has as many classes.

        Args:
            network: From normalized images to logits.

        Raises:
            UserError: The file holds another network's weights.
        """
        self._check_layers(network)
        for layer in network.layers:
            if not layer.weights:
                continue
            other = self.layers.get(layer.name)
            values = other.get_weights() if other and other.weights else None
            expected = [tuple(weight.shape) for weight in layer.weights]
            if values is not None and [value.shape for value in values] == expected:
                layer.set_weights(values)
            elif layer.name != CLASSIFIER and not layer.name.startswith("auxiliary"):
                has = "no such layer" if values is None else f"{_sizes(value.shape for value in values)} there"
                raise self._another_network(f"layer {layer.name} has {_sizes(expected)}, and the file has {has}.")

    def _check_layers(self, network: Model) -> None:
        """Check that layers of the same name do the same, where no shape of weights would show it.

        Raises:
            UserError: They do not.
        """
        inputs, other_inputs = _input_layers(network), _input_layers(self.model)
        for layer in network.layers:
            other = self.layers.get(layer.name)
            if other is None:
                continue
            ours, theirs = inputs.get(layer.name, []), other_inputs.get(layer.name, [])
            if ours != theirs and {*ours, *theirs} <= self.layers.keys() & inputs.keys():
                raise self._another_network(
                    f"layer {layer.name} comes after {' and '.join(ours)}, and the file's after "
                    f"{' and '.join(theirs)}; the model's options decide that."
                )
            if layer.name == CLASSIFIER:
                continue
            config, other_config = layer.get_config(), other.get_config()
            for key in sorted(DECISIVE & config.keys() & other_config.keys()):
                if config[key] != other_config[key]:
                    raise self._another_network(
                        f"layer {layer.name} has {key} {config[key]}, and the file's has {other_config[key]}; the "
                        "model's options decide that."
                    )
            if type(layer).__name__ != type(other).__name__:
                kinds = f"{type(layer).__name__}, and the file's is {type(other).__name__}"
                raise self._another_network(f"layer {layer.name} is {kinds}.")

    def _another_network(self, difference: str) -> UserError:
        return UserError(f"{self.path} holds another network's weights: {difference}")


def load_initial_weights(config: Config) -> InitialWeights:
    """Load the model file that a config starts with.

    Raises:
        UserError: There is no such file, or it is not a model.
    """
    assert config.fine_tuning is not None
    path = Path(config.fine_tuning.weights)
    with config.at_key("fine_tuning.weights"):
        if not path.is_file():
            raise UserError(f"there is no file {path}; name a .keras file, such as runs/0001-lenet/model.keras.")
        return InitialWeights(path, load_model(path))


def _input_layers(model: Model) -> dict[str, list[str]]:
    """Return for each layer the names of the layers that its inputs come from, for a model inside the model too."""
    names: dict[str, list[str]] = {}
    for layer in model.layers:
        if isinstance(layer, Model):
            names |= _input_layers(layer)
    return names | keras_internals.input_layers(model)


def _sizes(shapes: Iterable[tuple[int, ...]]) -> str:
    return " and ".join("x".join(map(str, shape)) or "1" for shape in shapes)
