"""Weights of our networks, written as another library's."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnnzoo import files
from cnnzoo.errors import UserError
from cnnzoo.inspection import outline
from cnnzoo.weights.conversion import describe_invalid_values, list_conversions
from cnnzoo.weights.formats import keras_h5, safetensors_file, torch_pth
from cnnzoo.weights.formats.contents import Array, Library
from cnnzoo.weights.layer_names import COUNTERPARTS, Counterpart
from cnnzoo.weights.preprocessing import PREPROCESSINGS

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
        UserError: The suffix is not one of these, the library has no such network, weights are not finite, or
            PyTorch, which writes .pth and .pt, is not installed.
    """
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path}: the suffix tells the format; it is one of {', '.join(SUFFIXES)}.")
    if path.name.endswith(".weights.h5"):
        raise UserError(f"{path}: Keras looks for another layout in .weights.h5; name it {path.name[:-11]}.h5.")
    network = next((layer for layer in model.layers if isinstance(layer, keras.Model)), model)
    counterpart = _find_counterpart(network, SUFFIXES[path.suffix])
    tensors: dict[str, Array] = {}
    for conversion in list_conversions(network, counterpart):
        name = conversion.name
        tensors[name] = conversion.values()
        if invalid := describe_invalid_values(name, tensors[name]):
            raise UserError(f"'{network.name}' cannot be exported: {invalid}; its training diverged.")
        if name.endswith(".running_var"):
            tensors[name.replace("running_var", "num_batches_tracked")] = np.zeros((), "int64")
    facts = {
        "library": counterpart.library,
        "network": counterpart.title,
        "tensors": len(tensors),
        "input_shape": list(network.input_shape[1:]),
        "num_classes": network.get_layer("logits").units,
        "auxiliary_heads": isinstance(network.output, dict),
        **_describe_preprocessing(model, counterpart),
    }
    with files.whole(path) as temporary:
        if path.suffix == ".h5":
            keras_h5.write(temporary, tensors)
        elif path.suffix == ".safetensors":
            words = {key: str(facts[key]) for key in ("network", "channels", "mean", "deviation")}
            safetensors_file.write(temporary, tensors, {"format": "pt", **words})
        else:
            torch_pth.write(temporary, tensors)
    return facts


def _find_counterpart(network: keras.Model, library: Library) -> Counterpart:
    """Return the network of a library that is the same as ours, layer by layer.

    Raises:
        UserError: The library has none.
    """
    weighted = {
        layer.name
        for layer in network.layers
        if isinstance(getattr(layer, "kernel", None), keras.Variable)
        or isinstance(layer, keras.layers.BatchNormalization)
    }
    own = [counterpart for counterpart in COUNTERPARTS if counterpart.library == library]
    fitting = [one for one in own if weighted in ({*one.layers}, {*one.layers, *one.auxiliary})]
    if not fitting:
        names = ", ".join(dict.fromkeys(counterpart.network for counterpart in own))
        raise UserError(f"{library} has no network like '{network.name}'; it has {names}.")
    (counterpart,) = fitting
    options = {**counterpart.options, **({"auxiliary_heads": True} if isinstance(network.output, dict) else {})}
    try:
        model = outline(counterpart.network, network.input_shape[1:], network.get_layer("logits").units, **options)
    except UserError:
        difference = f"that cannot take images as small as {_format_size(network.input_shape)}"
    else:
        difference = _find_difference(network, model)
    if counterpart.pooled and not difference:
        side, found = counterpart.pooled, network.get_layer("flatten").input.shape
        difference = "" if found[1:3] == (side, side) else f"fc6 reads maps of {_format_size(found)}, not {side}x{side}"
    if difference:
        raise UserError(f"'{network.name}' is not {counterpart.full_title}: {difference}.")
    return counterpart


def _format_size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[2]}"


def _find_difference(network: keras.Model, model: keras.Model) -> str:
    """Describe the first difference between our network and a model of the counterpart; empty where there is none."""
    ours = {layer.name: _list_settings(layer) for layer in network.layers}
    theirs = {layer.name: _list_settings(layer) for layer in model.layers}
    for name in {**ours, **theirs}:
        if name not in theirs:
            return f"that has no layer '{name}'"
        if name not in ours:
            return f"it lacks the layer '{name}'"
        for key in {**ours[name], **theirs[name]}:
            own, other = ours[name].get(key), theirs[name].get(key)
            if own != other:
                return f"the {key} of '{name}' is {own}, not {other}"
    return ""


def _list_settings(layer: keras.Layer) -> dict[str, Any]:
    settings = {
        key: value
        for key, value in layer.get_config().items()
        if key not in _TRAINING_ONLY and not key.endswith(("initializer", "regularizer", "constraint"))
    }
    return {"class": type(layer).__name__, **settings}


def _describe_preprocessing(model: keras.Model, counterpart: Counterpart) -> dict[str, Any]:
    """Describe how to prepare the images of an exported model, in the library's order of the channels."""
    order = -1 if counterpart.library == "keras.applications" else 1
    usual = PREPROCESSINGS[counterpart.preprocessing]
    rescaling = next((layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling)), None)
    mean = deviation = None
    if rescaling:
        scale, offset = (np.asarray(value, "float64") * np.ones(3) for value in (rescaling.scale, rescaling.offset))
        mean, deviation = _round((-offset / scale)[::order]), _round((1 / scale)[::order])
    own = [_round(255 * np.array(values)[::order]) for values in (usual.mean, usual.deviation)]
    return {
        "channels": "RGB" if order == 1 else "BGR",
        "mean": mean,
        "deviation": deviation,
        "usual": None if mean is None else [mean, deviation] == own,
    }


def _round(values: Array) -> list[float]:
    return [round(float(value), 4) for value in values]
