"""Boards as text (X is Black, O is White, a letter names an empty point), and games at random."""

import random

from cnnzoo.go.board import BLACK, EMPTY, PASS, WHITE, Board
from cnnzoo.go.game import Game

EMPTY_ROWS = "\n. . . . . . . . ."

CAPTURE_THREE = """
. X . X X . .
X O a O O X .
. X . X X . .
. . . . . . .
. . . . . . .
. . . . . . .
. . . . . . .
"""
CAPTURE_TO_LIVE = """
a O X . . . .
O X . . . . .
X . . . . . .
. . . . . . .
. . . . . . .
. . . . . . .
. . . . . . .
"""
SELF_ATARI = """
a O . . . O X
. . . . . . .
. . . . . . .
. . O . O . .
. O X d X O .
. . O O O . .
. . . . . . .
"""
SUICIDE = """
a O . . O b X
O . . . O X X
. . . . . O O
. . . . . . .
. X O . . . .
X c X O . . .
. X O . . . .
"""
KO = """
. . . . . . .
. . X O . . .
. X k X O . .
. . X O . . .
. . . . . . .
. . . . . . .
. . . . . . .
"""
EYES = """
e X . . X f X
X X . . X X O
. . . . . . .
. X X X . X .
. X g X X h X
. O X X . X .
. . . . . . .
"""
EMPTY_CORNERS = """
. . . . . . .
. . . X . . .
. . X e X . .
. . . X . . .
. . . . . . .
. . . . . . .
. . . . . . .
"""
LADDER = (
    """
. . . . . . . . .
. . X . . . . . .
. X O b . . . . .
. X a . . . . . .
"""
    + 5 * EMPTY_ROWS
)
LADDER_BROKEN = """
. . . . . . . . .
. . X . . . . . .
. X O b . . . . .
. X a . . . . . .
. . . . . . . . .
. . . . . . . . .
. . . . . O . . .
. . . . . . . . .
. . . . . . . . .
"""
NO_ESCAPE = (
    """
. . . . . . . . .
. . X X . . . . .
. X O a . . . . .
. . X . . . . . .
"""
    + 5 * EMPTY_ROWS
)
ESCAPE = """
. . . . . . . . .
. . X X . . . . .
. X O a . . . . .
. . X . . . . . .
. . . . . . . . .
. . . . . . . . .
. . . . . . O . .
. . . . . . . . .
. . . . . . . . .
"""
ESCAPE_BY_CAPTURE = (
    """
. . . . . . . . .
. . X . . . . . .
. X O a . . . . .
. O X O . . . . .
. . b . . . . . .
"""
    + 4 * EMPTY_ROWS
)

VECTORS = [
    (CAPTURE_THREE, BLACK, {"a": [2, 3, 23, 39, 46]}),
    (CAPTURE_TO_LIVE, BLACK, {"a": [2, 3, 22, 37, 46]}),
    (SELF_ATARI, BLACK, {"a": [2, 3, 20, 28, 36, 46], "d": [2, 3, 20, 30, 36, 46]}),
    (SUICIDE, BLACK, {"a": [2, 3], "b": [2, 3], "c": [2, 3, 20, 38, 45, 46]}),
    (KO, WHITE, {"k": [2, 3, 21, 28, 36, 46]}),
    (LADDER, BLACK, {"b": [2, 3, 20, 38, 44, 46]}),
    (NO_ESCAPE, WHITE, {"a": [2, 3, 20, 37, 46]}),
    (ESCAPE, WHITE, {"a": [2, 3, 20, 37, 45, 46]}),
    (ESCAPE_BY_CAPTURE, WHITE, {"a": [2, 3, 20, 39, 45, 46], "b": [2, 3, 21, 39, 45, 46]}),
]

COLOURS = {"X": BLACK, "O": WHITE}


def read_board(text, to_move=BLACK):
    """Return a board of set-up stones, and the points of its letters."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    board = Board(len(rows), to_move)
    names = {}
    for point, character in enumerate(character for row in rows for character in row):
        if character in COLOURS:
            board.set_up([point], COLOURS[character])
        elif character != ".":
            names[character] = point
    return board, names


def planes_at(planes, point):
    """Return the numbers of the planes that are 1 at a point."""
    size = planes.shape[0]
    return [int(plane) for plane in planes[point // size, point % size].nonzero()[0]]


def place(size, **stones):
    """Return a board with stones at (row, column), by colour."""
    board = Board(size)
    for colour, places in stones.items():
        board.set_up([row * size + column for row, column in places], BLACK if colour == "black" else WHITE)
    assert EMPTY in board.stones
    return board


def play_at_random(size, moves, seed):
    """Yield the board of a random game and its last move, after each move."""
    choose, board = random.Random(seed), Board(size)
    for _ in range(moves):
        legal = [point for point in range(size * size) if board.is_legal(point)]
        sensible = [point for point in legal if not board.is_eye(point, board.to_move)]
        move = choose.choice(sensible) if sensible else PASS
        board.play(move)
        yield board, move


def set_up_game(text, to_move):
    """Return a game that begins with the stones of a text, and the points of its letters."""
    board, names = read_board(text, to_move)
    game = Game(board.size)
    black, white = ([point for point, other in enumerate(board.stones) if other == each] for each in (BLACK, WHITE))
    game.set_up(black, white, to_move)
    return game, names
