"""Loads, checks and divides the images of a training, without Keras."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cnnzoo import data
from cnnzoo.config import AugmentationSection, Config
from cnnzoo.errors import UserError

# Why a setting must be smaller than the image's side.
TOO_LARGE = {
    "shift": "a shift by {pixels:g} pixels can leave nothing of {image}.",
    "crop": "a crop after padding by {pixels:g} pixels can leave nothing of {image}.",
    "cutout": "a square of {pixels:g} pixels a side can hide all of {image}.",
}


@dataclass(frozen=True)
class DividedImages:
    """The training images of a data set, divided into images to train on and validation images.

    Attributes:
        data_set: Description of the data set.
        all_images: All training images.
        training: The images to train on.
        validation: The images that the best epoch is chosen by.
        summary: For images or games of the user's own the counts by split and what is left out.
    """

    data_set: data.DataSet
    all_images: data.Subset
    training: data.Subset
    validation: data.Subset
    summary: data.Summary | None = None


def load_images(
    config: Config, data_dir: Path | None = None, division: Mapping[str, str] | None = None
) -> DividedImages:
    """Load the training images of a config's data set, and hold out the validation images.

    Args:
        config: The config.
        data_dir: The directory of the data set; None to search for it.
        division: For a run to resume, the split of each file; see ``Run.division``.

    Raises:
        UserError: The data are missing or damaged, or the augmentation does not fit the images.
    """
    data_set = data.describe(config.data)
    check_augmentation(config, data_set)
    all_images = data.load(config.data, "train", data_dir).as_divided(division or {})
    return DividedImages(data_set, all_images, *data.divide_training(config, all_images), all_images.summary)


def check_batch_size(config: Config, count: int) -> None:
    """Check that the training images fill a batch.

    Args:
        config: The config.
        count: Number of training images.

    Raises:
        UserError: The batch is larger.
    """
    noun = data.describe(config.data).noun
    with config.at_key("training.batch_size"):
        if config.training.batch_size > count:
            raise UserError(
                f"{config.training.batch_size:,} is more than the {count:,} training {noun}s; take at most {count:,}."
            )


def check_augmentation(config: Config, data_set: data.DataSet) -> None:
    """Check that augmentation leaves something of each image, and that images have colours if it changes them.

    Boards of Go have nothing but their symmetries.

    Raises:
        UserError: It can remove all of an image, the images have no colours, or it does not suit boards.
    """
    section, (height, width, channels) = config.augmentation, data_set.input_shape
    if data_set.is_board:
        _check_boards(config)
    elif section.symmetries:
        with config.at_key("augmentation.symmetries"):
            raise UserError(f"{data_set.title} has images, not boards of Go; for images there are mirror and rotation.")
    image = f"an image of {data_set.title}, which is {height}x{width}"
    for key, sentence in TOO_LARGE.items():
        pixels = getattr(section, key)
        if pixels >= min(height, width):
            with config.at_key(f"augmentation.{key}"):
                raise UserError(sentence.format(pixels=pixels, image=image))
    for key in ("saturation", "hue", "lighting"):
        if channels != 3 and getattr(section, key):
            with config.at_key(f"augmentation.{key}"):
                raise UserError(f"the images of {data_set.title} have {channels} channel(s), not red, green and blue.")


def _check_boards(config: Config) -> None:
    """Check that nothing changes boards of Go but their symmetries."""
    section, defaults = config.augmentation, AugmentationSection()
    for key in AugmentationSection.model_fields:
        if key != "symmetries" and getattr(section, key) != getattr(defaults, key):
            with config.at_key(f"augmentation.{key}"):
                raise UserError("boards of Go can only be turned and mirrored; use symmetries: true instead.")
