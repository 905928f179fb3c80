"""``cnnzoo go``: Go, with AlphaGo's policy network."""

import click

from cnnzoo.cli.lazy import LazyGroup

SUMMARIES = {
    "gtp": "Play in Sabaki, Lizzie or GoGui, or against GNU Go.",
    "show": "Show what the network predicts in a game.",
}


@click.group("go", cls=LazyGroup, summaries=SUMMARIES, package="cnnzoo.cli.go", modules={})
def command() -> None:
    """Play Go with AlphaGo's policy network, without search."""
