"""The settings of a match, which a resumed match must share."""

import math
from dataclasses import dataclass

from cnnzoo.errors import UserError
from cnnzoo.go.board import LARGEST, SMALLEST
from cnnzoo.go.engine_process import split_command
from cnnzoo.go.match.openings import list_opening_points, make_openings

NO_REFEREE = "none"


@dataclass(frozen=True)
class Settings:
    """The settings of a match.

    Attributes:
        engine_a: Command line of engine A.
        engine_b: Command line of engine B.
        games: Number of games.
        size: Points a side.
        komi: Points that White gets for moving second.
        opening_moves: Number of random moves that each game starts with.
        seed: Seed of the openings.
        time: Seconds that an engine may take for a move; a slower one loses.
        referee: Command line of the engine that scores the games; ``none`` to count the area with all stones alive.
    """

    engine_a: str
    engine_b: str
    games: int = 20
    size: int = 19
    komi: float = 7.5
    opening_moves: int = 4
    seed: int = 0
    time: float = 60.0
    referee: str = "gnugo --mode gtp --chinese-rules"

    def check(self) -> None:
        """Check the values, and that the programs exist.

        Raises:
            UserError: A value is not possible, or there is no such program.
        """
        if not SMALLEST <= self.size <= LARGEST:
            raise UserError(f"A board has {SMALLEST} to {LARGEST} points a side, not {self.size}.")
        if self.games < 1:
            raise UserError(f"A match has at least 1 game, not {self.games}.")
        if not abs(self.komi) <= self.size**2:  # also if it is not a number
            raise UserError(f"A komi of {self.komi} is not possible on a {self.size}x{self.size} board.")
        if not (math.isfinite(self.time) and self.time > 0):
            raise UserError(f"The time of a move is a positive number of seconds, not {self.time}.")
        most = len(list_opening_points(self.size)) // 2
        if not 0 <= self.opening_moves <= most:
            raise UserError(
                f"A {self.size}x{self.size} board has room for 0 to {most} opening moves, not {self.opening_moves}."
            )
        for command in (self.engine_a, self.engine_b):
            split_command(command)
        if self.referee != NO_REFEREE:
            try:
                split_command(self.referee)
            except UserError as error:
                raise UserError(f"{error} It is the referee; --referee none counts the area instead.") from None

    def make_openings(self) -> list[list[int]]:
        """Return the openings, as points; each one is for two games."""
        return make_openings(self.size, self.opening_moves, (self.games + 1) // 2, self.seed)

    @property
    def most_moves(self) -> int:
        """Number of moves at which a game ends and is scored as it stands."""
        return 2 * self.size**2
