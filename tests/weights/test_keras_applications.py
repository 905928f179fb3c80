"""The same random weights in keras.applications and in ours."""

from concurrent.futures import ThreadPoolExecutor

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from cnnzoo import weights
from cnnzoo.classifier.model_file import load_model
from cnnzoo.errors import UserError
from cnnzoo.inspection import outline
from cnnzoo.weights.conversion import list_conversions
from cnnzoo.weights.layer_names import COUNTERPARTS
from cnnzoo.weights.weight_file import open_weight_file

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compile_quickly")]

BUILDERS = {
    "vgg16": keras.applications.VGG16,
    "vgg19": keras.applications.VGG19,
    "resnet50": keras.applications.ResNet50,
    "resnet101": keras.applications.ResNet101,
    "resnet152": keras.applications.ResNet152,
}
SIDE = {"vgg16": 32, "resnet50": 224}


def randomized(name, side):
    model = BUILDERS[name](weights=None, input_shape=(side, side, 3), classes=6, classifier_activation=None)
    generator = np.random.default_rng(0)
    for weight in model.weights:
        kind, shape = weight.name, weight.shape
        if kind == "kernel":
            values = generator.standard_normal(shape, "float32") * (2 / np.prod(shape[:-1])) ** 0.5
        elif kind == "moving_variance":
            values = generator.uniform(0.5, 2, shape)
        else:
            values = generator.uniform(0.5, 1.5, shape) if kind == "gamma" else generator.uniform(-0.2, 0.2, shape)
        weight.assign(values)
    return model


def saved_as_downloads_are(model, path):
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path


def pixels(side, count=2):
    return np.random.default_rng(2).integers(0, 256, (count, side, side, 3)).astype("uint8")


def prepared(name, seen):
    module = keras.applications.vgg16 if name.startswith("vgg") else keras.applications.resnet50
    return module.preprocess_input(seen.astype("float32"))


def assert_alike(ours, theirs):
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()
    assert theirs.std() > 0.1


@pytest.fixture(params=["vgg16", "resnet50"])
def theirs(request):
    return request.param, randomized(request.param, SIDE[request.param])


def test_a_saved_model_gives_their_logits_from_pixels_and_their_weights_back(theirs, tmp_path):
    name, model = theirs
    side = SIDE[name]
    imported = weights.import_weights(name, saved_as_downloads_are(model, tmp_path / "in.h5"), (side, side, 3))
    weights.save_model(imported, tmp_path / "model.keras")
    seen = pixels(side)
    expected = model.predict(prepared(name, seen), verbose=0)
    ours = load_model(tmp_path / "model.keras")
    assert_alike(ours.predict(seen, verbose=0), expected)

    if name == "resnet50":
        own, other = imported.network.get_layer("bn1"), model.get_layer("conv1_bn")
        assert (own.momentum, own.epsilon) == (other.momentum, other.epsilon)

    facts = weights.export_weights(ours, tmp_path / "out.h5")
    assert (facts["channels"], facts["usual"]) == ("BGR", True)
    assert facts["mean"] == pytest.approx([103.939, 116.779, 123.68])
    before = {weight.path: keras.ops.convert_to_numpy(weight).tobytes() for weight in model.weights}
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    model.load_weights(tmp_path / "out.h5")
    assert {weight.path: keras.ops.convert_to_numpy(weight).tobytes() for weight in model.weights} == before


def test_every_kind_of_file_that_keras_saves_is_read(tmp_path):
    model = randomized("vgg16", 32)
    model.save_weights(tmp_path / "new.weights.h5")
    model.save(tmp_path / "whole.keras")
    saved_as_downloads_are(model, tmp_path / "old.h5")
    for kind in ("new.weights.h5", "whole.keras"):
        with (
            open_weight_file(tmp_path / kind) as new,
            open_weight_file(tmp_path / "old.h5") as old,
        ):
            assert set(new.tensors) == set(old.tensors)
            assert {"fc1/kernel", "predictions/bias"} < set(new.tensors)
            for name, tensor in new.tensors.items():
                assert np.array_equal(tensor.values(), old.tensors[name].values())


def test_a_network_inside_a_network_needs_a_stated_preprocessing(tmp_path):
    """Transfer learning on red, green, blue of 0 to 1, with a classifier of one dense layer."""
    body = keras.applications.ResNet50(weights=None, include_top=False, pooling="avg", input_shape=(64, 64, 3))
    layers = [keras.Input((64, 64, 3)), keras.layers.Rescaling(1 / 255), body, keras.layers.Dense(3, name="dense")]
    model = keras.Sequential(layers)
    model.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(UserError, match=r"a network inside another, but not how .* --preprocessing: unit after Resc"):
        weights.import_weights("resnet50", tmp_path / "a.weights.h5", (64, 64, 3), mean=(0, 0, 0))
    imported = weights.import_weights("resnet50", tmp_path / "a.weights.h5", (64, 64, 3), preprocessing="unit")
    assert (imported.classifier, imported.preprocessing.channels) == ("dense", "RGB")
    weights.save_model(imported, tmp_path / "m.keras")
    seen = pixels(64)
    expected = model.predict(seen, verbose=0)
    ours = load_model(tmp_path / "m.keras").predict(seen, verbose=0)
    assert np.abs(ours - expected).max() < 1e-4 * np.abs(expected).max()


def test_the_names_in_the_oldest_downloads_are_understood(tmp_path):
    """Of vgg16_weights_tf_dim_ordering_tf_kernels.h5, and the classifier's of ResNet's."""
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["layer_names"] = [b"block1_conv1", b"block1_pool", b"probs"]
        for layer, names in (("block1_conv1", ["block1_conv1_W_1:0", "block1_conv1_b_1:0"]), ("block1_pool", [])):
            file.create_group(layer).attrs["weight_names"] = [name.encode() for name in names]
        file["block1_conv1"]["block1_conv1_W_1:0"] = np.ones((3, 3, 3, 64), "float32")
        file["block1_conv1"]["block1_conv1_b_1:0"] = np.ones(64, "float32")
        file.create_group("probs").attrs["weight_names"] = [b"probs/kernel:0"]
        file["probs"]["probs/kernel:0"] = np.ones((2, 2), "float32")
    with open_weight_file(tmp_path / "old.h5") as checkpoint:
        shapes = {name: tensor.shape for name, tensor in checkpoint.tensors.items()}
    assert shapes == {
        "block1_conv1/kernel": (3, 3, 3, 64),
        "block1_conv1/bias": (64,),
        "predictions/kernel": (2, 2),
    }


def without_values(build):
    def outlined():
        with keras.StatelessScope(initialize_variables=False):
            return build(weights=None)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(outlined).result()


@pytest.mark.parametrize("name", BUILDERS)
def test_every_network_lists_its_weights_in_the_order_of_keras_applications(name):
    (counterpart,) = (
        counterpart
        for counterpart in COUNTERPARTS
        if counterpart.library == "keras.applications" and counterpart.network == name
    )
    ours = [
        (conversion.name, conversion.shape)
        for conversion in list_conversions(outline(name, **counterpart.options), counterpart)
    ]
    model = without_values(BUILDERS[name])
    theirs = [
        (f"{layer.name}/{weight.name}", tuple(weight.shape)) for layer in model.layers for weight in layer.weights
    ]
    assert ours == theirs
