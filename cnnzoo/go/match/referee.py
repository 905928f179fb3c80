"""The referee of a match: an engine that removes dead stones and scores a finished game."""

import re
from collections.abc import Sequence

from cnnzoo.go.board import BLACK, WHITE
from cnnzoo.go.engine_process import EngineProcess, InvalidAnswerError

# GNU Go scores by playing on where a position is not settled, which takes it minutes.
SECONDS_TO_SCORE = 300.0


def ask_for_score(referee: EngineProcess, moves: Sequence[int], size: int, komi: float) -> float:
    """Replay a game and return its score: Black's points minus White's, komi included.

    Args:
        referee: It is started if it does not run.
        moves: Points or PASS, Black's first.
        size: Points a side.
        komi: White's points for moving second.

    Raises:
        EngineError: It fails or cannot score the game.
    """
    referee.start()
    referee.set_up(size, komi)
    for number, move in enumerate(moves):
        referee.play(WHITE if number % 2 else BLACK, move, size)
    answer = referee.ask("final_score", SECONDS_TO_SCORE)
    if answer.upper() in {"0", "DRAW", "JIGO"}:
        return 0.0
    parts = re.fullmatch(r"([BW])\+([0-9]+(\.[0-9]+)?)", answer.upper())
    if not parts:
        raise InvalidAnswerError(f"gave no score for an answer to 'final_score', but {answer!r}")
    return float(parts[2]) * (1 if parts[1] == "B" else -1)
