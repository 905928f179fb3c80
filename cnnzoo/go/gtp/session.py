"""What the commands share: the state of a session, their answers, and how their arguments are read."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from cnnzoo.go import vertices
from cnnzoo.go.board import BLACK, WHITE
from cnnzoo.go.game import Game
from cnnzoo.go.player import Player
from cnnzoo.text import count

COLOURS = {"b": BLACK, "black": BLACK, "w": WHITE, "white": WHITE}


class CommandError(Exception):
    """A command that is not carried out; the message says why, as the protocol words it where it has words."""


@dataclass(frozen=True)
class Analysis:
    """An answer that stays open until the next input.

    Attributes:
        line: Sent at the beginning and then at every interval; it ends with a line feed, or is empty.
        interval: Seconds.
    """

    line: str
    interval: float


@dataclass
class Session:
    """The state of an engine.

    Attributes:
        player: Chooses the moves.
        size: Points a side of the only board that the player's policy can play on.
        game: The game.
    """

    player: Player
    size: int
    game: Game = field(init=False)

    def __post_init__(self) -> None:
        self.game = Game(self.size)


Function = Callable[[Session, list[str]], str | Analysis]


def check_count(arguments: list[str], expected: int) -> None:
    """Check the number of arguments.

    Raises:
        CommandError: There are too few or too many.
    """
    if len(arguments) != expected:
        raise CommandError(f"syntax error: this command takes {count(expected, 'argument')}, not {len(arguments)}")


def read_colour(text: str) -> int:
    """Return BLACK or WHITE.

    Raises:
        CommandError: It is neither.
    """
    if text.lower() not in COLOURS:
        raise CommandError("syntax error: a color is b, black, w or white")
    return COLOURS[text.lower()]


def read_vertex(text: str, size: int) -> int:
    """Return a point, or PASS.

    Raises:
        CommandError: It is neither.
    """
    try:
        return vertices.read_vertex(text, size)
    except ValueError as error:
        raise CommandError(f"syntax error: {error}") from None


def read_integer(text: str) -> int:
    """Return a whole number from 0 on.

    Raises:
        CommandError: It is none, or has more than nine digits.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise CommandError("syntax error: a whole number from 0 to 999999999 is expected")
    return int(text)


def read_number(text: str) -> float:
    """Return a finite number.

    Raises:
        CommandError: It is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CommandError("syntax error: a finite number is expected")
    return number
