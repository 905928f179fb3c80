import zipfile

import keras
import numpy as np
import pytest

from cnnzoo.classifier import metadata
from cnnzoo.classifier.metadata import Metadata
from cnnzoo.errors import UserError

CATS = Metadata(
    title="torchvision's ResNet-18 from a.pth",
    network="resnet18",
    input_shape=(8, 8, 3),
    class_names=("cat", "pas un chat, ça"),
    shorter_side=9,
    source="a.pth",
    sha256="0" * 64,
)


@pytest.fixture
def path(tmp_path):
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]).save(tmp_path / "a.keras")
    return tmp_path / "a.keras"


def test_keras_loads_a_file_with_metadata(path):
    pixels = np.ones((1, 8, 8, 3), "float32")
    before = keras.saving.load_model(path).predict(pixels, verbose=0)
    assert metadata.read(path) is None
    metadata.write(path, CATS)
    assert metadata.read(path) == CATS
    assert np.array_equal(keras.saving.load_model(path).predict(pixels, verbose=0), before)


def test_new_metadata_replace_old_ones(path):
    metadata.write(path, CATS)
    metadata.write(path, Metadata(**{**vars(CATS), "class_names": ("a", "b")}))
    read = metadata.read(path)
    assert read is not None
    assert read.class_names == ("a", "b")


@pytest.mark.parametrize(
    "comment", [b"", b"hello", b"[]", b'{"cnnzoo": 3}', b'{"cnnzoo": {"title": "a"}}', b"[" * 60_000, b"\xff"]
)
def test_other_comments_are_not_metadata(comment, path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = comment
    assert metadata.read(path) is None


def test_other_files_have_no_metadata(tmp_path):
    (tmp_path / "a.keras").write_text("text")
    assert metadata.read(tmp_path / "a.keras") is None
    assert metadata.read(tmp_path / "none.keras") is None


def test_names_that_are_too_long_are_refused(path):
    long = Metadata(**{**vars(CATS), "class_names": ("a name as long as this",) * 5000})
    with pytest.raises(UserError, match="The names of the 5000 classes together are too long for a model file"):
        metadata.write(path, long)
    assert metadata.read(path) is None
