"""idx files, gzipped or not, and npz archives of uint8 arrays: read them, and say what is wrong with a bad one.

The idx format is described on the page of MNIST, http://yann.lecun.com/exdb/mnist: two zero bytes,
the element type (8 = unsigned byte), the number of dimensions, each dimension as a big-endian
32-bit number, then the elements.
"""

import gzip
import math
import struct
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnzoo.downloads.errors import GZIP_START, DamagedFileError, explain_damage

IMAGES_START = bytes([0, 0, 8, 3])
LABELS_START = bytes([0, 0, 8, 1])


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes.

    Whether it is gzipped is told by its first bytes, because browsers unpack without renaming.

    Args:
        path: The file.
        shape: What it must hold: (count, height, width) of images or (count,) of labels.

    Returns:
        A writable array of that shape.

    Raises:
        DamagedFileError: The file cannot be read or holds something else.
    """
    with explain_damage(path), path.open("rb") as stored:
        start = stored.read(2)
        stored.seek(0)
        file = gzip.GzipFile(fileobj=stored) if start == GZIP_START else stored
        header_size = 4 * (1 + len(shape))
        header = file.read(header_size)
        _check_start(path, header, shape)
        if len(header) < header_size:
            raise DamagedFileError(path, f"is cut short: it ends inside its header, after {len(header)} bytes")
        _check_shape(path, struct.unpack(f">{len(shape)}I", header[4:]), shape)
        size = math.prod(shape)
        # One byte more than wanted: it shows surplus bytes, and makes gzip compare its checksum.
        payload = file.read(size + 1)
    if len(payload) < size:
        raise DamagedFileError(path, f"is cut short: its header promises {size:,} bytes, {len(payload):,} follow")
    if len(payload) > size:
        raise DamagedFileError(path, f"goes on after the {size:,} bytes that its header promises")
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
        DamagedFileError: The file cannot be read or holds something else.
    """
    with explain_damage(path), path.open("rb") as stored:
        # An archive with a foreign start or without its end, and NumPy would call it a pickle.
        if not zipfile.is_zipfile(stored):
            raise DamagedFileError(path, f"is no npz archive, or cut short: {path.stat().st_size:,} bytes")
        stored.seek(0)
        with np.load(stored, allow_pickle=False) as archive:
            if key not in archive:
                held = ", ".join(archive.files) or "nothing"
                raise DamagedFileError(path, f"has no array '{key}'; it holds {held}")
            try:
                array = archive[key]
            except (ValueError, RuntimeError, MemoryError):
                raise DamagedFileError(path, f"holds something as '{key}' that is no plain array") from None
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        kind = getattr(array, "dtype", "raw bytes")
        raise DamagedFileError(path, f"holds {kind} as '{key}' where uint8 belongs")
    if array.ndim != len(shape):
        raise DamagedFileError(path, f"holds an array of shape {array.shape} as '{key}' where {shape} belongs")
    _check_shape(path, array.shape, shape)
    return np.ascontiguousarray(array)


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an array as a gzipped idx file of unsigned bytes."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


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
    raise DamagedFileError(path, reason)


def _check_shape(path: Path, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    kind = "images" if len(wanted) > 1 else "labels"
    if found[1:] != wanted[1:]:
        size, wanted_size = ("x".join(map(str, sides[1:])) for sides in (found, wanted))
        raise DamagedFileError(path, f"holds {kind} of {size} pixels where {wanted_size} belong")
    if found[0] != wanted[0]:
        raise DamagedFileError(path, f"holds {found[0]:,} {kind} where {wanted[0]:,} belong")
