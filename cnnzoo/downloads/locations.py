"""The directories in which downloaded files are looked for, and the cache that they are put into."""

import os
import shlex
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cnnzoo.errors import UserError


class Found(NamedTuple):
    """A file and the directory of the search path under which it lies."""

    path: Path
    directory: Path


def cache_dir() -> Path:
    """Return the user's cache directory, where downloads go; without a home it is among the temporary files."""
    import platformdirs  # not needed to load from one directory

    with suppress(RuntimeError):  # of older versions without a home; newer ones return a path with ~
        cache = _expanded(platformdirs.user_cache_dir("cnnzoo"))
        if cache.is_absolute():
            return cache
    return Path(tempfile.gettempdir()) / "cnnzoo"


def check_data_dir(data_dir: Path | None) -> None:
    """Check that a directory is there, or for None the directory in CNNZOO_DATA_DIR.

    Raises:
        UserError: It is not there.
    """
    environment = os.environ.get("CNNZOO_DATA_DIR")
    if data_dir is None and environment and not _expanded(environment).is_dir():
        raise UserError(f"CNNZOO_DATA_DIR: {environment} is not a directory; set another one, or none for the cache.")
    if data_dir is not None and not data_dir.is_dir():
        raise UserError(
            f"{data_dir} is not a directory. `cnnzoo data fetch NAME --data-dir {shlex.quote(str(data_dir))}` makes it "
            "and downloads a data set there; `cnnzoo train --config digits.yaml` works without any."
        )


def search_path(data_dir: Path | None) -> list[Path]:
    """Return the directories to look in: one alone, or the environment's, the cache and Keras's cache."""
    if data_dir is not None:
        return [data_dir]
    environment = os.environ.get("CNNZOO_DATA_DIR")
    keras_home = os.environ.get("KERAS_HOME") or "~/.keras"
    return [*([_expanded(environment)] if environment else []), cache_dir(), _expanded(keras_home) / "datasets"]


def _expanded(path: str | Path) -> Path:
    """Return a path with ~ replaced by the home, or unchanged where there is no such home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises where there is none


def find(paths: Sequence[str], directories: Sequence[Path]) -> Found | None:
    """Find a file in the first directory that has it; anything else of its name counts where there is no file.

    Args:
        paths: Where it may lie below each directory, the likeliest first.
        directories: Of the search path.
    """
    other = None
    for directory in directories:
        for path in (directory / name for name in paths):
            if os.path.isfile(path):  # noqa: PTH113 - pathlib's raises where a folder may not be entered
                return Found(path, directory)
            if other is None and os.path.exists(path):  # noqa: PTH110 - as above
                other = Found(path, directory)
    return other
