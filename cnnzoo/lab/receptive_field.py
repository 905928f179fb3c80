"""The receptive field of a network's layers, by formula and by gradient."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnzoo.inspection import inspect
from cnnzoo.runtime.gradients import image_gradient


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels of the image that one value of a layer depends on.

    Attributes:
        layer: Its name.
        output_shape: Of the layer (height, width, channels).
        window: The layer's own window, such as ``3x3 /2``.
        formula: Height and width in pixels, by formula; the padding counts, so it may exceed the image.
        measured: Height and width in pixels of the image where the gradient of the middle value is not zero.
    """

    layer: str
    output_shape: tuple[int, ...]
    window: str
    formula: tuple[int, int]
    measured: tuple[int, int]


def measure_receptive_fields(model: keras.Model) -> Iterator[ReceptiveField]:
    """Yield the receptive field of each layer that enlarges it, from the first to the last.

    The gradient is that of the value in the middle of a layer, summed over the channels, in a copy of the network: its
    weights are all positive and equal, and an average stands in for each maximum, so that no path from a pixel to the
    value is cut off by the numbers of one image.

    Args:
        model: A network from images to logits; an outline without weights will do.
    """
    copy = _make_all_positive(model)
    images = np.ones((1, *model.input_shape[1:]), "float32")
    largest = measured = (1, 1)
    for row in inspect(model).rows[1:]:
        field = row.receptive_field
        if len(row.output_shape) != 3 or (field[0] <= largest[0] and field[1] <= largest[1]):
            continue
        largest = (max(field[0], largest[0]), max(field[1], largest[1]))
        if measured != images.shape[1:3]:  # a later layer sees no less than the whole image either
            gradient = _gradient_of_the_middle(keras.Model(copy.inputs[0], copy.get_layer(row.name).output), images)
            seen = np.abs(gradient[0]).sum(axis=-1) > 0
            measured = (_extent(seen.any(axis=1)), _extent(seen.any(axis=0)))
        yield ReceptiveField(row.name, row.output_shape, row.window, (field[0], field[1]), measured)


def _gradient_of_the_middle(model: keras.Model, images: NDArray[Any]) -> NDArray[Any]:
    _, height, width, _ = model.output_shape
    return image_gradient(
        lambda values: keras.ops.sum(model(values, training=False)[:, height // 2, width // 2]), images
    )


def _make_all_positive(model: keras.Model) -> keras.Model:
    """Return a copy with an average for each maximum, and weights with which each layer averages its inputs."""

    def average(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, keras.layers.MaxPooling2D):
            return keras.layers.AveragePooling2D(
                layer.pool_size, layer.strides, layer.padding, data_format=layer.data_format, name=layer.name
            )
        return type(layer).from_config(layer.get_config())

    images = keras.Input(model.input_shape[1:], name="images")
    copy = keras.models.clone_model(model, input_tensors=images, clone_function=average)
    for weight in copy.weights:
        if len(weight.shape) > 1:
            weight.assign(np.full(weight.shape, 1 / np.prod(weight.shape[:-1]), "float32"))
        elif weight.name in ("bias", "beta", "moving_mean"):
            weight.assign(np.zeros(weight.shape, "float32"))
        elif weight.trainable or weight.name == "moving_variance":
            weight.assign(np.ones(weight.shape, "float32"))
    return copy


def _extent(seen: NDArray[np.bool_]) -> int:
    """Return the distance from the first to the last true value, both included."""
    places = np.flatnonzero(seen)
    return int(places[-1] - places[0] + 1) if places.size else 0
