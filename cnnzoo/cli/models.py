"""``cnnzoo models``: the networks of the zoo, read from their cards."""

from dataclasses import asdict
from itertools import groupby

import click

from cnnzoo import catalogue
from cnnzoo.catalogue import Card
from cnnzoo.cli import output
from cnnzoo.text import format_size


@click.command("models")
@click.argument("pattern", default="*")
@output.json_option
def command(pattern: str, as_json: bool) -> None:
    """List the networks of the zoo, paper by paper.

    PATTERN is a glob, such as 'resnet*', or a part of the name.

    Only trainable parameters are counted. A MAC is one multiplication and one addition; MACs are counted for one image
    of the default size.
    """
    cards = catalogue.select(pattern)
    if as_json:
        output.print_json({"models": [asdict(card) for card in cards]})
    else:
        _print(cards)


def _print(cards: list[Card]) -> None:
    """Print a heading per paper and a line per network, the smallest first; a title that does not fit goes below."""
    console = output.results()
    name_width = max(len(card.name) for card in cards)
    size_width = max(len(format_size(card.input_shape)) for card in cards)
    heading = f"  {'name':<{name_width}}  {'input':>{size_width}} {'parameters':>11}  {'MACs':>7}  title"
    console.print(heading, style="dim", no_wrap=True, overflow="ellipsis")
    ordered = sorted(cards, key=lambda card: (card.year, card.paper, card.parameters))
    for _, group in groupby(ordered, key=lambda card: card.paper):
        networks = list(group)
        console.print(f"\n{networks[0].year}  {networks[0].summary}", style="bold")
        console.print(networks[0].paper)
        for card in networks:
            facts = f"{card.parameters:>11,}  {_format_count(card.macs):>7}"
            line = f"  {card.name:<{name_width}}  {format_size(card.input_shape):>{size_width}} {facts}"
            if len(line) + 2 + len(card.title) <= console.width:
                console.print(f"{line}  {card.title}", no_wrap=True)
            else:
                console.print(line, no_wrap=True, overflow="ellipsis")
                console.print(f"    {card.title}", style="dim")
    console.print("\nLayers, options and link of a network: cnnzoo show NAME")


def _format_count(count: int) -> str:
    """Round a count to four digits and a decimal prefix, such as ``15.47 G``."""
    for prefix, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.4g} {prefix}"
    return str(count)
