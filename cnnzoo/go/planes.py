"""The 48 feature planes of AlphaGo's policy network.

Silver et al., "Mastering the game of Go with deep neural networks and tree search", Nature 529, 2016, extended data
table 2, in its order. Each plane is 0 or 1, as the player to move sees the board. The paper leaves open where the bins
of the captures begin, how old set-up stones are, what an eye is and how a ladder is searched; ``SPECIFICATION`` names
what is done here.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnzoo.go.board import BLACK, EMPTY, Board
from cnnzoo.go.ladders import captures_in_ladder, escapes_from_ladder


class Feature(NamedTuple):
    """One feature of a point, as planes of 0 and 1.

    Attributes:
        name: Its name in the paper.
        first: Number of its first plane.
        planes: Number of its planes.
        meaning: When which of them is 1.
    """

    name: str
    first: int
    planes: int
    meaning: str


FEATURES = (
    Feature("stone colour", 0, 3, "own stone, opponent's stone, empty"),
    Feature("ones", 3, 1, "always"),
    Feature("turns since", 4, 8, "a stone played 1 to 7, 8 or more turns ago; set-up stones count as 8 or more"),
    Feature("liberties", 12, 8, "a stone whose chain has 1 to 7, 8 or more liberties"),
    Feature("capture size", 20, 8, "a legal move that captures 0 to 6, 7 or more stones"),
    Feature("self-atari size", 28, 8, "a legal move to one liberty; its chain then has 1 to 7, 8 or more stones"),
    Feature("liberties after move", 36, 8, "a legal move whose chain then has 1 to 7, 8 or more liberties"),
    Feature("ladder capture", 44, 1, "a legal move that captures a chain of two liberties in a ladder"),
    Feature("ladder escape", 45, 1, "a legal move that saves an own chain in atari from a ladder"),
    Feature("sensibleness", 46, 1, "a legal move that does not fill an own eye"),
    Feature("zeros", 47, 1, "never"),
    Feature("player colour", 48, 1, "Black is to move; only on request, the policy network has no such plane"),
)
PLANES = 48
BINS = 8

# The choices that the paper leaves open. A model is saved with it: another choice would need another name.
SPECIFICATION = "alphago48: captures from 0, set-up stones 8 turns old, eyes by diagonals, simple ko, KataGo's ladders"


def encode(board: Board, *, player_colour: bool = False) -> NDArray[np.uint8]:
    """Return the planes of a position (size, size, 48), 0 or 1; with ``player_colour`` there are 49."""
    points = board.size * board.size
    planes = np.zeros((points, PLANES + 1), np.uint8)
    planes[:, 3] = 1
    planes[:, 48] = board.to_move == BLACK
    for point, colour in enumerate(board.stones):
        if colour == EMPTY:
            planes[point, 2] = 1
            if board.is_legal(point):
                _encode_move(board, point, planes[point])
        else:
            planes[point, 0 if colour == board.to_move else 1] = 1
            placed = board.placed[point]
            age = BINS if placed is None else board.turn - placed
            planes[point, 4 + _bin(age)] = 1
            planes[point, 12 + _bin(len(board.liberties(board.chain(point))))] = 1
    shaped = planes.reshape(board.size, board.size, PLANES + 1)
    return shaped if player_colour else shaped[..., :PLANES]


def _bin(number: int) -> int:
    """Return the plane of a count from 1 on, of which the last stands for all larger ones."""
    return min(number, BINS) - 1


def _encode_move(board: Board, point: int, planes: NDArray[np.uint8]) -> None:
    """Write the planes of a legal move."""
    after = board.copy()
    captured = len(after.play(point))
    chain = after.chain(point)
    liberties = len(after.liberties(chain))
    planes[20 + _bin(captured + 1)] = 1
    if liberties == 1:
        planes[28 + _bin(len(chain))] = 1
    planes[36 + _bin(liberties)] = 1
    planes[44] = captures_in_ladder(board, point)
    planes[45] = escapes_from_ladder(board, point)
    planes[46] = not board.is_eye(point, board.to_move)
