"""What Keras keeps private and cnnzoo uses: a new Keras that changes it fails here."""

import keras
import numpy as np
import pytest

from cnnzoo import keras_internals

pytestmark = pytest.mark.every_backend


@pytest.fixture
def model():
    """A functional model of any depth that averages its images."""
    pixels = keras.Input((8, 8, 1), name="pixels")
    left = keras.layers.Conv2D(2, 1, name="left")(pixels)
    right = keras.layers.Conv2D(2, 1, name="right")(pixels)
    joined = keras.layers.Add(name="joined")([left, right])
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D(name="mean")(joined))


def test_the_training_step_is_compiled_anew(model):
    model.compile("sgd", "mse")
    images, targets = np.ones((4, 8, 8, 1), "float32"), np.ones((4, 2), "float32")
    model.fit(images, targets, verbose=0)
    before = model.train_function
    model.fit(images, targets, verbose=0)
    assert model.train_function is before
    keras_internals.forget_compiled_step(model)
    model.fit(images, targets, verbose=0)
    assert model.train_function is not before


def test_a_model_takes_images_of_any_size_but_not_of_other_channels(model):
    with pytest.raises(ValueError, match="shape"):
        model(np.ones((1, 4, 4, 1), "float32"))
    keras_internals.accept_any_size(model)
    assert model(np.ones((1, 4, 4, 1), "float32")).shape == (1, 2)
    with pytest.raises(ValueError, match="axis -1"):
        model(np.ones((1, 4, 4, 3), "float32"))


def test_variables_have_their_values_within_an_epoch(model):
    kernel, seen = model.get_layer("left").kernel, []

    class Watching(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            keras_internals.sync_variables(model)
            seen.append(keras.ops.convert_to_numpy(kernel).tobytes())

    model.compile("sgd", "mse")
    model.fit(np.ones((3, 8, 8, 1), "float32"), np.ones((3, 2), "float32"), 1, verbose=0, callbacks=[Watching()])
    assert len(set(seen)) == 3


def test_the_inputs_of_each_layer_are_found(model):
    assert keras_internals.input_layers(model) == {
        "pixels": [],
        "left": ["pixels"],
        "right": ["pixels"],
        "joined": ["left", "right"],
        "mean": ["joined"],
    }


def test_an_optimizer_knows_the_places_of_its_variables():
    variables = [keras.Variable(value) for value in (1.0, 2.0)]
    optimizer = keras.optimizers.SGD()
    optimizer.build(variables)
    assert [keras_internals.variable_index(optimizer, variable) for variable in variables] == [0, 1]


def test_adam_updates_with_the_moments_that_it_is_given():
    variable = keras.Variable(1.0)
    own, ours = keras.optimizers.Adam(0.1), keras.optimizers.Adam(0.1)
    own.apply([keras.ops.convert_to_tensor(3.0)], [variable])
    expected = float(keras.ops.convert_to_numpy(variable))
    variable.assign(1.0)
    keras.optimizers.Optimizer.build(ours, [variable])
    moments = [ours.add_variable_from_reference(variable, name) for name in ("momentum", "velocity")]
    keras_internals.set_adam_moments(ours, moments[:1], moments[1:])
    ours.update_step(keras.ops.convert_to_tensor(3.0), variable, keras.ops.convert_to_tensor(0.1))
    assert float(keras.ops.convert_to_numpy(variable)) == pytest.approx(expected)
    assert float(keras.ops.convert_to_numpy(moments[0])) == pytest.approx(0.3)
