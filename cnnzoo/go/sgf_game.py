"""One game from an SGF file, for a person who names it: what is wrong with it is an error."""

import os
from pathlib import Path

from cnnzoo.errors import DamagedFileError, UserError
from cnnzoo.go.board import BLACK, LARGEST, SMALLEST, WHITE, IllegalMoveError
from cnnzoo.go.game import KOMI, Game
from cnnzoo.go.records import Note, Reason, Record, Refusal, check_sgfmill, read_records
from cnnzoo.go.vertices import name_vertex
from cnnzoo.text import printable


def read_game(path: Path) -> Record:
    """Read the main line of the first game in an SGF file, without replaying it.

    Raises:
        UserError: sgfmill is not installed, or the file is missing, is no game of Go, is damaged, has a board that the
            package does not know, or sets stones up after its beginning.
    """
    check_sgfmill()
    name = printable(str(path))
    # Not a device, which could be read for ever.
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib's may raise
        raise UserError(f"There is no file {name}.")
    found = read_records(path, name)[0]
    if isinstance(found, Record):
        if Note.UNREADABLE_MOVE in found.notes:
            raise DamagedFileError(path, f"is damaged: move {len(found.moves) + 1} cannot be read")
        return found
    raise _explain(found, path)


def _explain(refusal: Refusal, path: Path) -> UserError:
    match refusal.reason:
        case Reason.UNREADABLE:
            return UserError(f"{refusal.file} cannot be read: {refusal.detail}.")
        case Reason.OTHER_SIZE:
            sizes = f"a board has {SMALLEST} to {LARGEST} points a side"
            return UserError(f"{refusal.file} has a board of {refusal.detail}; {sizes}.")
        case Reason.LATE_SETUP:
            return UserError(f"{refusal.file} sets stones up after its first move; only games without that are read.")
        case Reason.OTHER_GAME:
            return UserError(f"{refusal.file} is a record of another game than Go, {refusal.detail}.")
    return DamagedFileError(path, f"is damaged or is no game in SGF ({refusal.detail})")


def replay(record: Record, moves: int) -> Game:
    """Play the first moves of a record, under the simple ko alone, because records follow several rules.

    Args:
        record: The record.
        moves: How many, at most as many as it has.

    Raises:
        UserError: The record has an illegal move, or set-up stones without liberties.
    """
    game = Game(record.size, KOMI if record.komi is None else record.komi)
    stones = {colour: [point for point, other in record.setup if other == colour] for colour in (BLACK, WHITE)}
    try:
        game.set_up(stones[BLACK], stones[WHITE], record.first)
    except IllegalMoveError as error:
        raise UserError(f"{record.file}: at the beginning, {error}.") from None
    for number, point in enumerate(record.moves[:moves], start=1):
        try:
            game.play(point, game.board.to_move, superko=False)
        except IllegalMoveError as error:
            name = name_vertex(point, record.size)
            raise UserError(f"{record.file}: move {number} at {name} is illegal: {error}.") from None
    return game
