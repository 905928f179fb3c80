"""What a training will show its network, drawn."""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from cnnzoo import data, plots
from cnnzoo.config import Config
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.training.checks import check_augmentation
from cnnzoo.training.trainee import SHARE, Batches, EpochSeeds, Trainee

EPOCHS = 6


def draw(config: Config, path: Path, count: int = 8, data_dir: Path | None = None) -> list[str]:
    """Draw training images beside what becomes of them in the first epochs.

    They go the way of a training's images, up to the network: augmented, shrunk where progressive resizing does it,
    padded, not yet normalized. A training draws other changes for the same image, because it has others in its batch.

    Args:
        config: Whose data set, augmentation and seed are taken.
        path: Of the picture; its suffix chooses the format.
        count: Images to draw, chosen by the seed.
        data_dir: Where the data set lies; None to search for it.

    Returns:
        The class of each image drawn.

    Raises:
        UserError: The data are not there or damaged, or the augmentation is not for such images.
    """
    config = data.resolved(config, data_dir)
    known = data.describe(config.data)
    check_augmentation(config, known)
    whole = data.load(config.data, "train", data_dir)
    with config.blaming("data.validation"):
        training, _ = data.hold_out(whole, config.data.validation, len(known.class_names))
    number = min(count, len(training.labels))
    chosen = np.sort(np.random.default_rng(config.seed).permutation(len(training.labels))[:number])
    images, names = training.images[chosen], [known.class_names[label] for label in training.labels[chosen]]

    network = keras.Sequential([keras.Input(known.input_shape), layers.ZeroPadding2D(config.preprocessing.pad)])
    trainee = Trainee(network, images, Augmentation(config.augmentation, training.images), label_smoothing=0.0)
    indices = np.arange(number, dtype="int32")
    seeds = EpochSeeds(config.seed, Batches(indices, training.labels[chosen], number, whole=True))
    seeds.set_model(trainee)
    resizing = config.training.progressive_resizing
    copies, labels = [], []
    for epoch in range(EPOCHS):
        trainee.shrink_images(resizing.scale if resizing and epoch < resizing.epochs else 1.0)
        seeds.on_epoch_begin(epoch)
        outputs = trainee(indices, training=True)
        copies.append(ops.convert_to_numpy(outputs["logits"] if isinstance(outputs, dict) else outputs))
        if isinstance(outputs, dict):
            partners = [*names[1:], names[0]]
            shares = ops.convert_to_numpy(outputs[SHARE])
            labels.append([_mixed(*mix) for mix in zip(names, partners, shares, strict=True)])
    title = f"{known.title}: training images as the network sees them"
    plots.preview(images, copies, names, path, labels=list(zip(*labels, strict=True)), title=title)
    return names


def _mixed(name: str, partner: str, share: float) -> str:
    """Return the label of a mixed image, in whole percents."""
    own = round(100 * share)
    if own == 100 or name == partner:
        return name
    return partner if own == 0 else f"{own} % {name}\n{100 - own} % {partner}"
