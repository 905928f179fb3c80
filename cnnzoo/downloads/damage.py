"""Errors of libraries that read a damaged file, turned into one that names the file."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnzoo.errors import DamagedFileError


@contextmanager
def explain_damage(path: Path) -> Iterator[None]:
    """Turn what libraries raise while they read a file into an error that names it.

    Raises:
        DamagedFileError: The file cannot be read, is cut short or is damaged.
    """
    try:
        if path.exists() and not path.is_file():
            raise DamagedFileError(path, "is a directory, not a file" if path.is_dir() else "is no regular file")
        yield
    except EOFError:
        raise DamagedFileError(
            path, f"is cut short: its compressed data ends too early, after {path.stat().st_size:,} bytes"
        ) from None
    except (gzip.BadGzipFile, zlib.error, zipfile.BadZipFile):
        raise DamagedFileError(path, "is damaged: its compressed data does not unpack") from None
    except PermissionError:
        raise DamagedFileError(path, "cannot be read: permission denied") from None
    except OSError as error:
        raise DamagedFileError(path, f"cannot be read: {error.strerror or error}") from None
