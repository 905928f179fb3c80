"""The directories where downloaded files are looked for, and the cache for new downloads."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cnnzoo.cache import cache_dir
from cnnzoo.errors import UserError


class Location(NamedTuple):
    """A file and the directory of the search path that contains it."""

    path: Path
    directory: Path


def check_data_dir(data_dir: Path | None) -> None:
    """Check that a directory exists; for None, check the one in CNNZOO_DATA_DIR.

    Raises:
        UserError: It does not exist.
    """
    environment = os.environ.get("CNNZOO_DATA_DIR")
    if data_dir is None and environment and not _expand(environment).is_dir():
        raise UserError(
            f"CNNZOO_DATA_DIR: {environment} is not a directory; set another one, or unset it to use the cache."
        )
    if data_dir is not None and not data_dir.is_dir():
        raise UserError(
            f"{data_dir} is not a directory. `cnnzoo data fetch NAME --data-dir {shlex.quote(str(data_dir))}` makes it "
            "and downloads a data set there; `cnnzoo train --config digits.yaml` works without a download."
        )


def search_path(data_dir: Path | None) -> list[Path]:
    """Return the directories to look in: only this one, or else the environment's, the cache and Keras's cache."""
    if data_dir is not None:
        return [data_dir]
    environment = os.environ.get("CNNZOO_DATA_DIR")
    keras_home = os.environ.get("KERAS_HOME") or "~/.keras"
    return [*([_expand(environment)] if environment else []), cache_dir(), _expand(keras_home) / "datasets"]


def _expand(path: str | Path) -> Path:
    """Return a path with ~ replaced by the home, or unchanged if there is no such home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises an error if there is none


def find(paths: Sequence[str], directories: Sequence[Path]) -> Location | None:
    """Find a file in the first directory that has it, or else a folder of that name; return None if there is neither.

    Args:
        paths: Its possible paths below each directory, the likeliest first.
        directories: The directories of the search path.
    """
    fallback = None
    for directory in directories:
        for path in (directory / name for name in paths):
            if os.path.isfile(path):  # noqa: PTH113 - pathlib's raises an error if a folder may not be entered
                return Location(path, directory)
            if fallback is None and os.path.exists(path):  # noqa: PTH110 - as above
                fallback = Location(path, directory)
    return fallback
