"""What the package relies on in Keras without Keras promising it; a failure here names what a new release changed."""

import json
import zipfile
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import cnnzoo.models  # noqa: F401 - defines our versions of Keras's classes
from cnnzoo import keras_internals
from cnnzoo.keras_internals import CUSTOM_OBJECTS, build_without_weights, layer_calls, saved_as_keras


@pytest.mark.every_backend
def test_a_class_is_saved_under_kerass_name_and_loads_with_and_without_ours(tmp_path, monkeypatch):
    monkeypatch.delitem(CUSTOM_OBJECTS, "Dense", raising=False)

    @saved_as_keras("keras.layers")
    class Dense(layers.Dense):
        """Keras's own, under our name."""

    assert CUSTOM_OBJECTS.pop("Dense") is Dense
    images = keras.Input((3,))
    keras.Model(images, Dense(2, name="dense")(images)).save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        config = json.loads(archive.read("config.json"))
    saved = config["config"]["layers"][-1]
    assert (saved["module"], saved["class_name"]) == ("keras.layers", "Dense")
    for objects, kind in ((None, layers.Dense), ({"Dense": Dense}, Dense)):
        loaded = keras.saving.load_model(tmp_path / "model.keras", objects)
        assert type(loaded.get_layer("dense")) is kind


def test_our_versions_of_keras_classes_are_listed_by_name():
    assert {name: cls.__module__ for name, cls in CUSTOM_OBJECTS.items()} == {
        "BatchNormalization": "keras.layers",
        "RandomNormal": "keras.initializers",
        "VarianceScaling": "keras.initializers",
    }
    assert all(
        issubclass(cls, getattr(keras.layers, name, None) or getattr(keras.initializers, name))
        for name, cls in CUSTOM_OBJECTS.items()
    )


@pytest.mark.every_backend
def test_a_model_without_weights_calls_no_initializer_now_or_later():
    calls = []

    def initializer(shape: tuple[int, ...], dtype: Any = None) -> Any:
        calls.append(shape)
        return keras.ops.zeros(shape, dtype)

    def build():
        images = keras.Input((4,))
        return keras.Model(images, layers.Dense(3, kernel_initializer=initializer)(images))

    model = build_without_weights(build)
    keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    assert [tuple(weight.shape) for weight in model.weights] == [(4, 3), (3,)]
    assert calls == []


def test_every_call_of_a_layer_is_found_with_its_tensors():
    images = keras.Input((3,))
    shared = layers.Dense(3, name="shared")
    model = keras.Model(images, layers.Add(name="sum")([shared(shared(images)), images]))
    calls = [call for call in layer_calls(model) if not call.is_input]
    assert [call.operation.name for call in calls] == ["shared", "shared", "sum"]
    last = calls[-1]
    assert last.output_tensors[0] is model.output
    assert last.input_tensors[1] is model.input


@pytest.fixture
def model():
    """A functional model of any depth that averages its images."""
    pixels = keras.Input((8, 8, 1), name="pixels")
    left = keras.layers.Conv2D(2, 1, name="left")(pixels)
    right = keras.layers.Conv2D(2, 1, name="right")(pixels)
    joined = keras.layers.Add(name="joined")([left, right])
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D(name="mean")(joined))


@pytest.mark.every_backend
def test_the_training_step_is_compiled_again(model):
    model.compile("sgd", "mse")
    images, targets = np.ones((4, 8, 8, 1), "float32"), np.ones((4, 2), "float32")
    model.fit(images, targets, verbose=0)
    before = model.train_function
    model.fit(images, targets, verbose=0)
    assert model.train_function is before
    keras_internals.forget_compiled_step(model)
    model.fit(images, targets, verbose=0)
    assert model.train_function is not before


@pytest.mark.every_backend
def test_a_model_takes_images_of_any_size_but_not_of_other_channels(model):
    with pytest.raises(ValueError, match="shape"):
        model(np.ones((1, 4, 4, 1), "float32"))
    keras_internals.accept_any_size(model)
    assert model(np.ones((1, 4, 4, 1), "float32")).shape == (1, 2)
    with pytest.raises(ValueError, match="axis -1"):
        model(np.ones((1, 4, 4, 3), "float32"))


@pytest.mark.every_backend
def test_variables_have_their_values_within_an_epoch(model):
    kernel, seen = model.get_layer("left").kernel, []

    class Watching(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            keras_internals.sync_variables(model)
            seen.append(keras.ops.convert_to_numpy(kernel).tobytes())

    model.compile("sgd", "mse")
    model.fit(np.ones((3, 8, 8, 1), "float32"), np.ones((3, 2), "float32"), 1, verbose=0, callbacks=[Watching()])
    assert len(set(seen)) == 3


@pytest.mark.every_backend
def test_only_the_state_of_a_seed_generator_is_a_seed_state(model):
    dropout = keras.layers.Dropout(0.5)
    assert [keras_internals.is_seed_state(variable) for variable in dropout.variables] == [True]
    assert not any(keras_internals.is_seed_state(variable) for variable in model.variables)


@pytest.mark.every_backend
def test_the_inputs_of_each_layer_are_found(model):
    assert keras_internals.input_layers(model) == {
        "pixels": [],
        "left": ["pixels"],
        "right": ["pixels"],
        "joined": ["left", "right"],
        "mean": ["joined"],
    }


@pytest.mark.every_backend
def test_an_optimizer_gives_the_index_of_a_variable():
    variables = [keras.Variable(value) for value in (1.0, 2.0)]
    optimizer = keras.optimizers.SGD()
    optimizer.build(variables)
    assert [keras_internals.variable_index(optimizer, variable) for variable in variables] == [0, 1]


@pytest.mark.every_backend
def test_adam_updates_with_the_moments_that_were_set():
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
