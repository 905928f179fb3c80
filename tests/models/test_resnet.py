"""ResNet against He et al. 2016, and against the counts of the implementations that people compare with."""

import re
from functools import cache

import keras
import numpy as np
import pytest
from toys import narrow, outline

import cnnzoo
from cnnzoo import inspection, registry
from cnnzoo.catalogue import build
from cnnzoo.errors import UserError
from cnnzoo.models import resnet as module
from cnnzoo.models.resnet import cifar_resnet, resnet, small_resnet

pytestmark = pytest.mark.usefixtures("compile_quickly")

TABLE_1_DEPTHS = [18, 34, 50, 101, 152]
SECTION_4_2_DEPTHS = [20, 32, 44, 56, 110]
# What runs once is not worth compiling where it need not be.
EAGERLY = keras.backend.backend() != "jax"


@cache
def summary(name, **options):
    return inspection.inspect(outline(name, **options))


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "gmac"), [(18, 1.8), (34, 3.6), (50, 3.8), (101, 7.6), (152, 11.3)])
def test_the_defaults_have_the_flops_that_table_1_prints(depth, gmac):
    assert summary(f"resnet{depth}").macs / 1e9 == pytest.approx(gmac, abs=0.07)


@pytest.mark.slow
@pytest.mark.parametrize("depth", TABLE_1_DEPTHS)
def test_the_maps_have_the_sizes_of_table_1(depth):
    model, widening = outline(f"resnet{depth}"), 1 if depth < 50 else 4
    expected = {"conv1": (112, 112, 64), "pool1": (56, 56, 64)}
    for row, side, filters in [(2, 56, 64), (3, 28, 128), (4, 14, 256), (5, 7, 512)]:
        expected |= {
            f"conv{row}_{index + 1}": (side, side, filters * widening)
            for index in range(getattr(module.TABLE_1[depth], f"conv{row}_x"))
        }
    assert {name: model.get_layer(name).output.shape[1:] for name in expected} == expected
    assert model.get_layer("features").output.shape[1:] == (512 * widening,)
    assert model.output_shape == (None, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("depth", SECTION_4_2_DEPTHS)
def test_the_maps_have_the_sizes_of_section_4_2(depth):
    model, n = outline(f"resnet{depth}"), (depth - 2) // 6
    for row, side, filters in [(2, 32, 16), (3, 16, 32), (4, 8, 64)]:
        for index in range(1, n + 1):
            assert model.get_layer(f"conv{row}_{index}").output.shape[1:] == (side, side, filters)
    assert model.get_layer("features").output.shape[1:] == (64,)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "depth"),
    [(f"resnet{depth}", depth) for depth in TABLE_1_DEPTHS + SECTION_4_2_DEPTHS]
    + [(f"resnet{depth}_small", depth) for depth in TABLE_1_DEPTHS],
)
def test_the_name_counts_the_layers_with_weights_outside_shortcuts(name, depth):
    weighted = (keras.layers.Conv2D, keras.layers.Dense)
    counted = [layer for layer in outline(name).layers if isinstance(layer, weighted) and "shortcut" not in layer.name]
    assert len(counted) == depth


@pytest.mark.parametrize(
    ("name", "shortcuts"),
    [
        ("resnet34", ["conv3_1", "conv4_1", "conv5_1"]),
        ("resnet50", ["conv2_1", "conv3_1", "conv4_1", "conv5_1"]),
        ("resnet56", ["conv3_1", "conv4_1"]),
    ],
)
def test_shortcuts_are_identities_unless_dimensions_grow(name, shortcuts):
    found = [layer.name for layer in outline(name).layers if layer.name.endswith("_shortcut")]
    assert sorted(found) == [f"{block}_shortcut" for block in shortcuts]


@pytest.mark.parametrize(("stride_on", "sides"), [("1x1", (28, 28, 28)), ("3x3", (56, 28, 28))])
def test_the_stride_of_a_bottleneck_is_where_the_option_says(stride_on, sides):
    model = outline("resnet50", stride_on=stride_on)
    assert tuple(model.get_layer(f"conv3_1_conv{number}").output.shape[1] for number in (1, 2, 3)) == sides


def test_basic_blocks_ignore_the_option_of_the_stride():
    assert summary("resnet18", stride_on="3x3").rows == summary("resnet18", stride_on="1x1").rows


@pytest.mark.slow
@pytest.mark.parametrize("name", [f"resnet{depth}_small" for depth in TABLE_1_DEPTHS] + ["resnet20", "resnet110"])
@pytest.mark.parametrize("input_shape", [None, (28, 28, 1)])
def test_small_images_are_halved_only_between_rows(name, input_shape):
    model = outline(name, input_shape)
    side = model.input_shape[1]
    sides = [model.get_layer(f"conv{row}_1").output.shape[1] for row in (2, 3, 4)]
    assert sides == [side, side // 2, side // 4]
    assert model.output_shape == (None, 10)


@pytest.mark.every_backend
@pytest.mark.parametrize(("maps", "strides"), [(5, 2), (8, 2), (4, 1)])
def test_an_option_a_shortcut_is_every_second_pixel_and_zeros_behind(maps, strides):
    x = np.random.default_rng(0).normal(size=(2, 7, 6, 4)).astype("float32")
    images = keras.Input((7, 6, 4))
    shortcut = keras.Model(images, module._add_padded_identity(images, maps, strides, "shortcut"))
    expected = np.zeros((2, -(-7 // strides), -(-6 // strides), maps), "float32")
    expected[..., :4] = x[:, ::strides, ::strides]
    assert np.array_equal(array(shortcut(x)), expected)


@pytest.mark.parametrize("side", [8, 9])
def test_a_block_whose_convolutions_give_nothing_passes_its_shortcut_on(side):
    model = cifar_resnet(14, (side, side, 3))
    for block in ("conv3_1", "conv3_2"):
        model.get_layer(f"{block}_bn2").gamma.assign(np.zeros(32))
    seen = keras.Model(model.input, [model.get_layer(name).output for name in ("conv2_2", "conv3_1", "conv3_2")])
    images = np.random.default_rng(0).normal(size=(2, side, side, 3)).astype("float32")
    before, grown, after = seen.predict(images, verbose=0)
    expected = np.concatenate([before[:, ::2, ::2], np.zeros_like(before[:, ::2, ::2])], axis=-1)
    assert before.max() > 0
    assert np.array_equal(grown, expected)
    assert np.array_equal(after, expected)


@pytest.mark.every_backend
@pytest.mark.parametrize("side", [8, 9])
def test_stride_2_pads_alike_on_all_sides_as_torch_does(side):
    model = cifar_resnet(8, (side, side, 3), shortcut="B")
    entering, layer = model.get_layer("conv2_1").output, model.get_layer("conv3_1_conv1")
    x = np.random.default_rng(0).normal(size=(1, side, side, 16)).astype("float32")
    padded, kernel = np.pad(x[0], ((1, 1), (1, 1), (0, 0))), array(layer.kernel)
    expected = [
        [np.tensordot(padded[i : i + 3, j : j + 3], kernel, 3) for j in range(0, side, 2)] for i in range(0, side, 2)
    ]
    assert np.allclose(array(keras.Model(entering, layer.output)(x))[0], expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "smallest"), [("resnet18", 33), ("resnet50", 33), ("resnet50_small", 9)])
def test_a_gradient_reaches_every_tap_of_every_kernel_at_the_smallest_size(name, smallest):
    assert untouched(narrow(outline(name, (smallest, smallest, 3), 4))) == []


def test_a_gradient_reaches_every_tap_in_the_networks_of_section_4_2_too():
    assert untouched(cifar_resnet(8, (5, 5, 3), 4)) == []


def test_with_one_pixel_less_most_taps_of_the_last_kernels_see_nothing():
    smaller = narrow(cifar_resnet(8, (5, 5, 3), 4), 1, (4, 4, 3))
    assert untouched(smaller) == ["conv4_1_conv1/kernel", "conv4_1_conv2/kernel"]


def untouched(model):
    """Return the weights of which a step of training leaves some part, or some tap of a kernel, where it was."""
    before = [array(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(True), run_eagerly=EAGERLY)
    images = np.random.default_rng(0).normal(size=(8, *model.input_shape[1:])).astype("float32")
    model.train_on_batch(images, np.arange(8) % 4)
    moved = [array(weight) != old for weight, old in zip(model.trainable_weights, before, strict=True)]
    return [
        weight.path
        for weight, change in zip(model.trainable_weights, moved, strict=True)
        if not (change.any(axis=(2, 3)) if change.ndim == 4 else change.any()).all()
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "smallest"), [("resnet18", 33), ("resnet18_small", 9), ("resnet20", 5)])
def test_a_smaller_image_is_refused_with_the_smallest_size(name, smallest):
    outline(name, (smallest, smallest + 1, 1))
    given, limit = f"{smallest + 1}x{smallest - 1}", f"{smallest}x{smallest}"
    with pytest.raises(UserError, match=f"an input of {given} is too small; the network needs at least {limit}"):
        cnnzoo.build(name, (smallest + 1, smallest - 1, 1))


def test_the_error_for_a_small_image_recommends_the_small_form():
    with pytest.raises(ValueError, match="resnet34_small is for small images"):
        resnet(34, (32, 32, 3))


def test_any_depth_of_6n_plus_2_can_be_built_and_no_other():
    assert cifar_resnet(14).name == "resnet14"
    with pytest.raises(ValueError, match=r"the depth must be 6n \+ 2, such as 20 or 26, not 21\."):
        cifar_resnet(21)
    with pytest.raises(ValueError, match=r"the depth must be 6n \+ 2, such as 8, not 2\."):
        cifar_resnet(2)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: resnet(50, stride_on="2x2"), "stride_on must be '1x1' or '3x3', not '2x2'."),
        (lambda: small_resnet(18, stride_on=3), "stride_on must be '1x1' or '3x3', not 3."),
        (lambda: cifar_resnet(20, shortcut="C"), "shortcut must be 'A' or 'B', not 'C'."),
    ],
)
def test_an_invalid_option_gets_the_valid_values(build, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        build()


def test_an_unknown_depth_gets_the_depths_of_table_1():
    with pytest.raises(ValueError, match="Table 1 has 18, 34, 50, 101 and 152 layers, not 20"):
        small_resnet(20)


def test_weights_are_drawn_as_he_2015_draws_them():
    model = cifar_resnet(14, num_classes=100)
    for row, filters in zip((2, 3, 4), module.SECTION_4_2_FILTERS, strict=True):
        names = [f"conv{row}_1_conv2", f"conv{row}_2_conv1", f"conv{row}_2_conv2"]
        kernels = np.array([array(model.get_layer(name).kernel) for name in names])
        deviation = (2 / (9 * filters)) ** 0.5
        assert kernels.std() == pytest.approx(deviation, rel=0.03)
        assert np.abs(kernels).max() > 3 * deviation
        assert np.abs(np.corrcoef(kernels.reshape(3, -1)) - np.eye(3)).max() < 0.1
    assert array(model.get_layer("logits").kernel).std() == pytest.approx((2 / 64) ** 0.5, rel=0.1)


def test_batch_norm_uses_torchs_defaults():
    layer = outline("resnet18").get_layer("conv2_1_bn1")
    assert (layer.epsilon, layer.momentum) == (1e-5, 0.9)
    assert outline("resnet18", epsilon=1.001e-5).get_layer("bn1").epsilon == 1.001e-5


@pytest.mark.parametrize("name", ["resnet18", "resnet18_small", "resnet20"])
def test_the_card_states_paper_departures_and_options(name):
    card = build.make_card(name)
    assert card.year == 2016
    assert card.paper.startswith("He, Zhang, Ren and Sun,")
    assert card.departures
    assert all("description" in option for option in card.options.values())


def test_every_network_is_registered_as_it_is_imported():
    for name in [f"resnet{depth}" for depth in TABLE_1_DEPTHS + SECTION_4_2_DEPTHS]:
        assert registry.builder(name) is getattr(module, name)
