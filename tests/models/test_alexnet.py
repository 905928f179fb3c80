"""AlexNet against Krizhevsky, Sutskever and Hinton 2012, the lectures and torchvision."""

import re
from math import prod

import keras
import numpy as np
import pytest
from toys import outline

from cnnzoo.models.alexnet import alexnet, alexnet_owt, alexnet_small


def shape(model, layer):
    return tuple(model.get_layer(layer).output.shape[1:])


def order(model):
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize("name", ["alexnet", "alexnet_ungrouped"])
@pytest.mark.parametrize("norm_after_pool", [False, True])
def test_the_maps_have_the_sizes_of_the_lecture(name, norm_after_pool):
    model = outline(name, norm_after_pool=norm_after_pool)
    lines = {
        "conv1": (55, 55, 96),
        "pool1": (27, 27, 96),
        "conv2": (27, 27, 256),
        "pool2": (13, 13, 256),
        "conv3": (13, 13, 384),
        "conv4": (13, 13, 384),
        "conv5": (13, 13, 256),
        "pool3": (6, 6, 256),
        "fc6": (4096,),
        "fc7": (4096,),
        "logits": (1000,),
    }
    assert {layer: shape(model, layer) for layer in lines} == lines


def test_the_layers_after_conv1_have_the_neurons_of_figure_2():
    model = outline("alexnet")
    convolutions = [prod(shape(model, layer)) for layer in ("conv2", "conv3", "conv4", "conv5")]
    assert convolutions == [186_624, 64_896, 64_896, 43_264]


def test_conv1_has_the_parameters_of_the_lecture_and_poolings_overlap():
    model = outline("alexnet")
    assert model.get_layer("conv1").count_params() == 11 * 11 * 3 * 96 + 96  # "35K"
    for name in ("pool1", "pool2", "pool3"):
        pool = model.get_layer(name)
        assert (pool.pool_size, pool.strides) == ((3, 3), (2, 2))


def test_normalization_precedes_pooling_by_default():
    paper, lecture = outline("alexnet"), outline("alexnet", norm_after_pool=True)
    assert order(paper)[1:7] == ["conv1", "norm1", "pool1", "conv2", "norm2", "pool2"]
    assert order(lecture)[1:7] == ["conv1", "pool1", "norm1", "conv2", "pool2", "norm2"]
    norm = paper.get_layer("norm1")
    assert (norm.bias, 2 * norm.depth_radius + 1, norm.alpha, norm.beta, norm.scaling) == (2, 5, 1e-4, 0.75, "paper")


@pytest.mark.parametrize(("groups", "grouped"), [(1, set()), (2, {"conv2", "conv4", "conv5"})])
def test_conv2_conv4_and_conv5_see_only_the_channels_of_one_gpu(groups, grouped):
    model = outline("alexnet", groups=groups)
    convolutions = [layer for layer in model.layers if layer.name.startswith("conv")]
    assert {layer.name for layer in convolutions if layer.groups == 2} == grouped
    sources = {layer.name: layer.input.shape[-1] // layer.kernel.shape[2] for layer in convolutions}
    assert {name for name, parts in sources.items() if parts == 2} == grouped


def test_the_first_half_of_conv2_does_not_depend_on_the_second_half_of_conv1():
    layer = alexnet_small(groups=2, initialization="he").get_layer("conv2")
    maps = np.random.default_rng(0).normal(size=(1, 15, 15, 48)).astype("float32")
    changed = maps.copy()
    changed[..., 24:] += 1.0
    before, after = (keras.ops.convert_to_numpy(layer(x)) for x in (maps, changed))
    assert np.array_equal(before[..., :64], after[..., :64])
    assert not np.array_equal(before[..., 64:], after[..., 64:])


def test_one_weird_trick_has_no_normalization_and_pads_conv1():
    model = outline("alexnet_owt")
    assert not [name for name in order(model) if name.startswith("norm")]
    assert [shape(model, f"conv{i}") for i in range(1, 6)] == [
        (55, 55, 64),
        (27, 27, 192),
        (13, 13, 384),
        (13, 13, 256),
        (13, 13, 256),
    ]
    assert shape(model, "conv1_pad") == (228, 228, 3)
    assert shape(model, "pool3") == (6, 6, 256)


@pytest.mark.parametrize(("size", "last"), [((32, 32, 3), (3, 3, 128)), ((28, 28, 1), (2, 2, 128))])
def test_the_small_form_takes_small_images(size, last):
    model = outline("alexnet_small", size)
    assert shape(model, "conv1") == (*size[:2], 48)
    assert shape(model, "pool3") == last
    assert shape(model, "logits") == (10,)


@pytest.mark.parametrize(
    ("name", "builder", "side"),
    [("alexnet", alexnet, 67), ("alexnet_owt", alexnet_owt, 63), ("alexnet_small", alexnet_small, 15)],
)
def test_the_smallest_image_leaves_one_pixel_and_a_smaller_one_is_refused(name, builder, side):
    assert shape(outline(name, (side, side + 1, 3)), "pool3")[:2] == (1, 1)
    advice = r" alexnet_small is for small images\." if name == "alexnet" else ""
    with pytest.raises(
        ValueError, match=rf"{side + 1}x{side - 1} is too small; .*needs at least {side}x{side}\.{advice}$"
    ):
        builder((side + 1, side - 1, 3))


def test_the_papers_initialization_is_that_of_section_5():
    model = alexnet((67, 67, 3), 10)
    ones = {"conv2", "conv4", "conv5", "fc6", "fc7"}
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            assert kernel.std() == pytest.approx(0.01, rel=0.05), layer.name
            assert np.all(bias == (1 if layer.name in ones else 0)), layer.name


def test_he_initialization_keeps_the_scale_and_has_no_biases():
    for layer in alexnet_small(initialization="he").layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            assert kernel.std() == pytest.approx((2 / prod(kernel.shape[:-1])) ** 0.5, rel=0.05), layer.name
            assert not bias.any(), layer.name


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"groups": 3}, "groups must be 1 or 2, not 3."),
        ({"initialization": "glorot"}, "initialization must be 'paper' or 'he', not 'glorot'."),
    ],
)
@pytest.mark.parametrize("builder", [alexnet, alexnet_small])
def test_an_invalid_value_of_an_option_is_refused(builder, options, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        builder(**options)


@pytest.mark.parametrize(
    ("name", "form"),
    [("alexnet_ungrouped", "alexnet"), ("alexnet_owt", "alexnet_owt"), ("alexnet_small", "alexnet_small")],
)
def test_a_model_is_named_after_its_form(name, form):
    assert outline(name).name == form


def test_dropout_follows_both_hidden_layers():
    model = outline("alexnet")
    assert order(model)[-6:] == ["flatten", "fc6", "dropout6", "fc7", "features", "logits"]
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.5, 0.5]
    assert outline("alexnet_owt", dropout=0.25).get_layer("features").rate == 0.25


@pytest.mark.parametrize("name", ["alexnet", "alexnet_owt", "alexnet_small"])
def test_zero_classes_stop_at_the_features(name):
    model = outline(name)
    assert model.get_layer("logits").input is model.get_layer("features").output
    headless = outline(name, num_classes=0)
    assert headless.layers[-1].name == "features"
    assert headless.output_shape == model.get_layer("features").output.shape


def test_logits_are_float32_in_mixed_precision():
    model = alexnet_small((15, 15, 1), 3, groups=2)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = alexnet_small((15, 15, 1), 3, groups=2)
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(model.get_weights())
    images = np.random.default_rng(0).normal(size=(4, 15, 15, 1)).astype("float32")
    logits, expected = mixed(images), keras.ops.convert_to_numpy(model(images))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.allclose(keras.ops.convert_to_numpy(logits), expected, atol=0.05 * np.abs(expected).max())
