import math

import keras
import numpy as np
import pytest

from cnnzoo import config as configs
from cnnzoo.training.optimizers import make_optimizer

pytestmark = pytest.mark.every_backend

CONSTANT = "schedule={name: constant}"


def stepped(config, value, *gradients, name="kernel"):
    """Return what a variable becomes, step by step; a number for a variable that is a number."""
    chosen, variable = make_optimizer(config, 10), keras.Variable(value, name=name)
    chosen.build([variable])
    values = []
    for gradient in gradients:
        chosen.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        value = np.array(keras.ops.convert_to_numpy(variable))
        values.append(value if value.shape else float(value))
    return values


def test_a_step_of_momentum_moves_as_the_formula_says():
    config = configs.load(
        "digits", ["optimizer={name: sgd, learning_rate: 0.5, momentum: 0.9, nesterov: true}", CONSTANT]
    )
    (weight,) = stepped(config, 1.0, 2.0)
    velocity = -0.5 * 2.0
    assert weight == pytest.approx(1.0 + 0.9 * velocity - 0.5 * 2.0)
    assert isinstance(make_optimizer(configs.load("digits"), 10), keras.optimizers.Adam)
    assert math.isclose(make_optimizer(configs.load("digits", ["optimizer.beta_2=0.98"]), 10).beta_2, 0.98)


def test_rmsprop_divides_by_the_root_of_the_mean_square():
    setting = "optimizer={name: rmsprop, learning_rate: 0.1, rho: 0.75, momentum: 0.5, epsilon: 1.0e-9}"
    weights = stepped(configs.load("digits", [setting, CONSTANT]), 1.0, 3.0, 3.0)
    first = 0.1 / 0.25**0.5
    second = 0.5 * first + 0.1 / 0.4375**0.5
    assert weights == pytest.approx([1.0 - first, 1.0 - first - second])


@pytest.mark.parametrize("kernels_only", [False, True])
def test_l2_is_part_of_the_gradient_and_so_of_the_momentum(kernels_only):
    section = f"optimizer={{name: sgd, learning_rate: 0.1, l2: 0.5, decay_kernels_only: {str(kernels_only).lower()}}}"
    config = configs.load("digits", [section, CONSTANT])
    first, second = stepped(config, 2.0, 0.0, 0.0)
    velocity = -0.1 * 0.5 * 2.0
    assert first == pytest.approx(2.0 + velocity)
    assert second == pytest.approx(first + 0.9 * velocity - 0.1 * 0.5 * first)
    bias = stepped(config, 2.0, 0.0, 0.0, name="bias")
    assert bias == pytest.approx([2.0, 2.0] if kernels_only else [first, second])


@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
def test_decoupled_decay_has_no_momentum(name):
    section = f"optimizer={{name: {name}, learning_rate: 0.1, weight_decay: 0.5}}"
    weights = stepped(configs.load("digits", [section, CONSTANT]), 2.0, 0.0, 0.0, name="bias")
    assert weights == pytest.approx([2.0 * 0.95, 2.0 * 0.95**2])


def test_clipping_shrinks_all_gradients_together():
    config = configs.load(
        "digits", ["optimizer={name: sgd, learning_rate: 1.0, momentum: 0.0, clip_norm: 1.0}", CONSTANT]
    )
    (weight,) = stepped(config, [0.0, 0.0], [3.0, 4.0])
    assert weight == pytest.approx([-0.6, -0.8])


def test_accumulated_gradients_make_one_step_of_their_mean():
    settings = ["optimizer={name: sgd, learning_rate: 1.0, l2: 0.1}", "training.gradient_accumulation=2", CONSTANT]
    config = configs.load("digits", settings)
    first, second = stepped(config, 1.0, 1.0, 3.0)
    assert first == 1.0
    assert second == pytest.approx(1.0 - 2.0 - 0.1)


def test_averages_start_with_the_weights_of_the_first_step():
    config = configs.load("digits", ["optimizer={name: sgd, momentum: 0.0}", "training.ema_decay=0.75", CONSTANT])
    config = config.replaced(optimizer=config.optimizer.model_copy(update={"learning_rate": 1.0}))
    chosen, weight = make_optimizer(config, 10), keras.Variable([4.0])
    chosen.build([weight])
    for gradient in (1.0, 2.0):
        chosen.apply([keras.ops.convert_to_tensor([gradient])], [weight])
    assert keras.ops.convert_to_numpy(chosen.averages[0])[0] == pytest.approx(0.75 * 3.0 + 0.25 * 1.0)


def test_a_plateaus_factor_multiplies_the_rate_and_the_decoupled_decay():
    config = configs.load("digits", ["optimizer={name: sgd, learning_rate: 0.1, weight_decay: 0.5}", CONSTANT])
    chosen, weight = make_optimizer(config, 10), keras.Variable([2.0])
    chosen.build([weight])
    chosen.factor.assign(0.1)
    chosen.apply([keras.ops.convert_to_tensor([1.0])], [weight])
    assert keras.ops.convert_to_numpy(weight)[0] == pytest.approx(2.0 * (1 - 0.01 * 0.5) - 0.01)
    assert chosen.rate(0) == pytest.approx(0.01)


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (6, 4)])
def test_muon_takes_orthogonal_steps_of_adams_size_on_convolutions_too(shape):
    config = configs.load("digits", ["optimizer={name: muon, learning_rate: 1.0, iterations: 20}", CONSTANT])
    kernel, gradient = np.zeros(shape, "float32"), np.random.default_rng(0).normal(size=shape).astype("float32")
    (moved,) = stepped(config, kernel, gradient)
    matrix = moved.reshape(-1, shape[-1])
    singular = np.linalg.svd(matrix, compute_uv=False)
    scale = 0.2 * max(matrix.shape) ** 0.5
    assert singular.min() > 0.6 * scale
    assert singular.max() < 1.25 * scale
    assert np.vdot(moved, gradient) < 0
    chosen, grouped = make_optimizer(config, 10, {"kernel": 2}), keras.Variable(kernel, name="kernel")
    chosen.build([grouped])
    chosen.apply([keras.ops.convert_to_tensor(gradient)], [grouped])
    for half in np.split(keras.ops.convert_to_numpy(grouped).reshape(-1, shape[-1]), 2, axis=1):
        assert np.linalg.svd(half, compute_uv=False).min() > 0.6 * 0.2 * max(half.shape) ** 0.5
    (vector,) = stepped(config, kernel, gradient, name="gamma")
    assert np.allclose(np.abs(vector), 1.0, atol=1e-3)  # Adam's first step is the sign of the gradient


@pytest.mark.parametrize("layer", ["logits", "auxiliary1_linear", "c3"])
def test_muon_leaves_classifiers_and_sparse_kernels_to_adam(layer):
    config = configs.load("digits", ["optimizer={name: muon, learning_rate: 1.0}", CONSTANT])
    dense = keras.layers.Dense(3, name=layer)
    dense.build((None, 4))
    kernel = keras.Variable(np.zeros((5, 5, 6)), name="kernel") if layer == "c3" else dense.kernel
    before, gradient = np.array(kernel), np.random.default_rng(0).normal(size=kernel.shape).astype("float32")
    chosen = make_optimizer(config, 10)
    chosen.build([kernel])
    chosen.apply([keras.ops.convert_to_tensor(gradient)], [kernel])
    assert np.allclose(np.array(kernel) - before, -np.sign(gradient), atol=1e-3)
