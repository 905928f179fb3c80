"""Checks of a config that build the network's outline and load no images."""

from keras import Model

import cnnzoo.models  # noqa: F401 - registers the zoo
from cnnzoo import data
from cnnzoo.config import Config
from cnnzoo.data.augmentation.geometry import shrunk_size
from cnnzoo.data.preprocessing import padded_shape
from cnnzoo.errors import UserError
from cnnzoo.inspection import outline
from cnnzoo.training.images import check_augmentation


def check_config(config: Config) -> None:
    """Check that network and augmentation take the images and classes of the data set.

    Raises:
        UserError: One does not.
    """
    known = data.describe(data.resolved(config).data)
    check_augmentation(config, known)
    with config.blaming("model"):
        whole = _outline(config, known.input_shape, len(known.class_names))
    check_resizing(config, known, whole)


def check_resizing(config: Config, known: data.DataSet, whole: Model | None = None) -> None:
    """Check that the network has the same weights for the smaller images of progressive resizing, if there are any.

    Args:
        config: The config.
        known: Its data set.
        whole: The network for the images as they are; None to build it here.

    Raises:
        UserError: It has not.
    """
    section, classes = config.training.progressive_resizing, len(known.class_names)
    if section is None:
        return
    height, width, channels = known.input_shape
    height, width = small = shrunk_size((height, width), section.scale)
    if small == known.input_shape[:2]:
        with config.blaming("training.progressive_resizing.scale"):
            raise UserError(f"{section.scale:g} makes images of {height}x{width} no smaller.")
    with config.blaming("training.progressive_resizing"):
        whole = whole or _outline(config, known.input_shape, classes)
        if _shapes(_outline(config, (height, width, channels), classes)) != _shapes(whole):
            raise UserError(
                f"{config.model.name} has other weights for images of {height}x{width}; "
                "networks that end in global average pooling, such as the ResNets, have the same for all sizes."
            )


def _outline(config: Config, input_shape: tuple[int, int, int], classes: int) -> Model:
    return outline(config.model.name, padded_shape(config.preprocessing, input_shape), classes, **config.model.options)


def _shapes(network: Model) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in network.weights]
