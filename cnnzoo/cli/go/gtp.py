"""``cnnzoo go gtp``: a policy network as a program that plays Go."""

import math
import os
import secrets
from collections.abc import Iterator

import click

import cnnzoo
from cnnzoo.classifier.policy import DEFAULT_MODEL, Symmetries, find_source, open_policy
from cnnzoo.cli.go.policy_options import symmetries_option, unfinished_option
from cnnzoo.cli.options import device_option
from cnnzoo.cli.process import reserve_output
from cnnzoo.config import SEEDS
from cnnzoo.errors import UserError
from cnnzoo.go.board import Board
from cnnzoo.go.gtp import Engine, serve
from cnnzoo.go.player import Player
from cnnzoo.runtime import DeviceChoice
from cnnzoo.text import printable

# Bytes of one read from standard input.
CHUNK = 2**16


@click.command("gtp")
@click.argument("source", metavar="[RUN|MODEL]", default=DEFAULT_MODEL)
@click.option(
    "--temperature",
    type=float,
    default=0.0,
    show_default=True,
    help="0 always plays the likeliest move. 1 draws moves with the network's probabilities; less is closer to 0.",
)
@click.option("--seed", type=click.IntRange(0, SEEDS - 1), help="Seed of these draws; by default a new one, printed.")
@symmetries_option
@unfinished_option
@device_option
def command(
    source: str,
    temperature: float,
    seed: int | None,
    symmetries: Symmetries,
    unfinished: bool,
    device: DeviceChoice | None,
) -> None:
    """Play Go over the Go Text Protocol (GTP), in Sabaki, Lizzie or GoGui, or against GNU Go.

    RUN|MODEL is a run, a .keras file, or the name of a model that ships with cnnzoo. Enter this command as the engine
    of the other program; by hand, try: showboard, genmove b, cnnzoo-policy, quit.

    The network plays the likeliest point that is legal, also by positional superko, and is no true eye of its own.
    It passes if there is none, and answers a pass with a pass from move 100 on (earlier on smaller boards, by their
    number of points). It never resigns, because it does not know who is winning. It cannot tell dead stones:
    final_score counts every stone as alive, so let GNU Go or the players score. Analysis shows the network's
    probabilities as visits, and a win rate of 50 % for every move, which means nothing.
    """
    if not (math.isfinite(temperature) and temperature >= 0):
        raise UserError(f"--temperature {temperature:g}: a temperature is a finite number from 0 on.")
    if seed is not None and not temperature:
        raise UserError("--seed is for --temperature; without it, the likeliest move is played always.")
    policy = open_policy(find_source(source, unfinished), device or "auto", symmetries)
    size, title = policy.metadata.size, printable(policy.metadata.title)
    with reserve_output() as output:

        def write(text: str) -> None:
            output.write(text)
            output.flush()

        policy(Board(size))  # a damaged model or a missing device is an error now, not in a game
        seed = secrets.randbelow(SEEDS) if seed is None else seed
        drawn = f", temperature {temperature:g}, seed {seed}" if temperature else ""
        click.echo(f"{title} plays on {size}x{size} ({policy.computed_on}{drawn}).", err=True)
        if policy.note:
            click.echo(f"Note: {policy.note}", err=True)
        player, version = Player(policy, temperature, seed), f"cnnzoo {cnnzoo.__version__}"
        engine = Engine(player, size, f"cnnzoo {title}", version)
        serve(engine, _read_lines(), write)


def _read_lines() -> Iterator[bytes]:
    """Yield the lines of standard input.

    They are read without Python's stream: a thread that waits in it would hold its lock when the process ends.
    """
    rest = b""
    while chunk := os.read(0, CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest
