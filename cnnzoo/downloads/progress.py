"""Progress bars on standard error for long work outside a training; only if standard error is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


@contextmanager
def show_bytes(url: str, name: str) -> Iterator[Callable[..., object]]:
    """Show a bar for the bytes of a download, or one plain line if standard error is not a terminal.

    Yields:
        A function to call for each chunk with its bytes (``advance``) and those of the whole file (``total``).
    """
    if not sys.stderr.isatty():
        sys.stderr.write(f"Downloading {url}\n")
        yield lambda **bytes_: None  # noqa: ARG005
        return
    from rich.progress import DownloadColumn  # see _make_bar

    with _make_bar(DownloadColumn()) as progress:
        yield partial(progress.update, progress.add_task(name, total=None))


@contextmanager
def show_count(title: str, total: int) -> Iterator[Callable[[int], object]]:
    """Show a bar for a number of steps, or nothing if standard error is not a terminal.

    Yields:
        A function to call with the number of steps that were done since its last call.
    """
    if not sys.stderr.isatty():
        yield lambda count: None  # noqa: ARG005
        return
    from rich.progress import MofNCompleteColumn  # see _make_bar

    with _make_bar(MofNCompleteColumn()) as progress:
        yield partial(progress.advance, progress.add_task(title, total=total))


def _make_bar(amount: Any) -> Any:
    from rich.console import Console  # only needed for bars
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
