"""Files that Keras writes in HDF5: a group of numbered or named weights per layer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import h5py

from cnnzoo.porting.tensors import DTYPES, Array, FileError, Tensor

# The weights of a layer in Keras's order, by their number: of a convolution or a dense layer, and of batch
# normalization. The oldest downloads call them otherwise ("block1_conv1_W_1:0") but keep the order.
_WEIGHTS = {
    1: ("kernel",),
    2: ("kernel", "bias"),
    4: ("gamma", "beta", "moving_mean", "moving_variance"),
}

# ResNet's downloads of 2019 have the old name.
_RENAMED = {"probs": "predictions"}


@contextmanager
def opened(path: Path) -> Iterator[Mapping[str, Tensor]]:
    """Open a file of weights: ``.h5`` as keras.applications offers it for download, or ``.weights.h5``.

    Raises:
        FileError: It is neither, or is damaged.
    """
    try:
        file = h5py.File(path, "r")
    except OSError:
        raise FileError("is damaged: HDF5 cannot open it; a download may have broken off") from None
    with file:
        try:
            layers = dict(_numbered(file) if "layers" in file else _listed(_group(file, "model_weights") or file))
            tensors = {
                f"{_RENAMED.get(layer, layer)}/{name}": _tensor(f"{layer}/{name}", dataset)
                for layer, datasets in layers.items()
                for name, dataset in zip(_WEIGHTS[len(datasets)], datasets, strict=True)
            }
        except (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError):
            raise FileError("is not laid out as Keras lays out weights in HDF5") from None
        if not tensors:
            raise FileError("holds no weights of layers")
        yield tensors


def _listed(file: h5py.Group) -> Iterator[tuple[str, list[h5py.Dataset]]]:
    """Go through the layers of the older layout: attributes list the layers and each one's weights."""
    for layer in map(_text, file.attrs["layer_names"]):
        group = _step(file, layer)
        datasets = [_step(group, _text(name)) for name in group.attrs["weight_names"]]
        if datasets:
            yield layer, datasets


def _numbered(file: h5py.File) -> Iterator[tuple[str, list[h5py.Dataset]]]:
    """Go through the layers of Keras 3's layout: weights are numbered, and an attribute names the layer."""
    layers = _step(file, "layers")
    for key in layers:
        weights = _step(layers, f"{key}/vars")
        datasets = [_step(weights, str(number)) for number in range(len(weights))]
        if datasets:
            yield _text(weights.attrs["name"]), datasets


def _group(file: h5py.File, name: str) -> h5py.Group | None:
    return _step(file, name) if name in file else None


def _step(group: h5py.Group, path: str) -> Any:
    """Return what lies at a path, without following links, which may lead to other files."""
    for name in path.strip("/").split("/"):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise KeyError(name)
        group = group[name]
    return group


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _tensor(name: str, dataset: h5py.Dataset) -> Tensor:
    if dataset.dtype.name not in DTYPES:
        raise FileError(f"holds numbers of a kind that is not read ({dataset.dtype.name} in {name!r})")
    # A dataset may claim any size: what it has in this file itself is what it can be read from.
    if dataset.is_virtual or dataset.external or dataset.id.get_storage_size() < dataset.nbytes:
        raise FileError(f"does not hold the numbers of {name!r} itself, uncompressed")

    def read() -> Array:
        try:
            values: Array = dataset[()]
        except (OSError, RuntimeError):
            raise FileError(f"is damaged: {name!r} cannot be read") from None
        return values

    return Tensor(dataset.shape, dataset.dtype.name, read)


def write(path: Path, tensors: Mapping[str, Array]) -> None:
    """Write weights as keras.applications offers them for download.

    Args:
        path: The file.
        tensors: By ``layer/weight``, all of a layer together, the layers in the order of their network.
    """
    layers = {layer: list(names) for layer, names in groupby(tensors, key=lambda name: name.partition("/")[0])}
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        file.attrs["backend"] = b"tensorflow"
        for layer, names in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [f"{name}:0".encode() for name in names]
            for name in names:
                group.create_dataset(f"{name}:0", data=tensors[name])
