"""``cnnzoo go``: Go, with AlphaGo's policy network."""

import click

from cnnzoo.cli.lazy import LazyGroup

SUMMARIES = {
    "import": "Read game records in SGF, for trainings.",
    "gtp": "Play in Sabaki, Lizzie or GoGui, or against GNU Go.",
    "show": "Show what the network predicts in a game.",
    "match": "Let two engines play games against each other.",
}


@click.group("go", cls=LazyGroup, summaries=SUMMARIES, package="cnnzoo.cli.go", modules={"import": "import_"})
def command() -> None:
    """Import Go records, play with AlphaGo's policy network, and hold matches between engines."""
