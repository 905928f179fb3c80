"""Errors about missing or damaged files, with the command that downloads them."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from cnnzoo.downloads.locations import search_path
from cnnzoo.errors import DamagedFileError, UserError

WITHOUT_DOWNLOAD = "cnnzoo train --config digits.yaml"


def fetch_command(name: str, directory: Path | None) -> str:
    """Return the command that downloads a data set into a directory, or into the cache."""
    option = f" --data-dir {shlex.quote(str(directory))}" if directory else ""
    return f"cnnzoo data fetch {name}{option}"


def add_advice(name: str, error: DamagedFileError, directory: Path) -> UserError:
    """Return the error about a damaged file in a directory with the command that downloads the right file."""
    # A download without --data-dir goes into the cache, where it is found before a wrong file in Keras's cache.
    target = None if directory in search_path(None)[-2:] else directory
    return UserError(f"{error} `{fetch_command(name, target)}` downloads the right one.")


def explain_missing(name: str, title: str, files: str, folders: Sequence[str], data_dir: Path) -> UserError:
    """Return the error for files that are not in the directory of --data-dir.

    Args:
        name: Name of the data set.
        title: Title of the data set.
        files: The files, and those that can replace them.
        folders: The folders of the directory where they were looked for, too.
        data_dir: The directory.
    """
    inside = " and ".join(f"{folder}/" for folder in folders)
    return UserError(
        f"In {data_dir} and its folders {inside} files of {title} are missing: {files}. "
        f"`{fetch_command(name, data_dir)}` downloads {title} there; `{WITHOUT_DOWNLOAD}` works without a download."
    )


def explain_failures(
    title: str, files: Sequence[str], folder: Path, directories: Sequence[Path], failures: Sequence[str]
) -> UserError:
    """Return the error for files that could not be downloaded from any mirror, with all attempts.

    Args:
        title: Title of the data set.
        files: The files.
        folder: The folder to download them into.
        directories: The directories where they were looked for.
        failures: A line for each attempt.
    """
    lines = (
        f"{title} is not here and could not be downloaded. Looked in:",
        *(f"  {directory}" for directory in directories),
        "Tried:",
        *(f"  {failure}" for failure in failures),
        "Missing:",
        *(f"  {file}" for file in files),
        f"Put them into {folder}, or into any directory that you name with --data-dir.",
        f"Without a download:  {WITHOUT_DOWNLOAD}",
    )
    return UserError("\n".join(lines))
