import gzip
import re
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from cnnzoo import data
from cnnzoo.cache import cache_dir
from cnnzoo.config import Cifar100Section
from cnnzoo.data.sets.cifar import CIFAR100
from cnnzoo.errors import UserError

RECORD = 3073


def cut_records(tiny, name, length):
    return tiny.contents | {name: tiny.contents[name][:length]}


def with_byte(content, place, value):
    return content[:place] + bytes([value]) + content[place + 1 :]


def test_archive_and_folder_load_the_same_in_every_layout(tmp_path, tiny_cifar10):
    tiny_cifar10.write(tmp_path / "archive")
    tiny_cifar10.write(tmp_path / "dotted", prefix="./")
    tiny_cifar10.write(tmp_path / "fetched" / "cifar10")
    plain = tiny_cifar10.write(tmp_path / "plain")
    plain.write_bytes(gzip.decompress(plain.read_bytes()))
    tiny_cifar10.write_unpacked(tmp_path / "unpacked" / "cifar-10-batches-bin")
    tiny_cifar10.write_unpacked(tmp_path / "itself")
    bytes_ = b"".join(tiny_cifar10.contents[file.name] for file in tiny_cifar10.published.train)
    records = np.frombuffer(bytes_, np.uint8).reshape(40, RECORD)
    for layout in ("archive", "dotted", "fetched", "plain", "unpacked", "itself"):
        split = tiny_cifar10.published.load("train", tmp_path / layout)
        assert split.pixels.shape == (40, 32, 32, 3)
        assert (split.pixels.dtype, split.labels.dtype) == (np.uint8, np.int32)
        # Record 7, the green value of row 2, column 5.
        assert split.pixels[7, 2, 5, 1] == records[7, 1 + 1024 + 2 * 32 + 5]
        assert split.labels.tolist() == records[:, 0].tolist()
        assert split.note == ""
        assert {check.status for check in tiny_cifar10.published.verify(tmp_path / layout)} == {"right"}
        assert str(tmp_path / layout) in tiny_cifar10.published.where(tmp_path / layout)


def test_cifar100_has_fine_and_coarse_labels(tmp_path, tiny_cifar100):
    tiny_cifar100.write(tmp_path)
    fine = tiny_cifar100.published.load("test", tmp_path)
    coarse = tiny_cifar100.published.with_coarse_labels().load("test", tmp_path)
    assert fine.labels.tolist() == list(range(100))
    assert coarse.labels.tolist() == [*range(20)] * 5
    np.testing.assert_array_equal(fine.pixels, coarse.pixels)
    described = data.describe(Cifar100Section(name="cifar100", labels="coarse"))
    assert (described.title, described.class_names) == ("CIFAR-100, coarse labels", CIFAR100.coarse_classes)
    assert len(data.describe("cifar100").class_names) == 100


@pytest.mark.parametrize("archived", [True, False])
def test_an_incomplete_test_file_is_used_with_a_note(tmp_path, tiny_cifar10, archived):
    contents = cut_records(tiny_cifar10, "test_batch.bin", 3 * RECORD)
    if archived:
        tiny_cifar10.write(tmp_path, contents=contents)
    else:
        replace(tiny_cifar10, contents=contents).write_unpacked(tmp_path)
    split = tiny_cifar10.published.load("test", tmp_path)
    assert split.labels.tolist() == [0, 1, 2]
    assert split.note == "3 of the 10 official test images"
    assert tiny_cifar10.published.load("train", tmp_path).note == "only 3 of the 10 test images are present"
    check = tiny_cifar10.published.verify(tmp_path)[-1]
    assert (check.status, check.detail) == (
        "structure only",
        "has only 3 of 10 images, so no hash confirms it",
    )
    if not archived:
        assert tiny_cifar10.published.where(tmp_path) == f"{tmp_path} (3 of the 10 test images)"


BAD_CONTENTS = {
    "a training file that lacks records": (
        "data_batch_2.bin",
        lambda content: content[: 19 * RECORD],
        "has 19 images, not 20",
    ),
    "a cut record": (
        "test_batch.bin",
        lambda content: content[:-5],
        "is cut inside a record: 30,725 bytes are not a multiple of 3,073",
    ),
    "a label of 255": (
        "data_batch_1.bin",
        lambda content: with_byte(content, 4 * RECORD, 255),
        "has the label 255 at position 4; labels are 0 to 9",
    ),
    "other pixels": (
        "data_batch_1.bin",
        lambda content: with_byte(content, 9, content[9] ^ 1),
        "does not contain CIFAR-10's images: its MD5 is ",
    ),
    "an empty file": ("test_batch.bin", lambda content: b"", "is empty"),
    "a web page": ("test_batch.bin", lambda content: b"<!DOCTYPE html>", "is a web page or XML"),
}


@pytest.mark.parametrize("archived", [True, False])
@pytest.mark.parametrize(("name", "change", "reason"), BAD_CONTENTS.values(), ids=BAD_CONTENTS)
def test_the_error_about_a_bad_record_file_states_its_name_and_the_reason(
    tmp_path, tiny_cifar10, name, change, reason, archived
):
    contents = tiny_cifar10.contents | {name: change(tiny_cifar10.contents[name])}
    if archived:
        path = tiny_cifar10.write(tmp_path, contents=contents)
        start = f"{path} is damaged: its member {name} {reason}"
    else:
        path = replace(tiny_cifar10, contents=contents).write_unpacked(tmp_path) / name
        start = f"{path} {reason}"
    with pytest.raises(UserError) as raised:
        tiny_cifar10.published.load("test" if name.startswith("test") else "train", tmp_path)
    assert str(raised.value).startswith(start)
    assert f"`cnnzoo data fetch cifar10 --data-dir {tmp_path}` downloads the right one." in str(raised.value)
    assert "wrong" in [check.status for check in tiny_cifar10.published.verify(tmp_path)]


def test_a_coarse_label_out_of_range_is_an_error(tmp_path, tiny_cifar100):
    contents = {"train.bin": with_byte(tiny_cifar100.contents["train.bin"], 0, 20)}
    replace(tiny_cifar100, contents=tiny_cifar100.contents | contents).write_unpacked(tmp_path)
    with pytest.raises(UserError, match=r"train.bin has the label 20 at position 0; labels are 0 to 19"):
        tiny_cifar100.published.load("train", tmp_path)


def member(name, kind=tarfile.REGTYPE, target=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (member("cifar-10-batches-bin/../../x"), "a member that leads out of its folder"),
        (member("/etc/x"), "a member that leads out of its folder"),
        (member("C:\\x"), "a member that leads out of its folder"),
        (member("x", tarfile.SYMTYPE, "/etc/passwd"), "a link or device, 'x'"),
        (member("x", tarfile.LNKTYPE, "y"), "a link or device, 'x'"),
        (member("x", tarfile.FIFOTYPE), "a link or device, 'x'"),
    ],
)
def test_an_archive_with_a_dangerous_member_is_refused_and_nothing_is_unpacked(tmp_path, tiny_cifar10, extra, reason):
    path = tmp_path / "in" / tiny_cifar10.published.archive
    path.parent.mkdir()
    path.write_bytes(tiny_cifar10.archive(extra))
    with pytest.raises(UserError, match=f"^{re.escape(str(path))} holds {re.escape(reason)}"):
        tiny_cifar10.published.load("train", tmp_path / "in")
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_the_error_about_a_cut_or_foreign_archive_states_its_name(tmp_path, tiny_cifar10):
    path = tiny_cifar10.write(tmp_path)
    packed = path.read_bytes()
    unpacked = gzip.decompress(packed)
    for content, reason in (
        (packed[:-4000], "is cut short: its compressed data ends too early"),
        (packed[:-6] + bytes(6), "is damaged: its compressed data does not unpack"),
        (gzip.compress(unpacked[: len(unpacked) // 2]), "is cut short"),
        (unpacked[: len(unpacked) // 2], "is cut short"),
        (b"", "is empty"),
        (b"<html>" + bytes(4000), "is a web page or XML, not a tar archive"),
        (b"something else" * 999, "is damaged, or not a tar archive"),
        (tiny_cifar10.archive(contents={"test_batch.bin": tiny_cifar10.contents["test_batch.bin"]}), "has no "),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=f"^{re.escape(str(path))} {reason}"):
            tiny_cifar10.published.load("train", tmp_path)


def test_a_member_larger_than_it_should_be_is_not_read(tmp_path, tiny_cifar10):
    contents = tiny_cifar10.contents | {"test_batch.bin": bytes(11 * RECORD)}
    tiny_cifar10.write(tmp_path, contents=contents)
    with pytest.raises(UserError, match=r"holds 33,803 bytes as cifar-10-batches-bin/test_batch.bin, too many"):
        tiny_cifar10.published.load("test", tmp_path)


def test_the_pickled_version_is_not_read(tmp_path, tiny_cifar10):
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(UserError) as raised:
        tiny_cifar10.published.load("train", tmp_path)
    assert str(raised.value).startswith(
        f"{tmp_path}/cifar-10-batches-py is the Python version of CIFAR-10, which is pickled"
    )
    assert f"`cnnzoo data fetch cifar10 --data-dir {tmp_path}` downloads it." in str(raised.value)


def test_a_directory_without_the_files_says_what_to_do(tmp_path, tiny_cifar10):
    with pytest.raises(UserError) as raised:
        tiny_cifar10.published.load("train", tmp_path)
    message = str(raised.value)
    assert message.startswith(
        f"In {tmp_path} and its folders cifar10/ and cifar-10-batches-bin/ files of CIFAR-10 are "
    )
    assert "missing: cifar-10-binary.tar.gz (or data_batch_1.bin to data_batch_2.bin). " in message
    assert tiny_cifar10.published.where(tmp_path) is None
    assert {check.status for check in tiny_cifar10.published.verify(tmp_path)} == {"missing"}


def test_the_next_mirror_is_tried_after_one_that_sends_something_wrong(tmp_path, tiny_cifar10, mirrors):
    right = tiny_cifar10.archive()
    few = tiny_cifar10.archive(contents=cut_records(tiny_cifar10, "test_batch.bin", RECORD))
    name = tiny_cifar10.published.archive
    mirrors.files = {f"cut/{name}": right[:-900], f"few/{name}": few, f"good/{name}": right}
    published = mirrors.of(tiny_cifar10.published, "none", "cut", "few", "good")
    assert published.fetch(tmp_path) == [tmp_path / "cifar10" / name]
    assert len(mirrors.asked) == 4
    assert [found.name for found in tmp_path.rglob("*") if found.is_file()] == [name]
    assert published.load("test", tmp_path).labels.shape == (10,)
    published.fetch(tmp_path)
    assert len(mirrors.asked) == 4


def test_fetching_replaces_an_incomplete_test_file(tmp_path, tiny_cifar10, mirrors):
    few = replace(tiny_cifar10, contents=cut_records(tiny_cifar10, "test_batch.bin", RECORD))
    few.write_unpacked(tmp_path / "cifar-10-batches-bin")
    mirrors.files = {f"good/{tiny_cifar10.published.archive}": tiny_cifar10.archive()}
    published = mirrors.of(tiny_cifar10.published, "good")
    published.fetch(tmp_path)
    assert published.load("test", tmp_path).note == ""


def test_fetching_refuses_an_incomplete_test_file_that_would_hide_the_download(tmp_path, monkeypatch, tiny_cifar10):
    few = replace(tiny_cifar10, contents=cut_records(tiny_cifar10, "test_batch.bin", RECORD))
    path = few.write_unpacked(tmp_path) / "test_batch.bin"
    monkeypatch.setenv("CNNZOO_DATA_DIR", str(tmp_path))
    with pytest.raises(
        UserError, match=f"^{path} has only 1 of 10 images, .* --data-dir {tmp_path}` downloads the right"
    ):
        tiny_cifar10.published.fetch()


def test_without_any_directory_the_archive_is_downloaded_into_the_cache_once(tiny_cifar10, mirrors):
    name = tiny_cifar10.published.archive
    mirrors.files = {f"good/{name}": tiny_cifar10.archive()}
    published = mirrors.of(tiny_cifar10.published, "good")
    assert published.load("train").labels.shape == (40,)
    assert published.load("test").labels.shape == (10,)
    assert mirrors.asked == [f"good/{name}"]
    assert (cache_dir() / "cifar10" / name).is_file()


def test_without_an_internet_connection_the_message_says_what_was_tried(tiny_cifar10):
    published = replace(tiny_cifar10.published, mirrors=("http://127.0.0.1:9/",))
    with pytest.raises(UserError) as raised:
        published.load("train")
    assert "CIFAR-10 is not here and could not be downloaded." in str(raised.value)
    assert "http://127.0.0.1:9/cifar-10-binary.tar.gz: no connection" in str(raised.value)
    assert not cache_dir().exists()


def test_training_images_have_a_note_about_missing_test_images_that_are_not_read(tmp_path, tiny_cifar10):
    few = replace(tiny_cifar10, contents=cut_records(tiny_cifar10, "test_batch.bin", 3 * RECORD))
    path = few.write_unpacked(tmp_path) / "test_batch.bin"
    assert tiny_cifar10.published.load("train", tmp_path).note == "only 3 of the 10 test images are present"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=f"^{path} is cut inside a record: 9,214 bytes"):
        tiny_cifar10.published.load("train", tmp_path)
