"""Output of commands: results on standard output, everything else on standard error."""

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cnnzoo import files

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else."
)


def results() -> Console:
    """Return a console on standard output, for results."""
    return _make_console(stderr=False)


def progress() -> Console:
    """Return a console on standard error, for progress and notes."""
    return _make_console(stderr=True)


def _make_console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 200  # a file has no edge to wrap at
    return console


def numbers_table(first: str, *others: str) -> Table:
    """Return an empty table whose columns after the first hold numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def print_table(console: Console, *widths: Table) -> None:
    """Print a table without breaking words and numbers.

    Args:
        console: The console.
        *widths: The same table, from wide to narrow. The first one that fits is printed, otherwise the last one:
            it wraps between words, and a word that is too long goes beyond the terminal's edge.
    """
    unbounded = console.options.update_width(10_000)
    table = next(
        (table for table in widths if console.measure(table, options=unbounded).maximum <= console.width), widths[-1]
    )
    width = console.width
    console.width = max(width, console.measure(table, options=unbounded).minimum)
    console.print(table)
    console.width = width


def percent(share: float | None, missing: str = "") -> str:
    """Return a fraction of 1 as a percentage with two decimals, without the % sign."""
    return missing if share is None else f"{100 * share:.2f}"


def print_next(command: str, runs: Iterable[Any], data_dir: Path | None, *options: str) -> None:
    """Print a command of cnnzoo as the next step, with runs and the directory of the data sets."""
    where = ["--data-dir", str(data_dir)] if data_dir else []
    click.echo(f"Next: {shlex.join(['cnnzoo', command, *map(str, runs), *where, *options])}")


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on standard output, with null for numbers that are not finite."""
    click.echo(files.to_json(value, ensure_ascii=False))
