"""Many games in one file: moves, set-up stones and details, without planes."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnzoo import files
from cnnzoo.errors import DamagedFileError, UserError
from cnnzoo.go.board import LARGEST, PASS, SMALLEST
from cnnzoo.go.records import DETAILS, Record, make_key

FORMAT = "cnnzoo go games 1"


class GameArrays(NamedTuple):
    """The games as arrays, one after the other.

    Attributes:
        moves: Points, row by row from the top left corner; a number that is no point is a pass (moves,).
        starts: Where each game begins in ``moves``, and the end of the last one (games + 1,).
        first: The player of each game's first move, BLACK or WHITE (games,); then the players alternate.
        setup_points: Points of set-up stones (stones,).
        setup_colours: Their colours (stones,).
        setup_starts: Where each game's stones begin, and the end of the last one's (games + 1,).
    """

    moves: NDArray[np.uint16]
    starts: NDArray[np.int64]
    first: NDArray[np.int8]
    setup_points: NDArray[np.uint16]
    setup_colours: NDArray[np.int8]
    setup_starts: NDArray[np.int64]


@dataclass(frozen=True)
class Games:
    """Games on boards of one size.

    Attributes:
        size: Points a side.
        arrays: Moves and set-up stones.
        collections: Names of the collections.
        collection: Each game's collection, as an index into ``collections`` (games,).
        keys: A hash of each game's set-up stones and first moves (games,), the same under all symmetries. Splits are
            chosen by it, so that a game stays in its split when others are added.
        details: Players, ranks, dates and so on as lists of texts (games,), see ``records.DETAILS``; and "file".
    """

    size: int
    arrays: GameArrays
    collections: tuple[str, ...]
    collection: NDArray[np.uint16]
    keys: NDArray[np.uint32]
    details: dict[str, list[str]]

    def __len__(self) -> int:
        """Return the number of games."""
        return len(self.collection)

    @property
    def dates(self) -> list[str]:
        """The date of each game as YYYY, YYYY-MM or YYYY-MM-DD (games,); empty where it is unknown."""
        found = (re.search(r"\d{4}(-\d\d)?(-\d\d)?", text) for text in self.details["date"])
        return [match[0] if match else "" for match in found]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of moves of each game, passes included (games,)."""
        return np.diff(self.arrays.starts)

    @classmethod
    def from_records(cls, size: int, collections: Sequence[str], records: Iterable[tuple[int, Record]]) -> "Games":
        """Return games of records that have boards of one size, each with the index of its collection."""
        chosen = list(records)
        setups = [record.setup for _, record in chosen]
        stones = [stone for setup in setups for stone in setup]
        moves = [move if move != PASS else size * size for _, record in chosen for move in record.moves]
        arrays = GameArrays(
            np.array(moves, np.uint16),
            _starts([len(record.moves) for _, record in chosen]),
            np.array([record.first for _, record in chosen], np.int8),
            np.array([point for point, _ in stones], np.uint16),
            np.array([colour for _, colour in stones], np.int8),
            _starts([len(setup) for setup in setups]),
        )
        details = {key: [record.details[key] for _, record in chosen] for key in DETAILS}
        details["file"] = [record.file for _, record in chosen]
        collection = np.array([index for index, _ in chosen], np.uint16)
        keys = np.array([int.from_bytes(make_key(record)[:4], "big") for _, record in chosen], np.uint32)
        return cls(size, arrays, tuple(collections), collection, keys, details)

    def record(self, game: int) -> Record:
        """Return one game."""
        arrays, points = self.arrays, self.size**2
        moves = arrays.moves[arrays.starts[game] : arrays.starts[game + 1]].tolist()
        stones = slice(arrays.setup_starts[game], arrays.setup_starts[game + 1])
        setup = zip(arrays.setup_points[stones].tolist(), arrays.setup_colours[stones].tolist(), strict=True)
        return Record(
            self.details["file"][game],
            self.size,
            tuple(setup),
            int(arrays.first[game]),
            tuple(move if move < points else PASS for move in moves),
            {key: self.details[key][game] for key in DETAILS},
        )

    def save(self, path: Path) -> None:
        """Write the games into an .npz file, whole or not at all."""
        arrays, size = self.arrays, self.size
        # The way from the move before is mostly short, so that it can be stored in fewer bits than the point.
        rows, columns = np.divmod(arrays.moves, size)
        parts: dict[str, Any] = {
            "rows": np.diff(rows.astype(np.int8), prepend=np.int8(0)),
            "columns": np.diff(columns.astype(np.int8), prepend=np.int8(0)),
            "lengths": self.lengths.astype(np.uint16),
            "first": arrays.first,
            "setup_points": arrays.setup_points,
            "setup_colours": arrays.setup_colours,
            "setup_counts": np.diff(arrays.setup_starts).astype(np.uint16),
            "collection": self.collection,
            "keys": self.keys,
            "facts": _to_bytes(json.dumps({"format": FORMAT, "size": size, "collections": self.collections})),
        }
        for name, texts in self.details.items():
            parts[f"text_{name}"] = _to_bytes("\n".join(texts))
        with files.whole(path) as temporary:
            np.savez_compressed(temporary, **parts)


def load(path: Path) -> Games:
    """Read the games of a file that ``Games.save`` wrote.

    Raises:
        UserError: It is missing, damaged, or something else.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}; make it with: cnnzoo go import FOLDER --output {path}")
    try:
        parts = files.read_npz(path)
    except DamagedFileError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    try:
        facts = json.loads(parts["facts"].tobytes())
        if facts["format"] != FORMAT:
            raise UserError(f"{path} has the format {facts['format']!r}, not {FORMAT!r}; import the games again.")
        games = _unpack(facts, parts)
    except (KeyError, TypeError, ValueError, UnicodeDecodeError):
        raise UserError(f"{path} is not a file of `cnnzoo go import`; make one of your SGF files with it.") from None
    problem = _find_problem(games)
    if problem:
        raise DamagedFileError(path, f"is damaged ({problem}); import the games again")
    return games


def _unpack(facts: dict[str, object], parts: dict[str, NDArray[np.generic]]) -> Games:
    size = int(str(facts["size"]))
    rows, columns = (np.cumsum(parts[key], dtype=np.int8).astype(np.uint16) for key in ("rows", "columns"))
    details = {key: parts[f"text_{key}"].tobytes().decode().split("\n") for key in (*DETAILS, "file")}
    arrays = GameArrays(
        (rows * size + columns).astype(np.uint16),
        _starts(parts["lengths"].tolist()),
        parts["first"].astype(np.int8),
        parts["setup_points"].astype(np.uint16),
        parts["setup_colours"].astype(np.int8),
        _starts(parts["setup_counts"].tolist()),
    )
    collections = facts["collections"]
    if not isinstance(collections, list):
        raise TypeError
    collection, keys = parts["collection"].astype(np.uint16), parts["keys"].astype(np.uint32)
    return Games(size, arrays, tuple(map(str, collections)), collection, keys, details)


def _find_problem(games: Games) -> str:
    """Return what is wrong with the arrays of a file; empty if nothing is."""
    arrays, count, points = games.arrays, len(games), games.size**2
    lengths = {len(texts) for texts in games.details.values()} | {len(arrays.first)}
    lengths |= {len(arrays.starts) - 1, len(arrays.setup_starts) - 1, len(games.keys)}
    stones = len(arrays.setup_points), len(arrays.setup_colours)
    if not SMALLEST <= games.size <= LARGEST or not count:
        return "it has no games, or an unknown board"
    if lengths != {count} or arrays.starts[-1] != len(arrays.moves) or set(stones) != {arrays.setup_starts[-1]}:
        return "its parts have different lengths"
    if (arrays.setup_points >= points).any() or (arrays.moves > points).any():
        return "it has points outside of the board"
    if (np.abs(arrays.first) != 1).any() or (np.abs(arrays.setup_colours) != 1).any():
        return "it has stones of no colour"
    return "" if games.collection.max() < len(games.collections) else "it has games of an unknown collection"


def _starts(lengths: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)


def _to_bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)
