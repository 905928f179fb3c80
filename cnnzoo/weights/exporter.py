"""Weights of our networks, written as another library's."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnnzoo import files
from cnnzoo.errors import UserError
from cnnzoo.inspection import outline
from cnnzoo.weights.conversion import conversions
from cnnzoo.weights.formats import keras_h5, safetensors_file, torch_pth
from cnnzoo.weights.formats.tensor import Array, unusable
from cnnzoo.weights.layer_names import COUNTERPARTS, Counterpart
from cnnzoo.weights.weight_file import Library

SUFFIXES: dict[str, Library] = {
    ".pth": "torchvision",
    ".pt": "torchvision",
    ".safetensors": "torchvision",
    ".h5": "keras.applications",
}

# What does not change a layer's outputs.
_TRAINING_ONLY = {"name", "trainable", "dtype", "momentum", "rate", "seed", "noise_shape", "loss_weight", "batch_shape"}


def export_weights(model: keras.Model, path: Path) -> dict[str, Any]:
    """Write a model's weights as another library's network has them.

    Args:
        model: A network of ours, alone or behind the layers that prepare its images.
        path: The new file: .safetensors, .pth or .pt for torchvision's names, .h5 for keras.applications'.

    Returns:
        library, network (its title), tensors (how many), input_shape, num_classes and auxiliary_heads; and how the
        model's images are prepared, which is not in the file: channels ("RGB" or "BGR"), and in that order mean and
        deviation of pixels 0..255, None where the model does not say. ``usual``: whether that is the library's own
        way.

    Raises:
        UserError: The suffix is not one of these, the library has no such network, or weights are not finite.
    """
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path}: the suffix tells the format; it is one of {', '.join(SUFFIXES)}.")
    if path.name.endswith(".weights.h5"):
        raise UserError(f"{path}: Keras looks for another layout in .weights.h5; name it {path.name[:-11]}.h5.")
    network, mean, deviation = _taken_apart(model)
    counterpart = _counterpart_of(network, SUFFIXES[path.suffix])
    tensors: dict[str, Array] = {}
    for conversion in conversions(network, counterpart):
        tensors[conversion.name] = conversion.values()
        if wrong := unusable(conversion.name, tensors[conversion.name]):
            raise UserError(f"'{network.name}' cannot be exported: {wrong}; its training diverged.")
        if conversion.name.endswith(".running_var"):
            tensors[conversion.name.replace("running_var", "num_batches_tracked")] = np.zeros((), "int64")
    facts = {
        "library": counterpart.library,
        "network": counterpart.title,
        "tensors": len(tensors),
        "input_shape": list(network.input_shape[1:]),
        "num_classes": network.get_layer("logits").units,
        "auxiliary_heads": isinstance(network.output, dict),
        **_preparation(counterpart, mean, deviation),
    }
    with files.whole(path) as temporary:
        if path.suffix == ".h5":
            keras_h5.write(temporary, tensors)
        elif path.suffix == ".safetensors":
            words = ("network", "channels", "mean", "deviation")
            safetensors_file.write(temporary, tensors, {"format": "pt", **{word: str(facts[word]) for word in words}})
        else:
            torch_pth.write(temporary, tensors)
    return facts


def _counterpart_of(network: keras.Model, library: Library) -> Counterpart:
    """Return the counterpart that a network of ours has, layer by layer.

    Raises:
        UserError: The library has no such network.
    """
    weighted = {layer.name for layer in network.layers if isinstance(getattr(layer, "kernel", None), keras.Variable)}
    weighted |= {layer.name for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)}
    fitting = [
        counterpart
        for counterpart in COUNTERPARTS
        if counterpart.library == library
        and weighted in ({*counterpart.layers}, {*counterpart.layers, *counterpart.auxiliary})
    ]
    if not fitting:
        has = ", ".join(
            dict.fromkeys(counterpart.network for counterpart in COUNTERPARTS if counterpart.library == library)
        )
        raise UserError(f"{library} has no network like '{network.name}'; it has {has}.")
    (counterpart,) = fitting
    options = {**counterpart.options, **({"auxiliary_heads": True} if isinstance(network.output, dict) else {})}
    try:
        model = outline(counterpart.network, network.input_shape[1:], network.get_layer("logits").units, **options)
    except UserError:
        difference = f"that cannot take images as small as {_size(network.input_shape)}"
    else:
        difference = _difference(network, model) or _flattening_difference(network, counterpart)
    if difference:
        raise UserError(f"'{network.name}' is not {counterpart.full_title}: {difference}.")
    return counterpart


def _flattening_difference(network: keras.Model, counterpart: Counterpart) -> str:
    """Describe how the sizes of the maps before the first dense layer differ; empty where they do not."""
    if counterpart.pooled is None:
        return ""
    side, found = counterpart.pooled, network.get_layer("flatten").input.shape
    return "" if found[1:3] == (side, side) else f"fc6 reads maps of {_size(found)}, not {side}x{side}"


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[2]}"


def _difference(network: keras.Model, model: keras.Model) -> str:
    """Say in what a network differs first from a model of the counterpart; empty where it does not."""
    ours = {layer.name: layer for layer in network.layers}
    theirs = {layer.name: layer for layer in model.layers}
    for name in [*ours, *theirs]:
        if name not in theirs:
            return f"that has no layer '{name}'"
        if name not in ours:
            return f"it lacks the layer '{name}'"
        own, other = _settings(ours[name]), _settings(theirs[name])
        for key in {**own, **other}:
            if own.get(key) != other.get(key):
                return f"the {key} of '{name}' is {own.get(key)}, not {other.get(key)}"
    return ""


def _settings(layer: keras.Layer) -> dict[str, Any]:
    settings = {
        key: value
        for key, value in layer.get_config().items()
        if key not in _TRAINING_ONLY and not key.endswith(("initializer", "regularizer", "constraint"))
    }
    return {"class": type(layer).__name__, **settings}


def _taken_apart(model: keras.Model) -> tuple[keras.Model, Array | None, Array | None]:
    """Return a model's network, and mean and deviation of the pixels 0..255 that stand before it."""
    network = next((layer for layer in model.layers if isinstance(layer, keras.Model)), model)
    rescaling = [layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling)]
    if not rescaling:
        return network, None, None
    scale, offset = (np.asarray(value, "float64") * np.ones(3) for value in (rescaling[0].scale, rescaling[0].offset))
    return network, -offset / scale, 1 / scale


def _preparation(counterpart: Counterpart, mean: Array | None, deviation: Array | None) -> dict[str, Any]:
    """Describe how to prepare the images of an exported network, in the library's order of the channels."""
    order = -1 if counterpart.library == "keras.applications" else 1
    given = [None if values is None else [round(float(v), 4) for v in values[::order]] for values in (mean, deviation)]
    usual = [[round(255 * v, 4) for v in values[::order]] for values in (counterpart.mean, counterpart.deviation)]
    return {
        "channels": "RGB" if order == 1 else "BGR",
        "mean": given[0],
        "deviation": given[1],
        "usual": None if mean is None else given == usual,
    }
