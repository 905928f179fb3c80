"""Downloads from several mirrors in turn: a file is complete and checked, or it does not exist."""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cnnzoo.downloads import progress
from cnnzoo.errors import DamagedFileError, UserError
from cnnzoo.files import whole

# Seconds. A mirror may have ten addresses, and each is tried for this long: a silent firewall must not cost minutes.
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30


@dataclass(frozen=True)
class Download:
    """One file to download.

    Attributes:
        name: The file's name on the mirrors.
        path: The path to write.
        check: Takes a path, and raises DamagedFileError if its contents are wrong.
    """

    name: str
    path: Path
    check: Callable[[Path], object]


def from_mirrors(downloads: Sequence[Download], mirrors: Sequence[str]) -> tuple[list[Download], list[str]]:
    """Download files; if a mirror fails or sends wrong bytes, the next one is tried.

    Two processes may do this at once, because each writes under its own temporary name.

    Args:
        downloads: The files.
        mirrors: Addresses that end in a slash, the best first.

    Returns:
        The files that could not be downloaded, and a line for each failed attempt.

    Raises:
        UserError: The files cannot be written.
    """
    import requests  # only needed for downloads

    missing = list(downloads)
    failures = []
    for mirror in mirrors:
        for download in tuple(missing):
            url = mirror + download.name
            try:
                with write_download(download.path) as temporary:
                    _fetch(url, download.name, temporary)
                    download.check(temporary)
            except DamagedFileError as error:
                failures.append(f"{url}: the file that it sent {error.reason}")
            except OSError as error:  # the base class of all errors of requests
                failures.append(f"{url}: {_explain(error)}")
                if isinstance(error, requests.ConnectionError | requests.Timeout):
                    break  # each of its other files would take as long to fail
            else:
                missing.remove(download)
        if not missing:
            break
    return missing, failures


@contextmanager
def write_download(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all, with advice if the directory is read-only or full.

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
            raise  # an error of requests, which has no number
        raise UserError(
            f"Cannot write {path}: {error.strerror}. Name another directory with --data-dir, one that has room and "
            "that you may write to."
        ) from None


@contextmanager
def remove_empty_folders(folder: Path) -> Iterator[None]:
    """Remove a folder and its parents when the block ends, if the block made them and they are empty."""
    new = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        yield
    finally:
        with suppress(OSError):  # a folder with something in it cannot be removed
            for path in new:
                path.rmdir()


def _fetch(url: str, name: str, path: Path) -> None:
    import requests  # only needed for downloads

    # Some servers label a gzip file as compressed for transport; then it would arrive unpacked.
    headers = {"Accept-Encoding": "identity"}
    timeouts = (CONNECT_TIMEOUT, READ_TIMEOUT)
    with (
        progress.show_bytes(url, name) as update,
        path.open("wb") as file,
        requests.get(url, headers=headers, timeout=timeouts, stream=True) as response,
    ):
        response.raise_for_status()
        size = int(response.headers.get("Content-Length", 0)) or None
        for chunk in response.iter_content(1 << 16):
            file.write(chunk)
            update(advance=len(chunk), total=size)


def _explain(error: Exception) -> str:
    """Say in a few words why a request failed."""
    from requests import exceptions  # only needed for downloads

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}".rstrip()
    causes: list[BaseException] = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    # Subclasses come before their base classes.
    reasons: tuple[tuple[type[BaseException], str], ...] = (
        (exceptions.ConnectTimeout, f"no connection within {CONNECT_TIMEOUT} s"),
        (exceptions.Timeout, f"sent nothing for {READ_TIMEOUT} s"),
        (exceptions.ProxyError, "the proxy did not let it through"),
        (exceptions.SSLError, "its certificate is not trusted here"),
        (exceptions.ChunkedEncodingError, "broke off before the end"),
        (TimeoutError, f"sent nothing for {READ_TIMEOUT} s"),
        (socket.gaierror, "its name cannot be resolved"),
        (exceptions.ConnectionError, "no connection"),
    )
    return next((reason for kind, reason in reasons if any(isinstance(cause, kind) for cause in causes)), str(error))
