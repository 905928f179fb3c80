"""What the lab sees inside a trained model."""

import keras
import numpy as np
import pytest
from toys import outline

from cnnzoo import data
from cnnzoo.classifier import open_classifier, softmax
from cnnzoo.classifier.model_file import load_model
from cnnzoo.errors import UserError
from cnnzoo.lab.embedding import embed
from cnnzoo.lab.equivariance import accuracy_by_shift, measure_layers, shift
from cnnzoo.lab.excitation import excite
from cnnzoo.lab.first_layer import initial_kernels, learned_kernels
from cnnzoo.lab.layers import ModelLayers
from cnnzoo.lab.saliency import find_extent, grad_cam, last_map, occlude
from cnnzoo.models import resnet20
from cnnzoo.runtime.gradients import image_gradient

pytestmark = [pytest.mark.slow, pytest.mark.every_backend]


@pytest.fixture(scope="module")
def layers(digits_runs):
    return ModelLayers(load_model(digits_runs[0].model_path))


@pytest.fixture(scope="module")
def logits(digits_runs):
    return open_classifier(digits_runs[0], "cpu").logits


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", "test")


def test_the_layers_of_a_model_compute_what_the_model_computes(layers, digits, digits_runs):
    pixels = digits.pixels[:5]
    expected = load_model(digits_runs[0].model_path).predict(pixels, verbose=0)
    maps = layers.outputs(["c1", "s2"], pixels)
    assert [output.shape for output in maps] == [(5, 28, 28, 6), (5, 14, 14, 6)]
    behind = keras.ops.convert_to_numpy(
        layers.behind("s2", layers.preprocess(pixels))(keras.ops.convert_to_tensor(maps[1]))
    )
    assert np.allclose(behind, expected, atol=1e-4)
    assert layers.spatial_layers() == ["c1", "s2", "c3", "s4"]


def test_a_layer_in_a_branch_reaches_the_logits_beside_its_shortcut(digits):
    network = ModelLayers(resnet20(input_shape=(28, 28, 1)))
    images = network.preprocess(digits.pixels[:2])
    maps = network.outputs(["conv4_3_conv1"], images)[0]
    behind = network.behind("conv4_3_conv1", images)
    assert np.allclose(
        keras.ops.convert_to_numpy(behind(keras.ops.convert_to_tensor(maps))), network.outputs(["logits"], images)[0]
    )
    assert grad_cam(network, images[0], 3, "conv4_3_conv1").shape == (7, 7)


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("alexnet", ["conv1", "norm1", "norm2", "conv5", "pool3"]),
        ("resnet50", ["conv1", "relu1", "conv2_3", "conv3_4", "conv4_6", "conv5_3"]),
    ],
)
def test_the_levels_are_the_last_layers_of_each_size_that_no_shortcut_bypasses(name, levels):
    assert ModelLayers(outline(name)).levels() == levels


def test_an_unknown_layer_gives_the_nearest_name(layers):
    with pytest.raises(UserError, match=r"lenet5 has no layer 'feature'. Did you mean 'features'\?"):
        layers.up_to("feature")


def test_a_gradient_is_that_of_a_quadratic_function():
    images = np.arange(8, dtype="float32").reshape(1, 2, 2, 2)
    gradient = image_gradient(lambda values: keras.ops.sum(values * values), images)
    assert np.array_equal(gradient, 2 * images)


def test_the_initial_kernels_are_those_that_the_training_started_from(layers, digits_runs):
    config = digits_runs[0].config()
    initial, again = initial_kernels(config, layers), initial_kernels(config, layers)
    other = initial_kernels(config.replaced(seed=5), layers)
    name, learned = learned_kernels(layers)
    assert (name, learned.shape) == ("c1", initial.shape)
    assert np.array_equal(initial, again)
    correlations = [np.corrcoef(learned.ravel(), kernels.ravel())[0, 1] for kernels in (initial, other)]
    assert correlations[0] > 0.5 > abs(correlations[1])


def test_grad_cam_is_the_weighted_sum_of_the_maps(layers, digits):
    pixels, label = digits.pixels[0], int(digits.labels[0])
    assert last_map(layers) == "s4"
    cam = grad_cam(layers, pixels, label)
    maps = layers.outputs(["s4"], pixels[None])[0]
    behind, step = layers.behind("s4", layers.preprocess(pixels[None])), 1e-2

    def logit(values):
        return float(keras.ops.convert_to_numpy(behind(keras.ops.convert_to_tensor(values)))[0, label])

    weights = np.zeros(maps.shape[-1])  # the mean gradient of each map, by finite differences
    for channel in range(maps.shape[-1]):
        for sign in (1, -1):
            moved = maps.copy()
            moved[..., channel] += sign * step
            weights[channel] += sign * logit(moved) / (2 * step * maps.shape[1] * maps.shape[2])
    expected = np.maximum((weights * maps[0]).sum(axis=-1), 0)
    assert np.allclose(cam, expected / expected.max(), atol=2e-3)


def test_a_grad_cam_of_a_model_in_bfloat16_is_in_float32():
    images = keras.Input((8, 8, 1))
    maps = keras.layers.Conv2D(4, 3, dtype="mixed_bfloat16", name="maps")(images)
    logits = keras.layers.Dense(2, dtype="float32")(keras.layers.GlobalAveragePooling2D()(maps))
    network = ModelLayers(keras.Model(images, logits))
    assert grad_cam(network, np.ones((8, 8, 1), "uint8"), 0).dtype == "float32"
    assert network.outputs(["maps"], np.ones((1, 8, 8, 1), "uint8"))[0].dtype == "float32"


def test_a_grad_cam_map_lies_on_the_middles_of_its_receptive_fields(layers, digits):
    # s4 sees 16 of 32 pixels every 4, and the images of 28 pixels are padded by 2 on each side.
    left, right, bottom, top = find_extent(layers, "s4", digits.pixels[0])
    assert (left, right) == (top, bottom) == (7.5 - 2 - 2, 7.5 - 2 - 2 + 5 * 4)


def test_a_map_behind_a_global_pooling_lies_on_the_whole_image():
    images = keras.Input((8, 6, 1))
    maps = keras.layers.GlobalAveragePooling2D(keepdims=True, name="mean")(keras.layers.Conv2D(4, 3)(images))
    network = ModelLayers(keras.Model(images, keras.layers.Dense(2)(keras.layers.Flatten()(maps))))
    pixels = np.ones((8, 6, 1), "uint8")
    assert grad_cam(network, pixels, 0, "mean").shape == (1, 1)
    assert find_extent(network, "mean", pixels) == (-0.5, 5.5, 7.5, -0.5)


def test_occlusion_measures_the_fall_of_the_probability(logits, digits):
    pixels, label = digits.pixels[0], int(digits.labels[0])
    drops = occlude(logits, pixels, label, 6, 4, np.full(1, 60))
    assert drops.shape == (7, 7)  # every square of 4 pixels, so all of the image
    for row, column in ((0, 0), (3, 2), (6, 6)):
        covered = pixels.copy()
        covered[max(0, 4 * row - 1) : 4 * row + 5, max(0, 4 * column - 1) : 4 * column + 5] = 60
        before, after = softmax(logits(np.stack([pixels, covered])))[:, label]
        assert drops[row, column] == pytest.approx(before - after, abs=1e-5)


def test_an_excited_image_is_taken_for_its_class(layers, logits):
    excitations = excite(layers, "logits", [3, 8], steps=40)
    for class_number, excitation in zip((3, 8), excitations, strict=True):
        assert excitation.after > excitation.before + 3
        assert logits(excitation.image[None]).argmax() == class_number
    (alone,) = excite(layers, "logits", [8], steps=40)
    assert np.allclose(alone.image, excitations[1].image, atol=1)
    with pytest.raises(UserError, match=r"Layer 'logits' has the filters 0 to 9, not 10"):
        excite(layers, "logits", [10])


def test_an_embedding_keeps_neighbours_together(layers, digits):
    features = layers.outputs(["features"], digits.pixels[:60])[0]
    places, trust = embed(features)
    assert places.shape == (60, 2)
    assert trust > 0.9
    assert embed(np.random.default_rng(0).normal(size=(60, 80)))[1] < 0.9  # 80 dimensions do not fit into two
    with pytest.raises(UserError, match="There are 3 images; t-SNE needs at least 8"):
        embed(features[:3])


def test_a_shift_moves_pixels_and_fills_the_border():
    image = np.arange(4.0).reshape(1, 2, 2, 1)
    assert shift(image, 0, 1)[0, ..., 0].tolist() == [[0, 0], [0, 2]]
    assert shift(image, -1, 0, 9.0)[0, ..., 0].tolist() == [[2, 3], [9, 9]]
    assert shift(image, 0, 5, 7.0).tolist() == np.full((1, 2, 2, 1), 7.0).tolist()


def test_a_convolution_of_stride_1_is_equivariant_and_a_dense_network_is_not_invariant(layers, digits):
    rows = measure_layers(layers, layers.preprocess(digits.pixels[:8]), [2])[2]
    errors = {row.layer: row.error for row in rows}
    assert errors["c1"] < 1e-5
    assert {row.layer: row.step for row in rows} == {"c1": 1, "s2": 2, "c3": 2, "s4": 4}
    assert errors["s4"] > 0.01  # two pixels are half a step
    assert not any(row.includes_border for row in rows)  # LeNet-5 pads nothing

    images = keras.Input((4, 4, 1))
    dense = keras.Model(images, keras.layers.Dense(2)(keras.layers.Flatten()(images)))
    assert measure_layers(ModelLayers(dense), np.zeros((1, 4, 4, 1), "float32"), [1]) == {1: []}

    def local(position_dependent):
        images = keras.Input((16, 16, 1))
        x = keras.layers.Conv2D(2, 3, padding="same", name="conv")(images)
        if position_dependent:
            x = keras.layers.Multiply()([x, keras.ops.ones_like(x) * np.arange(16).reshape(1, 1, 16, 1)])
        return ModelLayers(keras.Model(images, x))

    images = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype("float32")
    (row,) = measure_layers(local(False), images, [1])[1]
    assert row.error < 1e-5
    assert not row.includes_border
    assert measure_layers(local(True), images, [1])[1][-1].error > 0.05


def test_the_error_of_a_layer_is_that_of_all_images_also_in_chunks(layers, digits):
    images = layers.preprocess(digits.pixels[:6])
    whole = {row.layer: row.error for row in measure_layers(layers, images, [1])[1]}
    s2 = layers.outputs(["s2"], digits.pixels[:6])[0]
    moved = keras.ops.convert_to_numpy(layers.up_to("s2")(shift(images, 0, 1), training=False))
    expected = (s2[:, :, 1:] + s2[:, :, :-1]) / 2  # half a step
    error = np.linalg.norm(moved[:, :, 1:] - expected) / np.linalg.norm(s2[:, :, 1:])
    assert whole["s2"] == pytest.approx(error, rel=1e-4)
    in_chunks = measure_layers(layers, images, [1], most_bytes=1)[1]
    assert {row.layer: row.error for row in in_chunks} == pytest.approx(whole, rel=1e-5)


def test_accuracy_falls_with_the_shift(logits, digits):
    pixels, labels = digits.pixels[:100], digits.labels[:100]
    accuracies = list(accuracy_by_shift(logits, pixels, labels, 8))
    assert len(accuracies) == 9
    assert accuracies[0] == (logits(pixels).argmax(axis=1) == labels).mean()
    directions = [(0, 3), (0, -3), (3, 0), (-3, 0)]
    shares = [(logits(shift(pixels, *direction)).argmax(axis=1) == labels).mean() for direction in directions]
    assert accuracies[3] == pytest.approx(np.mean(shares))
    assert accuracies[8] < accuracies[0] - 0.3
