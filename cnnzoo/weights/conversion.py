"""Each weight of a network as a tensor of another library, and back."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from cnnzoo.weights.formats.contents import SEPARATORS, Array
from cnnzoo.weights.layer_names import Counterpart

# PyTorch's names for the weights of a layer.
_TORCH = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


@dataclass(frozen=True)
class Conversion:
    """A weight of our network and its tensor in another library.

    Attributes:
        name: Name of the tensor.
        variable: Our weight.
        maps: For kernels of PyTorch: height, width, channels and filters of our kernel; a dense layer behind maps of
            7x7 counts as a convolution of 7x7.
        reversed: Whether the library's order of the channels is blue, green, red, where ours is red, green, blue.
    """

    name: str
    variable: keras.Variable
    maps: tuple[int, int, int, int] | None = None
    reversed: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        if self.maps is None:
            return tuple(self.variable.shape)
        height, width, channels, filters = self.maps
        convolves = len(self.variable.shape) == 4
        return (filters, channels, height, width) if convolves else (filters, channels * height * width)

    def assign(self, values: Array) -> None:
        """Set our weight to the tensor's values."""
        if self.maps:
            height, width, channels, filters = self.maps
            values = values.reshape(filters, channels, height, width).transpose(2, 3, 1, 0)
        if self.reversed:
            values = values[:, :, ::-1]
        self.variable.assign(np.ascontiguousarray(values).reshape(self.variable.shape))

    def values(self) -> Array:
        """Return the tensor's values, made from our weight."""
        values = np.asarray(keras.ops.convert_to_numpy(self.variable), "float32")
        if self.maps:
            values = values.reshape(self.maps).transpose(3, 2, 0, 1)
        if self.reversed:
            values = values[:, :, ::-1]
        return np.ascontiguousarray(values).reshape(self.shape)


def list_conversions(network: keras.Model, counterpart: Counterpart, channels: str = "") -> Iterator[Conversion]:
    """Yield the weights of a network in the order of its layers, which keras.applications relies on.

    Args:
        network: Our network.
        counterpart: The same network in the library.
        channels: The order of the channels that the other network takes, "RGB" or "BGR"; by default the library's.
    """
    is_keras = counterpart.library == "keras.applications"
    bgr = channels == "BGR" if channels else is_keras
    maps_before = {
        layer.name: flatten.input.shape[1:]
        for flatten in network.layers
        if isinstance(flatten, keras.layers.Flatten)
        for layer in network.layers
        if isinstance(layer, keras.layers.Dense) and layer.input is flatten.output
    }
    theirs = {**counterpart.layers, **counterpart.auxiliary}
    first = next(iter(counterpart.layers))
    for layer in network.layers:
        for variable in layer.weights:
            prefix = theirs[layer.name] + SEPARATORS[counterpart.library]
            is_kernel = variable.name == "kernel"
            if is_keras:
                yield Conversion(prefix + variable.name, variable, None, bgr and is_kernel and layer.name == first)
                continue
            *sides, inputs, filters = variable.shape if is_kernel else (0, 0)
            maps = (*maps_before.get(layer.name, (*(sides or (1, 1)), inputs)), filters) if is_kernel else None
            yield Conversion(prefix + _TORCH[variable.name], variable, maps)


def describe_invalid_values(name: str, values: Array) -> str:
    """Describe which of a tensor's values cannot be weights; return "" if all can."""
    infinite = values.size - int(np.isfinite(values).sum())
    if infinite:
        return f"{infinite:,} of the {values.size:,} values of {name!r} are not finite as float32"
    negative = int((values < 0).sum()) if name.endswith(("running_var", "moving_variance")) else 0
    return f"{negative:,} of the {values.size:,} variances {name!r} are negative" if negative else ""
