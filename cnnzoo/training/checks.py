"""What a config asks for, checked as far as that takes no images."""

import cnnzoo.models  # noqa: F401 - registers the zoo
from cnnzoo import data
from cnnzoo.config import Config
from cnnzoo.data.preprocessing import padded_shape
from cnnzoo.errors import UserError
from cnnzoo.inspection import outline

# What pixels do that are as many as an image's side.
TOO_MANY = {
    "shift": "shift out of sight",
    "crop": "of padding may leave nothing of",
    "cutout": "a side make a square that may hide the whole of",
}


def check_config(config: Config) -> None:
    """Check that network and augmentation take the images and classes of the data set.

    Raises:
        UserError: One does not.
    """
    known = data.describe(data.resolved(config).data)
    check_augmentation(config, known)
    with config.blaming("model"):
        input_shape = padded_shape(config.preprocessing, known.input_shape)
        outline(config.model.name, input_shape, len(known.class_names), **config.model.options)


def check_augmentation(config: Config, known: data.DataSet) -> None:
    """Check that augmentation leaves something of the images, and finds colours where it changes them.

    Raises:
        UserError: It does not.
    """
    section, (height, width, channels) = config.augmentation, known.input_shape
    for key, does in TOO_MANY.items():
        pixels = getattr(section, key)
        if pixels >= min(height, width):
            with config.blaming(f"augmentation.{key}"):
                raise UserError(f"{pixels:g} pixels {does} an image of {known.title}, which is {height}x{width}.")
    for key in ("saturation", "hue", "lighting"):
        if channels != 3 and getattr(section, key):
            with config.blaming(f"augmentation.{key}"):
                raise UserError(f"the images of {known.title} have {channels} channel(s), not red, green and blue.")
