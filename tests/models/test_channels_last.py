"""The networks have their channels last, also in a program or beside a ``keras.json`` that puts them first."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest
import toys

import cnnzoo
import cnnzoo.models
from cnnzoo import inspection

# Together they have every layer of images, and every builder.
NETWORKS = [
    "alexnet",
    "alphago_policy_small",
    "googlenet_bn",
    pytest.param("googlenet_small", marks=pytest.mark.slow),
    "lecture_tensorflow",
    "lenet5",
    "lenet5_1998",
    "resnet20",
    "resnet50",
    "vgg11_lrn",
    "vgg11_small",
]


@pytest.fixture
def channels_first() -> Iterator[None]:
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_the_same_layers_where_channels_come_first_by_default(name: str, channels_first: None) -> None:
    model = inspection.outline(name)
    keras.config.set_image_data_format("channels_last")
    assert inspection.inspect(model) == inspection.inspect(toys.outline(name))
    first = {layer.name for layer in model.layers if getattr(layer, "data_format", "channels_last") != "channels_last"}
    assert not first or name == "resnet20"  # whose shortcuts pad the channels, the side that this layer takes them for
    assert all(name.endswith("shortcut") for name in first)


@pytest.mark.every_backend
def test_a_network_computes_the_same_where_channels_come_first_by_default(channels_first: None) -> None:
    images = np.random.default_rng(0).random((2, 32, 32, 1), "float32")
    model = cnnzoo.build("lenet5_1998")
    before = keras.ops.convert_to_numpy(model(images))
    keras.config.set_image_data_format("channels_last")
    same = keras.models.clone_model(model)
    same.set_weights(model.get_weights())
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(same(images)), before)
