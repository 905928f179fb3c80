"""A game: whose turn it is, moves taken back, and positions that may not come twice."""

import pytest
from boards import read_board, set_up_game

from cnnzoo.go.board import BLACK, EMPTY, PASS, WHITE, IllegalMoveError
from cnnzoo.go.game import Game
from cnnzoo.go.scoring import area_score, format_score
from cnnzoo.go.vertices import name_vertex, read_vertex

KO = """
. X O . . . .
X a X O . . .
. X O . . . .
. . . . . . .
. . . . . . .
. . . . . . .
. . . . . . .
"""


def test_a_ko_is_not_taken_back_even_if_the_other_player_passes_in_between():
    game, names = set_up_game(KO, WHITE)
    taken = names["a"] + 1
    game.play(names["a"], WHITE)
    game.play(PASS, BLACK)
    game.play(PASS, WHITE)
    assert game.board.is_legal(taken)
    assert game.find_objection(taken, BLACK) == "the move repeats a position (positional superko)"
    with pytest.raises(IllegalMoveError, match="repeats a position"):
        game.play(taken, BLACK)
    game.play(taken, BLACK, superko=False)


def test_a_position_that_was_taken_back_may_be_reached_again():
    game, names = set_up_game(KO, WHITE)
    for _ in range(2):
        game.play(names["a"], WHITE)
        game.undo()
    assert game.board.stones[names["a"]] == EMPTY
    with pytest.raises(IllegalMoveError, match="no move"):
        game.undo()


def test_two_moves_of_one_colour_are_one_move_each_to_take_back_and_the_other_has_passed():
    game = Game(9)
    game.play(0, BLACK)
    game.play(1, BLACK)
    assert (game.board.turn, game.board.to_move, len(game.moves)) == (3, WHITE, 2)
    game.undo()
    assert (game.board.turn, game.board.to_move, game.board.stones[1]) == (1, WHITE, EMPTY)


def test_a_game_ends_by_a_pass_of_each_player_only():
    game = Game(9)
    game.play(PASS, WHITE)
    game.play(PASS, WHITE)
    assert not game.has_ended
    game.play(PASS, BLACK)
    assert game.has_ended
    game.undo()
    assert not game.has_ended


def test_stones_without_liberties_cannot_be_set_up():
    game = Game(7)
    game.play(3, BLACK)
    with pytest.raises(IllegalMoveError, match="without liberties"):
        game.set_up([0], [1, 7], BLACK)
    assert game.board.stones[3] == BLACK


def test_an_area_counts_stones_and_the_points_that_one_colour_reaches():
    board, _ = read_board(
        """
        . X . O . . .
        X X . O . . .
        . X . O O O O
        . X . O . X .
        . X . O . . .
        . X . O . . .
        . X . O . . .
        """
    )
    # White's corner of 6 counts; the region around the lone black stone touches both.
    assert area_score(board) == (7 + 1 + 6 + 1) - (7 + 3 + 6)
    assert [format_score(score) for score in (3.5, -12.0, 0)] == ["B+3.5", "W+12", "0"]


@pytest.mark.parametrize("size", [7, 9, 19])
def test_names_of_points_can_be_read_again(size):
    names = [name_vertex(point, size) for point in range(size * size)]
    assert [read_vertex(name.lower(), size) for name in names] == list(range(size * size))
    assert name_vertex(0, size) == f"A{size}"
    assert not any("I" in name for name in names)
    assert read_vertex("PASS", size) == PASS


@pytest.mark.parametrize("name", ["", "A", "A0", "A10", "I5", "K5", "A05", "a-1", "AA1", "5", "é5", "A٣", "resign"])
def test_what_is_no_point_of_the_board_is_refused(name):
    with pytest.raises(ValueError, match="from A1 to J9, without the letter I"):
        read_vertex(name, 9)
