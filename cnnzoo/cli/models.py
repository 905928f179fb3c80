"""``cnnzoo models``: the networks of the zoo, read from their cards."""

from dataclasses import asdict
from itertools import groupby

import click

from cnnzoo import catalogue
from cnnzoo.catalogue import Card
from cnnzoo.cli import output

# Columns of a terminal from which on a line has room for a description.
WIDE = 140


@click.command("models")
@click.argument("pattern", default="*")
@output.json_option
def command(pattern: str, as_json: bool) -> None:
    """List the networks of the zoo, paper by paper.

    PATTERN is a glob, such as 'resnet*', or a part of the name.

    Parameters are those that training changes; a MAC is one multiplication and one addition. Both
    are counted for one image of the native input size.
    """
    found = catalogue.select(pattern)
    if as_json:
        output.print_json({"models": [asdict(card) for card in found]})
    else:
        _print(found)


def _print(found: list[Card]) -> None:
    """Print a heading per paper and a line per network, the smallest first; a wide terminal gets descriptions."""
    name_width = max(len(card.name) for card in found)
    size_width = max(len(_size(card)) for card in found)
    from rich.padding import Padding  # only where a list is printed

    console = output.results()
    described = console.width >= WIDE

    def line(text: str, style: str = "") -> None:
        console.print(text, style=style, no_wrap=True, overflow="ellipsis")

    last = "description" if described else "variant"
    line(f"  {'name':<{name_width}}  {'input':>{size_width}} {'parameters':>11}  {'MACs':>7}  {last}", "dim")
    ordered = sorted(found, key=lambda card: (card.year, card.paper, card.title, card.parameters))
    for _, networks in groupby(ordered, key=lambda card: (card.paper, card.title)):
        of_a_paper = list(networks)
        console.print(f"\n{of_a_paper[0].year}  {of_a_paper[0].title}", style="bold")
        console.print(of_a_paper[0].paper)
        for card in of_a_paper:
            facts = f"{_size(card):>{size_width}} {card.parameters:>11,}  {_with_prefix(card.macs):>7}"
            summary = card.summary.removeprefix("Build ").removesuffix(".")
            words = f"{summary} ({card.variant})" if card.variant else summary
            line(f"  {card.name:<{name_width}}  {facts}  {words if described else card.variant}".rstrip())
            if not described and not card.variant:
                console.print(Padding(summary, (0, 0, 0, 4)), style="dim")
    console.print("\nLayers, options and link of one: cnnzoo show NAME")


def _size(card: Card) -> str:
    return "x".join(map(str, card.input_shape))


def _with_prefix(count: int) -> str:
    """Round a count to four digits and a decimal prefix, such as ``15.47 G``."""
    for prefix, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.4g} {prefix}"
    return str(count)
