"""Compressed files of weights, unpacked into temporary files."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cnnzoo.classifier.hdf5 import UNPACKING_ERRORS
from cnnzoo.errors import DamagedFileError

# VGG-19 with an optimizer's state takes 1.7 GB. A damaged or malicious file may claim any size.
LARGEST = 4 * 2**30

_BLOCK = 2**20


@contextmanager
def unpack_gzip(path: Path) -> Iterator[Path]:
    """Unpack a gzip file for as long as the block runs.

    Raises:
        DamagedFileError: It is damaged or too large.
    """
    with TemporaryDirectory(prefix="cnnzoo-") as folder:
        unpacked = Path(folder) / "unpacked"
        try:
            with gzip.open(path) as source, unpacked.open("wb") as target:
                _copy(source, target, LARGEST)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise DamagedFileError(
                "is damaged: its gzip data cannot be unpacked; a download may have broken off"
            ) from None
        yield unpacked


@contextmanager
def store_uncompressed(archive: zipfile.ZipFile) -> Iterator[Path]:
    """Copy a zip archive into one without compression, as PyTorch writes it, for as long as the block runs.

    Raises:
        DamagedFileError: It is damaged or too large.
    """
    with TemporaryDirectory(prefix="cnnzoo-") as folder:
        unpacked = Path(folder) / "unpacked.zip"
        left = LARGEST
        with zipfile.ZipFile(unpacked, "w", zipfile.ZIP_STORED) as copy:
            for entry in archive.infolist():
                if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                    raise DamagedFileError(
                        "is compressed in a way that cannot be read; unpack it and zip it without compression"
                    )
                try:
                    with archive.open(entry) as source, copy.open(entry.filename, "w", force_zip64=True) as target:
                        left -= _copy(source, target, left)
                except UNPACKING_ERRORS:
                    raise DamagedFileError(f"is damaged: its entry '{entry.filename}' cannot be unpacked") from None
        yield unpacked


def _copy(source: Any, target: Any, most: int) -> int:
    """Copy a stream in blocks and return its size."""
    size = 0
    while block := source.read(_BLOCK):
        size += len(block)
        if size > most:
            raise DamagedFileError(f"unpacks to more than {LARGEST >> 30} GB; no network here needs so much")
        target.write(block)
    return size
