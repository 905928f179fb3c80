"""Training images as the network will see them: augmented, and drawn."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from cnnzoo import data
from cnnzoo.config import Config
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.pictures import plots
from cnnzoo.training.images import load_images
from cnnzoo.training.trainee import SHARE, Batches, EpochSeeds, Trainee

EPOCHS = 6


@dataclass(frozen=True)
class Preview:
    """Training images, and what the network is shown of them in the first epochs.

    Attributes:
        title: What the images are.
        images: The originals (count, height, width, channels), 0 to 255.
        class_names: The class of each image.
        epochs: For each epoch the images as the network sees them (count, height, width, channels), 0 to 255.
        labels: For each image its label in each epoch, where images are mixed; empty where they are not.
    """

    title: str
    images: NDArray[np.uint8]
    class_names: list[str]
    epochs: list[NDArray[np.float32]]
    labels: list[tuple[str, ...]]


def draw(preview: Preview, path: Path) -> None:
    """Draw the originals beside what the network sees of them.

    Args:
        preview: What is drawn.
        path: Of the picture; its suffix chooses the format.
    """
    plots.preview(preview.images, preview.epochs, preview.class_names, path, labels=preview.labels, title=preview.title)


def make_preview(config: Config, count: int = 8, data_dir: Path | None = None) -> Preview:
    """Augment training images as in the first epochs of a training.

    They are treated like a training's images, up to the network: augmented, shrunk by progressive resizing, padded,
    not yet normalized. A training draws other random numbers for the same image, because it has others in its batch.

    Args:
        config: Gives the data set, augmentation and seed.
        count: Number of images, chosen by the seed.
        data_dir: Where the data set lies; None to search for it.

    Raises:
        UserError: The data are not there or damaged, or the augmentation is not for such images.
    """
    config = data.resolved(config, data_dir)
    divided = load_images(config, data_dir)
    known, training = divided.data_set, divided.training
    number = min(count, len(training.labels))
    chosen = np.sort(np.random.default_rng(config.seed).permutation(len(training.labels))[:number])
    images, names = (
        training.images.take(training.indices[chosen]),
        [known.class_names[label] for label in training.labels[chosen]],
    )

    network = keras.Sequential([keras.Input(known.input_shape), layers.ZeroPadding2D(config.preprocessing.pad)])
    trainee = Trainee(network, None, Augmentation(config.augmentation, training), label_smoothing=0.0)
    indices = training.indices[chosen]
    seeds = EpochSeeds(config.seed, Batches(indices, training.labels[chosen], number, whole=True))
    seeds.set_model(trainee)
    resizing = config.training.progressive_resizing
    copies, labels = [], []
    for epoch in range(EPOCHS):
        trainee.shrink_images(resizing.scale if resizing and epoch < resizing.epochs else 1.0)
        seeds.on_epoch_begin(epoch)
        outputs = trainee((images, indices), training=True)
        copies.append(ops.convert_to_numpy(outputs["logits"] if isinstance(outputs, dict) else outputs))
        if isinstance(outputs, dict):
            partners = [*names[1:], names[0]]
            shares = ops.convert_to_numpy(outputs[SHARE])
            labels.append([_mixed(*mix) for mix in zip(names, partners, shares, strict=True)])
    title = f"{known.title}: training images as the network sees them"
    return Preview(title, images, names, copies, list(zip(*labels, strict=True)))


def _mixed(name: str, partner: str, share: float) -> str:
    """Return the label of a mixed image, in whole percents."""
    own = round(100 * share)
    if own == 100 or name == partner:
        return name
    return partner if own == 0 else f"{own} % {name}\n{100 - own} % {partner}"
