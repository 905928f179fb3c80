"""Game records in SGF: each game's main line as numbers, checked by the rules.

SGF itself is read by sgfmill, which the extra ``go`` installs.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from cnnzoo.errors import UserError
from cnnzoo.go.board import BLACK, EMPTY, LARGEST, PASS, SMALLEST, WHITE, Board, IllegalMoveError
from cnnzoo.go.symmetries import inverses

# Details of a game that are kept as text, and their SGF properties.
DETAILS = {
    "black": "PB",
    "white": "PW",
    "black_rank": "BR",
    "white_rank": "WR",
    "date": "DT",
    "result": "RE",
    "komi": "KM",
    "handicap": "HA",
}
COLOURS = {"b": BLACK, "w": WHITE}
# Encodings whose characters can contain the bytes of a backslash or a bracket, tried if a file cannot be parsed.
MULTIBYTE = ("gb18030", "big5", "shift_jis", "cp949")

# Games in which the same stones were played up to this move, in any order, are the same game. Games have 50 moves or
# more, unless a person allows fewer; then shorter ones are compared by all their moves.
COMPARED_MOVES = 50


class Note(StrEnum):
    """What was assumed or left out when a game was read."""

    SETUP = "handicap or set-up stones"
    VARIATIONS = "variations left out: the main line was taken"
    NO_SIZE = "no SZ: read as 19x19"
    MOVED_TWICE = "a player moved twice in a row: a pass was inserted"
    HANDICAP_MOVES = "handicap played as moves: taken as set-up stones"
    UNREADABLE_MOVE = "cut at a move that cannot be read"
    ILLEGAL_MOVE = "cut at an illegal move"
    ENCODING = "names in an encoding that is not named: read as Latin-1"
    GUESSED_ENCODING = "an encoding that is not named: guessed"
    NO_DATE = "no date"


class Reason(StrEnum):
    """Why a file or a game was refused."""

    UNREADABLE = "the file cannot be read"
    NOT_SGF = "not SGF, or cut off"
    OTHER_GAME = "another game than Go"
    OTHER_SIZE = "a board of another size"
    LATE_SETUP = "stones set up after the first move"
    DEAD_SETUP = "set-up stones without liberties"
    SHORT = "too few moves"
    DUPLICATE = "the same game again, perhaps turned or mirrored"


@dataclass(frozen=True)
class Record:
    """One game.

    Attributes:
        file: Where it comes from.
        size: Points a side of the board.
        setup: Points of the stones at the start, with their colours, sorted.
        first: The player of the first move, BLACK or WHITE; then the players alternate.
        moves: Points, or PASS.
        details: See DETAILS; empty texts for what the record does not say.
        notes: What was assumed or left out.
    """

    file: str
    size: int
    setup: tuple[tuple[int, int], ...]
    first: int
    moves: tuple[int, ...]
    details: dict[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @property
    def komi(self) -> float | None:
        """The komi; None if the record has none, or no number."""
        try:
            komi = float(self.details["komi"])
        except ValueError:
            return None
        return komi if math.isfinite(komi) else None

    def start(self) -> Board:
        """Return the board before the first move."""
        board = Board(self.size, self.first)
        for point, colour in self.setup:
            board.set_up([point], colour)
        return board

    def boards(self) -> Iterator[tuple[Board, int]]:
        """Yield the board before each move and the move; it is the same board, so copy what you keep."""
        board = self.start()
        for move in self.moves:
            yield board, move
            board.play(move)

    def cut(self, count: int, note: Note) -> "Record":
        """Return the game with its first moves only, and a note."""
        return replace(self, moves=self.moves[:count]).noted(note)

    def noted(self, note: Note) -> "Record":
        """Return the game with one more note."""
        return replace(self, notes=(*self.notes, note))


@dataclass(frozen=True)
class Refusal:
    """A file or a game that was not taken.

    Attributes:
        file: Where it comes from.
        reason: Why.
        detail: More about it, such as the size of the board; may be empty.
    """

    file: str
    reason: Reason
    detail: str = ""


def read_records(path: Path, name: str) -> list[Record | Refusal]:
    """Read the games of an SGF file; the legality of their moves is not checked.

    Args:
        path: The file.
        name: What records and refusals call it; games after the first one get a number, as in ``name#2``.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        return [Refusal(name, Reason.UNREADABLE, error.strerror or str(error))]
    try:
        games, encoding, is_guessed = _parse(content)
    except ValueError as error:
        return [Refusal(name, Reason.NOT_SGF, str(error).removeprefix("error parsing game 0: "))]
    names = (name if number == 1 else f"{name}#{number}" for number in range(1, len(games) + 1))
    found = [_read_game(game, each, encoding) for game, each in zip(games, names, strict=True)]
    return [game.noted(Note.GUESSED_ENCODING) if is_guessed and isinstance(game, Record) else game for game in found]


def check_sgfmill() -> None:
    """Check that the library that reads SGF is installed.

    Raises:
        UserError: It is not.
    """
    try:
        import sgfmill  # noqa: F401 - only asks whether it is there
    except ImportError:
        raise UserError(
            "SGF needs sgfmill, which is not installed; install it with: pip install 'cnnzoo[go]'"
        ) from None


def count_legal(record: Record) -> int:
    """Return how many moves of a game the rules allow, before the first illegal one."""
    count = 0
    try:
        for _ in record.boards():
            count += 1
    except IllegalMoveError:
        return count - 1
    return count


def make_key(record: Record) -> bytes:
    """Return a hash of the set-up stones and the first moves, the same for all eight symmetries and orders of them."""
    moves = record.moves[:COMPARED_MOVES]
    colours = [record.first if number % 2 == 0 else -record.first for number in range(len(moves))]
    stones = [*record.setup, *((move, colour) for move, colour in zip(moves, colours, strict=True) if move != PASS)]
    forms = (sorted((int(row[point]), colour) for point, colour in stones) for row in inverses(record.size))
    return sha256(repr(min(forms)).encode()).digest()[:16]


def _parse(content: bytes) -> tuple[Sequence[Any], str, bool]:
    """Return the game trees of a file, the encoding of their texts, and whether it was guessed.

    Raises:
        ValueError: It is not SGF.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _parse_collection(content.decode("utf-16", "replace").encode()), "utf-8", False
    declared = re.search(rb"CA\s*\[\s*([\w.:-]+)\s*\]", content)
    names = [declared[1].decode()] if declared else []
    try:
        if not names and not _has_swallowed_moves(trees := _parse_collection(content)):
            return trees, "utf-8", False
    except ValueError:
        pass
    # Decoded as a whole, because a backslash or a bracket may be half of a character.
    for name in names or MULTIBYTE:
        try:
            return _parse_collection(content.decode(name).encode()), "utf-8", not names
        except (LookupError, ValueError):  # an unknown encoding, another one, or not SGF
            continue
    return _parse_collection(content), names[0] if names else "utf-8", False


def _parse_collection(content: bytes) -> list[Any]:
    from sgfmill import sgf_grammar

    return list(sgf_grammar.parse_sgf_collection(content))


def _has_swallowed_moves(trees: Sequence[Any]) -> bool:
    """Return whether a name goes on over moves, because half of its last character escapes the bracket behind it."""
    return any(re.search(rb"\][;A-Z]", value[0]) for tree in trees for value in tree.sequence[0].values())


def _read_game(tree: Any, file: str, encoding: str) -> Record | Refusal:
    from sgfmill import sgf

    try:
        game = sgf.Sgf_game.from_coarse_game_tree(tree, override_encoding="ISO-8859-1")
    except ValueError as error:
        return Refusal(file, Reason.NOT_SGF, str(error))
    root = game.get_root()
    if (kind := _read_text(root, "GM")[0]) not in {"", "1"}:
        return Refusal(file, Reason.OTHER_GAME, f"GM[{kind}]")
    size = game.get_size()
    if not SMALLEST <= size <= LARGEST:
        return Refusal(file, Reason.OTHER_SIZE, f"{size}x{size}")
    try:
        setup, moves, notes = _read_main_line(game)
    except ValueError as error:
        return Refusal(file, Reason.NOT_SGF, f"set-up stones: {error}")
    if setup is None:
        return Refusal(file, Reason.LATE_SETUP)
    if not root.has_property("SZ"):
        notes.append(Note.NO_SIZE)
    details, are_named = _read_details(root, encoding)
    if not are_named:
        notes.append(Note.ENCODING)
    if not details["date"]:
        notes.append(Note.NO_DATE)
    moves = _take_handicap_moves(details["handicap"], setup, moves, notes)
    first = moves[0][0] if moves else _choose_first(root, setup)
    points = _alternate(moves, first, notes)
    if setup:
        notes.append(Note.SETUP)
    return Record(file, size, tuple(sorted(setup.items())), first, points, details, tuple(notes))


def _read_main_line(game: Any) -> tuple[dict[int, int] | None, list[tuple[int, int]], list[Note]]:
    """Return the set-up stones, the moves as (colour, point) and notes; no stones if some are set up later.

    Raises:
        ValueError: The set-up stones cannot be read.
    """
    size = game.get_size()
    setup: dict[int, int] = {}
    moves: list[tuple[int, int]] = []
    notes: list[Note] = []
    has_variations = False
    node = game.get_root()
    while True:
        if node.has_setup_stones():
            if moves:
                return None, moves, notes
            for points, colour in zip(node.get_setup_stones(), (BLACK, WHITE, EMPTY), strict=True):
                setup |= {(size - 1 - row) * size + column: colour for row, column in points}
        try:
            colour_name, place = node.get_move()
        except ValueError:
            notes.append(Note.UNREADABLE_MOVE)
            break
        if node.has_property("B") and node.has_property("W"):
            notes.append(Note.UNREADABLE_MOVE)
            break
        if colour_name is not None:
            point = PASS if place is None else (size - 1 - place[0]) * size + place[1]
            moves.append((COLOURS[colour_name], point))
        has_variations = has_variations or len(node) > 1
        if not len(node):
            break
        node = node[0]
    if has_variations:
        notes.append(Note.VARIATIONS)
    return {point: colour for point, colour in setup.items() if colour != EMPTY}, moves, notes


def _read_details(root: Any, encoding: str) -> tuple[dict[str, str], bool]:
    """Return the details of a game, and whether they have this encoding or are UTF-8."""
    texts = {key: _read_text(root, identifier, encoding) for key, identifier in DETAILS.items()}
    return {key: " ".join(text.split()) for key, (text, _) in texts.items()}, all(known for _, known in texts.values())


def _read_text(node: Any, identifier: str, encoding: str = "utf-8") -> tuple[str, bool]:
    """Return a property as text, and whether it has the encoding; otherwise it is read as Latin-1."""
    from sgfmill import sgf_grammar

    if not node.has_property(identifier):
        return "", True
    value = sgf_grammar.simpletext_value(node.get_raw(identifier)).strip()
    for name in (encoding, "utf-8"):
        try:
            return value.decode(name), True
        except (LookupError, UnicodeDecodeError):
            continue
    return value.decode("latin-1"), False


def _take_handicap_moves(
    handicap: str, setup: dict[int, int], moves: list[tuple[int, int]], notes: list[Note]
) -> list[tuple[int, int]]:
    """Turn the handicap stones that a record has as Black's first moves into set-up stones; return the other moves."""
    leading = next((number for number, (colour, _) in enumerate(moves) if colour != BLACK), len(moves))
    if setup or leading < 2 or not handicap.isdigit() or int(handicap) != leading:
        return moves
    notes.append(Note.HANDICAP_MOVES)
    setup |= {point: BLACK for _, point in moves[:leading] if point != PASS}
    return moves[leading:]


def _choose_first(root: Any, setup: dict[int, int]) -> int:
    """Return who moves first in a record without moves: as it says, or White after a handicap."""
    player = _read_text(root, "PL")[0][:1].lower()
    return COLOURS.get(player, WHITE if setup and WHITE not in setup.values() else BLACK)


def _alternate(moves: list[tuple[int, int]], first: int, notes: list[Note]) -> tuple[int, ...]:
    """Return the points of the moves, with a pass wherever a player moved twice in a row."""
    points: list[int] = []
    to_move = first
    for colour, point in moves:
        if colour != to_move:
            points.append(PASS)
            if Note.MOVED_TWICE not in notes:
                notes.append(Note.MOVED_TWICE)
        points.append(point)
        to_move = -colour
    return tuple(points)
