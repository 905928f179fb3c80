"""LeNet-5 against LeCun et al. 1998."""

import keras
import numpy as np
import pytest

from cnnzoo.models import lenet5, lenet5_1998
from cnnzoo.models.layers import scaled_tanh
from cnnzoo.models.lenet import C3_CONNECTIONS, digit_centres


def trainable(thing):
    return sum(int(np.prod(weight.shape)) for weight in thing.trainable_weights)


@pytest.mark.parametrize(
    ("layer", "count"), [("c1", 156), ("s2", 12), ("c3", 1516), ("s4", 32), ("c5", 48120), ("f6", 10164), ("logits", 0)]
)
def test_each_layer_of_1998_has_the_papers_parameters(layer, count):
    assert trainable(lenet5_1998().get_layer(layer)) == count


def test_the_whole_networks_have_the_published_parameters():
    assert trainable(lenet5_1998()) == 60_000
    assert trainable(lenet5()) == 61_706


@pytest.mark.parametrize(
    ("layer", "shape"),
    [("c1", (28, 28, 6)), ("s2", (14, 14, 6)), ("c3", (10, 10, 16)), ("s4", (5, 5, 16)), ("c5", (1, 1, 120))],
)
def test_the_maps_have_the_sizes_of_figure_2(layer, shape):
    assert lenet5_1998().get_layer(layer).output.shape[1:] == shape


@pytest.mark.every_backend
def test_c3_sees_only_the_maps_of_table_1():
    layer = lenet5_1998().get_layer("c3")
    maps, others = np.random.default_rng(0).normal(size=(2, 1, 14, 14, 6)).astype("float32")
    plain = keras.ops.convert_to_numpy(layer(maps))
    for source in range(6):
        changed = maps.copy()
        changed[..., source] = others[..., source]
        moved = np.abs(keras.ops.convert_to_numpy(layer(changed)) - plain).max(axis=(0, 1, 2)) > 1e-4
        assert [target for target in range(16) if moved[target]] == [
            target for target, sources in enumerate(C3_CONNECTIONS) if source in sources
        ]


@pytest.mark.every_backend
def test_c3_is_a_plain_convolution_where_connections_exist():
    layer = lenet5_1998().get_layer("c3")
    maps = np.random.default_rng(0).normal(size=(1, 14, 14, 6)).astype("float32")
    kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in (layer.kernel, layer.bias))
    pairs = [(source, target) for target, sources in enumerate(C3_CONNECTIONS) for source in sources]
    window = maps[0, 3:8, 2:7]
    expected = bias.copy()
    for index, (source, target) in enumerate(pairs):
        expected[target] += (window[..., source] * kernel[..., index]).sum()
    assert np.allclose(keras.ops.convert_to_numpy(layer(maps))[0, 3, 2], expected, atol=1e-4)


@pytest.mark.every_backend
def test_subsampling_sums_four_then_scales_and_shifts():
    layer = lenet5_1998().get_layer("s2")
    layer.set_weights([np.full(6, 0.5), np.full(6, 2.0)])
    maps = np.arange(28 * 28 * 6, dtype="float32").reshape(1, 28, 28, 6) / 100
    expected = 0.5 * maps[0, 4:6, 6:8, 3].sum() + 2.0
    assert keras.ops.convert_to_numpy(layer(maps))[0, 2, 3, 3] == pytest.approx(expected, rel=1e-5)


@pytest.mark.every_backend
def test_the_squashing_function_maps_1_to_1():
    assert np.allclose(keras.ops.convert_to_numpy(scaled_tanh(np.array([1.0, -1.0, 0.0]))), [1, -1, 0], atol=1e-4)


@pytest.mark.every_backend
def test_an_image_of_a_digits_bitmap_gets_distance_zero():
    centres = np.array(digit_centres(), "float32")
    logits = keras.ops.convert_to_numpy(lenet5_1998().get_layer("logits")(centres))
    distances = ((centres[:, None] - centres[None]) ** 2).sum(axis=2)
    assert np.allclose(logits, -distances, atol=1e-3)


def test_the_bitmaps_are_ten_different_pictures_of_7x12():
    centres = digit_centres()
    assert [len(centre) for centre in centres] == [84] * 10
    assert len({tuple(centre) for centre in centres}) == 10
    one = np.array(centres[1]).reshape(12, 7) > 0
    assert one[:10, 3:5].all()
    assert not one[10:].any()


def test_the_modern_form_takes_relu_with_maximum_and_other_sizes():
    model = lenet5((28, 28, 3), 7, activation="relu", pooling="max")
    assert model.output_shape == (None, 7)
    assert isinstance(model.get_layer("s2"), keras.layers.MaxPooling2D)
    assert model.get_layer("c1").activation is keras.activations.relu


def test_1998_refuses_more_classes_than_it_has_bitmaps():
    with pytest.raises(ValueError, match="26 classes"):
        lenet5_1998(num_classes=26)
