"""Preview of a training: a picture of its images as the network sees them, augmented."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from cnnzoo import data
from cnnzoo.config import Config
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.errors import UserError
from cnnzoo.pictures.training import draw_preview
from cnnzoo.training.images import load_images
from cnnzoo.training.model import TARGETS, TrainingModel

EPOCHS = 6


@dataclass(frozen=True)
class Preview:
    """Training images, and what the network sees of them in the first epochs.

    Attributes:
        title: Of the picture.
        images: The originals (count, height, width, channels), 0 to 255.
        class_names: The class of each image.
        epochs: For each epoch the images as the network sees them (count, height, width, channels), 0 to 255.
        labels: For each image its labels in all epochs, if images are mixed; otherwise empty.
    """

    title: str
    images: NDArray[np.uint8]
    class_names: list[str]
    epochs: list[NDArray[np.float32]]
    labels: list[tuple[str, ...]]


def draw(preview: Preview, path: Path) -> None:
    """Draw the originals beside what the network sees of them.

    Args:
        preview: What to draw.
        path: The picture's file; its suffix chooses the format.
    """
    draw_preview(preview.images, preview.epochs, preview.class_names, path, labels=preview.labels, title=preview.title)


def make_preview(config: Config, count: int = 8, data_dir: Path | None = None) -> Preview:
    """Augment training images as in the first epochs of a training.

    The images are augmented, shrunk by progressive resizing and padded, but not normalized. The random numbers are not
    those of the training, where the same image is in a batch with other images.

    Args:
        config: The data set, augmentation, resizing, padding and seed.
        count: Number of images; the seed chooses them.
        data_dir: The directory of the data set; None to search for it.

    Raises:
        UserError: The data are missing or damaged, or boards of Go, or the augmentation does not suit the images.
    """
    if data.describe(config.data).is_board:
        with config.at_key("data"):
            raise UserError("boards of Go have no preview; cnnzoo go show draws a position of a game.")
    config = data.resolve_folder(config, data_dir)
    divided = load_images(config, data_dir)
    data_set, training = divided.data_set, divided.training
    sample = np.random.default_rng(config.seed).permutation(len(training))[:count]
    subset = training.select(np.isin(np.arange(len(training)), sample))
    network = keras.Sequential([keras.Input(data_set.input_shape), layers.ZeroPadding2D(config.preprocessing.pad)])
    augmentation, mixes = config.augmentation, config.augmentation.mixup or config.augmentation.cutmix
    model = TrainingModel(network, None, Augmentation(augmentation, training), classes=len(data_set.class_names))
    resizing = config.training.progressive_resizing
    epochs, labels = [], []
    for epoch in range(EPOCHS):
        model.shrink_images(resizing.scale if resizing and epoch < resizing.epochs else 1.0)
        model.seed_epoch(config.seed, epoch)
        outputs = model((subset.pixels, subset.indices, subset.labels), training=True)
        epochs.append(ops.convert_to_numpy(outputs["logits"]))
        if mixes:
            targets = ops.convert_to_numpy(outputs[TARGETS])
            labels.append(
                [_format_mixed_label(*pair, data_set.class_names) for pair in zip(subset.labels, targets, strict=True)]
            )
    title = f"{data_set.title}: training images as the network sees them"
    names = [data_set.class_names[label] for label in subset.labels]
    return Preview(title, subset.pixels, names, epochs, list(zip(*labels, strict=True)))


def _format_mixed_label(label: int, target: NDArray[np.float32], class_names: tuple[str, ...]) -> str:
    """Return the label of a mixed image, in whole percents."""
    share = round(100 * float(target[label]))
    if share == 100:
        return class_names[label]
    partner = class_names[np.where(np.arange(len(target)) == label, 0, target).argmax()]
    return partner if share == 0 else f"{share} % {class_names[label]}\n{100 - share} % {partner}"
