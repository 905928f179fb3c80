import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from cnnzoo.data.sets.idx_files import read_idx, read_npz, write_idx
from cnnzoo.errors import DamagedFileError

IMAGES = np.arange(3 * 5 * 4, dtype=np.uint8).reshape(3, 5, 4)
LABELS = np.array([2, 0, 1], np.uint8)


def idx_bytes(array: np.ndarray, *, dtype: int = 8, counts: tuple[int, ...] | None = None) -> bytes:
    counts = array.shape if counts is None else counts
    return bytes([0, 0, dtype, array.ndim]) + struct.pack(f">{len(counts)}I", *counts) + array.tobytes()


@pytest.mark.parametrize("array", [IMAGES, LABELS])
def test_a_file_reads_the_same_gzipped_or_not_with_any_name(tmp_path, array):
    write_idx(tmp_path / "packed", array)
    (tmp_path / "plain.gz").write_bytes(idx_bytes(array))
    for name in ("packed", "plain.gz"):
        read = read_idx(tmp_path / name, array.shape)
        np.testing.assert_array_equal(read, array)
        assert read.flags.writeable


PLAIN = idx_bytes(IMAGES)
PACKED = gzip.compress(PLAIN, mtime=0)
FLIPPED = PACKED[:-8] + bytes([PACKED[-8] ^ 1]) + PACKED[-7:]

BAD_IDX = {
    "empty": (b"", "is empty"),
    "cut inside the magic": (PLAIN[:3], "is not an idx file: it starts with the bytes 00 00 08, not 00 00 08 03"),
    "cut inside the header": (PLAIN[:9], "is cut short: it ends inside its header, after 9 bytes"),
    "cut": (PLAIN[:-7], "is cut short: its header states 60 bytes, but only 53 follow"),
    "too long": (PLAIN + b"\0", "has more than the 60 bytes that its header states"),
    "cut gz": (PACKED[:-20], "is cut short: its compressed data ends too early, after "),
    "only the start of a gz": (PACKED[:5], "is cut short: its compressed data ends too early, after 5 bytes"),
    "gz of a cut file": (gzip.compress(PLAIN[:-7]), "is cut short: its header states 60 bytes, but only 53 follow"),
    "gz with a wrong checksum": (FLIPPED, "is damaged: its compressed data does not unpack"),
    "gz with a damaged middle": (PACKED[:10] + b"\xff" * 9 + PACKED[19:], "is damaged: "),
    "gz with something behind": (PACKED + b"garbage", "is damaged: its compressed data does not unpack"),
    "not gz at all": (b"not a gzip file, not an idx file", "is not an idx file: it starts with the bytes 6e 6f 74 20"),
    "web page": (b"<!DOCTYPE html><p>404", "is a web page or XML, not an idx file"),
    "wrong magic": (b"\1" + PLAIN[1:], "is not an idx file: it starts with the bytes 01 00 08 03, not 00 00 08 03"),
    "floats": (idx_bytes(IMAGES, dtype=13), "is not an idx file: it starts with the bytes 00 00 0d 03"),
    "labels in place of images": (idx_bytes(LABELS), "contains labels, not images"),
    "another count": (idx_bytes(IMAGES[:2]), "contains 2 images, not 3"),
    "another size": (idx_bytes(IMAGES.reshape(3, 4, 5)), "contains images of 4x5 pixels, not 5x4"),
    "a count that its bytes do not match": (
        idx_bytes(IMAGES, counts=(9000, 5, 4)),
        "contains 9,000 images, not 3",
    ),
}


@pytest.mark.parametrize(("content", "reason"), BAD_IDX.values(), ids=BAD_IDX)
def test_the_error_about_a_bad_idx_file_states_its_name_and_the_reason(tmp_path, content, reason):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError) as raised:
        read_idx(path, IMAGES.shape)
    assert str(raised.value).startswith(f"{path} {reason}")


def test_images_in_place_of_labels_are_an_error(tmp_path):
    (tmp_path / "labels").write_bytes(PLAIN)
    with pytest.raises(DamagedFileError, match="labels contains images, not labels"):
        read_idx(tmp_path / "labels", (3,))


@pytest.mark.parametrize("read", [read_idx, lambda path, shape: read_npz(path, "x_train", shape)])
def test_a_directory_in_place_of_a_file_is_an_error(tmp_path, read):
    with pytest.raises(DamagedFileError, match=f"{tmp_path} is a directory, not a file"):
        read(tmp_path, IMAGES.shape)


@pytest.mark.parametrize("read", [read_idx, lambda path, shape: read_npz(path, "x_train", shape)])
def test_a_file_without_permission_is_an_error(tmp_path, monkeypatch, read):
    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)  # The superuser, who runs many tests, may read everything.
    with pytest.raises(DamagedFileError, match="file cannot be read: permission denied"):
        read(tmp_path / "file", IMAGES.shape)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_array_of_an_archive_is_read(tmp_path, save):
    save(tmp_path / "set.npz", x_train=IMAGES, y_train=LABELS)
    np.testing.assert_array_equal(read_npz(tmp_path / "set.npz", "x_train", IMAGES.shape), IMAGES)
    np.testing.assert_array_equal(read_npz(tmp_path / "set.npz", "y_train", LABELS.shape), LABELS)


BAD_ARCHIVES = {
    "no such key": ({"y_train": LABELS}, "has no array 'x_train'; it contains y_train"),
    "floats": ({"x_train": IMAGES / 255}, "has 'x_train' as float64, not as uint8"),
    "flattened": ({"x_train": IMAGES.reshape(3, 20)}, "has 'x_train' with the shape (3, 20), not (3, 5, 4)"),
    "another size": ({"x_train": IMAGES.reshape(3, 4, 5)}, "contains images of 4x5 pixels, not 5x4"),
    "another count": ({"x_train": IMAGES[:2]}, "contains 2 images, not 3"),
    "a pickle": ({"x_train": np.array([{}], object)}, "has a 'x_train' that is not a plain array"),
}


@pytest.mark.parametrize(("arrays", "reason"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_the_error_about_a_bad_archive_states_its_name_and_the_reason(tmp_path, arrays, reason):
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays)
    with pytest.raises(DamagedFileError) as raised:
        read_npz(path, "x_train", IMAGES.shape)
    assert str(raised.value).startswith(f"{path} {reason}")


def test_a_damaged_or_cut_archive_is_an_error(tmp_path):
    path = tmp_path / "mnist.npz"
    np.savez_compressed(path, x_train=np.random.default_rng(0).integers(0, 256, IMAGES.shape, np.uint8))
    whole = path.read_bytes()
    for content, reason in (
        (b"", "is not an npz archive, or is cut short: 0 bytes"),
        (b"text", "is not an npz archive, or is cut short: 4 bytes"),
        (whole[:-30], "is not an npz archive, or is cut short: "),
        (whole[:120] + b"\xff" * 40 + whole[160:], "is damaged: its compressed data does not unpack"),
    ):
        path.write_bytes(content)
        with pytest.raises(DamagedFileError) as raised:
            read_npz(path, "x_train", IMAGES.shape)
        assert reason in str(raised.value)
