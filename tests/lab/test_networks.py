"""What the lab reads off the networks: receptive fields, and the gains of 1x1 convolutions."""

import keras
import numpy as np
import pytest
from toys import outline

from cnnzoo.inspection import inspect
from cnnzoo.lab.one_by_one import list_modules, list_one_by_one
from cnnzoo.lab.receptive_field import measure_receptive_fields


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("lenet5", (32, 32, 1)),
        ("lenet5_1998", (32, 32, 1)),
        ("resnet20", (32, 32, 3)),
        ("alphago_policy_small", (19, 19, 48)),
    ],
)
def test_a_measured_receptive_field_is_that_of_the_formula_until_it_meets_the_border(name, shape):
    fields = list(measure_receptive_fields(outline(name, shape)))
    assert len(fields) >= 4
    side = shape[0]
    inside = [field for field in fields if field.formula[0] <= side // 2]
    assert [field.measured for field in inside] == [field.formula for field in inside]
    assert all(side // 2 < field.measured[0] <= min(side, field.formula[0]) for field in fields[len(inside) :])


def test_a_dilated_convolution_sees_further_at_no_parameters():
    images = keras.Input((32, 32, 1))
    x = keras.layers.Conv2D(1, 3, padding="same", dilation_rate=4, name="dilated")(images)
    (field,) = measure_receptive_fields(keras.Model(images, x))
    assert (field.formula, field.measured) == ((9, 9), (9, 9))


def test_googlenet_saves_by_its_reductions_what_the_network_without_them_costs_more():
    with_them, without = (inspect(outline(name)) for name in ("googlenet", "googlenet_without_reductions"))
    rows = list_one_by_one(outline("googlenet"))
    assert sum(row.saved_macs for row in rows) == without.macs - with_them.macs
    assert sum(row.saved_parameters for row in rows) == without.parameters - with_them.parameters
    assert [row.layer for row in rows[:2]] == ["conv2_reduce", "inception_3a_3x3_reduce"]
    reduce = rows[1]
    assert (reduce.channels_in, reduce.channels_out, reduce.next_layer) == (192, 96, "inception_3a_3x3")
    assert all(row.has_nonlinearity for row in rows)


def test_the_modules_of_googlenet_with_and_without_reductions_sum_to_both_networks():
    with_them, without = (inspect(outline(name)) for name in ("googlenet", "googlenet_without_reductions"))
    modules = list_modules(outline("googlenet"))
    assert [module.name for module in modules][1:] == [
        f"inception_{name}" for name in ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    ]
    for module in modules[1:]:
        assert len(module.layers) == 6
    assert sum(module.macs_without - module.macs for module in modules) == without.macs - with_them.macs
    inception_3a = modules[1]
    reductions = 192 * 96 + 192 * 16
    assert inception_3a.macs == 28 * 28 * (192 * 64 + reductions + 9 * 96 * 128 + 25 * 16 * 32 + 192 * 32)
    assert inception_3a.macs_without == 28 * 28 * 192 * (64 + 9 * 128 + 25 * 32 + 32)


def test_a_1x1_convolution_before_a_pooling_and_a_convolution_costs_what_it_computes():
    row = list_one_by_one(outline("vgg16_c"))[0]
    assert (row.layer, row.next_layer, row.saved_macs) == ("conv3_3", "conv4_1", -(56 * 56 * 256 * 256))


def test_a_1x1_convolution_without_a_convolution_behind_it_only_sets_the_channels():
    (row,) = list_one_by_one(outline("alphago_policy_small"))
    assert (row.channels_out, row.next_layer, row.saved_macs, row.has_nonlinearity) == (1, None, 0, False)


def test_a_bottleneck_saves_where_its_1x1_reduces_and_costs_where_it_enlarges():
    images = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(16, 1, activation="relu", name="enlarge")(images)
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(x)
    (row,) = list_one_by_one(keras.Model(images, x))
    assert row.macs == 64 * (4 * 16 + 9 * 16 * 4)
    assert row.macs_without == 64 * 9 * 4 * 4
    assert row.parameters_without == 9 * 4 * 4
    assert row.saved_macs < 0
    assert np.sign(row.saved_parameters) == -1
