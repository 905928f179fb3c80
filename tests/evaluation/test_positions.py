"""The interval of an accuracy over games."""

import numpy as np
import pytest

from cnnzoo.evaluation.positions import interval_over_games


def test_positions_of_one_game_that_are_alike_count_as_one():
    """If all positions of a game are right or all wrong, the interval is that of independent games."""
    games = np.repeat(np.arange(100), 50)
    correct = np.repeat(np.arange(100) < 40, 50)
    low, high = interval_over_games(correct, games)
    half = 1.96 * np.sqrt(0.4 * 0.6 / 99)
    assert (low, high) == pytest.approx((0.4 - half, 0.4 + half))


def test_independent_positions_have_the_binomial_interval():
    generator = np.random.default_rng(0)
    correct = generator.random(100_000) < 0.3
    games = generator.integers(0, 5_000, 100_000)
    low, high = interval_over_games(correct, games)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.3 * 0.7 / 100_000), rel=0.05)


def test_the_interval_is_that_of_a_bootstrap_over_games_of_different_lengths():
    generator = np.random.default_rng(1)
    sizes = generator.integers(20, 300, 200)
    skill = generator.beta(4, 6, 200)
    games = np.repeat(np.arange(200), sizes)
    correct = generator.random(sizes.sum()) < np.repeat(skill, sizes)
    right = np.bincount(games, weights=correct)
    chosen = generator.integers(0, 200, (4_000, 200))
    rates = right[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    assert interval_over_games(correct, games) == pytest.approx(tuple(np.quantile(rates, [0.025, 0.975])), abs=0.004)


def test_a_single_game_and_equal_positions_have_no_interval():
    assert interval_over_games(np.array([True, False]), np.array([3, 3])) is None
    assert interval_over_games(np.array([False, False]), np.array([3, 4])) is None
