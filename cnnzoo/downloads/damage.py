"""What is wrong with a damaged file, or what it is instead of the expected one."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnzoo.errors import DamagedFileError


def describe_other_file(beginning: bytes, expected: str, remedy: str = "") -> str | None:
    """Return what a file is that was downloaded or copied in place of another one; None if unknown.

    Args:
        beginning: The first bytes of the file.
        expected: What the file should be, such as ``"an image"``.
        remedy: What to do about an empty file or a web page, as a clause that begins with a semicolon.

    Returns:
        A clause that follows the file's name in a sentence.
    """
    if not beginning:
        return f"is empty{remedy}"
    if beginning.startswith(b"version https://git-lfs"):
        return "is only Git LFS's pointer to the file; fetch the file with git lfs pull"
    return f"is a web page or XML, not {expected}{remedy}" if beginning.lstrip()[:1] == b"<" else None


@contextmanager
def explain_damage(path: Path) -> Iterator[None]:
    """Turn the errors of libraries that read a file into one that names the file.

    Raises:
        DamagedFileError: The file cannot be read, is cut short or is damaged.
    """
    try:
        if path.exists() and not path.is_file():
            raise DamagedFileError(path, "is a directory, not a file" if path.is_dir() else "is not a regular file")
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
