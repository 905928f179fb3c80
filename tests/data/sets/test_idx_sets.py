import re
import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest

from cnnzoo import data
from cnnzoo.cache import cache_dir
from cnnzoo.data.sets.idx_files import write_idx
from cnnzoo.data.sets.mnist import FASHION_MNIST, MNIST
from cnnzoo.errors import UserError

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def assert_is_train(split, tiny):
    np.testing.assert_array_equal(split.pixels[..., 0], tiny.arrays[TRAIN_IMAGES])
    np.testing.assert_array_equal(split.labels, tiny.arrays[TRAIN_LABELS])
    assert split.pixels.shape == (12, 5, 4, 1)
    assert split.pixels.dtype == np.uint8
    assert split.labels.dtype == np.int32


# Where files are looked for


@pytest.mark.parametrize("folder", [".", "mnist", "MNIST/raw"])
def test_all_usual_layouts_and_packings_load_the_same(tmp_path, tiny, folder):
    tiny.write(tmp_path / "packed" / folder)
    tiny.write_unpacked(tmp_path / "unpacked" / folder)
    tiny.write_unpacked(tmp_path / "dotted" / folder, dotted=True)
    tiny.write_npz(tmp_path / "npz" / folder / "mnist.npz")
    for layout in ("packed", "unpacked", "dotted", "npz"):
        assert_is_train(tiny.published.load("train", tmp_path / layout), tiny)
        assert {check.status for check in tiny.published.verify(tmp_path / layout)} == {"right"}


def test_the_named_directory_comes_before_the_environment_the_cache_and_keras(tmp_path, monkeypatch, home, tiny):
    good = [tmp_path / "named", tmp_path / "environment", cache_dir() / "mnist"]
    for folder in good:
        tiny.write(folder)
    keras = tiny.write_npz(home / "keras" / "datasets" / "mnist.npz")
    monkeypatch.setenv("CNNZOO_DATA_DIR", str(tmp_path / "environment"))

    assert tiny.published.where(tmp_path / "named") == str(tmp_path / "named")
    for folder in (tmp_path / "environment", cache_dir() / "mnist"):
        assert tiny.published.where() == str(folder)
        assert_is_train(tiny.published.load("train"), tiny)
        shutil.rmtree(folder)
        folder.mkdir()
    assert tiny.published.where() == str(keras.parent)
    assert_is_train(tiny.published.load("train"), tiny)


def test_a_directory_in_the_environment_must_exist(tmp_path, monkeypatch, home, tiny):
    tiny.write(cache_dir() / "mnist")
    monkeypatch.setenv("CNNZOO_DATA_DIR", str(tmp_path / "gone"))
    with pytest.raises(UserError, match=r"^CNNZOO_DATA_DIR: .*gone is not a directory; set another one"):
        data.load("mnist", "train")


def test_files_in_kerass_folder_of_fashion_mnist_are_found(home, tiny):
    description = replace(tiny.published.description, name="fashion_mnist")
    other = replace(tiny.published, description=description, folders=FASHION_MNIST.folders)
    folder = tiny.write(home / "keras" / "datasets" / "fashion-mnist")
    assert other.where() == str(folder)


def test_a_split_does_not_need_the_files_of_the_other(tmp_path, tiny):
    tiny.write(tmp_path)
    (tmp_path / f"{TEST_LABELS}.gz").unlink()
    (tmp_path / f"{TEST_IMAGES}.gz").write_bytes(b"broken")
    assert_is_train(tiny.published.load("train", tmp_path), tiny)


def test_a_download_hides_a_wrong_file(tmp_path, tiny, mirrors):
    tiny.write_unpacked(tmp_path / "mnist")
    (tmp_path / "mnist" / TRAIN_IMAGES).write_bytes(b"broken")
    mirrors.files = {f"good/{name}": content for name, content in tiny.served().items()}
    published = mirrors.of(tiny.published, "good")
    published.fetch(tmp_path)
    assert mirrors.asked == [f"good/{TRAIN_IMAGES}.gz"]
    assert_is_train(published.load("train", tmp_path), tiny)


def test_a_named_directory_without_the_files_says_what_to_do(tmp_path, tiny):
    (tmp_path / "my data").mkdir()
    with pytest.raises(UserError) as raised:
        tiny.published.load("train", tmp_path / "my data")
    message = str(raised.value)
    assert message.startswith(
        f"In {tmp_path}/my data and its folders mnist/ and MNIST/raw/ files of Tiny are missing: "
    )
    assert f": {TRAIN_IMAGES}.gz and {TRAIN_LABELS}.gz (unpacked files or mnist.npz will do). " in message
    assert f"`cnnzoo data fetch mnist --data-dir '{tmp_path}/my data'`" in message
    assert "`cnnzoo train --config digits.yaml`" in message


@pytest.mark.parametrize("use", [data.verify, data.where, lambda name, folder: data.load(name, "test", folder)])
def test_a_named_directory_that_is_not_there_is_an_error(tmp_path, tiny, use):
    with pytest.raises(UserError, match=f"{tmp_path}/nowhere is not a directory"):
        use("mnist", tmp_path / "nowhere")


def test_where_states_missing_files(tmp_path, tiny):
    assert tiny.published.where(tmp_path) is None
    tiny.write(tmp_path)
    (tmp_path / f"{TEST_IMAGES}.gz").unlink()
    assert tiny.published.where(tmp_path) == f"{tmp_path} (3 of 4 files)"


# What is wrong with a file


def relabelled(tiny, stem, position, label):
    labels = tiny.arrays[stem].copy()
    labels[position] = label
    return labels


BAD_FILES = {
    "test images as training images": (
        TRAIN_IMAGES,
        lambda tiny: tiny.arrays[TEST_IMAGES],
        "contains 6 images, not 12",
    ),
    "test labels as training labels": (
        TRAIN_LABELS,
        lambda tiny: tiny.arrays[TEST_LABELS],
        "contains 6 labels, not 12",
    ),
    "images as labels": (TRAIN_LABELS, lambda tiny: tiny.arrays[TRAIN_IMAGES], "contains images, not labels"),
    "a label out of range": (
        TRAIN_LABELS,
        lambda tiny: relabelled(tiny, TRAIN_LABELS, 5, 77),
        "has the label 77 at position 5; labels are 0 to 2",
    ),
    "a wrong label": (
        TRAIN_LABELS,
        lambda tiny: relabelled(tiny, TRAIN_LABELS, 5, 0),
        "does not contain Tiny's labels: the SHA-256 of its elements is ",
    ),
    "other images": (
        TRAIN_IMAGES,
        lambda tiny: 255 - tiny.arrays[TRAIN_IMAGES],
        "does not contain Tiny's images: the SHA-256 of its elements is ",
    ),
}


@pytest.mark.parametrize(("stem", "made", "reason"), BAD_FILES.values(), ids=BAD_FILES)
def test_the_error_about_a_wrong_file_states_its_name_and_the_reason(tmp_path, tiny, stem, made, reason):
    path = tiny.write(tmp_path) / f"{stem}.gz"
    write_idx(path, made(tiny))
    with pytest.raises(UserError) as raised:
        tiny.published.load("train", tmp_path)
    assert str(raised.value).startswith(f"{path} {reason}")
    assert f"`cnnzoo data fetch mnist --data-dir {tmp_path}` downloads the right one." in str(raised.value)
    wrong = [check for check in tiny.published.verify(tmp_path) if check.status == "wrong"]
    assert [(check.file, check.path) for check in wrong] == [(stem, path)]
    assert wrong[0].detail.startswith(reason)


def test_the_error_about_a_cut_gz_states_its_name(tmp_path, tiny):
    path = tiny.write(tmp_path) / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=f"{re.escape(str(path))} is cut short"):
        tiny.published.load("train", tmp_path)


def test_a_directory_in_place_of_a_file_is_an_error_unless_a_file_is_there_too(tmp_path, tiny):
    tiny.write(tmp_path)
    (tmp_path / TRAIN_IMAGES).mkdir()
    assert_is_train(tiny.published.load("train", tmp_path), tiny)
    (tmp_path / f"{TRAIN_IMAGES}.gz").unlink()
    with pytest.raises(UserError, match=f"{TRAIN_IMAGES} is a directory, not a file"):
        tiny.published.load("train", tmp_path)


def test_a_file_of_another_data_set_is_recognised(tmp_path, tiny):
    train = tuple(replace(file, sha256="0" * 64) for file in tiny.published.train)
    description = replace(tiny.published.description, name="fashion_mnist", title="Other")
    other = replace(tiny.published, description=description, train=train, others={"Tiny": tiny.published.files})
    tiny.write(tmp_path)
    assert tiny.published.where(tmp_path)
    assert other.where(tmp_path) is None
    with pytest.raises(UserError, match=r"images-idx3-ubyte.gz belongs to Tiny, not to Other"):
        other.load("train", tmp_path)


def test_images_without_a_published_hash_are_checked_for_structure(tmp_path, tiny):
    images, labels = tiny.published.train
    published = replace(tiny.published, train=(replace(images, sha256=None, gzip_md5="0" * 32), labels))
    tiny.write(tmp_path)
    assert_is_train(published.load("train", tmp_path), tiny)
    checks = {check.file: check.status for check in published.verify(tmp_path)}
    assert checks[TRAIN_IMAGES] == "structure only"
    assert checks[TRAIN_LABELS] == "right"


# Downloads


def served_by(folder, tiny):
    return {f"{folder}/{name}": content for name, content in tiny.served().items()}


def left_over(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


FOUR_FILES = sorted(f"{file.name}.gz" for file in MNIST.files)


def test_the_next_mirror_is_tried_after_one_without_a_file_or_with_wrong_bytes(tmp_path, capsys, tiny, mirrors):
    mirrors.files = served_by("third", tiny)
    mirrors.files |= {path.replace("third", "second"): content[:-9] for path, content in mirrors.files.items()}
    published = mirrors.of(tiny.published, "first", "second", "third")
    paths = published.fetch(tmp_path)
    assert paths == [tmp_path / "mnist" / f"{file.name}.gz" for file in tiny.published.files]
    assert left_over(tmp_path) == FOUR_FILES
    assert_is_train(published.load("train", tmp_path), tiny)
    assert [path.split("/")[0] for path in mirrors.asked] == ["first"] * 4 + ["second"] * 4 + ["third"] * 4
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[0] == f"Downloading {mirrors.address}/first/{TRAIN_IMAGES}.gz"


def test_loading_without_any_directory_downloads_into_the_cache_once(tiny, mirrors):
    mirrors.files = served_by("good", tiny)
    published = mirrors.of(tiny.published, "good")
    assert_is_train(published.load("train"), tiny)
    assert left_over(cache_dir()) == FOUR_FILES
    assert published.load("test").labels.shape == (6,)
    assert len(mirrors.asked) == 4


def test_fetching_again_asks_only_for_what_is_missing_or_wrong(tmp_path, tiny, mirrors):
    mirrors.files = served_by("good", tiny)
    published = mirrors.of(tiny.published, "good")
    tiny.write(tmp_path / "mnist")
    published.fetch(tmp_path)
    assert mirrors.asked == []
    (tmp_path / "mnist" / f"{TEST_LABELS}.gz").write_bytes(b"broken")
    published.fetch(tmp_path)
    assert mirrors.asked == [f"good/{TEST_LABELS}.gz"]
    assert {check.status for check in published.verify(tmp_path)} == {"right"}


def test_a_transfer_that_breaks_off_leaves_nothing_behind(tmp_path, tiny, mirrors):
    mirrors.files = served_by("bad", tiny)
    mirrors.breaks_off = set(mirrors.files)
    published = mirrors.of(tiny.published, "bad")
    for target in (tmp_path, tmp_path / "new" / "place"):
        with pytest.raises(UserError, match=f"/bad/{TRAIN_IMAGES}.gz: broke off before the end"):
            published.fetch(target)
        assert list(tmp_path.iterdir()) == []


def test_a_failed_fetch_keeps_what_was_there_or_came_before_it_failed(tmp_path, tiny, mirrors):
    mirrors.files = served_by("poor", tiny)
    del mirrors.files[f"poor/{TEST_LABELS}.gz"]
    published = mirrors.of(tiny.published, "poor")
    (tmp_path / "empty").mkdir()
    for target in (tmp_path / "empty", tmp_path / "new"):
        with pytest.raises(UserError, match="could not be downloaded"):
            published.fetch(target)
        assert left_over(target) == sorted(set(FOUR_FILES) - {f"{TEST_LABELS}.gz"})
    mirrors.files = {}
    (tmp_path / "mine" / "mnist").mkdir(parents=True)
    with pytest.raises(UserError, match="could not be downloaded"):
        published.fetch(tmp_path / "mine")
    assert (tmp_path / "mine" / "mnist").is_dir()


def test_a_failed_download_leaves_no_cache(home, tiny, mirrors):
    published = mirrors.of(tiny.published, "empty")
    with pytest.raises(UserError, match="could not be downloaded"):
        published.load("train")
    assert list(home.iterdir()) == []


def test_kerass_archive_is_the_last_resort(tmp_path, tiny, mirrors):
    archive = tiny.write_npz(tmp_path / "served.npz")
    mirrors.files = {"npz/mnist.npz": archive.read_bytes()}
    published = mirrors.of(tiny.published, "first", npz=True)
    published.fetch(tmp_path / "target")
    assert left_over(tmp_path / "target") == FOUR_FILES
    assert_is_train(published.load("train", tmp_path / "target"), tiny)
    assert mirrors.asked[-1] == "npz/mnist.npz"


def test_without_an_internet_connection_one_message_says_everything(tmp_path, monkeypatch, tiny, mirrors):
    published = replace(tiny.published, mirrors=("http://127.0.0.1:9/one/", f"{mirrors.address}/two/"))
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("CNNZOO_DATA_DIR", str(tmp_path / "mine"))
    with pytest.raises(UserError) as raised:
        published.load("train")
    message = str(raised.value)
    assert message.startswith("Tiny is not here and could not be downloaded.")
    assert message.count("127.0.0.1:9") == 1  # A mirror that does not answer is not asked for every file.
    for part in (
        str(tmp_path / "mine"),
        f"  http://127.0.0.1:9/one/{TRAIN_IMAGES}.gz: no connection\n",
        f"  {mirrors.address}/two/{TEST_LABELS}.gz: answered 404 Not Found\n",
        f"  {TRAIN_IMAGES}.gz\n  {TRAIN_LABELS}.gz\n  {TEST_IMAGES}.gz\n  {TEST_LABELS}.gz\n",
        f"Put them into {cache_dir() / 'mnist'}",
        "cnnzoo train --config digits.yaml",
    ):
        assert part in message


def test_a_wrong_setting_of_certificates_is_reported(tmp_path, monkeypatch, tiny):
    published = replace(tiny.published, mirrors=("https://127.0.0.1:9/",))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(UserError, match=r"(?s)could not be downloaded.*nowhere\.pem"):
        published.fetch(tmp_path)


def test_a_folder_that_cannot_be_written_gives_an_error_of_one_sentence(tmp_path, tiny, mirrors):
    mirrors.files = served_by("good", tiny)
    published = mirrors.of(tiny.published, "good")
    (tmp_path / "mnist").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=rf"^Cannot write {tmp_path}/mnist/{TRAIN_IMAGES}.gz: .*--data-dir"):
        published.fetch(tmp_path)
    assert mirrors.asked == []


def test_fetching_refuses_a_wrong_file_that_would_hide_the_download(tmp_path, monkeypatch, tiny, mirrors):
    mirrors.files = served_by("good", tiny)
    published = mirrors.of(tiny.published, "good")
    monkeypatch.setenv("CNNZOO_DATA_DIR", str(tmp_path))
    (tmp_path / f"{TRAIN_LABELS}.gz").write_bytes(b"broken")
    with pytest.raises(UserError, match=f"{TRAIN_LABELS}.gz is not an idx file.*--data-dir {tmp_path}"):
        published.fetch()
    published.fetch(tmp_path)
    assert_is_train(published.load("train"), tiny)


def test_two_downloads_at_once_do_not_disturb_each_other(tmp_path, tiny, mirrors):
    mirrors.files = served_by("good", tiny)
    published = mirrors.of(tiny.published, "good")
    threads = [threading.Thread(target=published.fetch, args=(tmp_path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert left_over(tmp_path) == FOUR_FILES
    assert {check.status for check in published.verify(tmp_path)} == {"right"}
