"""Files with a few changed bytes: the right weights or one sentence."""

import argparse
import zipfile

import numpy as np
import pytest
import torch

from cnnzoo.errors import UserError
from cnnzoo.weights.formats import keras_h5, safetensors_file
from cnnzoo.weights.weight_file import open_weight_file

pytestmark = pytest.mark.slow

TENSORS = {
    "conv/kernel": np.arange(108, dtype="float32").reshape(3, 3, 3, 4) / 7,
    "conv/bias": np.ones(4, "float32"),
    "dense/kernel": np.arange(12, dtype="float32").reshape(4, 3) / 7,
    "dense/bias": np.ones(3, "float32"),
}
DOTTED = {name.replace("/", "."): values for name, values in TENSORS.items()}


def write(path):
    if path.suffix == ".h5":
        keras_h5.write(path, TENSORS)
    elif path.suffix == ".keras":
        keras_h5.write(path.with_suffix(".h5"), TENSORS)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "{}")
            archive.write(path.with_suffix(".h5"), "model.weights.h5")
    elif path.suffix == ".safetensors":
        safetensors_file.write(path, DOTTED, {})
    else:
        state = {name: torch.from_numpy(values) for name, values in DOTTED.items()}
        torch.save({"state_dict": state, "args": argparse.Namespace(lr=0.1), "epoch": 3}, path)


def damaged(content, generator):
    broken = bytearray(content)
    for place in generator.integers(0, len(broken), generator.integers(1, 5)):
        broken[place] = generator.integers(0, 256)
    return broken[: generator.integers(0, len(broken))] if generator.random() < 0.2 else broken


# Another process opens each file of HDF5.
@pytest.mark.parametrize(("suffix", "count"), [(".pth", 300), (".safetensors", 300), (".h5", 8), (".keras", 8)])
def test_a_damaged_file_is_read_or_refused_in_one_sentence(suffix, count, tmp_path):
    write(tmp_path / f"whole{suffix}")
    content = (tmp_path / f"whole{suffix}").read_bytes()
    generator = np.random.default_rng(0)
    path = tmp_path / f"a{suffix}"
    sentences: list[str] = []
    for _ in range(count):
        path.write_bytes(damaged(content, generator))
        try:
            with open_weight_file(path) as checkpoint:
                found = {name: tensor.values() for name, tensor in checkpoint.tensors.items()}
        except UserError as error:
            sentences.append(str(error))
            continue
        if suffix in {".pth", ".keras"}:  # the zip format has checksums, the others have none
            expected = TENSORS if suffix == ".keras" else DOTTED
            assert set(found) == set(expected)
            assert all(np.array_equal(found[name], values) for name, values in expected.items())
    assert sentences
    assert suffix == ".keras" or len(sentences) < count  # checksums cover nearly all of a .keras file
    assert not any("\n" in sentence for sentence in sentences)
