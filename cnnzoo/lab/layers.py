"""The layers inside a trained model, and what they compute."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnzoo.errors import UserError, did_you_mean
from cnnzoo.keras_internals import layer_calls

# Images that are computed at once.
BATCH_SIZE = 64


class ModelLayers:
    """A trained model, opened: its preprocessing, and the network behind it.

    Args:
        model: From pixels (batch, height, width, channels), 0 to 255, to logits.

    Attributes:
        model: The model.
        network: From preprocessed images to logits.
    """

    def __init__(self, model: keras.Model) -> None:
        places = [index for index, layer in enumerate(model.layers) if isinstance(layer, keras.Model)]
        self.network: keras.Model = model.layers[places[0]] if places else model
        # The layers before the network are a chain: padding and normalization.
        self._preprocess = keras.Model(model.inputs[0], model.layers[places[0] - 1].output) if places else None

        self.model = model

    def preprocess(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return the images that the network sees, from pixels (count, height, width, channels)."""
        images: NDArray[Any] = keras.ops.convert_to_numpy(self.preprocess_tensor(np.asarray(pixels, "float32")))
        return images

    def preprocess_tensor(self, pixels: Any) -> Any:
        """Return the images that the network sees as a tensor, through which a gradient can flow."""
        return pixels if self._preprocess is None else self._preprocess(pixels, training=False)

    def spatial_layers(self) -> list[str]:
        """Return the names of the layers whose output is a map (height, width, channels), in their order."""
        return [layer.name for layer in self.network.layers[1:] if len(getattr(layer.output, "shape", ())) == 4]

    def levels(self) -> list[str]:
        """Return the first convolution and the last layer of each size of the maps, from the first to the last.

        Layers that only pad and layers of a branch, which others bypass, are left out.
        """
        trunk = set(_list_trunk(self.network))
        spatial = [
            layer
            for layer in map(self.network.get_layer, self.spatial_layers())
            if layer.name in trunk and not isinstance(layer, keras.layers.ZeroPadding2D)
        ]
        last = {tuple(layer.output.shape[1:3]): layer.name for layer in spatial}
        first = [layer.name for layer in spatial if isinstance(layer, keras.layers.Conv2D)][:1]
        return [layer.name for layer in spatial if layer.name in {*first, *last.values()}]

    def find(self, name: str) -> keras.Layer:
        """Return a layer.

        Raises:
            UserError: There is no such layer; the nearest name is suggested.
        """
        names = [layer.name for layer in self.network.layers if not isinstance(layer, keras.layers.InputLayer)]
        if name not in names:
            raise UserError(f"{self.network.name} has no layer '{name}'.{did_you_mean(name, names)}")
        return self.network.get_layer(name)

    def up_to(self, *names: str) -> keras.Model:
        """Return the network from its images to the outputs of some layers, a list where there are several."""
        outputs = [self.find(name).output for name in names]
        return keras.Model(self.network.inputs[0], outputs if len(outputs) > 1 else outputs[0])

    def behind(self, name: str, images: NDArray[Any]) -> Callable[[Any], Any]:
        """Return the function from the output of a layer to the logits.

        Args:
            name: The layer.
            images: Preprocessed images (count, height, width, channels), which reach the logits beside the layer where
                it lies in a branch.
        """
        function = keras.Function([self.find(name).output, self.network.inputs[0]], self.network.output)
        tensor = keras.ops.convert_to_tensor(images)
        return lambda values: function([values, tensor])

    def outputs(self, names: Sequence[str], pixels: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the outputs of some layers (count, ...), float32, for pixels (count, height, width, channels)."""
        part = self.up_to(*names)
        chunks = []
        for start in range(0, len(pixels), BATCH_SIZE):
            computed = part(self.preprocess(pixels[start : start + BATCH_SIZE]), training=False)
            computed = computed if isinstance(computed, list) else [computed]
            chunks.append([keras.ops.convert_to_numpy(keras.ops.cast(output, "float32")) for output in computed])
        return [np.concatenate(outputs) for outputs in zip(*chunks, strict=True)]


def _list_trunk(network: keras.Model) -> list[str]:
    """Return the names of the layers that no path from the images to the logits bypasses."""
    calls = layer_calls(network)
    writers = {id(tensor): index for index, call in enumerate(calls) for tensor in call.output_tensors}
    last_reader = list(range(len(calls)))
    for index, call in enumerate(calls):
        for tensor in call.input_tensors:
            last_reader[writers[id(tensor)]] = index
    names, furthest = [], 0
    for index, call in enumerate(calls):
        if furthest <= index:
            names.append(call.operation.name)
        furthest = max(furthest, last_reader[index])
    return names


def first_convolution(network: keras.Model) -> keras.layers.Conv2D:
    """Return a network's first convolution.

    Raises:
        UserError: It has none.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            return layer
    raise UserError(f"{network.name} has no convolution, so it has no kernels to show.")
