"""What a policy predicts in a recorded game, beside the move that was played."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnzoo.errors import UserError
from cnnzoo.go.board import Board
from cnnzoo.go.game import Move
from cnnzoo.go.policy import Policy
from cnnzoo.go.records import Record
from cnnzoo.go.sgf_game import replay


@dataclass(frozen=True)
class Position:
    """The board before a move of a record.

    Attributes:
        number: The move's number, from 1 on; one more than there are moves at the end of the record.
        board: The position before it, with the colour to move.
        last: The move before; None at the beginning.
        played: The point that was played, or PASS; None at the end of the record.
    """

    number: int
    board: Board
    last: Move | None
    played: int | None


@dataclass(frozen=True)
class Prediction(Position):
    """A position and what a policy predicts for it.

    Attributes:
        probabilities: Of each point (size * size,).
        legal: The legal points under the simple ko, the likeliest first.
    """

    probabilities: NDArray[np.float64]
    legal: tuple[int, ...]

    @property
    def rank(self) -> int | None:
        """The place of the played move among the legal points, from 1 on; None for a pass and at the end."""
        return self.legal.index(self.played) + 1 if self.played in self.legal else None

    @property
    def illegal_share(self) -> float:
        """The probability that the policy gives to points that are not legal, from 0 to 1."""
        return max(0.0, 1 - float(self.probabilities[list(self.legal)].sum()))


def find_position(record: Record, number: int | None) -> Position:
    """Return the position before a move of a record.

    Args:
        record: The record.
        number: The move, from 1 on; None for the position at its end.

    Raises:
        UserError: There is no such move, or the record cannot be replayed up to it.
    """
    count = len(record.moves)
    if number is not None and not 1 <= number <= count:
        has = f"has moves 1 to {count}" if count else "has no moves"
        raise UserError(f"{record.file} {has}, not {number}; leave the number out for the position at its end.")
    number = count + 1 if number is None else number
    played = record.moves[number - 1] if number <= count else None
    game = replay(record, min(number, count))  # with the move, so that an illegal one is refused
    if played is not None:
        game.undo()
    return Position(number, game.board.copy(), game.moves[-1] if game.moves else None, played)


def predict_move(position: Position, policy: Policy) -> Prediction:
    """Return what a policy predicts for a position; it has to play on boards of that size."""
    probabilities = policy(position.board)
    order = map(int, np.argsort(-probabilities, kind="stable"))
    legal = tuple(point for point in order if position.board.is_legal(point))
    return Prediction(**vars(position), probabilities=probabilities, legal=legal)
