"""``cnnzoo models``: the networks of the zoo, read from their cards."""

from dataclasses import asdict

import click

from cnnzoo import cards
from cnnzoo.cli import output


@click.command("models")
@click.argument("pattern", default="*")
@output.json_option
def command(pattern: str, as_json: bool) -> None:
    """List the networks of the zoo.

    PATTERN is a glob, such as 'resnet*', or a part of the name.

    Parameters are those that training changes; a MAC is one multiplication and one addition. Both
    are counted for one image of the native input size.
    """
    found = cards.select(pattern)
    if as_json:
        output.print_json({"models": [asdict(card) for card in found]})
        return
    from rich.table import Table  # noqa: PLC0415 - only where a table is printed

    # What is left of the line is the paper's; everything else stays whole.
    table = Table("name", "network", box=None, pad_edge=False, expand=True)
    for heading in ("year", "input", "parameters", "MACs"):
        table.add_column(heading, justify="right")
    table.add_column("paper", no_wrap=True, overflow="ellipsis", ratio=1)
    for card in found:
        family = card.title.split(":")[0]
        size = "x".join(map(str, card.input_shape))
        macs = _with_prefix(card.macs)
        table.add_row(card.name, family, str(card.year), size, f"{card.parameters:,}", macs, card.paper)
    output.results().print(table)


def _with_prefix(count: int) -> str:
    """Round a count to four digits and a decimal prefix, such as ``15.47 G``."""
    for prefix, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.4g} {prefix}"
    return str(count)
