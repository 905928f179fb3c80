"""Downloads from several mirrors in turn: each file is complete and checked, or is not there."""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cnnzoo.downloads import progress
from cnnzoo.errors import DamagedFileError, UserError
from cnnzoo.files import whole

# Seconds. A mirror may have many addresses, and each is tried for this long: a silent firewall must not cost
# ten times a minute.
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30


@dataclass(frozen=True)
class Download:
    """One file to download.

    Attributes:
        name: The file's name on the mirrors.
        path: Where to put it.
        check: Raises DamagedFileError for a path whose contents are wrong.
    """

    name: str
    path: Path
    check: Callable[[Path], object]


def from_mirrors(downloads: Sequence[Download], mirrors: Sequence[str]) -> tuple[list[Download], list[str]]:
    """Download files; a mirror that fails or sends wrong bytes is followed by the next.

    Two processes may do this at once: each writes under its own temporary name.

    Args:
        downloads: The files.
        mirrors: Addresses that end in a slash, the best first.

    Returns:
        The files that no mirror has, and a line per failed attempt.

    Raises:
        UserError: The files cannot be written.
    """
    import requests  # only where something is downloaded

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
    """Write a file whole or not at all, with advice where the directory is read-only or full.

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
            raise  # by requests, whose errors have no number
        raise UserError(
            f"Cannot write {path}: {error.strerror}. Name a directory with --data-dir "
            "where you may write and where there is room."
        ) from None


@contextmanager
def no_empty_folders(folder: Path) -> Iterator[None]:
    """Remove a folder at the end, and those that were made for it, if there is nothing in them."""
    new = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        yield
    finally:
        with suppress(OSError):  # A folder with something in it cannot be removed.
            for path in new:
                path.rmdir()


def _fetch(url: str, name: str, path: Path) -> None:
    import requests  # only where something is downloaded

    # Some servers label a gzip file as compressed for transport; then it would arrive unpacked.
    headers = {"Accept-Encoding": "identity"}
    timeouts = (CONNECT_TIMEOUT, READ_TIMEOUT)
    with (
        progress.downloading(url, name) as report,
        path.open("wb") as file,
        requests.get(url, headers=headers, timeout=timeouts, stream=True) as response,
    ):
        response.raise_for_status()
        size = int(response.headers.get("Content-Length", 0)) or None
        for chunk in response.iter_content(1 << 16):
            file.write(chunk)
            report(advance=len(chunk), total=size)


def _reason(error: Exception) -> str:
    """Return in a few words why a request failed."""
    from requests import exceptions  # only where something is downloaded

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}".rstrip()
    causes: list[BaseException] = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    # Special cases of an exception come before the general one.
    reasons: tuple[tuple[type[BaseException], str], ...] = (
        (exceptions.ConnectTimeout, f"no connection within {CONNECT_TIMEOUT} s"),
        (exceptions.Timeout, f"silent for {READ_TIMEOUT} s"),
        (exceptions.ProxyError, "the proxy did not let it through"),
        (exceptions.SSLError, "its certificate is not trusted here"),
        (exceptions.ChunkedEncodingError, "broke off before the end"),
        (TimeoutError, f"silent for {READ_TIMEOUT} s"),
        (socket.gaierror, "its name cannot be resolved"),
        (exceptions.ConnectionError, "no connection"),
    )
    return next((reason for kind, reason in reasons if any(isinstance(cause, kind) for cause in causes)), str(error))
