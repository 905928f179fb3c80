"""Files that have the same contents."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any


def content_hash(path: Path) -> bytes:
    """Return the SHA-256 of a file's contents.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()


def same_contents(paths: Iterable[Path]) -> list[list[Path]]:
    """Return groups of files, two or more in each, that have the same contents.

    Only files of the same size and the same beginning are read to their end.
    """
    groups = [list(paths)]
    keys: Sequence[Callable[[Path], Any]] = (lambda path: path.stat().st_size, _hash_beginning, content_hash)
    for key in keys:
        groups = [smaller for group in groups for smaller in _group(group, key) if len(smaller) > 1]
    return groups


def _group(paths: list[Path], key: Callable[[Path], Any]) -> list[list[Path]]:
    groups: dict[Any, list[Path]] = defaultdict(list)
    for path in paths:
        with suppress(OSError):  # decoding will report the error
            groups[key(path)].append(path)
    return list(groups.values())


def _hash_beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return sha256(file.read(4096)).digest()
