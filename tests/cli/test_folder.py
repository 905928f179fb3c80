"""The user's own images, with every command."""

import json
import re
import shutil

import numpy as np
import pytest
from commands import write_photos
from PIL import Image

from cnnzoo.runs import Run

CONFIG = """model: {name: lecture_keras}
data: {name: folder, path: photos, size: 28, channels: 3, broken: skip}
optimizer: {name: adam, learning_rate: 0.003}
training: {epochs: 4, batch_size: 7}
"""


@pytest.fixture
def here(cnnzoo, tmp_path):
    write_photos(tmp_path / "photos")
    (tmp_path / "mine.yaml").write_text(CONFIG)
    return tmp_path


@pytest.mark.slow
def test_training_images_are_not_tested_when_the_folder_has_changed(cnnzoo, here):
    photos = here / "photos"
    answer = cnnzoo("train", "mine.yaml", "--run", "run", "--set", "training.epochs=1", "--set", "data.validation=2")
    assert answer.code == 0, answer.err
    assert re.search(
        "^There are no validation images of (blue|green|red), so these classes do not", answer.err, re.MULTILINE
    )
    learnt = Run(here / "run").division()
    assert set(learnt.values()) == {"train", "validation"}
    everything = {path.relative_to(photos).as_posix() for path in photos.rglob("*.*")}
    for name in sorted(everything - learnt.keys())[:2]:
        (photos / name).unlink()
    answer = cnnzoo("eval", "run")
    assert answer.code == 0, answer.err
    tested = len(everything) - len(learnt) - 2
    assert f"of {tested} images" in answer.out
    assert "left out: they were not test images when the run was trained" in answer.out
    Run(here / "run").division_path.unlink()
    assert "some may be training images of the run: its division.csv is missing or empty" in cnnzoo("eval", "run").out


@pytest.mark.slow
def test_a_run_keeps_its_classes_when_the_folder_is_gone(cnnzoo, here):
    for name in ("bad.png", "broken.png"):  # by their names one to test, one to train on
        (here / "photos" / "red" / name).write_bytes(name.encode())
    trained = cnnzoo("train", "mine.yaml")
    assert trained.code == 0, trained.err
    with Image.open(here / "runs/0001-mine/curves.png") as curves:
        assert curves.text["Title"].startswith("lecture_keras on photos, seed 0, epoch ")
    assert (
        "Data  folder, 22 images to train, 3 to validate; "
        "1 of 26 training and validation images left out as unreadable: red/broken.png" in trained.err
    )
    assert "\n      3 classes: blue, green, red\n      images: 22 train, 3 validation, 6 test\n" in trained.err
    assert Run(here / "runs/0001-mine").metrics()["data"]["class_names"] == ["blue", "green", "red"]
    tested = cnnzoo("eval", "--json")
    assert tested.code == 0, tested.err
    report = json.loads(tested.out)["runs"][0]
    assert (report["images"], report["remark"]) == (5, "1 of 6 test images left out as unreadable: red/bad.png")
    assert [row["class"] for row in report["per_class"]] == ["blue", "green", "red"]
    assert report["accuracy"] > 0.8
    assert json.loads((here / "runs/0001-mine/report-test.json").read_text()) == report

    shutil.move(here / "photos", here / "moved")
    green = np.zeros((50, 70, 3), "uint8") + np.array([200, 40, 80], "uint8")
    Image.fromarray(green).save(here / "photo.jpg")
    seen = cnnzoo("predict", "runs/0001-mine", "photo.jpg", "--json")
    assert json.loads(seen.out)["predictions"][0]["top"][0]["class"] == "green"
    gone = cnnzoo("eval")
    assert (gone.code, gone.out) == (2, "")
    assert "photos is not a directory; data.path, or --data-dir, names the folder of the images." in gone.err
    assert "accuracy" in cnnzoo("eval", "--data-dir", "moved").out
    voted = cnnzoo("ensemble", "runs/0001-mine", "--data-dir", "moved")
    assert voted.code == 0, voted.err

    write_photos(here / "moved", ("violet",))
    for command in ("eval", "ensemble"):
        other = cnnzoo(command, "runs/0001-mine", "--data-dir", "moved")
        assert (other.code, other.out) == (2, "")
        assert "the config has 3 classes. Unknown: 'violet'. Missing: none." in other.err
    assert sorted(path.name for path in (here / "runs").iterdir() if path.is_dir()) == ["0001-mine", "0002-ensemble"]


@pytest.mark.parametrize("command", ["train", "ensemble"])
def test_an_unsuitable_folder_leaves_no_run(cnnzoo, here, command):
    shutil.rmtree(here / "photos" / "red")
    shutil.rmtree(here / "photos" / "green")
    answer = cnnzoo(command, "--config", "mine.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert "Error: mine.yaml, line 2: data.path: " in answer.err
    assert not (here / "runs").exists()


def test_validate_checks_the_folder(cnnzoo, here):
    (here / "photos" / "notes.txt").write_text("no image")
    assert cnnzoo("config", "validate", "mine.yaml").out.splitlines() == [
        "mine.yaml: valid",
        "  3 classes: blue, green, red",
        "  images: 22 train, 2 validation, 6 test",
        "  left out: files that are not images: 1 (.txt 1), such as notes.txt",
        "  note: there is no validation image of red",
        "  note: test and validation images are chosen by file name and data.split_seed 0",
        "  note: no image was decoded; train and eval find those that cannot be read",
    ]
    found = json.loads(cnnzoo("config", "validate", "mine.yaml", "digits", "--json").out)["data"]
    assert found["mine.yaml"]["images"] == {"train": 22, "validation": 2, "test": 6}
    small = cnnzoo("config", "validate", "mine.yaml", "--set", "data.size=2")
    assert (small.code, small.out) == (2, "")
    shutil.rmtree(here / "photos")
    gone = cnnzoo("config", "validate", "mine.yaml")
    assert (gone.code, gone.out) == (2, "")
    assert gone.err.startswith("Error: mine.yaml, line 2: data.path: ")
