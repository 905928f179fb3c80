"""Where the files of a data set are looked for."""

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
    """Return the user's cache directory, where downloads go; a user without a home has one for the temporary files."""
    import pooch  # noqa: PLC0415 - not needed to load from a named directory

    with suppress(RuntimeError):  # of older versions of what pooch uses it comes back with its ~
        cache = _expanded(pooch.os_cache("cnnzoo"))
        if cache.is_absolute():
            return cache
    return Path(tempfile.gettempdir()) / "cnnzoo"


def check_data_dir(data_dir: Path | None) -> None:
    """Refuse a named directory that is not there, or for None the one that the environment names.

    Raises:
        UserError: It is not there.
    """
    environment = os.environ.get("CNNZOO_DATA_DIR")
    if data_dir is None and environment and not _expanded(environment).is_dir():
        raise UserError(f"CNNZOO_DATA_DIR: {environment} is no directory; set another one, or none for the cache.")
    if data_dir is not None and not data_dir.is_dir():
        raise UserError(
            f"{data_dir} is no directory. `cnnzoo data fetch NAME --data-dir {shlex.quote(str(data_dir))}` makes it "
            "and downloads a data set there; `cnnzoo train --config digits.yaml` works without any."
        )


def search_path(data_dir: Path | None) -> list[Path]:
    """Return the directories to look in: the named one alone, or the environment's, the cache and Keras's cache."""
    if data_dir is not None:
        return [data_dir]
    named = os.environ.get("CNNZOO_DATA_DIR")
    keras_home = os.environ.get("KERAS_HOME") or "~/.keras"
    return [*([_expanded(named)] if named else []), cache_dir(), _expanded(keras_home) / "datasets"]


def _expanded(path: str | Path) -> Path:
    """Return a path with the home in the place of its ~, or as it is where there is no such home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises where there is none


def find(folders: Sequence[str], names: Sequence[str], directories: Sequence[Path]) -> Found | None:
    """Find a file; the place and name that a download gets come first, so that it hides a wrong file.

    Args:
        folders: Below each directory, the first ones first.
        names: What the file may be called, the likeliest first.
        directories: Of the search path.
    """
    in_the_way = None
    for directory in directories:
        for folder in folders:
            for name in names:
                path = directory / folder / name
                if os.path.isfile(path):  # noqa: PTH113 - pathlib's raises where a folder may not be entered
                    return Found(path, directory)
                if in_the_way is None and os.path.exists(path):  # noqa: PTH110 - as above
                    in_the_way = Found(path, directory)
    return in_the_way
