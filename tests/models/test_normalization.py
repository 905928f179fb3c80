"""Batch normalization against Keras's own: the same numbers, wherever they are computed."""

import keras
import numpy as np
import pytest

from cnnzoo.keras_internals import CUSTOM_OBJECTS
from cnnzoo.models import resnet20
from cnnzoo.models.initializers import RandomNormal
from cnnzoo.models.normalization import BatchNormalization

pytestmark = [pytest.mark.every_backend, pytest.mark.usefixtures("compile_quickly")]

RANDOM = np.random.default_rng(0)


def numbers(tensor):
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")))


def both(shape, *, dtype="float32", trainable=True, **options):
    """Return two models of one normalization, Keras's and ours, with the same weights, none of them 0 or 1.

    In front of it stands a convolution whose kernel takes the gradient of the normalization's inputs.
    """
    models = []
    for normalization in (keras.layers.BatchNormalization, BatchNormalization):
        images = keras.Input(shape, dtype="float32")
        convolution = keras.layers.Conv2D(
            shape[-1], 1, kernel_initializer=RandomNormal(seed=1, stddev=1.0), dtype=dtype
        )
        x = convolution(images) if len(shape) == 3 else images
        models.append(keras.Model(images, normalization(dtype=dtype, name="bn", **options)(x)))
    values = np.random.default_rng(1)
    for weight in models[0].get_layer("bn").weights:
        weight.assign(values.uniform(0.5, 2.0, weight.shape))
    models[1].set_weights(models[0].get_weights())
    for model in models:
        model.get_layer("bn").trainable = trainable
    return models


def trained(model, images, targets, **options):
    model.compile(keras.optimizers.SGD(0.1), "mse", **options)
    loss = model.train_on_batch(images, targets)
    return [loss, *map(numbers, model.weights)]


@pytest.mark.parametrize(
    ("batch", "shape", "options"),
    [
        (4, (7, 6, 5), {}),
        (3, (8, 8, 16), {"momentum": 0.9, "epsilon": 1e-5}),
        (2, (5, 5, 3), {"scale": False}),
        (2, (5, 5, 3), {"center": False}),
        (2, (5, 5, 3), {"axis": 3, "gamma_regularizer": "l2"}),
        (2, (4, 6, 3), {"axis": 1}),  # the rest is Keras's part
        (2, (4, 4, 3), {"renorm": True}),
        (6, (9,), {}),
        (2, (3, 4, 5, 2), {}),
    ],
)
def test_outputs_gradients_and_moving_statistics_are_those_of_keras(batch, shape, options):
    theirs, ours = both(shape, **options)
    images = RANDOM.normal(2.0, 3.0, size=(batch, *shape)).astype("float32")
    assert np.allclose(numbers(ours(images)), numbers(theirs(images)), atol=1e-5)
    assert np.allclose(numbers(ours(images, training=True)), numbers(theirs(images, training=True)), atol=2e-5)
    targets = RANDOM.normal(size=images.shape).astype("float32")
    for mine, keras_own in zip(trained(ours, images, targets), trained(theirs, images, targets), strict=True):
        assert np.allclose(mine, keras_own, rtol=1e-5, atol=1e-5)


def test_the_moving_variance_of_few_values_is_biased_as_in_keras():
    images = np.array([1.0, 5.0], "float32").reshape(2, 1, 1, 1)
    layer = BatchNormalization(momentum=0.0)
    layer(images, training=True)
    assert float(numbers(layer.moving_mean)[0]) == pytest.approx(3.0)
    assert float(numbers(layer.moving_variance)[0]) == pytest.approx(4.0)


def test_a_batch_of_one_pixel_is_normalized_to_the_offset():
    theirs, ours = both((1, 1, 3))
    images = RANDOM.normal(size=(1, 1, 1, 3)).astype("float32")
    for mine, keras_own in zip(trained(ours, images, images), trained(theirs, images, images), strict=True):
        assert np.isfinite(mine).all()
        assert np.allclose(mine, keras_own, atol=1e-5)
    assert np.allclose(numbers(ours(images, training=True)), numbers(ours.get_layer("bn").beta), atol=1e-5)


def test_a_frozen_layer_normalizes_by_its_moving_statistics_and_keeps_them():
    theirs, ours = both((5, 4, 3), trainable=False)
    images = RANDOM.normal(size=(2, 5, 4, 3)).astype("float32")
    before = [numbers(weight) for weight in ours.get_layer("bn").weights]
    for mine, keras_own in zip(trained(ours, images, images), trained(theirs, images, images), strict=True):
        assert np.allclose(mine, keras_own, atol=1e-5)
    for weight, kept in zip(ours.get_layer("bn").weights, before, strict=True):
        assert np.array_equal(numbers(weight), kept)


@pytest.mark.parametrize(("policy", "rounding"), [("mixed_bfloat16", 2**-8), ("mixed_float16", 2**-11)])
@pytest.mark.parametrize("training", [True, False])
def test_half_precision_only_rounds_what_goes_in_and_out(policy, rounding, training):
    half = policy.removeprefix("mixed_")
    images = keras.ops.cast(RANDOM.normal(100.0, 3.0, size=(4, 6, 6, 5)), half)
    layer = BatchNormalization(dtype=policy, momentum=0.0)
    layer.build(images.shape)
    if not training:
        layer.moving_mean.assign(np.full(5, 100.0))
        layer.moving_variance.assign(np.full(5, 9.0))
    normalized = layer(images, training=training)
    assert keras.backend.standardize_dtype(normalized.dtype) == half
    exact = numbers(images).astype("float64")
    mean, variance = (exact.mean((0, 1, 2)), exact.var((0, 1, 2))) if training else (100.0, 9.0)
    assert np.allclose(numbers(normalized), (exact - mean) / np.sqrt(variance + 1e-3), rtol=2 * rounding, atol=1e-4)
    assert layer.moving_variance.dtype == "float32"
    assert np.allclose(numbers(layer.moving_mean), mean, rtol=1e-5)
    assert np.allclose(numbers(layer.moving_variance), variance, rtol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_step_in_half_precision_differs_from_keras_only_by_rounding(policy):
    theirs, ours = both((6, 5, 4), dtype=policy)
    images = RANDOM.normal(size=(8, 6, 5, 4)).astype("float32")
    for mine, keras_own in zip(trained(ours, images, images), trained(theirs, images, images), strict=True):
        assert np.allclose(mine, keras_own, rtol=0.02, atol=0.02)


def test_masked_pixels_are_ignored_as_in_keras():
    images = RANDOM.normal(size=(2, 3, 4, 5)).astype("float32")
    mask = RANDOM.random((2, 3, 4)) < 0.5
    theirs, ours = keras.layers.BatchNormalization(), BatchNormalization()
    expected = numbers(theirs(images, training=True, mask=mask))
    assert np.allclose(numbers(ours(images, training=True, mask=mask)), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("known", "kind"), [(None, keras.layers.BatchNormalization), (CUSTOM_OBJECTS, BatchNormalization)]
)
def test_a_saved_model_has_keras_own_layer(known, kind, tmp_path):
    for model in both((4, 4, 3), momentum=0.8, epsilon=1e-4):
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras", known)
        layer = loaded.get_layer("bn")
        own = type(model.get_layer("bn"))
        assert type(layer) is (kind if own is BatchNormalization else own)
        assert layer.get_config() == model.get_layer("bn").get_config()
        images = RANDOM.normal(size=(2, 4, 4, 3)).astype("float32")
        assert np.allclose(numbers(loaded(images)), numbers(model(images)), atol=1e-6)


@pytest.mark.backend("tensorflow")
@pytest.mark.parametrize("training", [True, False])
def test_on_tensorflow_every_normalization_is_one_operation_and_half_precision_casts_no_maps(training):
    import tensorflow as tf

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = resnet20()
    finally:
        keras.config.set_dtype_policy("float32")
    step = tf.function(lambda images: model(images, training=training))
    graph = step.get_concrete_function(tf.TensorSpec((2, 32, 32, 3), "bfloat16")).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert kinds.count("FusedBatchNormV3") == 19
    casts = [operation for operation in graph.get_operations() if operation.type == "Cast" and "_bn" in operation.name]
    assert all(cast.outputs[0].shape.rank < 4 for cast in casts)
