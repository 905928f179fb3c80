"""The rules by which a player chooses, passes and varies its games."""

import numpy as np
from boards import EYES, set_up_game

from cnnzoo.go.board import BLACK, PASS, WHITE
from cnnzoo.go.game import Game
from cnnzoo.go.player import Player


def preferring(*points):
    """Return a policy that prefers points in this order."""

    def policy(board):
        weights = np.full(board.size**2, 1e-3)
        weights[list(points)] = 2.0 ** -np.arange(len(points))
        return weights / weights.sum()

    return policy


def test_the_likeliest_move_is_played_that_fills_no_eye_and_is_legal():
    game, names = set_up_game(EYES, BLACK)
    occupied = 1
    player = Player(preferring(occupied, names["e"], names["g"], names["f"], 20))
    assert player.choose(game, BLACK) == names["f"]
    assert next(player.candidates(game, BLACK)).point == names["f"]


def test_the_policy_sees_the_board_of_the_colour_that_is_asked():
    seen = []

    def policy(board):
        seen.append(board.to_move)
        return np.full(49, 1 / 49)

    for colour in (BLACK, WHITE):
        Player(policy).choose(Game(7), colour)
    assert seen == [BLACK, WHITE]


def test_a_pass_is_answered_from_move_100_on_and_on_small_boards_earlier():
    for size, moves in ((19, 100), (9, 23), (7, 14)):
        game = Game(size)
        player = Player(lambda board: np.full(board.size**2, 1 / board.size**2))
        for number in range(moves - 2):
            game.play(PASS if number else 0, BLACK if number % 2 else WHITE)
        last = game.moves[-1].colour
        game.play(PASS, -last)
        assert player.choose(game, last) != PASS
        game.play(PASS, last)
        assert player.choose(game, -last) == PASS
        assert player.choose(game, -last, answers_passes=False) != PASS


def test_an_own_pass_or_a_stone_is_not_answered_with_a_pass():
    game = Game(7)
    for _ in range(30):
        game.play(PASS, BLACK)
    player = Player(preferring(5))
    assert player.choose(game, BLACK) == 5
    game.play(6, WHITE)
    assert player.choose(game, BLACK) == 5


def test_a_player_passes_if_only_own_eyes_are_left():
    text = "\n".join(["X X X X X X X", ". X X X X X X", "X X X X X X X", ". X X X X X X", *["X X X X X X X"] * 3])
    game, _ = set_up_game(text, BLACK)
    assert Player(preferring(7)).choose(game, BLACK) == PASS
    assert Player(preferring(7), temperature=1).choose(game, BLACK) == PASS
    assert Player(preferring(7)).choose(game, WHITE) == PASS  # suicide


def test_a_seed_repeats_the_moves_that_a_temperature_varies():
    policy = preferring(3, 10, 17, 24)

    def play(temperature, seed, count=20):
        player = Player(policy, temperature, seed)
        return [player.choose(Game(7), BLACK) for _ in range(count)]

    assert set(play(0, 1)) == {3}
    assert play(1, 1) == play(1, 1)
    assert play(1, 1) != play(1, 2)
    assert set(play(1e-6, 1)) == {3}
    assert 0.4 < np.mean(np.array(play(1, 1, 300)) == 3) < 0.6  # the policy says 0.50
