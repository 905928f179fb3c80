"""Ladders, by search: whether a chain that is put into atari again and again is captured.

Ko is treated as in KataGo (``cpp/game/board.cpp``, ``searchIsLadderCaptured``): the first answer of the hunted chain
may take a ko, and a hunter's move that leaves a ko to take counts as an escape. So no ladder depends on a ko, and none
goes on for ever.
"""

from cnnzoo.go.board import Board, neighbours

# Positions that a search may look at, and moves that it may look ahead; a ladder across the board has about 60.
MOST_POSITIONS, MOST_MOVES = 25_000, 200


def captures_in_ladder(board: Board, point: int) -> bool:
    """Return whether a legal move puts a chain with two liberties into atari so that it cannot escape."""
    for stone in _chains_beside(board, point, -board.to_move):
        if len(board.liberties(board.chain(stone))) != 2:
            continue
        after = board.copy()
        after.play(point)
        after.ko = None
        if _Search().is_captured(after, stone):
            return True
    return False


def escapes_from_ladder(board: Board, point: int) -> bool:
    """Return whether a legal move saves an own chain in atari from a ladder.

    The move is the chain's last liberty, or it captures a chain in atari that touches it. After it the chain has three
    liberties, or two and no move of the opponent captures it in a ladder.
    """
    return any(
        point in find_rescues(board, stone) and _is_saved(board, point, stone)
        for stone, colour in enumerate(board.stones)
        if colour == board.to_move and stone == min(board.chain(stone))
    )


def _is_saved(board: Board, point: int, stone: int) -> bool:
    after = board.copy()
    after.play(point)
    return not _Search().is_caught(after, stone)


def find_rescues(board: Board, stone: int) -> list[int]:
    """Return the points that may save a chain in atari: captures of chains that touch it, then its last liberty.

    Nothing is returned for a chain with more liberties.
    """
    chain = board.chain(stone)
    liberties = board.liberties(chain)
    if len(liberties) != 1:
        return []
    colour = board.stones[stone]
    beside = {point for each in chain for point in neighbours(board.size)[each] if board.stones[point] == -colour}
    captures = {point for other in beside if len(found := board.liberties(board.chain(other))) == 1 for point in found}
    return [*sorted(captures - liberties), *liberties]


def _chains_beside(board: Board, point: int, colour: int) -> list[int]:
    """Return one stone of each chain of a colour that touches a point."""
    found: dict[int, int] = {}
    for beside in neighbours(board.size)[point]:
        if board.stones[beside] == colour:
            found.setdefault(min(board.chain(beside)), beside)
    return list(found.values())


class _Search:
    """A search with limits, at which the chain counts as not captured."""

    def __init__(self) -> None:
        self.left = MOST_POSITIONS

    def is_captured(self, board: Board, stone: int, depth: int = 0) -> bool:
        """Return whether a chain in atari is captured though its player moves now."""
        rescues = find_rescues(board, stone)
        if board.ko is not None or not rescues or depth == MOST_MOVES:
            return False
        for point in rescues:
            if board.is_legal(point):
                after = self._play(board, point)
                if after is None or not self.is_caught(after, stone, depth + 1):
                    return False
        return True

    def is_caught(self, board: Board, stone: int, depth: int = 0) -> bool:
        """Return whether a chain is captured if its opponent moves now."""
        liberties = board.liberties(board.chain(stone))
        if len(liberties) != 2 or depth == MOST_MOVES:
            return len(liberties) < 2
        for point in sorted(liberties):
            if board.is_legal(point):
                after = self._play(board, point)
                if after is not None and self.is_captured(after, stone, depth + 1):
                    return True
        return False

    def _play(self, board: Board, point: int) -> Board | None:
        """Return the board after a move, or None if the limit is reached."""
        if self.left == 0:
            return None
        self.left -= 1
        after = board.copy()
        after.play(point)
        return after
