"""A part of a data set, and how validation images are held out of the training part."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnzoo.errors import UserError

# Not the run's seed: every member of an ensemble must hold out the same images, or the members
# would be selected on images that their neighbours learnt from.
HOLD_OUT_SEED = 19981101


@dataclass(frozen=True)
class Split:
    """Images with their labels, whole in memory.

    Attributes:
        images: (count, height, width, channels), grey or colour values 0 to 255.
        labels: (count,), class numbers from 0.
        remark: What is to be said of them wherever a result is, such as "1,000 of the 10,000 official test images".
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]
    remark: str = ""


def hold_out(training: Split, validation: int | float, num_classes: int) -> tuple[Split, Split]:
    """Hold validation images out of the training images, each class in proportion.

    The choice depends on the labels and on nothing else. Both parts keep the order of the images.

    Args:
        training: What to divide.
        validation: Number of images, or a fraction between 0 and 1 when it is a float.
        num_classes: Classes of the data set.

    Returns:
        The remaining training part and the validation part, which has exactly the wanted number.

    Raises:
        UserError: One of the parts would be empty.
    """
    labels = training.labels
    count = len(labels)
    wanted = round(validation * count) if isinstance(validation, float) else validation
    if not 0 < wanted < count:
        raise UserError(
            f"A validation part of {validation} does not divide {count:,} training images: "
            f"give a number from 1 to {count - 1:,}, or a fraction between 0 and 1 that leaves some on either side."
        )

    class_counts = np.bincount(labels, minlength=num_classes)
    # Largest remainders: whole images first, what is left to the classes that lost most by rounding.
    quotas, remainders = np.divmod(class_counts * wanted, count)
    quotas[np.argsort(-remainders, kind="stable")[: wanted - quotas.sum()]] += 1

    # Raw bits of a bit generator stay the same in every NumPy version; Generator.permutation need not.
    random_order = np.argsort(np.random.PCG64(HOLD_OUT_SEED).random_raw(count), kind="stable")
    by_class = random_order[np.argsort(labels[random_order], kind="stable")]
    rank_in_class = np.arange(count) - np.repeat(np.cumsum(class_counts) - class_counts, class_counts)
    held = np.zeros(count, dtype=bool)
    held[by_class[rank_in_class < np.repeat(quotas, class_counts)]] = True
    return (
        Split(training.images[~held], labels[~held], training.remark),
        Split(training.images[held], labels[held], training.remark),
    )
