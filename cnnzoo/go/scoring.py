"""Area scoring, also called Chinese: the stones of a colour and the empty points that only it reaches."""

from cnnzoo.go.board import EMPTY, Board, neighbours


def area_score(board: Board) -> int:
    """Return Black's area minus White's, in points, without komi; every stone counts as alive."""
    score = sum(board.stones)  # BLACK is 1 and WHITE is -1
    counted: set[int] = set()
    for point, colour in enumerate(board.stones):
        if colour == EMPTY and point not in counted:
            region = board.chain(point)
            counted |= region
            beside = neighbours(board.size)
            borders = {board.stones[other] for stone in region for other in beside[stone]} - {EMPTY}
            if len(borders) == 1:
                score += len(region) * borders.pop()
    return score


def format_score(score: float) -> str:
    """Return a score as GTP and SGF write it: ``"B+3.5"``, ``"W+12"`` or ``"0"``."""
    if score == 0:
        return "0"
    return f"{'B' if score > 0 else 'W'}+{abs(score):g}"
