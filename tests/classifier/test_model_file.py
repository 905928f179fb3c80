"""Model files from unknown sources; a sentence says why one cannot be loaded."""

import json
import zipfile
from pathlib import Path
from shutil import copyfile

import keras
import numpy as np
import pytest
from commands import Cnnzoo
from PIL import Image

from cnnzoo.classifier import metadata
from cnnzoo.classifier.metadata import Metadata
from cnnzoo.classifier.model_file import load_model
from cnnzoo.errors import UserError
from cnnzoo.weights.formats import keras_h5


class Doubling(keras.layers.Layer):
    def call(self, x):
        return 2 * x


class LambdaNorm(Doubling):
    pass


def saved(path, *layers):
    keras.Sequential(
        [keras.Input((8, 8, 3)), *layers, keras.layers.Flatten(), keras.layers.Dense(2)], name="small"
    ).save(path)
    return path


def changed(path, **members):
    """Write the archive again with other contents of some members."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            change = members.get(name.partition(".")[0])
            archive.writestr(name, change(content) if change else content)
    return path


def of_a_newer_keras(path):
    def newer(content):
        return json.dumps(json.loads(content) | {"keras_version": "3.999.0"}).encode()

    def other(content):
        return content.replace(b'"units": 2', b'"units": 2, "new_argument": 1')

    return changed(path, metadata=newer, config=other)


def cut(path):
    path.write_bytes(path.read_bytes()[:-3000])
    return path


def flipped(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"\x89HDF") + 2000] ^= 1
    path.write_bytes(content)
    return path


def sentence(path):
    with pytest.raises(UserError) as raised:
        load_model(path)
    return str(raised.value)


def test_a_model_is_loaded(tmp_path):
    assert load_model(saved(tmp_path / "a.keras")).name == "small"


def test_a_model_of_a_newer_keras_names_both_versions(tmp_path):
    message = sentence(of_a_newer_keras(saved(tmp_path / "a.keras")))
    assert f"was written by Keras 3.999.0, and Keras {keras.__version__} here cannot load it; install" in message


def test_the_error_names_an_unknown_layer(tmp_path):
    assert "has a layer of the class 'Doubling', which" in sentence(saved(tmp_path / "a.keras", Doubling()))
    assert "has a Lambda layer, whose code is in the file" in sentence(
        saved(tmp_path / "a.keras", keras.layers.Lambda(lambda x: x))
    )


def test_a_damaged_model_and_another_file_have_different_sentences(tmp_path):
    assert "a copy or download may have broken off" in sentence(cut(saved(tmp_path / "a.keras")))
    assert "its weights cannot be unpacked" in sentence(flipped(saved(tmp_path / "a.keras")))
    broken = changed(saved(tmp_path / "a.keras"), config=lambda _: b"{")
    assert "its description of the layers cannot be read" in sentence(broken)
    odd = changed(saved(tmp_path / "a.keras"), config=lambda text: text.replace(b'"units": 2', b'"units": -2'))
    assert "is damaged or is not a model that Keras" in sentence(odd)
    pixels = keras.Input((8,))
    keras.Model(pixels, keras.layers.Dense(2, name="last")(pixels)).save(tmp_path / "a.keras")
    lost = changed(
        tmp_path / "a.keras",
        config=lambda text: text.replace(b'"output_layers": [["last"', b'"output_layers": [["lost"').replace(
            b'"output_layers": ["last"', b'"output_layers": ["lost"'
        ),
    )
    assert "could not find layer lost" in sentence(lost)
    (tmp_path / "a.keras").write_text("text")
    assert "is damaged or is not a model: it is not the zip file that Keras writes" in sentence(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("notes.txt", "text")
    assert "is a zip file, but not a model that Keras has saved" in sentence(tmp_path / "a.keras")
    keras_h5.write(tmp_path / "a.keras", {"conv/kernel": np.ones((2, 2), "float32")})
    assert "is an HDF5 file, not a model in Keras 3's format" in sentence(tmp_path / "a.keras")


def compressed(path, method, **additions):
    """Write the archive again, compressed, with more bytes at the beginning or end of some members."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content + additions.get(name.partition(".")[0], b""))
    return path


def with_larger_claim(path, name):
    """Let the archive's directory say that a member has more bytes than there are."""
    content = bytearray(path.read_bytes())
    member = content.rindex(b"PK\x01\x02", 0, content.rindex(name.encode()))
    content[member + 20 : member + 28] = (len(content) + 1000).to_bytes(4, "little") * 2
    path.write_bytes(content)
    return path


def with_broken_data(path, name):
    content = bytearray(path.read_bytes())
    start = content.index(name.encode()) + len(name) + 12
    content[start : start + 8] = b"\xff" * 8
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("model") / "a.keras")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("config.json", "its description of the layers cannot be read"),
        ("metadata.json", "its description of the layers cannot be read"),
        ("model.weights.h5", "its weights cannot be unpacked"),
    ],
)
def test_a_member_that_cannot_be_unpacked_gives_a_one_line_error(name, message, model, tmp_path):
    path = tmp_path / "a.keras"
    copyfile(model, path)
    assert message in sentence(with_larger_claim(path, name))
    for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED):
        copyfile(model, path)
        assert message in sentence(with_broken_data(compressed(path, method), name))


def test_an_archive_that_unpacks_to_far_more_than_it_holds_is_not_unpacked(model, tmp_path):
    path = tmp_path / "a.keras"
    for member, message in {
        "config": r"its config.json would unpack to 70 MB, and no model needs more than 64",
        "metadata": "its metadata.json would unpack to 70 MB",
        "model": "its weights would unpack to far more than a file of its size can contain",
    }.items():
        copyfile(model, path)
        assert message in sentence(compressed(path, zipfile.ZIP_DEFLATED, **{member: b" " * (70 << 20)}))
    copyfile(model, path)
    assert load_model(compressed(path, zipfile.ZIP_LZMA)).name == "small"


def test_logits_that_are_not_finite_give_a_one_line_error(cnnzoo: Cnnzoo) -> None:
    saved(Path("a.keras"))
    model = load_model(Path("a.keras"))
    model.layers[-1].kernel.assign(np.full((192, 2), np.nan))
    model.save("a.keras")
    facts = {"title": "small", "network": "small", "input_shape": (8, 8, 3), "class_names": ("cat", "dog")}
    metadata.write(Path("a.keras"), Metadata(**facts, shorter_side=8, source="a.pth", sha256="0" * 64))
    Image.new("RGB", (9, 9)).save("a.png")
    done = cnnzoo("predict", "a.keras", "a.png", "--json")
    assert done.code == 2
    assert "NaN" not in done.out
    assert "Error: a.png: the logits of a.keras are not finite for it.\n" in done.err
