"""Folders as people have them: what is a part, what is a class, and what is left out."""

import json
import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from cnnzoo import data
from cnnzoo.config import FolderSection
from cnnzoo.errors import UserError


def put_images(folder, *names, count=4, suffix=".png"):
    """Write images into folders; no two of one call are the same."""
    for number, name in enumerate(names):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(0 if name.endswith("/") else count):
            pixels = np.full((4, 4, 3), (number * 50, index * 10, sum(map(ord, name)) % 256), "uint8")
            Image.fromarray(pixels).save(folder / name / f"{index}{suffix}")


def section(folder, **settings):
    return FolderSection(name="folder", path=str(folder), size=8, **settings)


def counts(folder, **settings):
    return dict(data.summarize(section(folder, **settings)).images)


def every_part(*parts):
    return [f"{part}/{name}" for part in parts for name in ("cat", "dog")]


@pytest.mark.parametrize(
    "parts",
    [
        ("train", "valid", "test"),
        ("Train", "Val", "Test"),
        ("TRAINING", "VALIDATION", "TESTING"),
        ("train_set", "dev-set", "test images"),
        ("trainset", "valset", "testset"),
        ("train2017", "val2017", "test2017"),
    ],
)
def test_the_usual_names_of_splits_are_recognized_in_any_case(tmp_path, parts):
    put_images(tmp_path, *every_part(*parts))
    assert counts(tmp_path) == {"train": 8, "validation": 8, "test": 8}
    assert data.describe(section(tmp_path)).class_names == ("cat", "dog")


def test_splits_without_folders_are_chosen_with_a_note(tmp_path):
    put_images(tmp_path, *every_part("training", "testing"))
    summary = data.summarize(section(tmp_path, validation=2))
    assert dict(summary.images) == {"train": 6, "validation": 2, "test": 8}
    assert summary.notes == ("validation images are chosen from training",)
    put_images(tmp_path / "other", "cat", "dog", count=10)
    summary = data.summarize(section(tmp_path / "other"))
    assert dict(summary.images) == {"train": 14, "validation": 2, "test": 4}
    assert summary.notes == ("test and validation images are chosen by file name and data.split_seed 0",)


AMBIGUOUS = {
    "a class beside a divided folder": (
        ["bus", "car", "train/diesel", "train/steam"],
        r"train contains the class folders diesel, steam, but there are also the folders bus, car with images",
    ),
    "a test folder among the classes": (
        ["cat", "dog", "test"],
        r"test may be a split of the images or a class like cat",
    ),
    "parts by unusual names": (every_part("seg_train", "seg_test"), r"seg_test and seg_train look like the splits"),
    "classes or batches": (every_part("fold1", "fold2"), r"fold1, fold2 may be the classes, and each .* cat, dog"),
    "classes that are divided": (["cat/train", "cat/test", "dog/train"], r"/cat contains the folders test and train"),
}


@pytest.mark.parametrize(("folders", "reason"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_folder_that_can_be_understood_in_two_ways_is_refused_until_its_classes_are_stated(tmp_path, folders, reason):
    put_images(tmp_path, *folders)
    with pytest.raises(UserError, match=reason) as raised:
        counts(tmp_path)
    stated = json.loads(re.search(r"state data\.classes: (\[.*\])", str(raised.value))[1])
    assert stated == sorted({folder.split("/")[0] for folder in folders})
    assert sum(counts(tmp_path, classes=stated).values()) == 4 * len(folders)


def test_a_class_without_images_in_a_split_is_noted(tmp_path):
    put_images(tmp_path, "cat", count=9)
    put_images(tmp_path, "dog", count=1)
    notes = data.summarize(section(tmp_path)).notes
    assert "there is no validation image of dog" in notes
    assert "there is no test image of dog" in notes


def test_class_names_that_differ_only_in_accents_or_capitals_are_explained(tmp_path):
    put_images(tmp_path / "accents", "caf\u00e9", "cafe\u0301")
    with pytest.raises(UserError, match="has two class folders with the name 'caf\u00e9'"):
        counts(tmp_path / "accents")
    put_images(tmp_path / "capitals", *every_part("train"), "test/Cat", "test/dog")
    with pytest.raises(UserError, match=r"Missing: 'cat'\. The names differ only in capital letters\."):
        counts(tmp_path / "capitals")


def test_images_that_cannot_be_read_are_counted_among_the_files_left_out(tmp_path):
    put_images(tmp_path, "cat", "dog", count=10)
    for path in (tmp_path / "dog").iterdir():
        path.write_bytes(b"nothing") if path.stem != "3" else None
    settings = section(tmp_path, broken="skip", split_seed=1, test=2, validation=2)
    summary = data.load(settings, "train").summary
    assert summary.images["train"] + summary.images["validation"] < 18
    assert "images that cannot be read: " in summary.left_out


REFUSED = {
    "two folders of one part": (every_part("train", "Training", "test"), r"has both Training and train, which mean"),
    "two validation folders": (
        every_part("train", "val", "valid"),
        r"has both val and valid, which mean the same split",
    ),
    "parts without classes": (
        ["train", "test"],
        r"test and .*train contain images but no class folders, .*train/cat/1.jpg",
    ),
    "validation without classes": (
        [*every_part("train"), "val"],
        r"/val contains images but no .* Or remove the folder\.",
    ),
    "no training images": (
        ["cat", "dog", *every_part("test")],
        r"has a test folder but no train folder; put cat, dog into .*/train",
    ),
    "one folder around all": (
        every_part("photos"),
        r"only the folder photos, which contains cat, dog; name that folder: .*/photos",
    ),
    "one folder around the parts": (
        every_part("a/train", "a/test"),
        r"only the folder a, which contains test, train; name that",
    ),
    "a part inside itself": (
        every_part("train/train"),
        r"train has only one class .* It contains the folders cat, dog: put these",
    ),
}


@pytest.mark.parametrize(("folders", "sentence"), REFUSED.values(), ids=REFUSED)
def test_the_error_about_a_folder_without_classes_or_splits_is_one_sentence(tmp_path, folders, sentence):
    put_images(tmp_path, *folders)
    with pytest.raises(UserError, match=sentence) as raised:
        counts(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_test_folder_without_class_folders_is_left_out_and_its_evaluation_says_why(tmp_path):
    put_images(tmp_path, *every_part("train"))
    put_images(tmp_path, "test", count=5)
    summary = data.summarize(section(tmp_path))
    assert dict(summary.images) == {"train": 7, "validation": 1}
    assert summary.left_out == "images of a test folder without class folders: 5, such as test/0.png"
    sentence = f"{tmp_path}/test contains images but no class folders, so their classes are unknown"
    assert summary.notes[-1].startswith(sentence)
    with pytest.raises(UserError, match=re.escape(sentence)):
        data.load(section(tmp_path), "test")


def test_files_left_out_are_counted_by_kind(tmp_path):
    put_images(tmp_path, "cat", "dog", count=10)
    red = tmp_path / "cat"
    for name in ("Thumbs.db", ".DS_Store", "._0.png", ".hidden.png", "notes.txt", "list.TXT", "numbers"):
        (red / name).write_text("no image")
    put_images(red, "@eaDir/0.png", "__MACOSX", count=2)
    put_images(tmp_path, ".thumbnails", count=3)
    shutil.copy(red / "0.png", tmp_path / "beside.png")
    (red / "gone.png").symlink_to("nowhere")
    (red / "itself.png").symlink_to("itself.png")
    (red / "up").symlink_to("..")
    os.mkfifo(red / "pipe.png")
    summary = data.summarize(section(tmp_path))
    assert sum(summary.images.values()) == 20
    assert summary.left_out_count == 19
    for clause in (
        "system files and thumbnails: 10, such as .thumbnails/0.png",
        "images outside the class folders: 1, such as beside.png",
        "hidden files: 1, such as cat/.hidden.png",
        "files that are not images: 3 (.txt 2, no ending 1), such as cat/",
        "broken links: 2, such as cat/gone.png",
        "links to folders that are read already: 1, such as cat/up",
        "pipes, sockets and devices: 1, such as cat/pipe.png",
    ):
        assert clause in summary.left_out


def test_images_are_found_behind_links_and_under_any_name(tmp_path):
    put_images(tmp_path / "photos", "cat", "dog")
    put_images(tmp_path / "more", "cat", count=5)
    (tmp_path / "photos" / "cat" / "batch2").symlink_to(tmp_path / "more" / "cat")
    (tmp_path / "photos" / "cat" / "the same again").symlink_to(tmp_path / "more" / "cat")
    for index, name in enumerate(("noending", "a.png?w=300", "a.png.1", "a.txt")):
        (tmp_path / "photos" / "dog" / f"{index}.png").rename(tmp_path / "photos" / "dog" / name)
    summary = data.summarize(section(tmp_path / "photos"))
    assert sum(summary.images.values()) == 13
    assert summary.left_out.startswith("links to folders that are read already: 1, such as cat/the same again")
    assert len(data.load(section(tmp_path / "photos", test=1), "train").labels) == 12


def test_photographs_of_kinds_that_are_not_read_are_counted(tmp_path):
    put_images(tmp_path, "cat", "dog")
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    for name, content in (("a.heic", heic), ("b", heic), ("c.NEF", b"II*\0\x08\0\0\0")):
        (tmp_path / "cat" / name).write_bytes(content)
    left_out = "HEIC and raw photographs, which are not read (convert them to JPEG): 3, such as cat/a.heic"
    assert data.summarize(section(tmp_path)).left_out == left_out
    for path in (tmp_path / "cat").glob("*.png"):
        path.unlink()
    with pytest.raises(UserError, match=r"/cat has no images; .* It contains HEIC and raw photographs, .*: 3, such as"):
        counts(tmp_path)


def test_a_folder_with_nothing_but_test_images_is_enough_to_test(tmp_path):
    put_images(tmp_path, *every_part("test"))
    assert len(data.load(section(tmp_path, classes=["cat", "dog"]), "test").labels) == 8
    for use in (lambda: counts(tmp_path), lambda: data.load(section(tmp_path, classes=["cat", "dog"]), "train")):
        with pytest.raises(UserError, match="has a test folder but no train folder; put the class folders to train on"):
            use()


def test_a_split_folder_without_images_is_ignored_with_a_note(tmp_path):
    put_images(tmp_path, *every_part("train", "test"))
    (tmp_path / "val").mkdir()
    summary = data.summarize(section(tmp_path))
    assert dict(summary.images) == {"train": 7, "validation": 1, "test": 8}
    assert f"{tmp_path / 'val'} has no images" in summary.notes


def test_a_run_keeps_its_images_when_the_folder_has_another_split(tmp_path):
    """As a run of an earlier version, which drew its validation images although there was a folder of them."""
    put_images(tmp_path, *every_part("train", "valid"))
    division = {f"train/{name}/{index}.png": "train" for name in ("cat", "dog") for index in range(4)}
    division["train/dog/2.png"] = "validation"
    whole = data.load(section(tmp_path), "train").as_divided(division)
    training, validation = data.hold_out(whole, 0.1, 2)
    assert (len(training.labels), validation.names) == (7, ("train/dog/2.png",))
    assert not any(name.startswith("valid") for name in training.names)


def test_an_image_in_two_splits_or_two_classes_is_reported(tmp_path):
    put_images(tmp_path, *every_part("train"))
    put_images(tmp_path, *every_part("test"), suffix=".bmp")
    assert not [note for note in data.summarize(section(tmp_path)).notes if "more than one" in note]
    assert data.load(section(tmp_path), "test").note == ""
    shutil.copy(tmp_path / "train/cat/0.png", tmp_path / "test/dog/copy.png")
    notes = data.summarize(section(tmp_path)).notes
    pair = "such as test/dog/copy.png and train/cat/0.png"
    assert f"1 image is in more than one split, {pair}: the splits are not independent" in notes
    assert f"1 image is in more than one class, {pair}: one of the labels is wrong" in notes
    learnt = "test images that are also training or validation images: 1 of 9, such as test/dog/copy.png"
    assert data.load(section(tmp_path), "test").note == learnt
