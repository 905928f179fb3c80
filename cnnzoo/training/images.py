"""Loads, checks and divides the images of a training, without Keras."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cnnzoo import data
from cnnzoo.config import Config
from cnnzoo.errors import UserError

# What happens to an image when a setting is as many pixels as its side.
TOO_MANY = {
    "shift": "shift out of sight",
    "crop": "of padding may leave nothing of",
    "cutout": "a side make a square that may hide the whole of",
}


@dataclass(frozen=True)
class DividedImages:
    """A data set's training images, divided.

    Attributes:
        data_set: Description of the data set.
        whole: All images of its training part.
        training: The images to train on.
        validation: The images by which the best epoch is chosen.
        summary: Count of the images by part and of the files left out, for a folder of a person's own images.
    """

    data_set: data.DataSet
    whole: data.Subset
    training: data.Subset
    validation: data.Subset
    summary: data.Summary | None = None


def load_images(
    config: Config, data_dir: Path | None = None, division: Mapping[str, str] | None = None
) -> DividedImages:
    """Load the training images of a config's data set, and hold out the validation images.

    Args:
        config: The config.
        data_dir: Where the data set lies; None to search for it.
        division: The part of each file that a run to resume has begun with; see ``Run.division``.

    Raises:
        UserError: The data are not there or damaged, or the augmentation is not for such images.
    """
    data_set = data.describe(config.data)
    check_augmentation(config, data_set)
    whole = data.load(config.data, "train", data_dir).as_divided(division or {})
    with config.blaming("data.validation"):
        training, validation = data.hold_out(whole, config.data.validation, len(data_set.class_names))
    return DividedImages(data_set, whole, training, validation, whole.summary)


def check_batch_size(config: Config, count: int) -> None:
    """Check that the training images fill a batch.

    Args:
        config: The config.
        count: Number of training images.

    Raises:
        UserError: They do not.
    """
    with config.blaming("training.batch_size"):
        if config.training.batch_size > count:
            raise UserError(
                f"{config.training.batch_size:,} is more than the {count:,} training images; take as many or fewer."
            )


def check_augmentation(config: Config, data_set: data.DataSet) -> None:
    """Check that augmentation leaves something of the images, and finds colours where it changes them.

    Raises:
        UserError: It does not.
    """
    section, (height, width, channels) = config.augmentation, data_set.input_shape
    for key, does in TOO_MANY.items():
        pixels = getattr(section, key)
        if pixels >= min(height, width):
            with config.blaming(f"augmentation.{key}"):
                raise UserError(f"{pixels:g} pixels {does} an image of {data_set.title}, which is {height}x{width}.")
    for key in ("saturation", "hue", "lighting"):
        if channels != 3 and getattr(section, key):
            with config.blaming(f"augmentation.{key}"):
                raise UserError(f"the images of {data_set.title} have {channels} channel(s), not red, green and blue.")
