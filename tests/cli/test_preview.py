import json
from pathlib import Path

import numpy as np
import pytest

from cnnzoo import plots


def test_a_preview_is_drawn_for_a_config_and_its_settings(cnnzoo):
    answer = cnnzoo("data", "preview", "digits", "--count", "3")
    assert (answer.code, answer.out) == (0, "Picture: digits-preview.png\n"), answer.err
    assert Path("digits-preview.png").stat().st_size > 10_000
    answer = cnnzoo("data", "preview", "digits", "--output", "new/a.svg", "--set", "seed=1", "--count", "2", "--json")
    shown = json.loads(answer.out)
    assert shown["picture"] == "new/a.svg"
    texts = Path("new/a.svg").read_text()
    assert all(f"<!-- {text} -->" in texts for text in ("original", "epoch 6", *shown["classes"]))


def test_what_is_drawn_is_augmented_and_padded_but_not_normalized(tmp_path, monkeypatch):
    from cnnzoo.config import load as load_config
    from cnnzoo.training import previewing

    drawn = {}
    monkeypatch.setattr(plots, "preview", lambda *arguments, **_: drawn.update(zip("oanp", arguments, strict=True)))
    plain = ["augmentation={}", "preprocessing.pad=2"]
    previewing.draw(load_config("digits", plain), tmp_path / "a.png", count=4)
    assert [images.shape for images in drawn["a"]] == 6 * [(4, 32, 32, 1)]
    np.testing.assert_array_equal(drawn["a"][3][:, 2:-2, 2:-2], drawn["o"])
    previewing.draw(load_config("digits", [*plain, "augmentation.shift=3"]), tmp_path / "a.png", count=4)
    assert not np.array_equal(drawn["a"][0], drawn["a"][1])
    assert drawn["a"][0].max() > 200
    smaller = ["model={name: resnet20}", "training.progressive_resizing={epochs: 2, scale: 0.5}"]
    previewing.draw(load_config("digits", [*plain, *smaller]), tmp_path / "a.png", count=4)
    assert [images.shape[1] for images in drawn["a"]] == [18, 18, 32, 32, 32, 32]


def test_more_images_than_there_are_and_names_in_any_script_are_drawn(cnnzoo, photos, tmp_path):
    photos.joinpath("red").rename(photos / "紅 $x$")
    (tmp_path / "mine.yaml").write_text("model: {name: lenet5}\ndata: {name: folder, path: photos, size: 16}\n")
    answer = cnnzoo("data", "preview", "mine.yaml", "--count", "64", "--json")
    assert answer.code == 0, answer.err
    assert len(json.loads(answer.out)["classes"]) == 22


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("digitz",), "There is no config digitz"),
        (("digits", "--output", "a.xyz"), "--output a.xyz: a picture's name ends in .png or .svg."),
        (("digits", "--output", "there.png"), "--output there.png exists already; name a new file."),
        (("lenet", "--data-dir", "nowhere"), "nowhere is no directory."),
        (("digits", "--set", "augmentation.hue=0.1"), "augmentation.hue: the images of"),
        (("digits", "--set", "augmentation.cutout=80"), "augmentation.cutout: 80 pixels a side"),
        (("digits", "--set", "data.validation=9999"), "data.validation: A validation part of 9999 does not divide"),
    ],
)
def test_a_mistake_is_one_sentence_and_draws_nothing(cnnzoo, tmp_path, arguments, sentence):
    (tmp_path / "there.png").write_bytes(b"")
    answer = cnnzoo("data", "preview", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["there.png"]
