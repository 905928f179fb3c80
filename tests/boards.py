"""Boards as text: X is Black, O is White, a letter names an empty point."""

from cnnzoo.go.board import BLACK, EMPTY, WHITE, Board

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
