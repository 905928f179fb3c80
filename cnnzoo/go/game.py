"""A game as a player sees it: every position so far, so that moves can be taken back and no position comes twice."""

from collections.abc import Iterable
from typing import NamedTuple

from cnnzoo.go.board import BLACK, PASS, WHITE, Board, IllegalMoveError

# Chinese rules.
KOMI = 7.5

COLOUR_NAMES = {BLACK: "Black", WHITE: "White"}


class Move(NamedTuple):
    """A move of a game.

    Attributes:
        colour: BLACK or WHITE.
        point: A point, or PASS.
    """

    colour: int
    point: int


class Game:
    """A game with its positions, moves and komi.

    A move is legal if the board allows it and if it does not repeat a position of the whole board (positional
    superko). A network sees the board, which knows of the simple ko only.

    Attributes:
        komi: Points that White gets for moving second.
        moves: The moves so far, without set-up stones.
    """

    def __init__(self, size: int = 19, komi: float = KOMI) -> None:
        self.komi = komi
        self._begin(Board(size))

    def _begin(self, board: Board) -> None:
        self._boards = [board]
        self.moves: list[Move] = []
        self._positions = {tuple(board.stones)}

    @property
    def board(self) -> Board:
        """The position now; to play a move, use ``play``."""
        return self._boards[-1]

    @property
    def size(self) -> int:
        """Points a side."""
        return self.board.size

    @property
    def has_ended(self) -> bool:
        """Whether both players have passed, one after the other."""
        last = self.moves[-2:]
        return {move.colour for move in last if move.point == PASS} == {BLACK, WHITE}

    def clear(self) -> None:
        """Begin again with an empty board; the komi stays."""
        self._begin(Board(self.size))

    def set_up(self, black: Iterable[int], white: Iterable[int], to_move: int) -> None:
        """Begin again with stones on the board, such as a handicap.

        Raises:
            IllegalMoveError: A chain would have no liberty; the game is unchanged.
        """
        board = Board(self.size, to_move)
        board.set_up(black, BLACK)
        board.set_up(white, WHITE)
        if board.has_dead_chain():
            raise IllegalMoveError("the stones leave a chain without liberties")
        self._begin(board)

    def board_for(self, colour: int) -> Board:
        """Return a copy of the position with a colour to move; if it is not its turn, the other one passes."""
        board = self.board.copy()
        if board.to_move != colour:
            board.play(PASS)
        return board

    def find_objection(self, point: int, colour: int, *, superko: bool = True) -> str:
        """Return why a colour may not play at a point; empty if the move is legal."""
        board = self.board_for(colour)
        objection = board.find_objection(point)
        if objection or not superko:
            return objection
        board.play(point)
        return "the move repeats a position (positional superko)" if tuple(board.stones) in self._positions else ""

    def play(self, point: int, colour: int, *, superko: bool = True) -> None:
        """Play a move of either colour, or PASS; if it is not the colour's turn, the other one passes first.

        Args:
            point: The point, or PASS.
            colour: BLACK or WHITE.
            superko: Whether a move that repeats a position is refused. Recorded games may follow other rules.

        Raises:
            IllegalMoveError: The rules forbid it; the game is unchanged.
        """
        if point != PASS and (objection := self.find_objection(point, colour, superko=superko)):
            raise IllegalMoveError(objection)
        board = self.board_for(colour)
        board.play(point)
        self._boards.append(board)
        self.moves.append(Move(colour, point))
        self._positions.add(tuple(board.stones))

    def undo(self) -> None:
        """Take the last move back.

        Raises:
            IllegalMoveError: There is none; set-up stones cannot be taken back.
        """
        if not self.moves:
            raise IllegalMoveError("no move has been played")
        self.moves.pop()
        self._boards.pop()
        self._positions = {tuple(board.stones) for board in self._boards}
