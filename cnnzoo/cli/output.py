"""How commands speak: results on standard output, everything else on standard error."""

import json
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else."
)


def results() -> Console:
    """Return the console of results: standard output, not wrapped when it is no terminal."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 200
    return console


def progress() -> Console:
    """Return the console of progress and remarks: standard error."""
    console = Console(stderr=True, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 200
    return console


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
