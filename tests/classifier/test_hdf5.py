"""HDF5 files from unknown sources, in a process that is ended when it does not finish."""

import zipfile

import h5py
import numpy as np
import pytest

from cnnzoo.classifier import hdf5
from cnnzoo.errors import DamagedContentsError
from cnnzoo.weights.formats import keras_h5


def write(path, values, **options):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"conv"]
        group = file.create_group("conv")
        group.attrs["weight_names"] = [f"{name}:0".encode() for name in values]
        for name, numbers in values.items():
            group.create_dataset(f"{name}:0", data=numbers, **options)
    return path


KERNEL = np.arange(6, dtype="float32").reshape(2, 3)


def read(path, **options):
    with hdf5.open_layers(path, **options) as layers:
        return [(layer, [dataset[()] for dataset in datasets]) for layer, datasets in layers]


def test_numbers_are_read_in_one_piece_in_chunks_and_in_either_byte_order(tmp_path):
    ((layer, (kernel, bias)),) = read(write(tmp_path / "a.h5", {"kernel": KERNEL, "bias": KERNEL[0]}))
    assert (layer, kernel.dtype, kernel.shape, bias.shape) == ("conv", "float32", (2, 3), (3,))
    assert np.array_equal(kernel, KERNEL)
    for numbers, options in ((KERNEL, {"chunks": (1, 2)}), (KERNEL.astype(">f4"), {})):
        path = write(tmp_path / "b.h5", {"kernel": numbers, "bias": numbers[:1]}, **options)
        ((_, (kernel, bias)),) = read(path)
        assert np.array_equal(kernel, KERNEL)
        assert np.array_equal(bias, KERNEL[:1])


def test_a_file_that_hdf5_does_not_finish_reading_is_an_error(tmp_path):
    path = tmp_path / "a.h5"
    keras_h5.write(path, {"conv/kernel": np.ones((3, 3, 3, 4), "float32"), "conv/bias": np.ones(4, "float32")})
    content = bytearray(path.read_bytes())
    content[content.index(b"conv/bias:0") - 8] = 72  # how long HDF5 takes this text to be
    path.write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.write(path, "model.weights.h5")
    for check, file in ((read, path), (read, tmp_path / "a.keras"), (hdf5.check_model, tmp_path / "a.keras")):
        with pytest.raises(DamagedContentsError, match="HDF5 did not finish reading it, or crashed"):
            check(file, seconds=1)


def test_two_tensors_never_share_their_numbers(tmp_path):
    path = write(tmp_path / "a.h5", {"kernel": KERNEL, "bias": KERNEL})
    with hdf5.open_layers(path) as ((_, (kernel, bias)),):
        first, second = (dataset.id.get_offset().to_bytes(8, "little") for dataset in (kernel, bias))
    content = path.read_bytes()
    assert content.count(second) == 1
    path.write_bytes(content.replace(second, first))
    with pytest.raises(DamagedContentsError, match="two of its tensors are in the same place"):
        read(path)
    path.write_bytes(content.replace(second, (len(content) - 8).to_bytes(8, "little")))
    with pytest.raises(DamagedContentsError, match="is damaged"):
        read(path)


def test_a_layer_that_contains_itself_is_an_error(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        layers = file.create_group("layers")
        layers.create_group("a").create_group("vars")
        file["layers/a/layers"] = layers
    with pytest.raises(DamagedContentsError, match="does not have Keras's layout of weights"):
        read(tmp_path / "a.h5")


def test_layers_of_a_network_inside_a_network_have_both_names(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for place, name in (("layers/dense", "dense"), ("layers/functional/layers/conv2d", "conv1_conv")):
            file.create_group(f"{place}/vars").attrs["name"] = name
            file[f"{place}/vars/0"] = KERNEL
        file.create_group("layers/functional/vars").attrs["name"] = "resnet50"
    assert [name for name, _ in read(tmp_path / "a.h5")] == ["dense", "resnet50/conv1_conv"]
