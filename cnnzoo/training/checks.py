"""Checks of a config that build the network's outline and load no images."""

from keras import Model

from cnnzoo import data
from cnnzoo.config import Config
from cnnzoo.data.augmentation.geometry import shrunk_size
from cnnzoo.data.preprocessing import padded_shape
from cnnzoo.errors import UserError
from cnnzoo.inspection import outline
from cnnzoo.training.images import check_augmentation


def check_config(config: Config) -> None:
    """Check that the network and the augmentation can take the images and classes of the data set.

    Raises:
        UserError: The network or the augmentation cannot take them.
    """
    data_set = data.describe(data.resolve_folder(config).data)
    check_augmentation(config, data_set)
    with config.at_key("model"):
        network = _make_outline(config, data_set.input_shape, len(data_set.class_names))
    check_resizing(config, data_set, network)


def check_resizing(config: Config, data_set: data.DataSet, network: Model | None = None) -> None:
    """Check that progressive resizing, if it is on, makes images smaller and leaves the network's weights the same.

    Args:
        config: The config.
        data_set: Its data set.
        network: The network for the images' full size; None to build it here.

    Raises:
        UserError: The images keep their size, or the weights would have other shapes.
    """
    section, classes = config.training.progressive_resizing, len(data_set.class_names)
    if section is None:
        return
    height, width, channels = data_set.input_shape
    height, width = small = shrunk_size((height, width), section.scale)
    if small == data_set.input_shape[:2]:
        with config.at_key("training.progressive_resizing.scale"):
            raise UserError(
                f"{section.scale:g} leaves images of {height}x{width} at their size; choose a smaller scale."
            )
    with config.at_key("training.progressive_resizing"):
        network = network or _make_outline(config, data_set.input_shape, classes)
        if _list_shapes(_make_outline(config, (height, width, channels), classes)) != _list_shapes(network):
            raise UserError(
                f"{config.model.name} has weights of other shapes for images of {height}x{width}; "
                "choose a network that ends in global average pooling, such as a ResNet."
            )


def _make_outline(config: Config, input_shape: tuple[int, int, int], classes: int) -> Model:
    return outline(config.model.name, padded_shape(config.preprocessing, input_shape), classes, **config.model.options)


def _list_shapes(network: Model) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in network.weights]
