"""Files that are written whole or not at all, and JSON and NumPy arrays in files."""

import json
import math
import os
import re
import secrets
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from cnnzoo.errors import DamagedFileError, UserError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name in the same folder, and rename it when it is complete.

    The temporary name starts with a dot and keeps the suffix, because Keras and matplotlib choose
    the format by it. If the process is killed before the rename, only the temporary file is left.

    Args:
        path: The file to write; an older one stays until the rename.

    Yields:
        The temporary path to write to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if str(error.filename) == str(temporary):
            error.filename, error.filename2 = str(path), None  # the caller does not know the temporary name
        raise
    finally:
        with suppress(OSError):  # an error here would hide the first one
            temporary.unlink()


def find_left_over(folder: Path) -> list[Path]:
    """Return the files in a folder that killed processes left behind while they wrote others with ``whole``."""
    name = re.compile(r"\..*\.[0-9a-f]{8}\.tmp(\..*)?")
    return [path for path in sorted(folder.glob(".*")) if path.is_file() and name.fullmatch(path.name)]


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all; see ``to_json``."""
    write_text(path, to_json(value) + "\n")


def to_json(value: Mapping[str, Any], *, ensure_ascii: bool = True) -> str:
    """Return an object as JSON, with null for numbers that are not finite.

    JSON has no NaN or Infinity; Python would write words that other programs cannot read.

    Args:
        value: Dictionaries, lists, tuples, texts, numbers and None.
        ensure_ascii: Escape characters that are not ASCII.
    """
    try:
        return json.dumps(value, indent=2, ensure_ascii=ensure_ascii, allow_nan=False)
    except ValueError:
        return json.dumps(_replace_infinite(value), indent=2, ensure_ascii=ensure_ascii, allow_nan=False)


def _replace_infinite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _replace_infinite(part) for key, part in value.items()}
    return [_replace_infinite(part) for part in value] if isinstance(value, list | tuple) else value


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file.

    Raises:
        UserError: The file is missing, or holds no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{path} is missing or damaged.") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} is damaged: it should hold one JSON object.")
    return value


def read_npz(path: Path) -> dict[str, Any]:
    """Read the arrays of an .npz file, by name, and check their checksums.

    Raises:
        DamagedFileError: The contents are wrong.
        OSError: The file is missing or cannot be read.
    """
    import numpy as np

    content = BytesIO(path.read_bytes())  # errors from here on are errors of the contents
    try:
        # NumPy stops reading before the end, where zipfile would compare the checksum.
        if ZipFile(content).testzip() is None:
            content.seek(0)
            with np.load(content, allow_pickle=False) as arrays:
                return dict(arrays)
        reason = "its bytes have changed"
    except (BadZipFile, EOFError, OSError, RuntimeError, ValueError, zlib.error) as error:
        reason = str(error)
    raise DamagedFileError(path, f"is damaged ({reason})")
