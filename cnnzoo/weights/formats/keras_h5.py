"""HDF5 files of Keras: for each layer a group of weights, which have numbers or names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path

import h5py

from cnnzoo.classifier import hdf5
from cnnzoo.errors import DamagedContentsError
from cnnzoo.weights.formats.contents import Array, Tensor, WeightFile

# The names of a layer's weights in Keras's order, by how many it has: a convolution or dense layer has one or two, and
# batch normalization four. The oldest downloads have other names ("block1_conv1_W_1:0") in the same order.
_WEIGHTS = {
    1: ("kernel",),
    2: ("kernel", "bias"),
    4: ("gamma", "beta", "moving_mean", "moving_variance"),
}

# The old name of a layer, in ResNet's downloads of 2019.
_RENAMED = {"probs": "predictions"}


@contextmanager
def open_file(path: Path, key: str | None = None) -> Iterator[WeightFile]:
    """Open ``.h5`` as keras.applications offers it for download, ``.weights.h5``, or the weights in a ``.keras`` file.

    Raises:
        DamagedContentsError: The file is not one of these, or is damaged.
    """
    if key is not None:
        raise DamagedContentsError(f"is not a PyTorch file, so it has no state dict '{key}'")
    with hdf5.open_layers(path) as layers:
        tensors = {
            f"{_RENAMED.get(layer, layer)}/{name}": Tensor(
                dataset.shape, dataset.dtype.name, partial(dataset.__getitem__, ())
            )
            for layer, datasets in layers
            for name, dataset in zip(_WEIGHTS.get(len(datasets), map(str, range(len(datasets)))), datasets, strict=True)
        }
        if not tensors:
            raise DamagedContentsError("holds no weights of layers")
        yield WeightFile("keras.applications", tensors)


def write(path: Path, tensors: Mapping[str, Array]) -> None:
    """Write weights as keras.applications offers them for download.

    Args:
        path: The file.
        tensors: The weights by ``layer/weight``, those of a layer together, the layers in the order of the network.
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
