"""Messages about files that are missing or damaged, with the command that downloads them."""

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


def with_advice(name: str, error: DamagedFileError, directory: Path) -> UserError:
    """Add to the error about a file, found below a directory, the command that downloads the right one."""
    # A download without --data-dir goes into the cache, and so comes before a wrong file there or in Keras's cache.
    target = None if directory in search_path(None)[-2:] else directory
    return UserError(f"{error} `{fetch_command(name, target)}` downloads the right one.")


def missing_in(name: str, title: str, files: str, folders: Sequence[str], data_dir: Path) -> UserError:
    """Return the error for files that are not in the only directory to look in.

    Args:
        name: The data set's name.
        title: Its name as people write it.
        files: The files, and what would do instead.
        folders: Where below the directory they were looked for.
        data_dir: The directory.
    """
    return UserError(
        f"{data_dir} has no {files}, neither itself nor in {', '.join(f'{folder}/' for folder in folders)}. "
        f"`{fetch_command(name, data_dir)}` downloads {title} there; `{WITHOUT_DOWNLOAD}` works without any download."
    )


def not_downloaded(
    title: str, files: Sequence[str], folder: Path, directories: Sequence[Path], failures: Sequence[str]
) -> UserError:
    """Return the error for files that no mirror has, with all attempts.

    Args:
        title: The data set's name as people write it.
        files: The files.
        folder: Where a download would have gone.
        directories: Where the files were looked for.
        failures: A line per attempt.
    """
    lines = (
        f"{title} is not here and could not be downloaded. Looked in:",
        *(f"  {directory}" for directory in directories),
        "Tried:",
        *(f"  {failure}" for failure in failures),
        "Missing:",
        *(f"  {file}" for file in files),
        f"Put them into {folder}, or into any directory that you name with --data-dir.",
        f"Without any download:  {WITHOUT_DOWNLOAD}",
    )
    return UserError("\n".join(lines))
