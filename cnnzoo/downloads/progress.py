"""Bars on standard error for what takes long before a training begins; only where that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


class DownloadBar:
    """What pooch tells about its progress, passed on to a rich progress bar."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress = progress
        self._task = task

    @property
    def total(self) -> int:
        """Bytes in all; 0 while they are not known."""
        return int(self._progress.tasks[0].total or 0)

    @total.setter
    def total(self, size: int) -> None:
        self._progress.update(self._task, total=size or None)

    def update(self, size: int) -> None:
        """Add so many bytes."""
        self._progress.update(self._task, advance=size)

    def reset(self) -> None:
        """Begin at the first byte again."""
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        """Show what was reached."""
        self._progress.refresh()


@contextmanager
def downloading(url: str, name: str) -> Iterator[DownloadBar | bool]:
    """Show a bar of bytes, or one plain line where standard error is no terminal."""
    if not sys.stderr.isatty():
        sys.stderr.write(f"Downloading {url}\n")
        yield False
        return
    from rich.progress import DownloadColumn  # noqa: PLC0415 - see _bar

    with _bar(DownloadColumn()) as progress:
        yield DownloadBar(progress, progress.add_task(name, total=None))


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], object]]:
    """Show a bar of so many things, or nothing where standard error is no terminal; yield what moves it on."""
    if not sys.stderr.isatty():
        yield lambda count: None  # noqa: ARG005 - nothing moves
        return
    from rich.progress import MofNCompleteColumn  # noqa: PLC0415 - see _bar

    with _bar(MofNCompleteColumn()) as progress:
        yield partial(progress.advance, progress.add_task(what, total=total))


def _bar(amount: Any) -> Any:
    from rich.console import Console  # noqa: PLC0415 - only where something is shown
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
