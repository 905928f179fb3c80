"""The layers that Keras lacks, against their formulas and against Keras."""

import keras
import numpy as np
import pytest

from cnnzoo.inspection import inspect
from cnnzoo.models.initializers import RandomNormal, glorot_uniform
from cnnzoo.models.layers import GroupedConv2D, LocalResponseNormalization

pytestmark = [pytest.mark.every_backend, pytest.mark.usefixtures("compile_quickly")]

RANDOM = np.random.default_rng(0)


def numbers(tensor):
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")))


def normalized(maps, radius, alpha, beta, bias):
    """Section 3.3 of the paper, in float64 and letter by letter."""
    maps = maps.astype("float64")
    windows = [maps[..., max(0, i - radius) : i + radius + 1] for i in range(maps.shape[-1])]
    sums = np.stack([(window**2).sum(axis=-1) for window in windows], axis=-1)
    return maps / (bias + alpha * sums) ** beta


def test_response_normalization_is_the_formula_of_the_paper():
    maps = RANDOM.normal(scale=100, size=(2, 3, 4, 7)).astype("float32")
    assert np.allclose(numbers(LocalResponseNormalization()(maps)), normalized(maps, 2, 1e-4, 0.75, 2.0), rtol=1e-5)


@pytest.mark.parametrize("beta", [0.5, 0.75, 1.0])
def test_every_constant_of_the_normalization_can_be_changed(beta):
    maps = RANDOM.normal(size=(2, 3, 4, 9)).astype("float32")
    layer = LocalResponseNormalization(depth_radius=3, alpha=0.2, beta=beta, bias=1.5)
    assert np.allclose(numbers(layer(maps)), normalized(maps, 3, 0.2, beta, 1.5), rtol=1e-5)


def test_caffe_divides_alpha_by_the_size_of_the_window():
    maps = RANDOM.normal(scale=100, size=(2, 3, 4, 7)).astype("float32")
    caffe = LocalResponseNormalization(alpha=1e-3, scaling="caffe")
    assert np.allclose(numbers(caffe(maps)), normalized(maps, 2, 2e-4, 0.75, 2.0), rtol=1e-5)
    with pytest.raises(ValueError, match="'torch'"):
        LocalResponseNormalization(scaling="torch")


def test_fewer_channels_than_the_window_are_all_summed():
    maps = RANDOM.normal(scale=100, size=(2, 3, 4, 2)).astype("float32")
    assert np.allclose(numbers(LocalResponseNormalization()(maps)), normalized(maps, 2, 1e-4, 0.75, 2.0), rtol=1e-5)


@pytest.mark.parametrize(("policy", "rounding"), [("mixed_bfloat16", 2**-8), ("mixed_float16", 2**-11)])
def test_half_precision_only_rounds_what_goes_in_and_out(policy, rounding):
    # The squares of a thousand are beyond float16.
    maps = keras.ops.cast(RANDOM.normal(scale=1000, size=(2, 3, 4, 7)), policy.removeprefix("mixed_"))
    halves = LocalResponseNormalization(dtype=policy)(maps)
    assert keras.backend.standardize_dtype(halves.dtype) == policy.removeprefix("mixed_")
    assert np.allclose(numbers(halves), normalized(numbers(maps), 2, 1e-4, 0.75, 2.0), rtol=1.01 * rounding)


def test_the_gradient_of_the_normalization_is_that_of_the_formula():
    maps = RANDOM.normal(scale=10, size=(1, 1, 2, 6)).astype("float32")
    weights = RANDOM.normal(size=maps.shape)
    images = keras.Input((1, 2, 6))
    # A 1x1 convolution that starts as the identity hands the gradient of its outputs to its kernel.
    convolution = keras.layers.Conv2D(6, 1, use_bias=False)
    model = keras.Model(images, LocalResponseNormalization(alpha=1e-2)(convolution(images)))
    convolution.set_weights([np.eye(6, dtype="float32")[None, None]])
    model.compile(keras.optimizers.SGD(1.0), lambda true, predicted: keras.ops.sum(true * predicted))
    model.train_on_batch(maps, weights.astype("float32"))
    moved = np.eye(6) - numbers(convolution.kernel)[0, 0]

    def loss(kernel):
        return (weights * normalized(maps.astype("float64") @ kernel, 2, 1e-2, 0.75, 2.0)).sum()

    step = 1e-5
    for row, column in np.ndindex(6, 6):
        nudge = np.zeros((6, 6))
        nudge[row, column] = step
        slope = (loss(np.eye(6) + nudge) - loss(np.eye(6) - nudge)) / (2 * step)
        assert moved[row, column] == pytest.approx(slope, rel=1e-3, abs=1e-3)


def both(groups, **options):
    """Return a grouped convolution of Keras and one of ours, with the same weights."""
    images = keras.Input((7, 6, 8))
    options |= {"kernel_initializer": glorot_uniform(), "bias_initializer": RandomNormal()}
    models = [
        keras.Model(images, layer(12, 3, groups=groups, **options)(images))
        for layer in (keras.layers.Conv2D, GroupedConv2D)
    ]
    models[1].set_weights(models[0].get_weights())
    return models


@pytest.mark.parametrize(
    ("groups", "options"),
    [
        (1, {"padding": "same"}),
        (2, {"padding": "same", "activation": "relu"}),
        (2, {"strides": 2}),
        (4, {"use_bias": False}),
    ],
)
def test_grouped_convolutions_are_those_of_keras_forward_and_backward(groups, options):
    theirs, ours = both(groups, **options)
    images = RANDOM.normal(size=(3, 7, 6, 8)).astype("float32")
    expected = numbers(theirs(images))
    assert np.allclose(numbers(ours(images)), expected, atol=1e-5)
    for model in (theirs, ours):
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.train_on_batch(images, np.ones(expected.shape))
    for mine, keras_own in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert np.allclose(mine, keras_own, atol=1e-5)


def test_grouped_convolutions_count_what_keras_counts():
    theirs, ours = (inspect(model) for model in both(2, padding="same"))
    assert (
        (ours.parameters, ours.macs) == (theirs.parameters, theirs.macs) == (3 * 3 * 4 * 12 + 12, 42 * 3 * 3 * 4 * 12)
    )


def test_groups_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ValueError, match="groups"):
        GroupedConv2D(9, 3, groups=2)
    with pytest.raises(ValueError, match="groups"):
        GroupedConv2D(8, 3, groups=2)(np.zeros((1, 5, 5, 3), "float32"))


def test_saved_layers_load_with_their_arguments(tmp_path):
    images = keras.Input((7, 6, 8))
    x = GroupedConv2D(12, 3, groups=2, kernel_initializer=glorot_uniform(), name="conv")(images)
    x = LocalResponseNormalization(3, 1e-2, 0.5, 1.0, "caffe", name="norm")(x)
    model = keras.Model(images, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("conv").groups == 2
    assert loaded.get_layer("norm").get_config() == model.get_layer("norm").get_config()
    batch = RANDOM.normal(size=(2, 7, 6, 8)).astype("float32")
    assert np.array_equal(numbers(loaded(batch)), numbers(model(batch)))
