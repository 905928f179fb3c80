"""What every registered network owes its users."""

import inspect
import re

import keras
import numpy as np
import pytest

import cnnzoo
from cnnzoo import registry
from cnnzoo.errors import UserError

NAMES = cnnzoo.model_names()


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    keras.utils.set_random_seed(1)
    return cnnzoo.build(name)


@pytest.fixture
def images(model):
    return np.random.default_rng(2).normal(size=(4, *model.input_shape[1:])).astype("float32")


def test_images_become_one_finite_logit_per_class(model, images):
    logits = keras.ops.convert_to_numpy(model(images))
    assert logits.shape == (4, model.output_shape[-1])
    assert np.isfinite(logits).all()


def test_no_classes_stop_at_the_features(name):
    features = cnnzoo.build(name, num_classes=0)
    assert features.layers[-1].name == "features"
    assert len(features.output_shape) == 2


def test_a_step_of_training_moves_every_trainable_weight(name, images):
    keras.utils.set_random_seed(1)
    model = cnnzoo.build(name)
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(images, np.arange(4))
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert not np.array_equal(keras.ops.convert_to_numpy(weight), old), weight.path


def test_a_saved_model_loads_to_equal_logits(model, images, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(keras.ops.convert_to_numpy(loaded(images)), keras.ops.convert_to_numpy(model(images)))


def test_half_precision_gives_finite_logits_of_full_precision(name, images):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        logits = cnnzoo.build(name)(images)
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.isfinite(keras.ops.convert_to_numpy(logits)).all()


def test_the_module_cites_its_paper_and_the_builder_its_departures(name):
    builder = registry.builder(name)
    assert re.search(r"\b(19|20)\d\d\b.*https://", inspect.getmodule(builder).__doc__, re.DOTALL)
    assert "Departs from the paper:" in builder.__doc__


def test_an_unknown_option_is_met_with_the_nearest(name):
    with pytest.raises(UserError, match="has no option 'activatoin'"):
        cnnzoo.build(name, activatoin="relu")


def test_an_image_that_is_too_small_is_a_sentence(name):
    with pytest.raises(UserError, match=r"cannot be built: .*4x4"):
        cnnzoo.build(name, (4, 4, 1))
