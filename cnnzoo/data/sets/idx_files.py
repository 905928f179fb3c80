"""Reads idx files, gzipped or not, and arrays in npz archives, and says what is wrong with a damaged file.

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

from cnnzoo.downloads.archives import open_unpacked
from cnnzoo.downloads.damage import describe_other_file, explain_damage
from cnnzoo.errors import DamagedFileError
from cnnzoo.text import format_size

# The contents of an idx file of unsigned bytes, by its first four bytes.
KINDS = {bytes([0, 0, 8, 3]): "images", bytes([0, 0, 8, 1]): "labels"}


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes, gzipped or not.

    Args:
        path: The file.
        shape: The expected shape: (count, height, width) of images or (count,) of labels.

    Returns:
        A writable array of that shape.

    Raises:
        DamagedFileError: The file cannot be read or contains something else.
    """
    with open_unpacked(path) as file:
        header_size = 4 * (1 + len(shape))
        header = file.read(header_size)
        _check_start(path, header, shape)
        if len(header) < header_size:
            raise DamagedFileError(path, f"is cut short: it ends inside its header, after {len(header)} bytes")
        _check_shape(path, struct.unpack(f">{len(shape)}I", header[4:]), shape)
        size = math.prod(shape)
        # One byte more than expected, to notice a longer file and to make gzip compare its checksum.
        payload = file.read(size + 1)
    if len(payload) < size:
        raise DamagedFileError(
            path, f"is cut short: its header states {size:,} bytes, but only {len(payload):,} follow"
        )
    if len(payload) > size:
        raise DamagedFileError(path, f"has more than the {size:,} bytes that its header states")
    return np.frombuffer(bytearray(payload), dtype=np.uint8).reshape(shape)


def read_npz(path: Path, key: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read one array of an npz archive, but not the others.

    Args:
        path: The archive.
        key: The array's name in it.
        shape: The expected shape: (count, height, width) of images or (count,) of labels.

    Returns:
        A writable array of that shape.

    Raises:
        DamagedFileError: The file cannot be read or contains something else.
    """
    with explain_damage(path), path.open("rb") as stored:
        # NumPy would report a file that does not begin or end like a zip archive as a pickle.
        if not zipfile.is_zipfile(stored):
            raise DamagedFileError(path, f"is not an npz archive, or is cut short: {path.stat().st_size:,} bytes")
        stored.seek(0)
        with np.load(stored, allow_pickle=False) as archive:
            if key not in archive:
                arrays = ", ".join(archive.files) or "nothing"
                raise DamagedFileError(path, f"has no array '{key}'; it contains {arrays}")
            try:
                array = archive[key]
            except (ValueError, RuntimeError, MemoryError):
                raise DamagedFileError(path, f"has a '{key}' that is not a plain array") from None
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        kind = getattr(array, "dtype", "raw bytes")
        raise DamagedFileError(path, f"has '{key}' as {kind}, not as uint8")
    if array.ndim != len(shape):
        raise DamagedFileError(path, f"has '{key}' with the shape {array.shape}, not {shape}")
    _check_shape(path, array.shape, shape)
    return np.ascontiguousarray(array)


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an array as a gzipped idx file of unsigned bytes."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


def _check_start(path: Path, header: bytes, shape: tuple[int, ...]) -> None:
    start, expected = header[:4], bytes([0, 0, 8, len(shape)])
    if start == expected:
        return
    if start in KINDS:
        raise DamagedFileError(path, f"contains {KINDS[start]}, not {KINDS[expected]}")
    reason = f"is not an idx file: it starts with the bytes {start.hex(' ')}, not {expected.hex(' ')}"
    raise DamagedFileError(path, describe_other_file(header, "an idx file") or reason)


def _check_shape(path: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    kind = "images" if len(expected) > 1 else "labels"
    if shape[1:] != expected[1:]:
        size, expected_size = (format_size(sides[1:]) for sides in (shape, expected))
        raise DamagedFileError(path, f"contains {kind} of {size} pixels, not {expected_size}")
    if shape[0] != expected[0]:
        raise DamagedFileError(path, f"contains {shape[0]:,} {kind}, not {expected[0]:,}")
