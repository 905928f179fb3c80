"""safetensors, HDF5, and files that are neither."""

import json
import struct

import h5py
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.torch import save_file

from cnnzoo.errors import UserError
from cnnzoo.weights.formats import keras_h5, safetensors_file
from cnnzoo.weights.weight_file import open_weight_file

pytestmark = pytest.mark.slow


def contents(path):
    with open_weight_file(path) as checkpoint:
        return {name: (tensor.shape, tensor.dtype, tensor.values()) for name, tensor in checkpoint.tensors.items()}


def test_safetensors_of_every_type_are_read(tmp_path):
    numbers = torch.arange(12) / 7
    types = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8)
    state = {str(dtype).removeprefix("torch."): numbers.reshape(3, 4).to(dtype) for dtype in types}
    state |= {"one_number": torch.tensor(2.5), "nothing": torch.zeros(0, 2)}
    save_file(state, tmp_path / "a.safetensors", {"format": "pt"})
    found = contents(tmp_path / "a.safetensors")
    assert set(found) == set(state)
    for name, values in state.items():
        shape, dtype, ours = found[name]
        assert (shape, dtype) == (tuple(values.shape), str(values.dtype).removeprefix("torch."))
        assert np.array_equal(ours, values.float().numpy()), name


def test_safetensors_that_are_written_can_be_read_by_their_library(tmp_path):
    state = {
        "weight": np.arange(24, dtype="float32").reshape(2, 3, 4).transpose(2, 0, 1),
        "count": np.zeros((), "int64"),
    }
    safetensors_file.write(tmp_path / "a.safetensors", state, {"format": "pt"})
    loaded = load_file(tmp_path / "a.safetensors")
    assert set(loaded) == set(state)
    with safe_open(tmp_path / "a.safetensors", "numpy") as file:
        assert file.metadata() == {"format": "pt"}
    for name, values in state.items():
        assert np.array_equal(loaded[name], values)
        assert (loaded[name].dtype, loaded[name].shape) == (values.dtype, values.shape)


def described(path, header, numbers=b"\0" * 16):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers)
    return path


def test_a_safetensors_file_that_claims_too_much_is_damaged(tmp_path):
    entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    assert contents(described(tmp_path / "a.safetensors", {"w": entry}))["w"][0] == (4,)
    for wrong in (
        {"shape": [5]},
        {"shape": [2**60]},
        {"shape": [2**63] * 64},
        {"shape": [1] * 3000},
        {"shape": [4, *[1] * 32]},
        {"shape": [-4]},
        {"shape": ["4"]},
        {"shape": 4},
        {"data_offsets": [0, 17]},
        {"data_offsets": [-1, 16]},
        {"data_offsets": [0.0, 16.0]},
        {"data_offsets": [0]},
        {"dtype": []},
    ):
        with pytest.raises(UserError, match=r"a\.safetensors is damaged"):
            contents(described(tmp_path / "a.safetensors", {"w": entry | wrong}))
    for header in (b"{", b'{"w": 3}', b"{}}", b'{"w":' + b"[" * 100_000, b"{\xff"):
        with pytest.raises(UserError, match=r"a\.safetensors is damaged"):
            contents(described(tmp_path / "a.safetensors", header))
    with pytest.raises(UserError, match=r"of a type that cannot be read \('F8_E4M3' in 'w'\)"):
        contents(described(tmp_path / "a.safetensors", {"w": entry | {"dtype": "F8_E4M3", "shape": [16]}}))
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{}")
    with pytest.raises(UserError, match="header too large"):
        contents(tmp_path / "a.safetensors")


def layered(path, **weights):
    keras_h5.write(path, {name.replace("__", "/"): values for name, values in weights.items()})
    return path


def test_hdf5_that_is_cut_off_or_has_another_layout_is_refused(tmp_path):
    path = layered(tmp_path / "a.h5", conv__kernel=np.ones((3, 3, 3, 4), "float32"), conv__bias=np.ones(4, "float32"))
    assert {name: shape for name, (shape, _, _) in contents(path).items()} == {
        "conv/kernel": (3, 3, 3, 4),
        "conv/bias": (4,),
    }
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"a\.h5 is damaged"):
        contents(path)
    with h5py.File(path, "w") as file:
        file["numbers"] = np.ones(3)
    with pytest.raises(UserError, match="does not have Keras's layout of weights"):
        contents(path)


def test_hdf5_cannot_refer_to_other_files_or_unpack_to_more_than_it_holds(tmp_path):
    other = layered(tmp_path / "other.h5", conv__kernel=np.ones((2, 2), "float32"))

    def replaced(make):
        path = layered(tmp_path / "a.h5", conv__kernel=np.ones((2, 2), "float32"))
        with h5py.File(path, "a") as file:
            del file["conv/conv/kernel:0"]
            make(file["conv/conv"])
        return path

    layout = h5py.VirtualLayout((2, 2), "float32")
    layout[:] = h5py.VirtualSource(other, "conv/conv/kernel:0", (2, 2))
    for make, message in [
        (lambda group: group.__setitem__("kernel:0", h5py.ExternalLink(other, "conv/conv/kernel:0")), "layout of"),
        (lambda group: group.__setitem__("kernel:0", h5py.SoftLink("/conv")), "layout of"),
        (lambda group: group.create_virtual_dataset("kernel:0", layout), "compressed or in another file"),
        (
            lambda group: group.create_dataset("kernel:0", (2, 2), "float32", external=[(str(other), 0, 16)]),
            "compressed or in another file",
        ),
        (
            lambda group: group.create_dataset("kernel:0", (2**20, 2**20), "float32", chunks=(64, 64)),
            "compressed or in another file",
        ),
        (
            lambda group: group.create_dataset("kernel:0", data=np.zeros((4096, 4096), "float32"), compression="gzip"),
            "compressed or in another file",
        ),
        (lambda group: group.create_dataset("kernel:0", data=np.array([b"text"])), "of a type that cannot be read"),
    ]:
        with pytest.raises(UserError, match=message):
            contents(replaced(make))


@pytest.mark.parametrize("content", [b"short", b"a long text that is neither of these formats, but text"])
def test_a_file_without_weights_is_refused_with_what_it_is(content, tmp_path):
    (tmp_path / "notes.pth").write_bytes(content)
    with pytest.raises(UserError, match=r"notes\.pth is not a weight file that can be read"):
        contents(tmp_path / "notes.pth")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    (tmp_path / "empty.pth").write_bytes(b"")
    with pytest.raises(UserError, match=r"empty\.pth is empty"):
        contents(tmp_path / "empty.pth")
    with pytest.raises(UserError, match=r"There is no file .*none\.pth"):
        contents(tmp_path / "none.pth")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        contents(tmp_path)
