"""The weights of a model file as the start of another training."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from keras import Model, layers

from cnnzoo import keras_internals
from cnnzoo.classifier.model_file import load_model
from cnnzoo.config import Config, PreprocessingSection
from cnnzoo.data.preprocessing import read_normalization
from cnnzoo.errors import UserError
from cnnzoo.inspection import compare_settings
from cnnzoo.text import format_size
from cnnzoo.training.phases import all_layers

CLASSIFIER = "logits"


@dataclass(frozen=True)
class InitialWeights:
    """The model that a training starts from.

    Attributes:
        path: The model's file.
        model: From raw pixels to logits.
    """

    path: Path
    model: Model

    @cached_property
    def layers(self) -> dict[str, layers.Layer]:
        """The file's layers by name."""
        return {layer.name: layer for layer in all_layers(self.model)}

    def preprocessing(self, section: PreprocessingSection, channels: int) -> PreprocessingSection:
        """Fill in a mean and deviation that the config leaves out with those inside the model.

        Args:
            section: The config's section.
            channels: Channels of the images.

        Raises:
            UserError: The model takes images with another number of channels.
        """
        expected = self.model.input_shape[-1]
        if expected != channels:
            raise UserError(f"the network in {self.path} takes images of {expected} channel(s), not of {channels}.")
        mean, deviation = read_normalization(self.layers.values()) or (None, None)
        values = {"mean": mean, "deviation": deviation}
        return section.model_copy(update={key: values[key] for key in values if getattr(section, key) is None})

    def copy_to(self, network: Model) -> None:
        """Copy the weights into a new network, those of the classifier only if it has as many classes.

        Args:
            network: From normalized images to logits.

        Raises:
            UserError: The file holds another network's weights.
        """
        difference = next(self._find_differences(network), None)
        if difference:
            raise UserError(f"{self.path} holds another network's weights: {difference}.")
        for layer in network.layers:
            file_layer = self.layers.get(layer.name)
            if file_layer and _shapes(layer) == _shapes(file_layer):
                layer.set_weights(file_layer.get_weights())

    def _find_differences(self, network: Model) -> Iterator[str]:
        """Yield the differences that show that the file has another network, each as a clause."""
        inputs, file_inputs = _find_input_layers(network), _find_input_layers(self.model)
        advice = "check the options of the model"
        for layer in network.layers:
            name, file_layer = layer.name, self.layers.get(layer.name)
            if file_layer is None:
                if layer.weights and not _is_replaceable(name):
                    yield f"it has no layer {name}, which has weights of {_shapes(layer)}"
                continue
            ours, theirs = inputs.get(name, []), file_inputs.get(name, [])
            if ours != theirs and {*ours, *theirs} <= self.layers.keys() & inputs.keys():
                after = f"{' and '.join(ours)}, and the file's after {' and '.join(theirs)}"
                yield f"layer {name} comes after {after}; {advice}"
            if _is_replaceable(name):
                continue
            for key, (setting, other_setting) in compare_settings(layer, file_layer).items():
                yield f"layer {name} has {key} {setting}, and the file's has {other_setting}; {advice}"
            if _shapes(layer) != _shapes(file_layer):
                yield f"layer {name} has weights of {_shapes(layer)}, and the file's has {_shapes(file_layer)}"
        for name in sorted(self.layers.keys() - inputs.keys()):
            if self.layers[name].weights and not _is_replaceable(name):
                yield f"the file has a layer {name}, which this network does not have"


def load_initial_weights(config: Config) -> InitialWeights:
    """Load the model file that a config starts from.

    Raises:
        UserError: There is no such file, or it is not a model.
    """
    assert config.fine_tuning is not None
    path = Path(config.fine_tuning.weights)
    with config.at_key("fine_tuning.weights"):
        if not path.is_file():
            raise UserError(f"there is no file {path}; name a .keras file, such as runs/0001-lenet/model.keras.")
        return InitialWeights(path, load_model(path))


def _is_replaceable(name: str) -> bool:
    """Return whether a layer classifies, so that it may be new or differ."""
    return name == CLASSIFIER or name.startswith("auxiliary")


def _find_input_layers(model: Model) -> dict[str, list[str]]:
    """Return for each layer the names of the layers that its inputs come from, including those of nested models."""
    names: dict[str, list[str]] = {}
    for layer in model.layers:
        if isinstance(layer, Model):
            names |= _find_input_layers(layer)
    return names | keras_internals.input_layers(model)


def _shapes(layer: layers.Layer) -> str:
    return " and ".join(format_size(weight.shape) for weight in layer.weights) or "no"
