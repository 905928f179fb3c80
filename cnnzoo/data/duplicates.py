"""The same file contents under several names."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

HEAD = 4096


def content_hash(path: Path) -> bytes:
    """Return the SHA-256 of a file's contents.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()


def same_contents(paths: Iterable[Path]) -> list[list[Path]]:
    """Return the groups of files, of two or more each, that have the same contents.

    Only files of one size and one beginning are read to their end.
    """
    groups = [list(paths)]
    steps: Sequence[Callable[[Path], Any]] = (lambda path: path.stat().st_size, _head, content_hash)
    for key in steps:
        groups = [group for whole in groups for group in _grouped(whole, key) if len(group) > 1]
    return groups


def _grouped(paths: list[Path], key: Callable[[Path], Any]) -> list[list[Path]]:
    found: dict[Any, list[Path]] = defaultdict(list)
    for path in paths:
        try:
            found[key(path)].append(path)
        except OSError:  # decoding will report the error
            continue
    return list(found.values())


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return sha256(file.read(HEAD)).digest()
