"""The error for damaged files."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnzoo.errors import UserError


class DamagedFileError(UserError):
    """A file whose contents are wrong.

    Attributes:
        path: The file.
        reason: What is wrong with it, as the end of a sentence that starts with the file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}.")
        self.path = path
        self.reason = reason


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
