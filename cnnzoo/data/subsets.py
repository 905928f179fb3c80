"""The images of one split, and how validation images are held out of the training images."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import compress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnzoo.config import Split
from cnnzoo.data.duplicates import content_hash
from cnnzoo.data.images import Images, Pixels
from cnnzoo.errors import UserError
from cnnzoo.text import listed, normalized

# Not the run's seed: all members of an ensemble must hold out the same images. Otherwise their best epochs would be
# chosen on images that other members are trained on.
HOLD_OUT_SEED = 19981101


class Summary(Protocol):
    """The counts of a data set by split and what is left out; a dataclass."""

    @property
    def training_count(self) -> int:
        """Number of images to train on."""

    def lines(self) -> list[str]:
        """Return the summary as lines of text."""


@dataclass(frozen=True)
class FolderSummary:
    """The images of a folder by split, and the files that are left out.

    Attributes:
        class_names: In the order of the labels.
        images: Number of images, by split.
        left_out: How many files of each kind are left out, for a person; empty if there are none.
        left_out_count: Number of files that are left out.
        notes: What was assumed, and what may be wrong.
    """

    class_names: tuple[str, ...]
    images: Mapping[str, int]
    left_out: str
    left_out_count: int
    notes: tuple[str, ...]

    @property
    def training_count(self) -> int:
        """Number of images to train on."""
        return self.images["train"]

    def lines(self) -> list[str]:
        """Return the summary as lines of text."""
        return [
            f"{len(self.class_names)} classes: {listed(self.class_names, shown=10)}",
            "images: " + ", ".join(f"{number:,} {split}" for split, number in self.images.items()),
            f"left out: {self.left_out or 'nothing'}",
            *(f"note: {note}" for note in self.notes),
        ]


@dataclass(frozen=True)
class Subset:
    """The images of one split with their labels.

    Attributes:
        images: The images of this subset, perhaps together with others.
        indices: The positions of the subset's images in ``images`` (count,).
        labels: Class numbers from 0 (count,), int32.
        note: A caveat about the images, such as "1,000 of the 10,000 official test images".
        is_validation: For each training image whether it is a validation image (count,); None if ``hold_out`` chooses
            them.
        names: The names of the images' files (count,); empty if the images have no files of their own.
        folder: The folder that these names are relative to.
        summary: For the training images of a folder or of Go games: counts and what is left out.
    """

    images: Images
    indices: NDArray[np.int32]
    labels: NDArray[np.int32]
    note: str = ""
    is_validation: NDArray[np.bool_] | None = None
    names: tuple[str, ...] = ()
    folder: Path | None = None
    summary: Summary | None = None

    @classmethod
    def of_all(cls, images: Images, labels: NDArray[np.int32], note: str = "", **details: Any) -> "Subset":
        """Return the subset of all images."""
        return cls(images, np.arange(len(labels), dtype="int32"), labels, note, **details)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    @property
    def pixels(self) -> Pixels:
        """The pixels (count, height, width, channels); images in files are decoded."""
        return self.images.take(self.indices)

    def chunks(self) -> Iterator[Pixels]:
        """Yield the images in arrays that fit into memory."""
        return self.images.chunks(self.indices)

    def fingerprint(self) -> bytes:
        """Return the SHA-256 of the pixels, the same in memory and in files."""
        return self.images.fingerprint(self.indices)

    def hashes(self) -> tuple[bytes, ...]:
        """Return a hash of each image (count,): of its file if it has one, otherwise of its pixels.

        Raises:
            OSError: A file can no longer be read.
        """
        if self.folder:
            return tuple(content_hash(self.folder / name) for name in self.names)
        return self.images.hashes(self.indices)

    def select(self, mask: NDArray[np.bool_]) -> "Subset":
        """Return the images for which a mask (count,) is true."""
        names = tuple(compress(self.names, mask))
        return Subset(self.images, self.indices[mask], self.labels[mask], self.note, names=names, folder=self.folder)

    def with_note(self, note: str) -> "Subset":
        """Return the same images with one more note, unless it is empty."""
        return replace(self, note="; ".join(filter(None, [self.note, note])))

    def as_divided(self, division: Mapping[str, str]) -> "Subset":
        """Return the training images that a run trained and validated on, without the files that came later.

        Args:
            division: The split, "train" or "validation", of each file's name; empty where it is not recorded.
        """
        if not self.names or not division:
            return self
        split_of = {normalized(name): split for name, split in division.items()}
        splits = np.array([split_of.get(normalized(name), "") for name in self.names], dtype=str)
        recorded = self.select(splits != "")
        new = len(self) - len(recorded)
        note = f"images left out because they were not in these splits when the run was trained: {new:,}" if new else ""
        is_validation = splits[splits != ""] == "validation"
        return replace(recorded, is_validation=is_validation, summary=self.summary).with_note(note)


def fingerprint_division(every: Subset, training: Subset, validation: Subset) -> str:
    """Return a hash of all training images, their labels and their division into two."""
    parts = (every.fingerprint(), training.labels.tobytes(), validation.labels.tobytes())
    return sha256(b"".join(parts)).hexdigest()


def hold_out(training: Subset, validation: int | float, num_classes: int) -> tuple[Subset, Subset]:
    """Hold validation images out of the training images, each class in proportion.

    The choice depends on the labels alone, unless the training images say which of them validate. Both subsets keep
    the order of the images.

    Args:
        training: The images to divide.
        validation: Number of validation images (int), or their fraction between 0 and 1 (float).
        num_classes: Classes of the data set.

    Returns:
        The remaining training images, and exactly as many validation images as asked for.

    Raises:
        UserError: One of the two would be empty.
    """
    is_validation = training.is_validation
    if is_validation is None:
        labels, count = training.labels, len(training)
        class_counts = np.bincount(labels, minlength=num_classes)
        class_quotas = quotas(class_counts, count_of_split(validation, count, "validation"))
        # Raw bits of a bit generator stay the same in every NumPy version; Generator.permutation need not.
        random_order = np.argsort(np.random.PCG64(HOLD_OUT_SEED).random_raw(count), kind="stable")
        by_class = random_order[np.argsort(labels[random_order], kind="stable")]
        rank_in_class = np.arange(count) - np.repeat(np.cumsum(class_counts) - class_counts, class_counts)
        is_validation = np.zeros(count, dtype=bool)
        is_validation[by_class[rank_in_class < np.repeat(class_quotas, class_counts)]] = True
    validation_count = int(is_validation.sum())
    if not 0 < validation_count < len(training):
        raise UserError(
            f"{training.folder or 'The data set'} has {len(training) - validation_count:,} training images and "
            f"{validation_count:,} validation images, and both are needed; put the missing images back."
        )
    return training.select(~is_validation), training.select(is_validation)


def draw(subset: Subset, most: int) -> Subset:
    """Return a subset, or if it is larger ``most`` of its images, drawn at random; always the same ones."""
    if len(subset) <= most:
        return subset
    rows = np.arange(len(subset))
    chosen = np.isin(rows, choose_at_random(rows, most))
    return subset.select(chosen).with_note(f"{most:,} of {len(subset):,}, drawn at random")


def choose_at_random(numbers: NDArray[Any], most: int) -> NDArray[Any]:
    """Return sorted numbers (count,), or ``most`` of them drawn at random; always the same ones."""
    order = np.argsort(np.random.PCG64(HOLD_OUT_SEED).random_raw(len(numbers)), kind="stable")
    return np.sort(numbers[order[:most]])


def count_of_split(size: int | float, count: int, split: Split, noun: str = "image") -> int:
    """Return how many images a split has.

    Args:
        size: Number of images (int), or their fraction between 0 and 1 (float).
        count: Number of all images.
        split: The split, for the message.
        noun: What is divided, for the message.

    Raises:
        UserError: The split or the rest would be empty.
    """
    number = round(size * count) if isinstance(size, float) else size
    if count < 2:
        raise UserError(
            f"{count} {noun}{'s'[: count != 1]} cannot be divided into a {split} split and the rest; add more {noun}s."
        )
    if not 0 < number < count:
        possible = f"a number from 1 to {count - 1:,}" if count > 2 else "the number 1"
        side = "it" if number == 0 else "the other splits"
        raise UserError(
            f"A {split} split of {size} of {count:,} {noun}s leaves none for {side}; add {noun}s, or set {possible}, "
            "or another fraction."
        )
    return number


def quotas(class_counts: NDArray[np.int_], count: int) -> NDArray[np.int_]:
    """Return how many images of each class (num_classes,) to choose, so that the classes stay in proportion."""
    # The method of largest remainders: round down, then add one for the classes with the largest remainders.
    numbers, remainders = np.divmod(class_counts * count, class_counts.sum())
    numbers[np.argsort(-remainders, kind="stable")[: count - numbers.sum()]] += 1
    return numbers
