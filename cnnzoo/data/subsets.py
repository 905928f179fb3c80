"""A part of a data set, and how validation images are held out of the training part."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnzoo.data.images import ImageFiles
from cnnzoo.errors import UserError
from cnnzoo.text import listed, normalized

# Not the run's seed: every member of an ensemble must hold out the same images, or the members
# would be selected on images that their neighbours learnt from.
HOLD_OUT_SEED = 19981101


@dataclass(frozen=True)
class Summary:
    """What a training gets from a folder of images, and what it does not get.

    Attributes:
        class_names: In the order of the labels.
        images: How many each part has, by the part's name.
        left_out: How many files were left out, by kind, in words; empty where none were.
        left_out_count: How many these are together.
        notes: What was assumed, and what looks wrong.
    """

    class_names: tuple[str, ...]
    images: Mapping[str, int]
    left_out: str
    left_out_count: int
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the summary as lines for a person."""
        return [
            f"{len(self.class_names)} classes: {listed(self.class_names, shown=10)}",
            "images: " + ", ".join(f"{number:,} {part}" for part, number in self.images.items()),
            f"left out: {self.left_out or 'nothing'}",
            *(f"note: {note}" for note in self.notes),
        ]


@dataclass(frozen=True)
class Split:
    """Images with their labels.

    Attributes:
        images: (count, height, width, channels), grey or colour values 0 to 255, whole in memory or in their files.
        labels: (count,), class numbers from 0.
        remark: What is to be said of them wherever a result is, such as "1,000 of the 10,000 official test images".
        held: For a training part (count,) which images validate, where that is not for ``hold_out`` to draw.
        names: Of their files, where each has one of its own (count,); otherwise empty.
        folder: Where these names begin.
        summary: For the training part of a folder the counts of images by part and of the files that are left out.
    """

    images: NDArray[np.uint8] | ImageFiles
    labels: NDArray[np.int32]
    remark: str = ""
    held: NDArray[np.bool_] | None = None
    names: tuple[str, ...] = ()
    folder: Path | None = None
    summary: Summary | None = None

    def as_divided(self, division: Mapping[str, str]) -> "Split":
        """Return the training part with the files that a run learnt and validated, and no newer ones.

        Args:
            division: The part, "train" or "validation", of each file's name; empty where that is not known.
        """
        if not self.names or not division:
            return self
        parts = {normalized(name): part for name, part in division.items()}
        own = [parts.get(normalized(name)) for name in self.names]
        known = self.part(np.array([part is not None for part in own], dtype=bool))
        held = np.array([part == "validation" for part in own if part is not None], dtype=bool)
        new = own.count(None)
        note = f"{new:,} left out that were not in the folder or its parts when the run was trained" if new else ""
        remark = "; ".join(filter(None, [self.remark, note]))
        return replace(known, held=held, summary=self.summary, remark=remark)

    def part(self, mask: NDArray[np.bool_]) -> "Split":
        """Return the images that a mask (count,) is true for."""
        images = self.images.part(mask) if isinstance(self.images, ImageFiles) else self.images[mask]
        names = tuple(compress(self.names, mask))
        return Split(images, self.labels[mask], self.remark, names=names, folder=self.folder)


def hold_out(training: Split, validation: int | float, num_classes: int) -> tuple[Split, Split]:
    """Hold validation images out of the training images, each class in proportion.

    The choice depends on the labels and on nothing else, unless the training part brings one along. Both parts
    keep the order of the images.

    Args:
        training: What to divide.
        validation: Number of images, or a fraction between 0 and 1 when it is a float.
        num_classes: Classes of the data set.

    Returns:
        The remaining training part and the validation part, which has exactly the wanted number.

    Raises:
        UserError: One of the parts would be empty.
    """
    if training.held is not None:
        return training.part(~training.held), training.part(training.held)
    labels = training.labels
    count = len(labels)
    class_counts = np.bincount(labels, minlength=num_classes)
    class_quotas = quotas(class_counts, wanted_count(validation, count, "validation"))

    # Raw bits of a bit generator stay the same in every NumPy version; Generator.permutation need not.
    random_order = np.argsort(np.random.PCG64(HOLD_OUT_SEED).random_raw(count), kind="stable")
    by_class = random_order[np.argsort(labels[random_order], kind="stable")]
    rank_in_class = np.arange(count) - np.repeat(np.cumsum(class_counts) - class_counts, class_counts)
    held = np.zeros(count, dtype=bool)
    held[by_class[rank_in_class < np.repeat(class_quotas, class_counts)]] = True
    return training.part(~held), training.part(held)


def wanted_count(part: int | float, count: int, name: str) -> int:
    """Return how many images a part has.

    Args:
        part: Number of images, or a fraction between 0 and 1 when it is a float.
        count: Of all the images.
        name: Of the part, for the message.

    Raises:
        UserError: The part or the rest would be empty.
    """
    wanted = round(part * count) if isinstance(part, float) else part
    if count < 2:
        raise UserError(f"A {name} part cannot be taken of {count} image{'s'[: count != 1]}; put in more images.")
    if not 0 < wanted < count:
        numbers = f"a number from 1 to {count - 1:,}" if count > 2 else "the number 1"
        raise UserError(
            f"A {name} part of {part} does not divide {count:,} images: "
            f"give {numbers}, or a fraction between 0 and 1 that leaves some on either side."
        )
    return wanted


def quotas(class_counts: NDArray[np.int_], wanted: int) -> NDArray[np.int_]:
    """Return how many images of each class (num_classes,) make up a part with the classes in proportion."""
    # Largest remainders: whole images first, what is left to the classes that lost most by rounding.
    numbers, remainders = np.divmod(class_counts * wanted, class_counts.sum())
    numbers[np.argsort(-remainders, kind="stable")[: wanted - numbers.sum()]] += 1
    return numbers
