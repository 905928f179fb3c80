"""The score of a position by area, as the rules of Tromp and Taylor and the Chinese rules count it."""

from cnnzoo.go.board import BLACK, EMPTY, WHITE, Board, neighbours


def score_area(board: Board, komi: float) -> float:
    """Return Black's stones and territory minus White's and the komi; all stones count as alive.

    An empty region is territory if stones of one colour alone touch it.
    """
    total = float(sum(board.stones))
    seen: set[int] = set()
    for point, colour in enumerate(board.stones):
        if colour == EMPTY and point not in seen:
            region = board.chain(point)
            seen |= region
            beside = {board.stones[other] for empty in region for other in neighbours(board.size)[empty]}
            total += len(region) * ((BLACK in beside) - (WHITE in beside))
    return total - komi
