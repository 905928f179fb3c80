import errno
import os
import re
import shutil

import numpy as np
import pytest
from commands import write_photos
from PIL import Image

from cnnzoo import data
from cnnzoo.config import FolderSection, PreprocessingSection
from cnnzoo.config import load as load_config
from cnnzoo.data.memory import _read_free_in_container
from cnnzoo.data.preprocessing import resolve
from cnnzoo.errors import UserError


def section(path, **settings):
    return FolderSection(name="folder", path=str(path), **{"size": 16} | settings)


def names(split):
    """The files of a subset that stays in them."""
    paths = [split.images.paths[index] for index in split.indices]
    return {path.relative_to(path.parents[1]).as_posix() for path in paths}


def divided(path, **settings):
    """The names of the training, validation and test images."""
    settings = section(path, memory=0, **settings)
    training, validation = data.hold_out(data.load(settings, "train"), settings.validation, 3)
    return names(training), names(validation), names(data.load(settings, "test"))


def test_class_folders_become_classes_sorted_by_name(photos):
    settings = section(photos, size=[12, 20], channels=1)
    known = data.describe(settings)
    assert known.class_names == ("blue", "green", "red")
    assert known.input_shape == (12, 20, 1)
    train, test = data.load(settings, "train"), data.load(settings, "test")
    assert train.images.shape == (24, 12, 20, 1)
    assert (train.pixels.dtype, train.labels.dtype) == (np.uint8, np.int32)
    assert np.bincount(test.labels).tolist() == [2, 2, 2]
    colours = data.load(section(photos), "train")
    for label, channel in ((0, 2), (1, 0), (2, 1)):
        means = colours.pixels[colours.labels == label].mean(axis=(0, 1, 2))
        assert means.argmax() == channel


def test_a_terminal_shows_how_many_images_are_read(photos, monkeypatch, capsys):
    data.load(section(photos), "train")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    data.load(section(photos), "train")
    shown = capsys.readouterr().err
    assert "Reading images" in shown
    assert "24/24" in shown


def test_every_image_is_in_one_split_and_each_class_in_proportion(photos):
    training, validation, test = divided(photos, validation=3, test=0.2)
    assert (len(training), len(validation), len(test)) == (21, 3, 6)
    assert len(training | validation | test) == 30
    assert sorted(name.split("/")[0] for name in validation) == ["blue", "green", "red"]


def test_the_division_depends_only_on_the_names_and_the_seed(photos, tmp_path):
    before = divided(photos)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in sorted(photos.rglob("*.*"), reverse=True):
        (moved / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, moved / path.parent.name / path.name)
    for path in (moved / "red").iterdir():
        shutil.copy(photos / "blue" / "0.png", path) if path.suffix == ".png" else None
    assert divided(moved) == before
    assert divided(photos, split_seed=1) != before


def test_a_further_image_moves_few_others(photos):
    before = divided(photos)
    shutil.copy(photos / "red" / "0.png", photos / "red" / "new.png")
    after = divided(photos)
    assert sum(len(one - two) for one, two in zip(before, after, strict=True)) <= 2


def test_images_of_12_bits_in_files_of_16_keep_their_greys(tmp_path):
    """X-rays as hospitals give them out: the classes differ by 90 of 4095 grey values."""
    generator = np.random.default_rng(0)
    for label, name in enumerate(("healthy", "ill")):
        (tmp_path / "xrays" / name).mkdir(parents=True)
        for index in range(6):
            pixels = np.full((16, 16), generator.integers(3000, 3100), "uint16")
            pixels[:, ::2] += label * 90
            Image.fromarray(pixels).save(tmp_path / "xrays" / name / f"{index}.png")
    (tmp_path / "mine.yaml").write_text(
        "model: {name: lenet5}\ndata: {name: folder, path: xrays, size: 16, channels: 1}\n"
    )
    config = data.resolve_folder(load_config(tmp_path / "mine.yaml", [f"data.path={tmp_path}/xrays"]))
    assert config.data.white == 4095
    assert (
        "in images of 16 bits the grey value 4,095 and all above it are white (data.white)"
        in data.summarize(config.data).notes
    )
    for split in ("train", "test"):
        part = data.load(config.data, split)
        texture = part.pixels[:, :, ::2].astype(int) - part.pixels[:, :, 1::2]
        assert set(texture[part.labels == 0].ravel()) == {0}
        assert set(texture[part.labels == 1].ravel()) <= {5, 6}
    assert data.describe(config.data).white == 4095
    eight_bits = data.resolve_folder(
        load_config(tmp_path / "mine.yaml", [f"data.path={write_photos(tmp_path / 'photos')}"])
    )
    assert eight_bits.data.white is None


def test_a_folder_with_split_folders_keeps_its_splits(tmp_path):
    for part, count in (("train", 6), ("val", 2), ("test", 3)):
        write_photos(tmp_path / "mine" / part, count=count)
    training, validation, test = divided(tmp_path / "mine")
    assert (len(training), len(validation), len(test)) == (18, 6, 9)
    shutil.rmtree(tmp_path / "mine" / "val")
    training, validation, test = divided(tmp_path / "mine", validation=6)
    assert (len(training), len(validation), len(test)) == (12, 6, 9)
    assert sorted(name.split("/")[0] for name in validation) == ["blue"] * 2 + ["green"] * 2 + ["red"] * 2


def test_a_class_may_be_called_train_and_images_may_be_in_subfolders(tmp_path):
    folder = write_photos(tmp_path / "mine", ("bus", "train"))
    (folder / "bus" / "red").mkdir()
    shutil.move(folder / "bus" / "0.png", folder / "bus" / "red" / "0.png")
    (folder / "bus" / "notes.txt").write_text("no image")
    (folder / "bus" / ".hidden.png").write_text("no image")
    (folder / ".cache").mkdir()
    assert data.describe(section(folder)).class_names == ("bus", "train")
    assert len(data.load(section(folder), "train").labels) == 16


def test_images_that_do_not_fit_into_memory_stay_in_their_files_and_are_the_same(photos):
    kept, streamed = (data.load(section(photos, memory=memory), "train") for memory in (1, 0))
    assert isinstance(kept.images, data.ImageArray)
    assert isinstance(streamed.images, data.ImageFiles)
    assert streamed.images.shape == kept.images.shape
    assert len(streamed) == 24
    np.testing.assert_array_equal(np.concatenate(list(streamed.chunks())), kept.pixels)
    chosen = np.array([5, 3, 5])
    np.testing.assert_array_equal(streamed.images.take(chosen), kept.images.take(chosen))
    for one, other in zip(data.hold_out(kept, 0.1, 3), data.hold_out(streamed, 0.1, 3), strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert one.fingerprint() == other.fingerprint()
        assert resolve(PreprocessingSection(), one) == resolve(PreprocessingSection(), other)


@pytest.mark.parametrize("memory", [0, 1])
def test_a_broken_image_stops_the_loading_or_is_left_out_with_a_note(photos, memory):
    for name in ("blue/3.bmp", "red/5.png"):
        (photos / name).write_bytes((photos / name).read_bytes()[:80])
    with pytest.raises(
        UserError, match=f"^{photos}/(blue/3.bmp|red/5.png) .* or train with data.broken: skip, which leaves"
    ):
        [data.load(section(photos, memory=memory), split) for split in ("train", "test")]
    parts = [data.load(section(photos, memory=memory, broken="skip"), split) for split in ("train", "test")]
    assert sum(len(part.labels) for part in parts) == 28
    assert all(len(part.pixels) == len(part.labels) for part in parts)
    kept = data.load(section(photos, memory=1, broken="skip"), "train")
    assert parts[0].fingerprint() == kept.fingerprint()
    remarks = " ".join(part.note for part in parts)
    assert "images left out as unreadable: " in remarks
    assert "blue/3.bmp" in remarks
    assert "red/5.png" in remarks
    training, _ = data.hold_out(parts[0], 0.1, 3)
    assert training.note == parts[0].note


def test_a_split_without_readable_images_is_refused(tmp_path):
    for part in ("train", "val", "test"):
        write_photos(tmp_path / "mine" / part, count=2)
    for part, split in (("val", "train"), ("test", "test"), ("train", "train")):
        for path in (tmp_path / "mine" / part).rglob("*.*"):
            path.write_bytes(b"no image")
        with pytest.raises(
            UserError, match=r"None of the (validation|test)|No image of class 'blue'|None of the train"
        ):
            data.load(section(tmp_path / "mine", broken="skip"), split)


def with_one_class(folder):
    shutil.rmtree(folder / "blue")
    shutil.rmtree(folder / "red")


def with_an_empty_class(folder):
    for path in (folder / "green").iterdir():
        path.unlink()


def with_other_classes_to_test(folder):
    write_photos(folder / "train")
    write_photos(folder / "test", ("blue", "green", "violet"))
    for name in ("blue", "green", "red"):
        shutil.rmtree(folder / name)


MISTAKES = {
    "a name that cannot be printed": (
        lambda folder: (folder / "red").rename(folder / "re\x1bd"),
        r"photos has a class folder whose name cannot be printed, 're\\x1bd'; rename it\.",
    ),
    "no folder": (shutil.rmtree, r"photos is not a directory; data.path, or --data-dir, names"),
    "no class folders": (
        lambda folder: [shutil.rmtree(path) for path in folder.iterdir()],
        r"photos has no class folders: put the images of each class into a folder of its own, such as .*cat/1.jpg\.",
    ),
    "one class": (with_one_class, r"photos has only one class folder, green; a network needs at least two classes"),
    "an empty class": (with_an_empty_class, r"photos/green has no images; put some into it, or remove the folder\."),
    "other classes to test": (
        with_other_classes_to_test,
        r"photos/test has 3 class folders, but the config has 3 classes\. Unknown: 'violet'\. Missing: 'red'\.",
    ),
    "no train folder": (
        lambda folder: [write_photos(folder / "test"), *(shutil.rmtree(folder / n) for n in ("blue", "green", "red"))],
        r"photos has a test folder but no train folder; put the class folders to train on into .*photos/train\.",
    ),
    "two validation folders": (
        lambda folder: [write_photos(folder / part) for part in ("train", "val", "validation")],
        r"photos has both val and validation, which mean the same split; keep one",
    ),
}


@pytest.mark.parametrize(("spoil", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_the_error_about_an_unusable_folder_is_one_sentence_with_its_line(photos, tmp_path, spoil, sentence):
    spoil(photos)
    path = tmp_path / "mine.yaml"
    path.write_text(f"model: {{name: lenet5}}\ndata:\n  name: folder\n  path: {photos}\n")
    with pytest.raises(UserError, match=rf"^{path}, line 4: data.path: {tmp_path}/{sentence}") as raised:
        data.resolve_folder(load_config(path))
    assert "\n" not in str(raised.value)


def test_a_config_for_some_classes_refuses_a_folder_with_other_classes(photos, tmp_path):
    digits = [str(digit) for digit in range(10)]
    with pytest.raises(
        UserError, match=r"has 3 class folders, but the config has 10 classes\. Unknown: 'blue', 'green'"
    ):
        data.load(section(photos, classes=digits), "train")
    other = write_photos(tmp_path / "other", ("blue", "green", "red", "violet"))
    known = section(photos, classes=["red", "green", "blue"])
    assert data.describe(known).class_names == ("red", "green", "blue")
    with pytest.raises(
        UserError,
        match=r"other has 4 class folders, but the config has 3 classes\. Unknown: 'violet'\. Missing: none\.",
    ):
        data.load(known, "test", other)


def test_a_split_with_every_image_of_a_class_is_refused(photos):
    for path in list((photos / "red").iterdir())[1:]:
        path.unlink()
    with pytest.raises(UserError, match=r"No image of class 'red' in .* is left to train on; add some"):
        data.load(section(photos, test=18, validation=1), "train")
    with pytest.raises(
        UserError, match=r"^data.test: A test split of 21 of 21 images leaves none for the other splits"
    ):
        data.load(section(photos, test=21), "train")


def test_too_few_images_for_three_splits_are_refused(tmp_path):
    folder = write_photos(tmp_path / "few", ("blue", "red"), 1)
    with pytest.raises(
        UserError,
        match=r"^data.test: A test split of 0.2 of 2 images leaves none for it; add images, or set the number 1",
    ):
        data.load(section(folder), "train")
    with pytest.raises(
        UserError, match=r"^data.validation: 1 image cannot be divided into a validation split and the rest; add more"
    ):
        data.load(section(folder, test=1), "train")
    (tmp_path / "few.yaml").write_text(f"model: {{name: lenet5}}\ndata:\n  name: folder\n  path: {folder}\n  test: 2\n")
    with pytest.raises(
        UserError, match=r"few.yaml, line 5: data.test: A test split of 2 of 2 images leaves none for the"
    ):
        data.resolve_folder(load_config(tmp_path / "few.yaml"))


def test_a_class_folder_without_permission_is_not_reported_as_empty(photos, monkeypatch):
    scan = os.scandir

    def forbidden(path):
        if str(path).endswith("green"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", forbidden)  # for the root user, who may read everything
    with pytest.raises(UserError, match=r"photos/green cannot be read: Permission denied\."):
        data.load(section(photos), "train")


def test_a_relative_path_becomes_absolute(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("model: {name: lenet5}\ndata: {name: folder, path: ../x/../photos/}\n")
    config = load_config("mine.yaml", ["data.path=photos"])
    assert config.data.path == str(photos)
    resolved = data.resolve_folder(config)
    assert resolved.data.classes == ["blue", "green", "red"]
    (tmp_path / "again.yaml").write_text(resolved.to_yaml())
    assert load_config("again.yaml") == resolved
    assert data.resolve_folder(resolved) == resolved
    other = write_photos(tmp_path / "other")
    assert data.resolve_folder(config, other.relative_to(tmp_path)).data.path == str(other)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("data={name: folder}", r"data.path: this key is missing"),
        ("data={name: folder, path: x, size: 0}", r"data.size: expected pixels from 1 to 4096, .*not 0\."),
        ("data={name: folder, path: x, size: [3]}", r"data.size: "),
        ("data={name: folder, path: x, channels: 4}", r"data.channels: expected 1 or 3, not 4"),
        ("data={name: folder, path: x, classes: [a]}", r"data.classes: list at least two classes"),
        (
            "data={name: mnist, path: x}",
            r"data.path: the data set mnist has no key 'path'. Its keys: name, validation\.",
        ),
    ],
)
def test_the_error_about_a_wrong_value_states_its_key(setting, sentence):
    with pytest.raises(UserError, match=sentence):
        load_config("digits", [setting])


@pytest.mark.parametrize("use", [data.fetch, data.verify, data.where, data.describe])
def test_a_folder_has_no_files_to_fetch_or_verify(use):
    with pytest.raises(UserError, match=re.escape("data: {name: folder, path: photos}")):
        use("folder")


def test_hidden_folders_of_thumbnails_are_left_out(photos):
    before = len(data.load(section(photos), "train").labels)
    thumbnails = photos / "red" / ".thumbnails"
    thumbnails.mkdir()
    for image in (photos / "red").glob("*.png"):
        (thumbnails / image.name).write_bytes(image.read_bytes())
    assert len(data.load(section(photos), "train").labels) == before


@pytest.mark.parametrize(("most", "free"), [("5000000", 3_000_000), ("max", float("inf"))])
def test_a_containers_memory_counts_where_it_is_limited(most, free, tmp_path):
    (tmp_path / "memory.max").write_text(f"{most}\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    assert _read_free_in_container(tmp_path) == free
    assert _read_free_in_container(tmp_path / "none") == float("inf")
