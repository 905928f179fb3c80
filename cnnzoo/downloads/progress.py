"""Progress bars on standard error for what takes long before a training; only where that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


@contextmanager
def downloading(url: str, name: str) -> Iterator[Callable[..., object]]:
    """Show a bar of bytes, or one plain line where standard error is no terminal.

    Yields:
        A function to call for each chunk with its bytes (``advance``) and those of the whole file (``total``).
    """
    if not sys.stderr.isatty():
        sys.stderr.write(f"Downloading {url}\n")
        yield lambda **bytes_: None  # noqa: ARG005
        return
    from rich.progress import DownloadColumn  # see _bar

    with _bar(DownloadColumn()) as progress:
        yield partial(progress.update, progress.add_task(name, total=None))


@contextmanager
def counting(title: str, total: int) -> Iterator[Callable[[int], object]]:
    """Show a bar of a number of steps, or nothing where standard error is no terminal.

    Yields:
        A function to call with the number of steps that are done since its last call.
    """
    if not sys.stderr.isatty():
        yield lambda count: None  # noqa: ARG005
        return
    from rich.progress import MofNCompleteColumn  # see _bar

    with _bar(MofNCompleteColumn()) as progress:
        yield partial(progress.advance, progress.add_task(title, total=total))


def _bar(amount: Any) -> Any:
    from rich.console import Console  # only where something is shown
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
