"""The compiled planes are those of the plain ones."""

import numpy as np
import pytest
from boards import VECTORS, place, play_at_random, read_board

from cnnzoo.go import planes
from cnnzoo.go.board import BLACK, Board
from cnnzoo.go.compiled.planes import encode
from cnnzoo.go.compiled.rules import find_cache
from cnnzoo.go.planes import BINS


@pytest.mark.parametrize(("text", "to_move", "expected"), VECTORS)
def test_the_planes_of_worked_positions_are_equal(text, to_move, expected):
    board, _ = read_board(text, to_move)
    assert np.array_equal(encode(board), planes.encode(board))


@pytest.mark.parametrize("breaker", [(16, 16), (10, 12), (10, 13)])
def test_a_long_ladder_is_read_alike(breaker):
    board = place(19, black=[(1, 2), (2, 1), (3, 1)], white=[(2, 2), breaker])
    assert np.array_equal(encode(board), planes.encode(board))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "games", "every"), [(7, 8, 1), (9, 6, 2), (13, 1, 10), (19, 1, 60)])
def test_the_planes_of_random_games_are_equal(size, games, every):
    ladders = 0
    for seed in range(games):
        for number, (board, _) in enumerate(play_at_random(size, 2 * size * size, seed)):
            if number % every == 0:
                fast = encode(board, player_colour=True)
                assert np.array_equal(fast, planes.encode(board, player_colour=True))
                ladders += int(fast[..., 44:46].sum())
    assert ladders > 0


def turn_board(board, turn):
    """Return a board turned or mirrored by a function of arrays (size, size)."""
    turned = Board(board.size, board.to_move)
    numbers = turn(np.arange(board.size**2).reshape(board.size, board.size)).ravel()
    turned.stones = [board.stones[point] for point in numbers]
    turned.placed = [board.placed[point] for point in numbers]
    turned.turn = board.turn
    turned.ko = None if board.ko is None else int(np.flatnonzero(numbers == board.ko)[0])
    return turned


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turned_board_has_turned_planes(quarters, mirror):
    def turn(values):
        return np.rot90(values[:, ::-1] if mirror else values, quarters)

    for number, (board, _) in enumerate(play_at_random(9, 120, 5)):
        if number % 5 == 0:
            assert np.array_equal(encode(turn_board(board, turn)), turn(encode(board)))


def test_the_planes_keep_their_sums():
    for board, _ in play_at_random(9, 150, 6):
        encoded = encode(board, player_colour=True).reshape(81, -1).astype(int)
        legal = np.array([board.is_legal(point) for point in range(81)])
        stones = np.array(board.stones) != 0
        assert np.array_equal(encoded[:, 20 : 20 + BINS].sum(axis=1), legal)
        assert np.array_equal(encoded[:, 36 : 36 + BINS].sum(axis=1), legal)
        assert np.array_equal(encoded[:, 28 : 28 + BINS].sum(axis=1), encoded[:, 36])
        assert np.array_equal(encoded[:, 4 : 4 + BINS].sum(axis=1), stones)
        assert np.array_equal(encoded[:, 12 : 12 + BINS].sum(axis=1), stones)
        assert (encoded[:, :3].sum(axis=1) == 1).all()
        assert (encoded[:, 46] <= legal).all()
        assert (encoded[:, 3] == 1).all()
        assert not encoded[:, 47].any()
        assert (encoded[:, 48] == (board.to_move == BLACK)).all()


def test_machine_code_is_kept_for_the_sources_that_it_was_made_of(tmp_path):
    source, folder = tmp_path / "rules.py", tmp_path / "cache"
    source.write_text("EMPTY = 0")
    first = find_cache([source], [tmp_path / "rules.py" / "impossible", folder])
    assert first.parent == folder
    assert find_cache([source], [folder]) == first
    source.write_text("EMPTY = 1")
    assert find_cache([source], [folder]) != first
    assert find_cache([source], [source / "impossible"]) is None
