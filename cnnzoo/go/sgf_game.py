"""One game from an SGF file: board, set-up stones and the moves of the main line.

The file is read by sgfmill, of the extra ``go``.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnzoo.errors import DamagedFileError, UserError
from cnnzoo.go.board import BLACK, LARGEST, PASS, SMALLEST, WHITE, IllegalMoveError
from cnnzoo.go.game import KOMI, Game, Move
from cnnzoo.go.vertices import name_vertex
from cnnzoo.text import printable

_COLOURS = {"b": BLACK, "w": WHITE}


@dataclass(frozen=True)
class GameRecord:
    """A recorded game.

    Attributes:
        path: The file.
        size: Points a side, 7 to 19.
        black: Black's set-up stones.
        white: White's set-up stones.
        to_move: The colour that moves first.
        moves: The moves of the main line.
        players: Names of Black and White; empty where the file has none.
        komi: The komi; None if the file has none.
    """

    path: Path
    size: int
    black: tuple[int, ...]
    white: tuple[int, ...]
    to_move: int
    moves: tuple[Move, ...]
    players: tuple[str, str]
    komi: float | None


def read_game(path: Path) -> GameRecord:
    """Read the main line of the first game in an SGF file, without replaying it.

    Raises:
        UserError: sgfmill is not installed, or the file is missing, is no game of Go, is damaged, has a board that the
            package does not know, or sets stones up after its beginning.
    """
    game = _parse(path)
    size = game.get_size()
    if not SMALLEST <= size <= LARGEST:
        raise UserError(f"{path} has a board of {size}x{size}; a board has {SMALLEST} to {LARGEST} points a side.")
    nodes = list(game.get_main_sequence())
    root = nodes[0]
    try:
        black, white, _ = root.get_setup_stones()
        moves = tuple(_read_moves(path, size, nodes))
        to_move = _COLOURS[root.get("PL")] if root.has_property("PL") else (WHITE if black and not white else BLACK)
        komi = root.get("KM") if root.has_property("KM") else None
    except (KeyError, ValueError) as error:
        raise DamagedFileError(path, f"is damaged: {error}") from None
    players = _read_name(game, "b"), _read_name(game, "w")
    return GameRecord(
        path=path,
        size=size,
        black=tuple(sorted(_point(place, size) for place in black)),
        white=tuple(sorted(_point(place, size) for place in white)),
        to_move=moves[0].colour if moves else to_move,
        moves=moves,
        players=players,
        komi=komi if komi is not None and math.isfinite(komi) else None,
    )


def _parse(path: Path) -> Any:
    try:
        from sgfmill import sgf
    except ImportError:
        raise UserError("SGF files are read with sgfmill; install it with: pip install 'cnnzoo[go]'") from None
    try:
        content = path.read_bytes() if path.is_file() else None  # a device could be read for ever
    except OSError as error:
        raise UserError(f"{printable(str(path))} cannot be read: {error.strerror}.") from None
    if content is None:
        raise UserError(f"There is no file {printable(str(path))}.")
    try:
        return sgf.Sgf_game.from_bytes(content)
    except (LookupError, RecursionError, ValueError) as error:
        raise DamagedFileError(path, f"is damaged or is no game in SGF ({error or type(error).__name__})") from None


def _read_moves(path: Path, size: int, nodes: list[Any]) -> list[Move]:
    moves: list[Move] = []
    for node in nodes:
        if node.has_setup_stones() and node is not nodes[0]:
            raise UserError(f"{path} sets stones up after move {len(moves)}; only games without that are read.")
        colour, place = node.get_move()
        if colour is not None:
            moves.append(Move(_COLOURS[colour], PASS if place is None else _point(place, size)))
    return moves


def _read_name(game: Any, colour: str) -> str:
    try:
        return " ".join((game.get_player_name(colour) or "").split())
    except ValueError:  # the text is in another encoding than the file says
        return ""


def _point(place: tuple[int, int], size: int) -> int:
    """Return the point of sgfmill's row and column, which count from the bottom left."""
    row, column = place
    return (size - 1 - row) * size + column


def replay(record: GameRecord, moves: int) -> Game:
    """Play the first moves of a record, under the simple ko alone, because records follow several rules.

    Args:
        record: The record.
        moves: How many, at most as many as it has.

    Raises:
        UserError: The record has an illegal move, or set-up stones without liberties.
    """
    game = Game(record.size, KOMI if record.komi is None else record.komi)
    try:
        game.set_up(record.black, record.white, record.to_move)
    except IllegalMoveError as error:
        raise UserError(f"{record.path}: at the beginning, {error}.") from None
    for number, (colour, point) in enumerate(record.moves[:moves], start=1):
        try:
            game.play(point, colour, superko=False)
        except IllegalMoveError as error:
            name = name_vertex(point, record.size)
            raise UserError(f"{record.path}: move {number} at {name} is illegal: {error}.") from None
    return game
