"""The lectures' networks against the labs and listing 8.1 of Chollet's book."""

import keras
import numpy as np
import pytest
from toys import outline

from cnnzoo import registry
from cnnzoo.errors import UserError
from cnnzoo.inspection import inspect
from cnnzoo.models.lecture import lecture_tensorflow

NAMES = ["lecture_keras", "lecture_tensorflow", "lecture_chollet", "lecture_dense"]


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        (
            "lecture_keras",
            {"conv1": (28, 28, 32), "pool1": (14, 14, 32), "conv2": (14, 14, 64), "pool2": (7, 7, 64)}
            | {"flatten": (3136,), "features": (128,), "logits": (10,)},
        ),
        (
            "lecture_tensorflow",
            {"conv1": (28, 28, 32), "pool1": (14, 14, 32), "conv2": (14, 14, 64), "pool2": (7, 7, 64)}
            | {"flatten": (3136,), "features": (100,), "logits": (10,)},
        ),
        (
            "lecture_chollet",
            {"conv1": (26, 26, 32), "pool1": (13, 13, 32), "conv2": (11, 11, 64), "pool2": (5, 5, 64)}
            | {"conv3": (3, 3, 128), "features": (1152,), "logits": (10,)},
        ),
    ],
)
def test_the_layers_have_the_shapes_of_the_lecture(name, shapes):
    rows = inspect(outline(name)).rows
    assert {row.name: row.output_shape for row in rows} == {"images": (28, 28, 1), **shapes}


@pytest.mark.parametrize("name", NAMES)
def test_every_hidden_layer_is_rectified_and_the_logits_are_not(name):
    model = outline(name)
    weighted = [layer for layer in model.layers if layer.weights]
    assert all(layer.activation is keras.activations.relu for layer in weighted[:-1])
    assert weighted[-1].activation is keras.activations.linear
    assert all(layer.kernel_size == (3, 3) for layer in weighted if isinstance(layer, keras.layers.Conv2D))


def test_the_tensorflow_lab_draws_all_weights_and_biases_with_standard_deviation_0_1():
    keras.utils.set_random_seed(1)
    model = lecture_tensorflow((4, 4, 1))
    for weight in model.weights:
        values = keras.ops.convert_to_numpy(weight).ravel()
        error = 5 * 0.1 / np.sqrt(values.size)
        assert abs(values.mean()) < error, weight.path
        assert abs(values.std() - 0.1) < error, weight.path


def test_no_two_layers_of_the_tensorflow_lab_draw_the_same_numbers():
    layers = [layer for layer in outline("lecture_tensorflow").layers if layer.weights]
    drawn = [one for layer in layers for one in (layer.kernel_initializer, layer.bias_initializer)]
    assert len({one.seed for one in drawn}) == len(drawn) == 8


@pytest.mark.parametrize("name", ["lecture_keras", "lecture_chollet"])
def test_the_keras_networks_have_keras_default_initializers(name):
    for layer in outline(name).layers:
        if layer.weights:
            assert isinstance(layer.kernel_initializer, keras.initializers.GlorotUniform)
            assert isinstance(layer.bias_initializer, keras.initializers.Zeros)


def test_the_dense_network_is_about_as_large_as_lenet5_and_has_no_convolution():
    dense, lenet5 = (inspect(outline(name)) for name in ("lecture_dense", "lenet5"))
    assert {row.kind for row in dense.rows} == {"Input", "Flatten", "Dense"}
    assert (dense.parameters, lenet5.parameters) == (62_020, 61_706)


@pytest.mark.parametrize(
    ("name", "side"), [("lecture_keras", 4), ("lecture_tensorflow", 4), ("lecture_chollet", 18), ("lecture_dense", 2)]
)
def test_the_smallest_image_is_taken_and_a_smaller_one_is_refused(name, side):
    assert outline(name, (side, side + 3, 3), 7).output_shape == (None, 7)
    sentence = f"an input of {side + 3}x{side - 1} is too small; the network needs at least {side}x{side}"
    with pytest.raises(UserError, match=sentence):
        registry.build(name, (side + 3, side - 1, 3))


@pytest.mark.parametrize("name", NAMES)
def test_zero_classes_stop_at_the_features(name):
    whole, features = outline(name), outline(name, num_classes=0)
    assert features.layers[-1].name == "features"
    assert features.output.shape == whole.get_layer("features").output.shape
    assert whole.get_layer("logits").input is whole.get_layer("features").output
