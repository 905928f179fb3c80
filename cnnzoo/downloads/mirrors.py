"""Fetch files from several mirrors in turn, each whole and checked or not at all."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cnnzoo.downloads import progress
from cnnzoo.downloads.errors import DamagedFileError
from cnnzoo.errors import UserError
from cnnzoo.files import whole

# Seconds. A mirror may have many addresses and each is given this long, so a silent firewall
# must not take ten times a minute to be noticed.
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30


@dataclass(frozen=True)
class Download:
    """One file to fetch.

    Attributes:
        name: The file's name on the mirrors.
        path: Where it shall be.
        check: Raises DamagedFileError for a path that does not hold the right bytes.
    """

    name: str
    path: Path
    check: Callable[[Path], object]


def from_mirrors(downloads: Sequence[Download], mirrors: Sequence[str]) -> tuple[list[Download], list[str]]:
    """Fetch what can be fetched; a mirror that fails or serves wrong bytes is followed by the next.

    Two processes may do this at once: each writes under its own temporary name.

    Args:
        downloads: What is wanted.
        mirrors: Addresses that end in a slash, the best first.

    Returns:
        What could not be had from any mirror, and why: a line per failure.

    Raises:
        UserError: The files cannot be written.
    """
    import requests  # noqa: PLC0415 - only where something is downloaded

    missing = list(downloads)
    failures = []
    for mirror in mirrors:
        for download in tuple(missing):
            url = mirror + download.name
            try:
                with written(download.path) as temporary:
                    _fetch(url, download.name, temporary)
                    download.check(temporary)
            except DamagedFileError as error:
                failures.append(f"{url}: what it sent {error.reason}")
            except OSError as error:  # The base of all that requests raises.
                failures.append(f"{url}: {_reason(error)}")
                if isinstance(error, requests.ConnectionError | requests.Timeout):
                    break  # Its other files would only cost the same wait again.
            else:
                missing.remove(download)
        if not missing:
            break
    return missing, failures


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all; a directory that is read-only or full is the user's to change.

    Yields:
        The temporary path to write to.

    Raises:
        UserError: The file cannot be written.
    """
    try:
        with whole(path) as temporary:
            yield temporary
    except OSError as error:
        if error.errno is None:
            raise  # Not the file system's: requests raises its own without a number.
        raise UserError(
            f"Cannot write {path}: {error.strerror}. Name a directory with --data-dir "
            "where you may write and where there is room."
        ) from None


@contextmanager
def no_empty_folders(folder: Path) -> Iterator[None]:
    """Remove a folder, and those made on the way to it, if nothing has come to lie in them at the end."""
    new = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    try:
        yield
    finally:
        with suppress(OSError):  # A folder with something in it cannot be removed.
            for place in new:
                place.rmdir()


def _fetch(url: str, name: str, path: Path) -> None:
    from pooch import HTTPDownloader  # noqa: PLC0415 - only where something is downloaded

    with progress.downloading(url, name) as bar:
        # Some servers label a gzip file as compressed for transport; then it would arrive unpacked.
        transport = HTTPDownloader(
            progressbar=bar,
            chunk_size=1 << 16,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            headers={"Accept-Encoding": "identity"},
        )
        transport(url, str(path), None)


def _reason(error: Exception) -> str:
    """Say in a few words why a request failed."""
    from requests import exceptions  # noqa: PLC0415 - only where something is downloaded

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}".rstrip()
    text = repr(error)
    # Special cases of an exception come before the general one.
    reasons = (
        (isinstance(error, exceptions.ConnectTimeout), f"no connection within {CONNECT_TIMEOUT} s"),
        (isinstance(error, exceptions.Timeout) or "Read timed out" in text, f"silent for {READ_TIMEOUT} s"),
        (isinstance(error, exceptions.ProxyError), "the proxy did not let it through"),
        (isinstance(error, exceptions.SSLError), "its certificate is not trusted here"),
        (isinstance(error, exceptions.ChunkedEncodingError), "broke off before the end"),
        ("NameResolutionError" in text or "getaddrinfo" in text, "its name cannot be resolved"),
        (isinstance(error, exceptions.ConnectionError), "no connection"),
    )
    return next((reason for applies, reason in reasons if applies), str(error))
