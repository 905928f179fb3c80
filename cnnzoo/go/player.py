"""A player that chooses its moves by a policy alone, without search.

Its rules:

- It plays the likeliest point among those that are legal, also by positional superko, and that fill no true eye of its
  own (``Board.is_eye``).
- It passes if there is no such point, and it answers a pass with a pass from move 100 on (on smaller boards
  proportionally earlier, by their number of points).
- It never resigns: a policy does not say who is winning.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cnnzoo.go.board import LARGEST, PASS
from cnnzoo.go.game import Game
from cnnzoo.go.policy import Policy

# The move of a game on 19x19 from which a pass is answered with a pass.
FIRST_ANSWERED_PASS = 100


class Candidate(NamedTuple):
    """A move that the player may choose.

    Attributes:
        point: Where.
        probability: The policy's own, from 0 to 1; those of all candidates sum to at most 1.
    """

    point: int
    probability: float


class Player:
    """Chooses moves by a policy.

    Args:
        policy: The policy.
        temperature: 0 for the likeliest move always. Otherwise a move is drawn with its probability to the power of
            1 / temperature: 1 plays as the policy predicts, less is closer to the likeliest moves.
        seed: The seed of these draws.
    """

    def __init__(self, policy: Policy, temperature: float = 0.0, seed: int | None = None) -> None:
        self._policy = policy
        self._temperature = temperature
        self._generator = np.random.default_rng(seed)

    def candidates(self, game: Game, colour: int) -> Iterator[Candidate]:
        """Yield the moves that a colour may choose, the likeliest first."""
        board = game.board_for(colour)
        probabilities = self._policy(board)
        for point in map(int, np.argsort(-probabilities, kind="stable")):
            if not board.is_eye(point, colour) and not game.find_objection(point, colour):
                yield Candidate(point, float(probabilities[point]))

    def choose(self, game: Game, colour: int, *, answers_passes: bool = True) -> int:
        """Return the point that a colour plays, or PASS.

        Args:
            game: The game; it is not changed.
            colour: BLACK or WHITE.
            answers_passes: Whether a pass may be answered with a pass while there are candidates.
        """
        if answers_passes and _is_answered(game, colour):
            return PASS
        candidates = self.candidates(game, colour)
        if not self._temperature:
            return next(candidates, Candidate(PASS, 0)).point
        listed = list(candidates)
        return listed[self._draw([each.probability for each in listed])].point if listed else PASS

    def _draw(self, probabilities: list[float]) -> int:
        """Return the number of one of the candidates, drawn at the player's temperature."""
        with np.errstate(divide="ignore", over="ignore"):  # a weight may become 0
            logarithms = np.log(np.array(probabilities, float))
            if np.isneginf(logarithms).all():
                return 0
            weights = np.exp((logarithms - logarithms.max()) / self._temperature)
        return int(self._generator.choice(len(weights), p=weights / weights.sum()))


def _is_answered(game: Game, colour: int) -> bool:
    """Return whether the opponent has just passed, late enough in the game to end it."""
    if not game.moves or game.moves[-1] != (-colour, PASS):
        return False
    return len(game.moves) * LARGEST**2 >= FIRST_ANSWERED_PASS * game.size**2
