"""VGG against Simonyan and Zisserman 2015, torchvision and the small forms of the field."""

import re

import keras
import numpy as np
import pytest
from toys import outline

from cnnzoo.models.vgg import CONFIGURATIONS, vgg, vgg11_small, vgg16, vgg_small
from cnnzoo.registry import builder

COLUMNS = {"vgg11": "A", "vgg11_lrn": "A-LRN", "vgg13": "B", "vgg16_c": "C", "vgg16": "D", "vgg19": "E"}


def shape(model, layer):
    return tuple(model.get_layer(layer).output.shape[1:])


def order(model):
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize(
    ("name", "layers", "millions"),
    [
        ("vgg11", 11, 133),
        ("vgg11_lrn", 11, 133),
        ("vgg13", 13, 133),
        ("vgg16_c", 16, 134),
        ("vgg16", 16, 138),
        ("vgg19", 19, 144),
    ],
)
def test_each_column_has_the_weight_layers_of_table_1_and_the_parameters_of_table_2(name, layers, millions):
    model = outline(name)
    assert sum(bool(layer.weights) for layer in model.layers) == layers
    assert round(model.count_params() / 1e6) == millions


@pytest.mark.parametrize("name", COLUMNS)
def test_the_layers_are_those_of_table_1(name):
    model = outline(name)
    side = 224
    for stage, row in enumerate(CONFIGURATIONS[COLUMNS[name]], start=1):
        for index, word in enumerate((word for word in row.split() if word != "LRN"), start=1):
            layer = model.get_layer(f"conv{stage}_{index}")
            assert word == f"conv{layer.kernel_size[0]}-{layer.filters}"
            assert tuple(layer.output.shape[1:3]) == (side, side)
            assert layer.activation is keras.activations.relu
        side //= 2
        assert shape(model, f"pool{stage}")[:2] == (side, side)
    assert [shape(model, layer) for layer in ("pool5", "fc6", "fc7", "logits")] == [
        (7, 7, 512),
        (4096,),
        (4096,),
        (1000,),
    ]


def test_c_differs_from_d_by_three_kernels_of_one_pixel():
    kernels = [
        {layer.name: layer.kernel_size for layer in outline(name).layers if layer.name.startswith("conv")}
        for name in ("vgg16_c", "vgg16")
    ]
    assert kernels[0].keys() == kernels[1].keys()
    different = [layer for layer in kernels[0] if kernels[0][layer] != kernels[1][layer]]
    assert different == ["conv3_3", "conv4_3", "conv5_3"]
    assert {kernels[0][layer] for layer in different} == {(1, 1)}


def test_a_lrn_is_a_with_one_normalization_of_alexnets_constants():
    plain, normalized = outline("vgg11"), outline("vgg11_lrn")
    assert order(normalized)[1:4] == ["conv1_1", "norm1", "pool1"]
    assert [name for name in order(normalized) if name != "norm1"] == order(plain)
    norm = normalized.get_layer("norm1")
    assert (norm.bias, norm.depth_radius, norm.alpha, norm.beta) == (2, 2, 1e-4, 0.75)


@pytest.mark.parametrize("name", ["vgg13", "vgg13_small"])
def test_batch_normalization_comes_between_each_convolution_and_its_relu(name):
    model = outline(name, batch_norm=True)
    for layer in [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]:
        assert layer.use_bias
        assert layer.activation is keras.activations.linear
        place = order(model).index(layer.name)
        assert order(model)[place : place + 3] == [layer.name, f"{layer.name}_bn", f"{layer.name}_relu"]
    norm = model.get_layer("conv1_1_bn")
    assert (norm.epsilon, norm.momentum) == (1e-5, 0.9)


@pytest.mark.parametrize(
    ("size", "sides"),
    [((32, 32, 3), [16, 8, 4, 2, 1]), ((28, 28, 1), [14, 7, 4, 2, 1]), ((64, 64, 3), [32, 16, 8, 4, 2])],
)
def test_the_small_form_takes_small_images_and_larger_ones_with_the_same_classifier(size, sides):
    model = outline("vgg16_small", size)
    assert [shape(model, f"pool{stage}")[0] for stage in range(1, 6)] == sides
    assert shape(model, "features") == (512,)
    assert model.get_layer("logits").count_params() == 5130


@pytest.mark.parametrize(("name", "side"), [("vgg16", 32), ("vgg16_small", 17)])
def test_the_smallest_image_is_taken_and_a_smaller_one_is_refused(name, side):
    model = outline(name, (side, side, 1))
    assert shape(model, "conv5_3")[:2] == (2, 2)
    assert shape(model, "pool5")[:2] == (1, 1)
    with pytest.raises(ValueError, match=rf"{side}x{side - 1} is too small; .*needs at least {side}x{side}\.$"):
        builder(name)((side, side - 1, 1))


@pytest.mark.parametrize("name", ["vgg11", "vgg19_small"])
def test_zero_classes_stop_at_the_features(name):
    model = outline(name)
    assert model.get_layer("logits").input is model.get_layer("features").output
    headless = outline(name, num_classes=0)
    assert headless.layers[-1].name == "features"
    assert headless.output_shape == model.get_layer("features").output.shape


def test_dropout_follows_both_hidden_layers():
    model = outline("vgg16")
    assert order(model)[-6:] == ["flatten", "fc6", "dropout6", "fc7", "features", "logits"]
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.5, 0.5]


def test_each_initialization_has_its_scale():
    kernels = {
        kind: vgg11_small((17, 17, 1), initialization=kind).get_layer("conv3_1").get_weights()[0]
        for kind in ("paper", "glorot", "he")
    }
    fan, fan_out = 9 * 128, 9 * 256
    assert kernels["paper"].std() == pytest.approx(0.01, rel=0.02)
    assert kernels["glorot"].std() == pytest.approx((2 / (fan + fan_out)) ** 0.5, rel=0.02)
    assert kernels["he"].std() == pytest.approx((2 / fan) ** 0.5, rel=0.02)


@pytest.mark.parametrize("builder", [vgg, vgg_small])
@pytest.mark.parametrize(
    ("column", "options", "sentence"),
    [
        ("F", {}, "Table 1 has no column 'F'; it has A, A-LRN, B, C, D and E."),
        ("A", {"initialization": "x"}, "initialization must be 'paper', 'glorot' or 'he', not 'x'."),
    ],
)
def test_a_column_or_an_initialization_that_does_not_exist_is_refused(builder, column, options, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        builder(column, **options)


@pytest.mark.parametrize(("name", "form"), [("vgg19", "vgg"), ("vgg11_small", "vgg_small")])
def test_a_model_is_named_after_its_form(name, form):
    assert outline(name).name == form


def test_two_layers_of_one_shape_have_different_weights():
    model = vgg11_small((17, 17, 1))
    first, second = (model.get_layer(f"conv5_{index}").get_weights()[0] for index in (1, 2))
    assert not np.allclose(first, second)


def test_the_full_form_gives_one_logit_per_class():
    model = vgg16((32, 32, 3), 10)
    logits = keras.ops.convert_to_numpy(model(np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")))
    assert logits.shape == (2, 10)
    assert np.isfinite(logits).all()
