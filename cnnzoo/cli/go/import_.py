"""``cnnzoo go import``: game records in SGF as one file for trainings."""

import shlex
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from cnnzoo.cli.options import NewFile
from cnnzoo.cli.output import json_option, print_json, print_table, results
from cnnzoo.downloads import progress
from cnnzoo.go.board import LARGEST, SMALLEST
from cnnzoo.go.importing import Summary, import_games
from cnnzoo.text import count, printable


@click.command("import")
@click.argument("paths", metavar="FOLDER|FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output", type=NewFile("a games file", (".npz",)), required=True, help="The file of games, such as games.npz."
)
@click.option(
    "--size",
    type=click.IntRange(SMALLEST, LARGEST),
    default=19,
    show_default=True,
    help="Points a side of the board; games on other boards are refused.",
)
@click.option(
    "--min-moves", type=click.IntRange(min=1), default=50, show_default=True, help="Refuse games with fewer moves."
)
@click.option("--processes", type=click.IntRange(min=1), help="Processes that read; by default one for each core.")
@json_option
def command(
    paths: tuple[Path, ...], output: Path, size: int, min_moves: int, processes: int | None, as_json: bool
) -> None:
    """Read game records in SGF, and keep their moves in one file for trainings.

    Each FOLDER, with all folders in it, is a collection that is named after it; a FILE belongs to one that is named
    after its folder. Only main lines are read. A game ends before its first illegal move. A game that occurs twice,
    perhaps turned or mirrored, is kept once.
    """
    show = partial(progress.show_count, "Reading games")
    games, summary = import_games(paths, size=size, fewest_moves=min_moves, processes=processes, progress=show)
    games.save(output)
    if as_json:
        print_json(_describe(summary, output))
        return
    taken = f"{count(summary.games, 'game')} with {count(summary.moves, 'move')}"
    click.echo(f"{taken}, from {count(summary.files, 'SGF file')}")
    for name, number in summary.by_collection.items():
        click.echo(f"  {printable(name)}: {count(number, 'game')}")
    if summary.other_files:
        click.echo(f"{count(summary.other_files, 'file')} left out, whose names do not end in .sgf")
    console = results()
    if summary.refused:
        rows = [(str(reason), number, _describe_refusal(first)) for reason, number, first in summary.reasons()]
        print_table(console, _make_table("refused", rows))
    if summary.notes:
        rows = [(str(note), number, summary.examples[note]) for note, number in summary.notes.most_common()]
        print_table(console, _make_table("taken, with a note", rows))
    click.echo(f"Saved in {output} ({output.stat().st_size / 2**20:.1f} MiB)")
    settings = [f"data.path={output}", *([f"data.size={size}"] if size != 19 else [])]
    words = [word for setting in settings for word in ("--set", setting)]
    click.echo(f"Next: {shlex.join(['cnnzoo', 'train', '--config', 'alphago_policy_small.yaml', *words])}")


def _describe_refusal(refusal: Any) -> str:
    detail = f" ({refusal.detail})" if refusal.detail else ""
    return f"{printable(refusal.file)}{printable(detail)}"


def _make_table(title: str, rows: list[tuple[str, int, str]]) -> Table:
    table = Table(title, "games", "such as", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    table.columns[2].overflow = "fold"
    for name, number, example in rows:
        table.add_row(name, f"{number:,}", example)
    return table


def _describe(summary: Summary, output: Path) -> dict[str, Any]:
    """Return the summary as an object of JSON, with all refused games."""
    return {
        "path": str(output),
        "files": summary.files,
        "other_files": summary.other_files,
        "games": summary.games,
        "moves": summary.moves,
        "collections": summary.by_collection,
        "notes": {str(note): number for note, number in summary.notes.items()},
        "refused": [asdict(refusal) for refusal in summary.refused],
    }
