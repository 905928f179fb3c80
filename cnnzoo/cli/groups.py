"""The table of a policy network's figures on groups of positions of Go."""

from typing import TYPE_CHECKING

from rich.console import Console

from cnnzoo.cli.output import numbers_table, percent, print_table

if TYPE_CHECKING:
    from cnnzoo.evaluation import PositionGroup
    from cnnzoo.evaluation.positions import Figures


def print_groups(console: Console, groups: "list[PositionGroup]") -> None:
    """Print a table of the figures on groups of positions."""
    table = numbers_table("positions", "number", "games", "top-1 %", "top-5 %", "loss", "averaged top-1 %")
    for group in groups:
        single, averaged = group.single, group.averaged
        table.add_row(
            group.name,
            f"{group.positions:,}",
            f"{group.games:,}",
            _format_accuracy(single),
            percent(single.top5_accuracy),
            f"{single.loss:.4f}",
            _format_accuracy(averaged),
        )
    print_table(console, table)
    console.print("±: 95 % interval over games; averaged: over the eight symmetries of the board")


def _format_accuracy(figures: "Figures") -> str:
    """Return an accuracy with half the width of its interval."""
    if figures.interval is None:
        return percent(figures.accuracy)
    low, high = figures.interval
    return f"{percent(figures.accuracy)} ± {percent((high - low) / 2)}"
