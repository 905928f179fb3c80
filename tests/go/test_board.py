"""The rules, checked against sgfmill's board and against themselves."""

import pytest
from boards import play_at_random, read_board
from sgfmill.boards import Board as OtherBoard

from cnnzoo.go.board import BLACK, EMPTY, PASS, WHITE, Board, IllegalMoveError

COLOURS = {"b": BLACK, "w": WHITE, None: EMPTY}


@pytest.mark.parametrize(("size", "moves"), [(7, 150), (9, 250)])
def test_captures_and_kos_are_those_of_sgfmill(size, moves):
    other = OtherBoard(size)
    kos = 0
    for board, move in play_at_random(size, moves, seed=size):
        if move == PASS:
            continue
        ko = other.play(*divmod(move, size), "w" if board.to_move == BLACK else "b")
        assert board.stones == [COLOURS[other.get(row, column)] for row in range(size) for column in range(size)]
        assert board.ko == (None if ko is None else ko[0] * size + ko[1])
        kos += board.ko is not None
    assert kos > 0


def test_illegal_moves_say_why_and_change_nothing():
    board, names = read_board(
        """
        . X a X . . .
        X O X O . . .
        . X . . . . .
        . . . . . . .
        . . . . . X X
        . . . . X O b
        . . . . X X X
        """,
        WHITE,
    )
    before = board.stones.copy()
    for point, reason in ((0, "suicide"), (1, "occupied"), (49, "not on the board")):
        with pytest.raises(IllegalMoveError, match=reason):
            board.play(point)
    assert board.stones == before
    board.to_move = BLACK
    board.play(names["b"])
    assert board.stones[5 * 7 + 5] == EMPTY


def test_a_ko_may_be_taken_back_after_a_move_elsewhere():
    board, names = read_board(
        """
        . X O . . . .
        X a X O . . .
        . X O . . . .
        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . . . . .
        """,
        WHITE,
    )
    taken = names["a"] + 1
    board.play(names["a"])
    assert (board.stones[taken], board.ko) == (EMPTY, taken)
    with pytest.raises(IllegalMoveError, match="ko may not be taken back"):
        board.play(taken)
    board.play(40)
    board.play(41)
    board.play(taken)
    assert board.stones[names["a"]] == EMPTY


@pytest.mark.parametrize("size", [6, 20])
def test_other_sizes_of_boards_are_refused(size):
    with pytest.raises(ValueError, match=f"7 to 19 points a side, not {size}"):
        Board(size)
