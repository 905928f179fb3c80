import keras
import numpy as np
import pytest

from cnnzoo import config as configs
from cnnzoo.config.optimizer import PlateauSection
from cnnzoo.errors import UserError
from cnnzoo.training.schedules import make_schedule, plateau_factor

pytestmark = pytest.mark.every_backend


def rates(*settings, steps=100):
    """Return the learning rates of 10 epochs of 10 steps."""
    settings = ("training.epochs=10", "optimizer={name: sgd, learning_rate: 0.8}", *settings)
    function = make_schedule(configs.load("digits", settings), 10)
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


def test_a_step_schedule_multiplies_the_rate_at_regular_intervals():
    values = rates("schedule={name: step, every: 4, factor: 0.5, warmup_epochs: 1}")
    assert np.allclose(values[10:40], 0.8)
    assert np.allclose(values[40:80], 0.4)
    assert np.allclose(values[80:], 0.2)


def test_a_multi_step_schedule_multiplies_the_rate_after_the_listed_epochs():
    values = rates("schedule={name: multi_step, after: [2.5, 7.0]}")
    assert np.allclose(values[:25], 0.8)
    assert np.allclose(values[25:70], 0.08)
    assert np.allclose(values[70:], 0.008)


def test_a_polynomial_falls_to_the_final_rate():
    values = rates("schedule={name: polynomial, power: 2.0, final: 0.25}", steps=101)
    assert values[50] == pytest.approx(0.8 * (0.25 + 0.75 * 0.25))
    assert values[100] == pytest.approx(0.2)


def test_a_plateau_divides_when_validation_has_stalled_and_waits_again():
    section = PlateauSection(name="plateau", patience=2, smallest=0.005)
    factors = [plateau_factor(section, [0.5, 0.7, 0.7, 0.6, 0.69, 0.7, 0.8, 0.8, 0.1][:count]) for count in range(10)]
    assert factors == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.005])


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("schedule={name: multi_step, after: [5.0, 2.0]}", r"schedule.after: \[5.0, 2.0\] is not in ascending order"),
        (
            "schedule={name: multi_step, after: [5.0, 10.0]}",
            "schedule.after: epoch 10 is not before the end of the training",
        ),
        ("schedule={name: plateau, warmup_epochs: 10}", "schedule.warmup_epochs: 10 epochs of warm-up are not less"),
    ],
)
def test_a_schedule_that_does_not_fit_into_the_training_is_refused(setting, sentence):
    with pytest.raises(UserError, match=sentence):
        configs.load("digits", ["training.epochs=10", setting])


def test_a_compiled_step_schedule_divides_the_rate_at_the_same_steps():
    settings = ["training.epochs=4", "optimizer={name: sgd, learning_rate: 1.0}", "schedule={name: step, every: 1}"]
    for steps in (41, 47, 55):
        function = make_schedule(configs.load("digits", settings), steps)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Lambda(function)])
        rates = model.predict(np.arange(4 * steps, dtype="float32")[:, None], verbose=0)[:, 0]
        assert np.allclose(rates, np.repeat([1.0, 0.1, 0.01, 0.001], steps)), steps
