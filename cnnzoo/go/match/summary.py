"""The result of a match: win rates with confidence intervals, and how the games ended."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cnnzoo.go.match.game import Label, PlayedGame
from cnnzoo.go.symmetries import canonical_moves

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rate:
    """How often engine A won.

    Attributes:
        wins: Its wins.
        games: Games that somebody won.
        rate: Wins by games; None without a game.
        low: Lower end of Wilson's 95 % interval; None without a game.
        high: Upper end.
    """

    wins: int
    games: int
    rate: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Summary:
    """The result of a match. Identical games count once; draws and unscored games are no part of the rates.

    Attributes:
        played: Number of games, identical ones included.
        repeated: For each game that is identical to an earlier one, the number of the earlier one. Identical are
            games with the same colours, the same end, and the same moves but for a symmetry of the board.
        draws: Number of draws.
        unscored: The games that the referee could not score.
        total: Wins of A.
        as_black: Wins of A with Black.
        as_white: Wins of A with White.
        endings: For each reason that a game ended, how many games A and B won by it; see ``PlayedGame``.
        mean_moves: Mean number of moves, those of the opening included; None without a game.
        seconds_per_move: Mean time of A and B for a move, over all games; None for an engine that was never asked.
    """

    played: int
    repeated: dict[int, int]
    draws: int
    unscored: list[int]
    total: Rate
    as_black: Rate
    as_white: Rate
    endings: dict[str, dict[Label, int]]
    mean_moves: float | None
    seconds_per_move: dict[Label, float | None]

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON."""
        repeated = [{"game": game, "same_as": same} for game, same in self.repeated.items()]
        return asdict(self) | {"repeated": repeated}


def summarize(games: Sequence[PlayedGame], size: int) -> Summary:
    """Return the result of games on boards with ``size`` points a side."""
    games = sorted(games, key=lambda game: game.number)
    repeated = find_repeated(games, size)
    distinct = [game for game in games if game.number not in repeated]
    endings: dict[str, dict[Label, int]] = {}
    for game in distinct:
        if game.winner:
            endings.setdefault(game.reason, {"A": 0, "B": 0})[game.winner] += 1
    asked, seconds = Counter[Label](), Counter[Label]()
    for game in games:
        asked.update(game.asked)
        seconds.update(game.seconds)
    return Summary(
        played=len(games),
        repeated=repeated,
        draws=sum(game.score == 0 for game in distinct),
        unscored=[game.number for game in distinct if game.is_unscored],
        total=rate_wins(distinct),
        as_black=rate_wins(game for game in distinct if game.black == "A"),
        as_white=rate_wins(game for game in distinct if game.white == "A"),
        endings=endings,
        mean_moves=sum(len(game.moves) for game in distinct) / len(distinct) if distinct else None,
        seconds_per_move={
            "A": seconds["A"] / asked["A"] if asked["A"] else None,
            "B": seconds["B"] / asked["B"] if asked["B"] else None,
        },
    )


def find_repeated(games: Iterable[PlayedGame], size: int) -> dict[int, int]:
    """Return for each game that is identical to an earlier one the number of the earlier one."""
    first: dict[tuple[object, ...], int] = {}
    repeated = {}
    for game in games:
        form = (game.black, game.winner, game.reason, canonical_moves(game.moves, size))
        same = first.setdefault(form, game.number)
        if same != game.number:
            repeated[game.number] = same
    return repeated


def rate_wins(games: Iterable[PlayedGame]) -> Rate:
    """Return how often A won the games that somebody won, with Wilson's interval."""
    winners = [game.winner for game in games if game.winner]
    wins = winners.count("A")
    if not winners:
        return Rate(0, 0)
    from scipy.stats import binomtest  # takes two seconds

    interval = binomtest(wins, len(winners)).proportion_ci(CONFIDENCE, method="wilson")
    return Rate(wins, len(winners), wins / len(winners), float(interval.low), float(interval.high))
