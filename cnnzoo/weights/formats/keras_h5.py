"""Files that Keras writes in HDF5: a group of numbered or named weights per layer."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

import h5py
import numpy as np

from cnnzoo.classifier import hdf5
from cnnzoo.classifier.hdf5 import HDF5Error, Weight
from cnnzoo.classifier.hdf5_process import UNPACKING_ERRORS, WEIGHTS
from cnnzoo.weights.formats.tensor import DTYPES, Array, Contents, FileError, Tensor, strided

# The weights of a layer in Keras's order, by their number: of a convolution or a dense layer, and of batch
# normalization. The oldest downloads have other names ("block1_conv1_W_1:0") in the same order.
_WEIGHTS = {
    1: ("kernel",),
    2: ("kernel", "bias"),
    4: ("gamma", "beta", "moving_mean", "moving_variance"),
}

# ResNet's downloads of 2019 have the old name.
_RENAMED = {"probs": "predictions"}


@contextmanager
def open_weights(path: Path, key: str | None = None) -> Iterator[Contents]:
    """Open a file of weights: ``.h5`` as keras.applications offers it for download, or ``.weights.h5``.

    Raises:
        FileError: It is not one of these, or is damaged.
    """
    if key is not None:
        raise FileError(f"is not a PyTorch file, so it has no state dict '{key}'")
    try:
        layers = hdf5.layers(path)
    except HDF5Error as error:
        raise FileError(str(error)) from None
    with path.open("rb") as file:

        def tensor(weight: Weight) -> Tensor:
            def data(position: int, length: int) -> bytes:
                if weight.place is None:
                    return bytes(weight.numbers[position : position + length])
                file.seek(weight.place + position)
                return file.read(length)

            size = np.dtype(DTYPES[weight.dtype]).itemsize
            count = (
                len(weight.numbers) // size if weight.place is None else (path.stat().st_size - weight.place) // size
            )
            return strided(data, count, weight.dtype, 0, weight.shape)

        tensors = {
            f"{_RENAMED.get(layer, layer)}/{name}": tensor(weight)
            for layer, weights in layers
            for name, weight in zip(_WEIGHTS.get(len(weights), _numbers(len(weights))), weights, strict=True)
        }
        if not tensors:
            raise FileError("holds no weights of layers")
        yield Contents(tensors)


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


@contextmanager
def open_model(path: Path, key: str | None = None) -> Iterator[Contents]:
    """Open the weights in a ``.keras`` file.

    Raises:
        FileError: It has none, or is damaged.
    """
    with TemporaryDirectory(prefix="cnnzoo-") as folder:
        unpacked = Path(folder) / WEIGHTS
        try:
            with zipfile.ZipFile(path) as archive:
                if archive.getinfo(WEIGHTS).file_size > path.stat().st_size:
                    raise FileError("has compressed weights, which Keras never writes")
                with archive.open(WEIGHTS) as source, unpacked.open("wb") as target:
                    copyfileobj(source, target)
        except UNPACKING_ERRORS:
            raise FileError("is damaged: its weights cannot be unpacked; a download may have broken off") from None
        with open_weights(unpacked, key) as contents:
            yield contents


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
