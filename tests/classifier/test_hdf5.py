"""HDF5 files from unknown sources, in a process that is ended when it does not finish."""

import zipfile

import h5py
import numpy as np
import pytest

from cnnzoo.classifier import hdf5
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


def test_numbers_are_found_in_one_piece_or_returned(tmp_path):
    whole = hdf5.layers(write(tmp_path / "a.h5", {"kernel": KERNEL, "bias": KERNEL[0]}))
    ((layer, (kernel, bias)),) = whole
    assert (layer, kernel.dtype, kernel.shape, bias.shape) == ("conv", "float32", (2, 3), (3,))
    assert (tmp_path / "a.h5").read_bytes()[kernel.place :].startswith(KERNEL.tobytes())
    for numbers, options in ((KERNEL, {"chunks": (1, 2)}), (KERNEL.astype(">f4"), {})):
        ((_, (kernel, bias)),) = hdf5.layers(
            write(tmp_path / "b.h5", {"kernel": numbers, "bias": numbers[:1]}, **options)
        )
        assert (kernel.place, bytes(kernel.numbers)) == (None, KERNEL.tobytes())
        assert bytes(bias.numbers) == KERNEL[:1].tobytes()


def test_a_file_that_hdf5_does_not_finish_reading_is_given_up(tmp_path):
    path = tmp_path / "a.h5"
    keras_h5.write(path, {"conv/kernel": np.ones((3, 3, 3, 4), "float32"), "conv/bias": np.ones(4, "float32")})
    content = bytearray(path.read_bytes())
    content[content.index(b"conv/bias:0") - 8] = 72  # how long HDF5 takes this text to be
    path.write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.write(path, "model.weights.h5")
    for read, file in ((hdf5.layers, path), (hdf5.check_model, tmp_path / "a.keras")):
        with pytest.raises(hdf5.HDF5Error, match="HDF5 did not finish reading it, or crashed"):
            read(file, seconds=1)


def test_two_tensors_never_share_their_numbers(tmp_path):
    path = write(tmp_path / "a.h5", {"kernel": KERNEL, "bias": KERNEL})
    ((_, (kernel, bias)),) = hdf5.layers(path)
    content = path.read_bytes()
    first, second = (weight.place.to_bytes(8, "little") for weight in (kernel, bias))
    assert content.count(second) == 1
    path.write_bytes(content.replace(second, first))
    with pytest.raises(hdf5.HDF5Error, match="two of its tensors lie in the same place"):
        hdf5.layers(path)
    path.write_bytes(content.replace(second, (len(content) - 8).to_bytes(8, "little")))
    with pytest.raises(hdf5.HDF5Error, match="is damaged"):
        hdf5.layers(path)


def test_a_layer_that_holds_itself_has_an_end(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        layers = file.create_group("layers")
        layers.create_group("a").create_group("vars")
        file["layers/a/layers"] = layers
    with pytest.raises(hdf5.HDF5Error, match="is not laid out as Keras lays out weights"):
        hdf5.layers(tmp_path / "a.h5")


def test_layers_of_a_network_inside_a_network_have_both_names(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for place, name in (("layers/dense", "dense"), ("layers/functional/layers/conv2d", "conv1_conv")):
            file.create_group(f"{place}/vars").attrs["name"] = name
            file[f"{place}/vars/0"] = KERNEL
        file.create_group("layers/functional/vars").attrs["name"] = "resnet50"
    assert [name for name, _ in hdf5.layers(tmp_path / "a.h5")] == ["dense", "resnet50/conv1_conv"]
