"""Weights of our networks, written to files of another library."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnnzoo import files
from cnnzoo.data.preprocessing import read_normalization
from cnnzoo.errors import UserError
from cnnzoo.inspection import compare_settings, outline
from cnnzoo.text import format_size
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


def export_weights(model: keras.Model, path: Path) -> dict[str, Any]:
    """Write the weights of a model to a file that another library can load.

    Args:
        model: One of our networks, alone or behind layers that prepare its images.
        path: The new file: .safetensors, .pth or .pt for torchvision, .h5 for keras.applications.

    Returns:
        ``library``, ``network`` (its title there), ``tensors`` (their number), ``input_shape``, ``num_classes`` and
        ``auxiliary_heads``; and how the model's images are prepared, which the file does not contain: ``channels``
        ("RGB" or "BGR"), in that order ``mean`` and ``deviation`` of pixels 0..255, and whether the library's own
        weights have the same (``usual``). The last three are None if no layer of the model prepares images.

    Raises:
        UserError: The suffix is not one of these, the library has no such network, weights are not finite, or
            PyTorch, which writes .pth and .pt, is not installed.
    """
    if path.suffix not in SUFFIXES:
        *others, last = SUFFIXES
        raise UserError(f"{path}: name a file that ends in {', '.join(others)} or {last}.")
    if path.name.endswith(".weights.h5"):
        raise UserError(f"{path}: Keras expects another layout in .weights.h5; name the file {path.name[:-11]}.h5.")
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
            metadata = {key: str(facts[key]) for key in ("network", "channels", "mean", "deviation")}
            safetensors_file.write(temporary, tensors, {"format": "pt", **metadata})
        else:
            torch_pth.write(temporary, tensors)
    return facts


def _find_counterpart(network: keras.Model, library: Library) -> Counterpart:
    """Return the network of a library that has the same layers as ours.

    Raises:
        UserError: The library has no such network.
    """
    weighted = {
        layer.name
        for layer in network.layers
        if isinstance(getattr(layer, "kernel", None), keras.Variable)
        or isinstance(layer, keras.layers.BatchNormalization)
    }
    candidates = [counterpart for counterpart in COUNTERPARTS if counterpart.library == library]
    fitting = [one for one in candidates if weighted in ({*one.layers}, {*one.layers, *one.auxiliary})]
    if not fitting:
        names = ", ".join(dict.fromkeys(counterpart.network for counterpart in candidates))
        raise UserError(f"{library} has no network like '{network.name}'; it has {names}.")
    (counterpart,) = fitting
    options = {**counterpart.options, **({"auxiliary_heads": True} if isinstance(network.output, dict) else {})}
    try:
        model = outline(counterpart.network, network.input_shape[1:], network.get_layer("logits").units, **options)
    except UserError:
        difference = f"that network cannot take images as small as {format_size(network.input_shape[1:3])}"
    else:
        difference = _find_difference(network, model)
    if counterpart.pooled and not difference:
        side, size = counterpart.pooled, network.get_layer("flatten").input.shape[1:3]
        difference = "" if size == (side, side) else f"fc6 reads maps of {format_size(size)}, not {side}x{side}"
    if difference:
        raise UserError(f"'{network.name}' is not {counterpart.full_title}: {difference}.")
    return counterpart


def _find_difference(network: keras.Model, model: keras.Model) -> str:
    """Describe the first difference between our network and a model of the counterpart; return "" if there is none."""
    ours, theirs = ({layer.name: layer for layer in one.layers} for one in (network, model))
    for name in {**ours, **theirs}:
        if name not in theirs:
            return f"that network has no layer '{name}'"
        if name not in ours:
            return f"its layer '{name}' is missing here"
        if settings := compare_settings(ours[name], theirs[name]):
            key, (ours_value, theirs_value) = next(iter(settings.items()))
            return f"the {key} of '{name}' is {ours_value}, not {theirs_value}"
    return ""


def _describe_preprocessing(model: keras.Model, counterpart: Counterpart) -> dict[str, Any]:
    """Describe how to prepare the images of an exported model, in the library's order of the channels."""
    order = -1 if counterpart.library == "keras.applications" else 1
    usual = PREPROCESSINGS[counterpart.preprocessing]
    normalization = read_normalization(model.layers)
    mean, deviation = [_to_pixels(values, order) for values in normalization] if normalization else (None, None)
    usual_values = (_to_pixels(usual.mean, order), _to_pixels(usual.deviation, order))
    return {
        "channels": "RGB" if order == 1 else "BGR",
        "mean": mean,
        "deviation": deviation,
        "usual": None if normalization is None else (mean, deviation) == usual_values,
    }


def _to_pixels(values: Sequence[float], order: int) -> list[float]:
    """Return the values for red, green and blue, or one for all, in units of pixels; -1 reverses the order."""
    return [round(255 * float(value), 4) for value in np.broadcast_to(values, 3)[::order]]
