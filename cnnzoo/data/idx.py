"""idx files, gzipped or not, and npz archives of uint8 arrays: read them, and say what is wrong with a bad one.

The idx format is described on the page of MNIST, http://yann.lecun.com/exdb/mnist: two zero bytes,
the element type (8 = unsigned byte), the number of dimensions, each dimension as a big-endian
32-bit number, then the elements.
"""

import gzip
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnzoo.errors import UserError

GZIP_START = b"\x1f\x8b"
IMAGES_START = bytes([0, 0, 8, 3])
LABELS_START = bytes([0, 0, 8, 1])


class UnusableFileError(UserError):
    """A file that does not hold what it should.

    Attributes:
        path: The file.
        reason: What is wrong with it, as the end of a sentence that starts with the file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}.")
        self.path = path
        self.reason = reason


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes.

    Whether it is gzipped is told by its first bytes, because browsers unpack without renaming.

    Args:
        path: The file.
        shape: What it must hold: (count, height, width) of images or (count,) of labels.

    Returns:
        A writable array of that shape.

    Raises:
        UnusableFileError: The file cannot be read or holds something else.
    """
    with _failures_named(path), path.open("rb") as stored:
        start = stored.read(2)
        stored.seek(0)
        file = gzip.GzipFile(fileobj=stored) if start == GZIP_START else stored
        header_size = 4 * (1 + len(shape))
        header = file.read(header_size)
        _check_start(path, header, shape)
        if len(header) < header_size:
            raise UnusableFileError(path, f"is cut short: it ends inside its header, after {len(header)} bytes")
        _check_shape(path, struct.unpack(f">{len(shape)}I", header[4:]), shape)
        size = math.prod(shape)
        # One byte more than wanted: it shows surplus bytes, and makes gzip compare its checksum.
        payload = file.read(size + 1)
    if len(payload) < size:
        raise UnusableFileError(path, f"is cut short: its header promises {size:,} bytes, {len(payload):,} follow")
    if len(payload) > size:
        raise UnusableFileError(path, f"goes on after the {size:,} bytes that its header promises")
    return np.frombuffer(bytearray(payload), dtype=np.uint8).reshape(shape)


def read_npz(path: Path, key: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read one array of an npz archive, and only that one.

    Args:
        path: The archive.
        key: The array's name in it.
        shape: What it must hold: (count, height, width) of images or (count,) of labels.

    Returns:
        A writable array of that shape.

    Raises:
        UnusableFileError: The file cannot be read or holds something else.
    """
    with _failures_named(path), path.open("rb") as stored:
        # An archive with a foreign start or without its end, and NumPy would call it a pickle.
        if not zipfile.is_zipfile(stored):
            raise UnusableFileError(path, f"is no npz archive, or cut short: {_size(path)}")
        stored.seek(0)
        with np.load(stored, allow_pickle=False) as archive:
            if key not in archive:
                held = ", ".join(archive.files) or "nothing"
                raise UnusableFileError(path, f"has no array '{key}'; it holds {held}")
            try:
                array = archive[key]
            except (ValueError, RuntimeError, MemoryError):
                raise UnusableFileError(path, f"holds something as '{key}' that is no plain array") from None
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        kind = getattr(array, "dtype", "raw bytes")
        raise UnusableFileError(path, f"holds {kind} as '{key}' where uint8 belongs")
    if array.ndim != len(shape):
        raise UnusableFileError(path, f"holds an array of shape {array.shape} as '{key}' where {shape} belongs")
    _check_shape(path, array.shape, shape)
    return np.ascontiguousarray(array)


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an array as a gzipped idx file of unsigned bytes."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    """Turn what the libraries raise while reading into an error that names the file."""
    try:
        if path.exists() and not path.is_file():
            raise UnusableFileError(path, "is a directory, not a file" if path.is_dir() else "is no regular file")
        yield
    except EOFError:
        raise UnusableFileError(
            path, f"is cut short: its compressed data ends too early, after {_size(path)}"
        ) from None
    except (gzip.BadGzipFile, zlib.error, zipfile.BadZipFile):
        raise UnusableFileError(path, "is damaged: its compressed data does not unpack") from None
    except PermissionError:
        raise UnusableFileError(path, "cannot be read: permission denied") from None
    except OSError as error:
        raise UnusableFileError(path, f"cannot be read: {error.strerror or error}") from None


def _check_start(path: Path, header: bytes, shape: tuple[int, ...]) -> None:
    start = header[:4]
    wanted = bytes([0, 0, 8, len(shape)])
    if start == wanted:
        return
    if not start:
        reason = "is empty"
    elif start in (IMAGES_START, LABELS_START):
        held, place = ("images", "labels") if start == IMAGES_START else ("labels", "images")
        reason = f"holds {held} where {place} belong"
    elif start.lstrip()[:1] == b"<":
        reason = "is a web page or XML, not an idx file"
    else:
        reason = f"is no idx file: it starts with the bytes {start.hex(' ')}, not {wanted.hex(' ')}"
    raise UnusableFileError(path, reason)


def _check_shape(path: Path, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    kind = "images" if len(wanted) > 1 else "labels"
    if found[1:] != wanted[1:]:
        size, wanted_size = ("x".join(map(str, sides[1:])) for sides in (found, wanted))
        raise UnusableFileError(path, f"holds {kind} of {size} pixels where {wanted_size} belong")
    if found[0] != wanted[0]:
        raise UnusableFileError(path, f"holds {found[0]:,} {kind} where {wanted[0]:,} belong")


def _size(path: Path) -> str:
    return f"{path.stat().st_size:,} bytes"
