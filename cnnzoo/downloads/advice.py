"""What to do about files that are missing or wrong, in the words that every downloaded data set uses."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from cnnzoo.downloads.errors import DamagedFileError
from cnnzoo.downloads.locations import search_path
from cnnzoo.errors import UserError

WITHOUT_DOWNLOAD = "cnnzoo train --config digits.yaml"


def fetch_command(name: str, directory: Path | None) -> str:
    """Return the command that downloads a data set into a directory, or into the cache."""
    option = f" --data-dir {shlex.quote(str(directory))}" if directory else ""
    return f"cnnzoo data fetch {name}{option}"


def with_advice(name: str, error: DamagedFileError, directory: Path) -> UserError:
    """Add to a wrong file, found under a directory, the command that puts it right."""
    # A download without --data-dir goes into the cache, and so comes before a wrong file there or in Keras's cache.
    named = None if directory in search_path(None)[-2:] else directory
    return UserError(f"{error} `{fetch_command(name, named)}` downloads the right one.")


def missing_in(name: str, title: str, lacking: str, folders: Sequence[str], data_dir: Path) -> UserError:
    """Say that the only directory to look in does not have the files.

    Args:
        name: The data set's name.
        title: Its name as people write it.
        lacking: The files, and what would do in their place.
        folders: Where below the directory they were looked for.
        data_dir: The directory.
    """
    places = ", ".join(f"{folder}/" for folder in folders)
    return UserError(
        f"{data_dir} has no {lacking}, neither itself nor in {places}. "
        f"`{fetch_command(name, data_dir)}` downloads {title} there; `{WITHOUT_DOWNLOAD}` works without any download."
    )


def not_downloaded(
    title: str, lacking: Sequence[str], folder: Path, looked_in: Sequence[Path], failures: Sequence[str]
) -> UserError:
    """Say all that was tried to get files, and where to put them.

    Args:
        title: The data set's name as people write it.
        lacking: The files.
        folder: Where a download would have gone.
        looked_in: Directories without the files.
        failures: A line per attempt.
    """
    return UserError(
        "\n".join(
            (
                f"{title} is not here and could not be downloaded. Looked in:",
                *(f"  {directory}" for directory in looked_in),
                "Tried:",
                *(f"  {failure}" for failure in failures),
                "Wanted:",
                *(f"  {file}" for file in lacking),
                f"Put them into {folder}, or into any directory that you name with --data-dir.",
                f"Without any download:  {WITHOUT_DOWNLOAD}",
            )
        )
    )
