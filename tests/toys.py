"""Networks in forms that cost little: outlines that are built once, and copies with few filters."""

from functools import cache
from typing import Any

import keras
import numpy as np

from cnnzoo import inspection, registry
from cnnzoo.data import ImageArray, Subset
from cnnzoo.keras_internals import build_without_weights

CLASSIFIERS = ("logits", "auxiliary1_linear", "auxiliary2_linear")

# An outline's weights have no values, so that no test can change it, and all tests of a process share it.
outline = cache(inspection.outline)


def outline_in(
    policy: str, name: str, input_shape: tuple[int, int, int], num_classes: int | None, **options: Any
) -> keras.Model:
    """Return an outline of a network in another precision."""

    def build() -> keras.Model:
        keras.config.set_dtype_policy(policy)  # of this thread alone
        return registry.build(name, input_shape, num_classes, **options)

    return build_without_weights(build)


def narrow(model: keras.Model, divisor: int = 8, input_shape: tuple[int, int, int] | None = None) -> keras.Model:
    """Return a copy of a network with a fraction of its filters and hidden units, and with weights of its own.

    The copy has the layers, connections and names of the original, and as many logits. It does not refuse an image
    that is too small, as the builder does.

    Args:
        model: The network; an outline will do.
        divisor: Of the numbers of filters and of hidden units.
        input_shape: (height, width, channels) of the copy; the original's by default.
    """

    def shrink(layer: keras.Layer) -> keras.Layer:
        settings = layer.get_config()
        for key in ("filters", "units"):
            if key in settings and layer.name not in CLASSIFIERS:
                settings[key] = max(1, settings[key] // divisor)
        if "target_shape" in settings:
            *sides, maps = settings["target_shape"]
            settings["target_shape"] = (*sides, maps // divisor)
        if settings.get("data_format") == "channels_first":  # the zeros that stand for new maps in a shortcut
            maps = settings["padding"][1][1]
            settings["padding"] = ((0, 0), (0, maps // divisor))
        return type(layer).from_config(settings)

    images = keras.Input(input_shape or model.input_shape[1:], name="images")
    return keras.models.clone_model(model, input_tensors=images, clone_function=shrink)


def subset(images: np.ndarray, labels: np.ndarray | None = None) -> Subset:
    """Return images (count, height, width, channels) as a subset; without labels all are of class 0."""
    return Subset.of_all(ImageArray(images), np.zeros(len(images), np.int32) if labels is None else labels)
