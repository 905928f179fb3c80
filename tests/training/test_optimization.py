import math

import keras
import numpy as np
import pytest

from cnnzoo import config as configs
from cnnzoo.training.optimization import optimizer, schedule


def rates(*settings, steps=100):
    """Return the learning rates of 10 epochs of 10 steps."""
    settings = ("training.epochs=10", "optimizer={name: sgd, learning_rate: 0.8}", *settings)
    function = schedule(configs.load("digits", settings), 10)
    return keras.ops.convert_to_numpy(keras.ops.stack([function(step) for step in range(steps)]))


def test_a_constant_rate_stays_after_its_warm_up():
    assert np.allclose(rates("schedule={name: constant}"), 0.8)
    warm = rates("schedule={name: constant, warmup_epochs: 2}")
    assert np.allclose(warm[:20], 0.8 * np.arange(1, 21) / 21)  # the first step moves already
    assert np.allclose(warm[20:], 0.8)


def test_a_cosine_falls_from_the_peak_to_the_final_rate():
    values = rates("schedule={name: cosine, final: 0.1}", steps=101)
    assert values[0] == pytest.approx(0.8)
    assert values[50] == pytest.approx(0.44)
    assert values[100] == pytest.approx(0.08)
    assert (np.diff(values) < 0).all()


def test_one_cycle_rises_linearly_then_falls_as_a_cosine():
    values = rates("schedule={name: one_cycle, rise: 0.2, initial: 0.25}", steps=101)
    assert np.allclose(values[:21], 0.2 + 0.6 * np.arange(21) / 20)
    assert values[60] == pytest.approx(0.4)
    assert values[100] == pytest.approx(0.0, abs=1e-6)


def test_a_step_of_momentum_moves_as_the_formula_says():
    config = configs.load("digits", ["optimizer={name: sgd, learning_rate: 0.5, momentum: 0.9, nesterov: true}"])
    config = config.replaced(schedule=configs.ConstantSection(name="constant"))
    chosen = optimizer(config, 10)
    weight = keras.Variable([1.0])
    chosen.build([weight])
    chosen.apply([keras.ops.convert_to_tensor([2.0])], [weight])
    velocity = -0.5 * 2.0
    assert keras.ops.convert_to_numpy(weight)[0] == pytest.approx(1.0 + 0.9 * velocity - 0.5 * 2.0)
    assert isinstance(optimizer(configs.load("digits"), 10), keras.optimizers.Adam)
    assert math.isclose(optimizer(configs.load("digits", ["optimizer.beta_2=0.98"]), 10).beta_2, 0.98)


def test_rmsprop_divides_by_the_root_of_the_mean_square():
    setting = "optimizer={name: rmsprop, learning_rate: 0.1, rho: 0.75, momentum: 0.5, epsilon: 1.0e-9}"
    config = configs.load("digits", [setting]).replaced(schedule=configs.ConstantSection(name="constant"))
    chosen, weight = optimizer(config, 10), keras.Variable([1.0])
    chosen.build([weight])
    chosen.apply([keras.ops.convert_to_tensor([3.0])], [weight])
    first = 0.1 / 0.25**0.5
    assert keras.ops.convert_to_numpy(weight)[0] == pytest.approx(1.0 - first)
    chosen.apply([keras.ops.convert_to_tensor([3.0])], [weight])
    second = 0.5 * first + 0.1 / 0.4375**0.5
    assert keras.ops.convert_to_numpy(weight)[0] == pytest.approx(1.0 - first - second)
