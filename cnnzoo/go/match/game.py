"""One game between two engines, whose moves are checked under positional superko and without suicide."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from cnnzoo.go.board import BLACK, WHITE, Board, IllegalMoveError
from cnnzoo.go.engine_process import COLOURS, Ending, EngineError, EngineProcess
from cnnzoo.go.game import Game
from cnnzoo.go.vertices import name_vertex, read_vertex
from cnnzoo.text import count

Label = Literal["A", "B"]

# Reasons that are a fault of the engine that loses.
FAULTS = ("illegal", "time", "died", "error")


@dataclass(frozen=True)
class PlayedGame:
    """A finished game of a match.

    Attributes:
        number: Its number, from 1.
        opening: Number of its opening, from 1.
        black: The engine that had Black.
        winner: The engine that won; None for a draw, and for a game that the referee could not score.
        reason: How it ended: ``score`` after two passes, ``limit`` if it had too many moves, ``resign``, or what the
            loser did wrong: ``illegal`` move, too slow (``time``), ``died``, or ``error`` for a wrong answer.
        score: Black's points minus White's, komi included; None without a score.
        note: What was wrong, as a clause that follows the name of the loser or the referee; empty if nothing was.
        moves: Points or PASS, Black's first, the opening included.
        asked: How many moves each engine was asked for.
        seconds: How long each engine took for them.
    """

    number: int
    opening: int
    black: Label
    winner: Label | None
    reason: Ending
    score: float | None
    note: str
    moves: tuple[int, ...]
    asked: Mapping[Label, int]
    seconds: Mapping[Label, float]

    @property
    def white(self) -> Label:
        """The engine that had White."""
        return "B" if self.black == "A" else "A"

    @property
    def loser(self) -> Label | None:
        """The engine that lost; None without a winner."""
        return None if self.winner is None else self.white if self.winner == self.black else self.black

    @property
    def is_unscored(self) -> bool:
        """Whether the referee could not score it."""
        return self.winner is None and self.score is None

    def describe(self, titles: "Titles") -> str:
        """Describe the result in a sentence without a full stop, such as ``GNU Go 3.8 (Black) beats cnnzoo by 12.5``.

        Args:
            titles: Names of the engines.
        """
        length = count(len(self.moves), "move")
        if self.winner is None or self.loser is None:
            both = f"{titles.describe(self.black, 'Black')} and {titles.describe(self.white)}"
            if self.is_unscored:
                return f"{both}: not scored, because {titles.referee} {self.note}; {length}"
            return f"{both} draw, {length}"
        colour = "Black" if self.winner == self.black else "White"
        beats = f"{titles.describe(self.winner, colour)} beats {titles.describe(self.loser)}"
        if self.reason == "resign":
            return f"{beats} by resignation, {length}"
        if self.score is None:
            return f"{beats}, which {self.note}; {length}"
        limit = ", the most that a game may have" if self.reason == "limit" else ""
        return f"{beats} by {abs(self.score):g}, {length}{limit}"


@dataclass(frozen=True)
class Titles:
    """Names and versions of the engines of a match.

    Attributes:
        a: Of engine A.
        b: Of engine B.
        referee: Of the referee; ``none`` without one.
    """

    a: str
    b: str
    referee: str

    def __str__(self) -> str:
        return f"A {self.a}, B {self.b}, referee {self.referee}"

    def describe(self, label: Label, colour: str = "") -> str:
        """Return the title of an engine, with its colour, and with its letter if both engines have the same title."""
        parts = [label] * (self.a == self.b) + [colour] * bool(colour)
        title = self.a if label == "A" else self.b
        return f"{title} ({', '.join(parts)})" if parts else title


class GameOverError(Exception):
    """A game ends before it is scored.

    Attributes:
        loser: BLACK or WHITE.
        reason: See ``PlayedGame``.
        note: See ``PlayedGame``.
    """

    def __init__(self, loser: int, reason: Ending, note: str = "") -> None:
        super().__init__(note)
        self.loser, self.reason, self.note = loser, reason, note


class Play:
    """A game while it is played.

    Args:
        engines: The engines of BLACK and WHITE.
        size: Points a side.
        komi: White's points for moving second.
        seconds: How long an engine may take for a move.

    Attributes:
        game: The game so far.
        asked: How many moves the engines of BLACK and WHITE were asked for.
        seconds: How long they took for them.
    """

    def __init__(self, engines: Mapping[int, EngineProcess], size: int, komi: float, seconds: float) -> None:
        self.engines, self.limit = engines, seconds
        self.game = Game(size, komi)
        self.asked, self.seconds = {BLACK: 0, WHITE: 0}, {BLACK: 0.0, WHITE: 0.0}

    @property
    def board(self) -> Board:
        """The position."""
        return self.game.board

    @property
    def moves(self) -> list[int]:
        """The moves so far, points or PASS."""
        return [move.point for move in self.game.moves]

    def run(self, opening: Sequence[int], most_moves: int) -> Literal["score", "limit"]:
        """Play the game to two passes in a row, or to a number of moves.

        Raises:
            GameOverError: An engine has resigned or failed before.
        """
        for colour, engine in self.engines.items():
            with self._blaming(colour):
                engine.start()
                engine.set_up(self.game.size, self.game.komi)
        for move in opening:
            colour = self.board.to_move
            self._add(move)
            self._tell(BLACK, colour, move)
            self._tell(WHITE, colour, move)
        while not self.game.has_ended:
            if len(self.game.moves) >= most_moves:
                return "limit"
            colour = self.board.to_move
            move = self._ask(colour)
            self._add(move)
            self._tell(-colour, colour, move)
        return "score"

    def _tell(self, listener: int, colour: int, move: int) -> None:
        """Tell the engine of the colour ``listener`` a move of a colour."""
        with self._blaming(listener):
            self.engines[listener].play(colour, move, self.board.size)

    def _ask(self, colour: int) -> int:
        """Ask the engine of a colour for its move."""
        begin = time.monotonic()
        try:
            with self._blaming(colour):
                answer = self.engines[colour].ask(f"genmove {COLOURS[colour]}", self.limit)
        finally:
            self.asked[colour] += 1
            self.seconds[colour] += time.monotonic() - begin
        if answer.lower() == "resign":
            raise GameOverError(colour, "resign")
        try:
            return read_vertex(answer, self.board.size)
        except ValueError as error:
            raise GameOverError(colour, "illegal", f"answered 'genmove' with a wrong move: {error}") from None

    def _add(self, move: int) -> None:
        """Play a move on the board, if it is legal.

        Raises:
            GameOverError: It is not.
        """
        colour = self.board.to_move
        try:
            self.game.play(move, colour)
        except IllegalMoveError as error:
            note = f"played {name_vertex(move, self.board.size)}: {error}"
            raise GameOverError(colour, "illegal", note) from None

    @contextmanager
    def _blaming(self, colour: int) -> Iterator[None]:
        """Have an engine that fails lose the game."""
        try:
            yield
        except EngineError as error:
            raise GameOverError(colour, error.reason, str(error)) from None
