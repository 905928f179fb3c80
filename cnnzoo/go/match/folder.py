"""The directory of a match: its settings, its games and its result."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cnnzoo import files
from cnnzoo.errors import DamagedFileError, UserError
from cnnzoo.go.board import PASS
from cnnzoo.go.match.game import FAULTS, PlayedGame, Titles
from cnnzoo.go.match.openings import count_distinct
from cnnzoo.go.match.settings import Settings
from cnnzoo.go.match.summary import Summary, summarize
from cnnzoo.go.vertices import name_vertex, read_vertex


@dataclass
class MatchFolder:
    """The directory of a match, with ``match.json`` and a ``game-NNNN.sgf`` for each game.

    Attributes:
        directory: Its path.
        settings: The settings.
        titles: Names of the engines.
        games: The finished games.
    """

    directory: Path
    settings: Settings
    titles: Titles
    games: list[PlayedGame] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The file of settings, games and result."""
        return find_match(self.directory)

    def find_missing(self) -> list[int]:
        """Return the numbers of the games that are not finished."""
        return sorted(set(range(1, self.settings.games + 1)) - {game.number for game in self.games})

    def summarize(self) -> Summary:
        """Return the result of the finished games."""
        return summarize(self.games, self.settings.size)

    def add(self, game: PlayedGame) -> None:
        """Add a finished game, and write its SGF file and ``match.json``."""
        self.games = sorted([*self.games, game], key=lambda each: each.number)
        path = self.directory / name_file(game.number)
        with files.whole(path) as temporary:
            temporary.write_bytes(make_sgf(game, self.settings, self.titles))
        self.write()

    def write(self) -> None:
        """Write ``match.json``."""
        files.write_json(self.path, self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return settings, games and result for JSON."""
        openings = self.settings.make_openings()
        return {
            "settings": asdict(self.settings),
            "distinct_openings": count_distinct(openings, self.settings.size),
            "names": asdict(self.titles),
            "games": [_to_dict(game, self.settings.size) for game in self.games],
            "result": self.summarize().to_dict(),
        }


def find_match(directory: Path) -> Path:
    """Return the path of ``match.json`` in the directory of a match."""
    return directory / "match.json"


def name_file(number: int) -> str:
    """Return the name of a game's SGF file."""
    return f"game-{number:04d}.sgf"


def open_match(directory: Path) -> MatchFolder:
    """Open the directory of a match.

    Raises:
        UserError: It has no ``match.json``, or a damaged one.
    """
    path = find_match(directory)
    if not path.is_file():
        raise UserError(f"{directory} is not the directory of a match: it has no {path.name}.")
    content = files.read_json(path)
    try:
        settings, titles = Settings(**content["settings"]), Titles(**content["names"])
        settings.check()
        games = [_read_game(game, settings.size) for game in content["games"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(path, f"is damaged ({error})") from None
    return MatchFolder(directory, settings, titles, games)


def _to_dict(game: PlayedGame, size: int) -> dict[str, Any]:
    moves = " ".join(name_vertex(move, size) for move in game.moves)
    return asdict(game) | {"moves": moves, "file": name_file(game.number)}


def _read_game(content: Mapping[str, Any], size: int) -> PlayedGame:
    values = {name: content[name] for name in PlayedGame.__dataclass_fields__}
    return PlayedGame(**values | {"moves": tuple(read_vertex(move, size) for move in values["moves"].split())})


def make_sgf(game: PlayedGame, settings: Settings, titles: Titles) -> bytes:
    """Return a game as SGF, with players, rules, komi, date and result, and a comment on opening and end."""
    from sgfmill import sgf

    size = settings.size
    record = sgf.Sgf_game(size, encoding="UTF-8")
    root = record.get_root()
    opening = f"Opening {game.opening}: the first {settings.opening_moves} moves were drawn with seed {settings.seed}."
    commands = {"A": settings.engine_a, "B": settings.engine_b}
    properties = {
        "AP": ("cnnzoo", ""),
        "PB": titles.describe(game.black),
        "PW": titles.describe(game.white),
        "RU": "Chinese",
        "KM": settings.komi,
        "DT": datetime.datetime.now().astimezone().date().isoformat(),
        "RE": format_result(game),
        "C": f"{game.describe(titles)}.\nBlack: {commands[game.black]}\nWhite: {commands[game.white]}\n"
        f"{opening}\nReferee: {titles.referee}.",
    }
    for name, value in properties.items():
        root.set(name, value)
    for number, move in enumerate(game.moves):
        row, column = divmod(move, size)
        colour = "w" if number % 2 else "b"
        record.extend_main_sequence().set_move(colour, None if move == PASS else (size - 1 - row, column))
    return bytes(record.serialise())


def format_result(game: PlayedGame) -> str:
    """Return a result as SGF writes it: B+12.5, W+R (resigned), B+T (time), W+F (forfeit), 0 (draw) or ?."""
    if game.winner is None:
        return "?" if game.is_unscored else "0"
    winner = "B" if game.winner == game.black else "W"
    if game.reason in FAULTS:
        return f"{winner}+{'T' if game.reason == 'time' else 'F'}"
    return f"{winner}+R" if game.reason == "resign" else f"{winner}+{abs(game.score or 0):g}"
