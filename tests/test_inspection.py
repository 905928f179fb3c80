from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers, ops

import cnnzoo.models  # noqa: F401
from cnnzoo import registry
from cnnzoo.inspection import LayerRow, compare_settings, inspect, outline

# Layer, output shape, parameters, MACs and receptive field, counted by hand.
LENET5 = [
    ("images", (32, 32, 1), 0, 0, (1, 1)),
    ("c1", (28, 28, 6), 6 * 26, 28 * 28 * 6 * 25, (5, 5)),
    ("s2", (14, 14, 6), 0, 0, (6, 6)),
    ("c3", (10, 10, 16), 16 * 151, 10 * 10 * 16 * 150, (14, 14)),
    ("s4", (5, 5, 16), 0, 0, (16, 16)),
    ("flatten", (400,), 0, 0, (16, 16)),
    ("c5", (120,), 120 * 401, 120 * 400, (32, 32)),
    ("features", (84,), 84 * 121, 84 * 120, (32, 32)),
    ("logits", (10,), 10 * 85, 10 * 84, (32, 32)),
]


def rows_of(model: keras.Model) -> dict[str, LayerRow]:
    return {row.name: row for row in inspect(model).rows}


def test_lenet5_is_counted_as_by_hand() -> None:
    summary = inspect(outline("lenet5"))
    found = [(row.name, row.output_shape, row.parameters, row.macs, row.receptive_field) for row in summary.rows]
    assert found == LENET5
    assert (summary.parameters, summary.macs) == (61_706, 416_520)


def test_lenet5_of_1998_is_counted_as_in_the_paper() -> None:
    summary = inspect(outline("lenet5_1998"))
    parameters = {row.name: row.parameters for row in summary.rows if row.parameters}
    assert parameters == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert summary.trainable_parameters == 60_000
    fields = {row.name: row.receptive_field[0] for row in summary.rows}
    assert [fields[name] for name in ("c1", "s2", "c3", "s4", "c5", "f6")] == [5, 6, 14, 16, 32, 32]


@pytest.mark.parametrize(
    ("groups", "parameters", "macs"), [(2, 60_965_224, 724_406_816), (1, 62_378_344, 1_135_256_096)]
)
def test_the_groups_of_alexnet_are_counted(groups: int, parameters: int, macs: int) -> None:
    def alexnet(input_shape: tuple[int, int, int] = (227, 227, 3), num_classes: int = 1000) -> keras.Model:
        return keras.Sequential(
            [
                keras.Input(input_shape),
                layers.Conv2D(96, 11, strides=4, name="conv1"),
                layers.MaxPooling2D(3, 2, name="pool1"),
                layers.Conv2D(256, 5, padding="same", groups=groups, name="conv2"),
                layers.MaxPooling2D(3, 2, name="pool2"),
                layers.Conv2D(384, 3, padding="same", name="conv3"),
                layers.Conv2D(384, 3, padding="same", groups=groups, name="conv4"),
                layers.Conv2D(256, 3, padding="same", groups=groups, name="conv5"),
                layers.MaxPooling2D(3, 2, name="pool5"),
                layers.Flatten(),
                layers.Dense(4096),
                layers.Dense(4096),
                layers.Dense(num_classes),
            ]
        )

    registry.register("alexnet_of_a_test")(alexnet)
    summary = inspect(outline("alexnet_of_a_test"))
    assert (summary.parameters, summary.macs) == (parameters, macs)
    fields = [row.receptive_field[0] for row in summary.rows if row.name.startswith(("conv", "pool"))]
    assert fields == [11, 19, 51, 67, 99, 131, 163, 195]


def test_branches_are_listed_one_after_the_other_and_the_largest_receptive_field_counts() -> None:
    images = keras.Input((16, 16, 8), name="images")
    small = layers.Conv2D(4, 1, name="small")(images)
    large = layers.Conv2D(2, 1, name="large_reduce")(images)
    large = layers.Conv2D(4, 5, padding="same", name="large")(large)
    pooled = layers.MaxPooling2D(3, 1, padding="same", name="pool")(images)
    pooled = layers.Conv2D(4, 1, name="pool_proj")(pooled)
    joined = layers.Concatenate(name="joined")([small, large, pooled])
    after = layers.Conv2D(4, 3, strides=2, name="after")(joined)
    rows = rows_of(keras.Model(images, after))
    assert list(rows) == ["images", "small", "large_reduce", "large", "pool", "pool_proj", "joined", "after"]
    fields = {name: row.receptive_field for name, row in rows.items()}
    assert (fields["small"], fields["large"], fields["pool_proj"]) == ((1, 1), (5, 5), (3, 3))
    assert (fields["joined"], fields["after"]) == ((5, 5), (7, 7))


def test_the_receptive_field_may_differ_by_axis_and_includes_dilation() -> None:
    images = keras.Input((32, 32, 1))
    x = layers.Conv2D(1, (1, 5), strides=(1, 2), name="wide")(images)
    x = layers.Conv2D(1, 3, dilation_rate=4, name="dilated")(x)
    rows = rows_of(keras.Model(images, x))
    assert rows["wide"].receptive_field == (1, 5)
    assert rows["dilated"].receptive_field == (1 + 2 * 4, 5 + 2 * 4 * 2)


def test_the_first_pixel_of_a_receptive_field_follows_the_padding() -> None:
    images = keras.Input((32, 32, 1))
    x = layers.ZeroPadding2D(3, name="pad")(images)
    x = layers.Conv2D(1, 7, strides=2, name="valid")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pooled")(x)  # 16 to 8: one row after the maps, none before
    x = layers.Conv2D(1, 3, padding="same", name="same")(x)
    rows = rows_of(keras.Model(images, x))
    assert [rows[name].start for name in ("pad", "valid", "pooled", "same")] == [(-3, -3), (-3, -3), (-3, -3), (-7, -7)]


@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pooling_and_all_layers_after_it_see_the_whole_image(keepdims: bool) -> None:
    images = keras.Input((24, 20, 3))
    maps = layers.Conv2D(6, 3, padding="same")(images)
    gates = layers.GlobalAveragePooling2D(keepdims=keepdims, name="pooled")(maps)
    gates = layers.Dense(6, name="gates")(gates)
    x = layers.Multiply(name="gated")([maps, layers.Reshape((1, 1, 6))(gates)])
    x = layers.Conv2D(6, 3, name="after")(x)
    rows = rows_of(keras.Model(images, x))
    assert {rows[name].receptive_field for name in ("pooled", "gates", "gated", "after")} == {(24, 20)}


def test_a_depthwise_and_a_dense_kernel_count_once_per_position() -> None:
    images = keras.Input((10, 10, 4))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(images)
    x = layers.Dense(5, name="pointwise")(x)
    rows = rows_of(keras.Model(images, x))
    assert rows["depthwise"].macs == 8 * 8 * 9 * 4 * 2
    assert rows["pointwise"].macs == 8 * 8 * 8 * 5
    assert rows["pointwise"].receptive_field == (3, 3)


def test_a_layer_may_state_its_own_macs() -> None:
    class Scale(layers.Layer):
        def call(self, x: Any) -> Any:
            return 2.0 * x

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

        def macs(self, output_shape: tuple[int, ...]) -> int:
            return output_shape[0] * output_shape[1] * output_shape[2]

    images = keras.Input((4, 5, 6))
    assert inspect(keras.Model(images, Scale()(images))).macs == 4 * 5 * 6


def test_a_shared_layer_works_twice_and_is_counted_once() -> None:
    images = keras.Input((8, 8, 1))
    shared = layers.Conv2D(1, 3, padding="same", use_bias=False, name="shared")
    summary = inspect(keras.Model(images, shared(shared(images))))
    assert [(row.name, row.parameters, row.macs, row.receptive_field) for row in summary.rows[1:]] == [
        ("shared", 9, 8 * 8 * 9, (3, 3)),
        ("shared", 0, 8 * 8 * 9, (5, 5)),
    ]


def test_a_nested_model_is_walked_into() -> None:
    inner = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(3, 3, name="conv")], name="inner")
    images = keras.Input((10, 10, 1))
    x = layers.Conv2D(2, 3, name="first")(images)
    x = layers.Conv2D(1, 3, name="last")(inner(x))
    rows = rows_of(keras.Model(images, x))
    assert list(rows)[1:] == ["first", "inner/conv", "last"]
    assert [row.receptive_field for row in rows.values()] == [(1, 1), (3, 3), (5, 5), (7, 7)]
    assert rows["inner/conv"].parameters == 3 * (9 * 2 + 1)


def test_moving_statistics_are_parameters_that_are_not_trained() -> None:
    images = keras.Input((4, 4, 3))
    row = inspect(keras.Model(images, layers.BatchNormalization()(images))).rows[1]
    assert (row.parameters, row.trainable_parameters) == (12, 6)


def test_a_function_in_the_graph_has_a_row() -> None:
    images = keras.Input((4, 4, 3))
    row = inspect(keras.Model(images, ops.mean(images, axis=(1, 2)))).rows[1]
    assert (row.output_shape, row.parameters, row.macs, row.receptive_field) == ((3,), 0, 0, (4, 4))


def no_size() -> keras.Model:
    images = keras.Input((None, None, 3), name="images")
    return keras.Model(images, layers.Conv2D(1, 3)(images), name="flexible")


def no_graph() -> keras.Model:
    return keras.Sequential([layers.Dense(3)], name="flexible")


@pytest.mark.parametrize("make", [no_size, no_graph])
def test_a_model_without_sizes_is_refused_by_name(make: Callable[[], keras.Model]) -> None:
    with pytest.raises(ValueError, match="'flexible' must be a functional or Sequential model"):
        inspect(make())


def test_an_outline_never_draws_its_weights() -> None:
    drawn = []

    def initializer(shape: tuple[int, ...], dtype: Any = None) -> Any:
        drawn.append(shape)
        return ops.zeros(shape, dtype)

    def wide(input_shape: tuple[int, int, int] = (4, 4, 1), num_classes: int = 2) -> keras.Model:
        images = keras.Input(input_shape)
        x = layers.Dense(num_classes, kernel_initializer=initializer)(layers.Flatten()(images))
        return keras.Model(images, x)

    registry.register("wide")(wide)
    model = outline("wide", (1000, 1000, 3), 1000)
    registry.build("lenet5")
    assert inspect(model).parameters == 3_000_000 * 1000 + 1000
    assert drawn == []


def test_flattening_and_back_changes_no_receptive_field_and_none_falls_with_depth() -> None:
    rows = rows_of(outline("alphago_policy_small"))
    assert (
        rows["conv5"].receptive_field == rows["features"].receptive_field == rows["conv6"].receptive_field == (13, 13)
    )
    deep = [row.receptive_field[0] for row in inspect(outline("resnet50")).rows if "shortcut" not in row.name]
    assert deep[-1] == max(deep) > 224


@pytest.mark.parametrize(
    ("name", "window"), [("conv1", "11x11 /4"), ("pool1", "3x3 /2"), ("conv3", "3x3"), ("fc6", "")]
)
def test_a_window_is_stated_with_its_stride(name: str, window: str) -> None:
    assert rows_of(outline("alexnet"))[name].window == window


def test_layers_are_compared_by_the_settings_that_change_what_they_compute() -> None:
    ours = layers.Conv2D(6, 5, activation="tanh", kernel_initializer="zeros", name="c1")
    same = layers.Conv2D(6, (5, 5), activation="tanh", trainable=False, name="conv")
    assert compare_settings(ours, same) == {}
    assert compare_settings(ours, layers.Conv2D(6, 5, padding="same")) == {
        "padding": ("valid", "same"),
        "activation": ("tanh", "linear"),
    }
    assert next(iter(compare_settings(ours, layers.Dense(6)).items())) == ("class", ("Conv2D", "Dense"))
