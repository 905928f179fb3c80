"""A Go board in plain Python: stones, chains, liberties, captures, legal moves and the simple ko.

Points are numbered row by row from the top left corner, from 0. This form is slow and easy to read; ``compiled`` does
the same fast, and the tests compare them.
"""

from collections.abc import Iterable
from functools import cache

EMPTY, BLACK, WHITE = 0, 1, -1
PASS = -1
SMALLEST, LARGEST = 7, 19


class IllegalMoveError(ValueError):
    """A move that the rules forbid; the message says why."""


@cache
def neighbours(size: int) -> tuple[tuple[int, ...], ...]:
    """Return the points beside each point of a board."""
    return _points_at(size, ((-1, 0), (0, -1), (0, 1), (1, 0)))


@cache
def diagonals(size: int) -> tuple[tuple[int, ...], ...]:
    """Return the points that touch each point of a board at a corner."""
    return _points_at(size, ((-1, -1), (-1, 1), (1, -1), (1, 1)))


def _points_at(size: int, steps: tuple[tuple[int, int], ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(
        tuple(
            (row + down) * size + column + right
            for down, right in steps
            if 0 <= row + down < size and 0 <= column + right < size
        )
        for row in range(size)
        for column in range(size)
    )


class Board:
    """A position in a game: who has stones where, since when, and whose turn it is.

    Attributes:
        size: Points a side, 7 to 19.
        stones: BLACK, WHITE or EMPTY for each point.
        placed: The turn at which each stone was played, counted from 0; None for set-up stones and empty points.
        turn: Number of turns so far, passes included.
        to_move: BLACK or WHITE.
        ko: The point that the simple ko forbids to the player to move; None without one.
    """

    def __init__(self, size: int = 19, to_move: int = BLACK) -> None:
        if not SMALLEST <= size <= LARGEST:
            raise ValueError(f"A board has {SMALLEST} to {LARGEST} points a side, not {size}.")
        self.size = size
        self.stones = [EMPTY] * (size * size)
        self.placed: list[int | None] = [None] * (size * size)
        self.turn = 0
        self.to_move = to_move
        self.ko: int | None = None

    def copy(self) -> "Board":
        """Return an independent copy."""
        copied = Board(self.size, self.to_move)
        copied.stones, copied.placed = self.stones.copy(), self.placed.copy()
        copied.turn, copied.ko = self.turn, self.ko
        return copied

    def set_up(self, points: Iterable[int], colour: int) -> None:
        """Put stones on the board, or take them away with EMPTY; this is no turn and captures nothing."""
        for point in points:
            self.stones[point], self.placed[point] = colour, None
        self.ko = None

    def chain(self, point: int) -> set[int]:
        """Return the stones that are connected with the stone at a point, itself included."""
        colour, found, waiting = self.stones[point], {point}, [point]
        while waiting:
            for beside in neighbours(self.size)[waiting.pop()]:
                if self.stones[beside] == colour and beside not in found:
                    found.add(beside)
                    waiting.append(beside)
        return found

    def liberties(self, chain: Iterable[int]) -> set[int]:
        """Return the empty points beside a chain."""
        beside = neighbours(self.size)
        return {point for stone in chain for point in beside[stone] if self.stones[point] == EMPTY}

    def has_dead_chain(self) -> bool:
        """Return whether a chain has no liberties, as only set-up stones can."""
        return any(
            colour != EMPTY and not self.liberties(self.chain(point)) for point, colour in enumerate(self.stones)
        )

    def captured_by(self, point: int, colour: int) -> set[int]:
        """Return the stones that a move at an empty point would capture."""
        captured: set[int] = set()
        for beside in neighbours(self.size)[point]:
            if self.stones[beside] == -colour and beside not in captured:
                chain = self.chain(beside)
                if self.liberties(chain) == {point}:
                    captured |= chain
        return captured

    def find_objection(self, point: int) -> str:
        """Return why the player to move may not play at a point; empty if the move is legal."""
        if not 0 <= point < len(self.stones):
            return "the point is not on the board"
        if self.stones[point] != EMPTY:
            return "the point is occupied"
        if point == self.ko:
            return "the ko may not be taken back at once"
        if not self.captured_by(point, self.to_move):
            after = self.copy()
            after.stones[point] = self.to_move
            if not after.liberties(after.chain(point)):
                return "the move is suicide"
        return ""

    def is_legal(self, point: int) -> bool:
        """Return whether the player to move may play at a point, under simple ko and without suicide."""
        return not self.find_objection(point)

    def play(self, point: int) -> set[int]:
        """Play a move of the player to move, or PASS; return the captured stones.

        Raises:
            IllegalMoveError: The rules forbid it; the board is unchanged.
        """
        captured: set[int] = set()
        ko = None
        if point != PASS:
            objection = self.find_objection(point)
            if objection:
                raise IllegalMoveError(objection)
            captured = self.captured_by(point, self.to_move)
            self.stones[point], self.placed[point] = self.to_move, self.turn
            for stone in captured:
                self.stones[stone], self.placed[stone] = EMPTY, None
            if len(captured) == 1 and self.chain(point) == {point} and self.liberties({point}) == captured:
                (ko,) = captured
        self.ko = ko
        self.turn += 1
        self.to_move = -self.to_move
        return captured

    def is_eye(self, point: int, colour: int) -> bool:
        """Return whether an empty point is a true eye of a colour.

        All points beside it are stones of the colour, and the opponent has at most one of the four points at its
        corners, or none at the edge and in the corner of the board.
        """
        if self.stones[point] != EMPTY or any(self.stones[beside] != colour for beside in neighbours(self.size)[point]):
            return False
        corners = diagonals(self.size)[point]
        opponents = sum(self.stones[corner] == -colour for corner in corners)
        return opponents <= (1 if len(corners) == 4 else 0)
