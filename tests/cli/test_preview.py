import json
from pathlib import Path

import numpy as np
import pytest
from commands import write_photos

pytestmark = pytest.mark.slow


def test_a_preview_is_drawn_for_a_config_and_its_settings(cnnzoo):
    answer = cnnzoo("data", "preview", "digits", "--count", "3")
    assert (answer.code, answer.out) == (0, "Picture: digits-preview.png\n"), answer.err
    assert Path("digits-preview.png").stat().st_size > 10_000
    answer = cnnzoo("data", "preview", "digits", "--output", "new/a.svg", "--set", "seed=1", "--count", "2", "--json")
    shown = json.loads(answer.out)
    assert shown["picture"] == "new/a.svg"
    texts = Path("new/a.svg").read_text()
    assert all(f"<!-- {text} -->" in texts for text in ("original", "epoch 6", *shown["classes"]))


def test_a_preview_is_augmented_and_padded_but_not_normalized():
    from cnnzoo.config import load as load_config
    from cnnzoo.training.preview import make_preview

    plain = ["augmentation={}", "preprocessing.pad=2"]
    preview = make_preview(load_config("digits", plain), count=4)
    assert [images.shape for images in preview.epochs] == 6 * [(4, 32, 32, 1)]
    np.testing.assert_array_equal(preview.epochs[3][:, 2:-2, 2:-2], preview.images)
    shifted = make_preview(load_config("digits", [*plain, "augmentation.shift=3"]), count=4)
    assert not np.array_equal(shifted.epochs[0], shifted.epochs[1])
    assert shifted.epochs[0].max() > 200
    smaller = ["model={name: resnet20}", "training.progressive_resizing={epochs: 2, scale: 0.5}"]
    shrunk = make_preview(load_config("digits", [*plain, *smaller]), count=4)
    assert [images.shape[1] for images in shrunk.epochs] == [18, 18, 32, 32, 32, 32]


def test_a_preview_may_ask_for_too_many_images_and_have_names_in_any_script(cnnzoo, tmp_path):
    photos = write_photos(tmp_path / "photos", count=3)
    photos.joinpath("red").rename(photos / "紅 $x$")
    (tmp_path / "mine.yaml").write_text("model: {name: lenet5}\ndata: {name: folder, path: photos, size: 16}\n")
    answer = cnnzoo("data", "preview", "mine.yaml", "--count", "64", "--json")
    assert answer.code == 0, answer.err
    assert len(json.loads(answer.out)["classes"]) == 6


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("digitz",), "There is no config digitz"),
        (("digits", "--output", "a.xyz"), "--output a.xyz: a picture's name must end in .svg or .png."),
        (("digits", "--output", "there.png"), "--output there.png exists already; name a new file."),
        (("lenet", "--data-dir", "nowhere"), "nowhere is not a directory."),
        (("digits", "--set", "augmentation.hue=0.1"), "augmentation.hue=0.1: the images of"),
        (("digits", "--set", "augmentation.cutout=80"), "augmentation.cutout=80: a square of 80 pixels"),
        (("digits", "--set", "data.validation=9999"), "data.validation=9999: A validation split of"),
    ],
)
def test_a_mistake_is_one_sentence_and_draws_nothing(cnnzoo, tmp_path, arguments, sentence):
    (tmp_path / "there.png").write_bytes(b"")
    answer = cnnzoo("data", "preview", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["there.png"]
