"""The data sets: what they are, where they lie, and their images.

Importing this loads NumPy and nothing heavier.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cnnzoo.data import digits, idx_sets
from cnnzoo.data.idx_sets import FileCheck
from cnnzoo.data.locations import check_named
from cnnzoo.data.mnist import SOURCES
from cnnzoo.data.splits import Split, hold_out
from cnnzoo.errors import UserError, did_you_mean

__all__ = ["DATA_SETS", "DataSet", "FileCheck", "Split", "describe", "fetch", "hold_out", "load", "verify", "where"]


@dataclass(frozen=True)
class DataSet:
    """What is known of a data set without loading it.

    Attributes:
        name: The registered name.
        title: The name as people write it.
        class_names: What the labels 0, 1, ... stand for.
        input_shape: Height, width and channels.
        train_count: Images in the training part.
        test_count: Images in the test part.
        glyphs: Light strokes on a dark ground, centred: a photographed one is cropped to its ink.
        source: Who made it, where from and on what terms.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    train_count: int
    test_count: int
    glyphs: bool
    source: str


_DIGIT_NAMES = tuple("0123456789")

DATA_SETS: dict[str, DataSet] = {
    data_set.name: data_set
    for data_set in (
        DataSet(
            name="mnist",
            title="MNIST",
            class_names=_DIGIT_NAMES,
            input_shape=(28, 28, 1),
            train_count=60_000,
            test_count=10_000,
            glyphs=True,
            source="LeCun, Cortes and Burges, from NIST's forms; usually quoted as CC BY-SA 3.0",
        ),
        DataSet(
            name="fashion_mnist",
            title="Fashion-MNIST",
            class_names=(
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
            input_shape=(28, 28, 1),
            train_count=60_000,
            test_count=10_000,
            glyphs=False,
            source="Xiao, Rasul and Vollgraf 2017, Zalando SE; MIT licence",
        ),
        DataSet(
            name="digits",
            title="Handwritten digits of scikit-learn",
            class_names=_DIGIT_NAMES,
            input_shape=(28, 28, 1),
            train_count=digits.TRAIN_COUNT,
            test_count=digits.TEST_COUNT,
            glyphs=True,
            source="Alpaydin and Kaynak 1998, UCI Machine Learning Repository; CC BY 4.0",
        ),
    )
}


def describe(name: str) -> DataSet:
    """Return what is known of a data set.

    Raises:
        UserError: There is no such data set; the nearest name is suggested.
    """
    if name not in DATA_SETS:
        raise UserError(f"There is no data set '{name}'.{did_you_mean(name, DATA_SETS)}")
    return DATA_SETS[name]


def load(name: str, split: Literal["train", "test"], data_dir: Path | None = None) -> Split:
    """Load one part of a data set; the other part's files are not read.

    Args:
        name: A name in DATA_SETS.
        split: The part.
        data_dir: The only directory to look in. None: ``CNNZOO_DATA_DIR``, the cache, Keras's
            cache, and then a download into the cache.

    Returns:
        The images (count, height, width, channels) and their labels (count,).

    Raises:
        UserError: The name is unknown, or the files are not there, cannot be downloaded or are not
            what they should be.
    """
    check_named(data_dir)
    if describe(name).name in SOURCES:
        return idx_sets.load(SOURCES[name], split, data_dir)
    return digits.load(split)


def fetch(name: str, data_dir: Path | None = None) -> list[Path]:
    """Download what is missing or wrong.

    Args:
        name: A name in DATA_SETS.
        data_dir: Where to look and where to put it. None: looked for as by ``load``, put into the cache.

    Returns:
        Where the files now are; none for ``digits``, which is never missing.

    Raises:
        UserError: The name is unknown, or a file can be had from no mirror or cannot be written.
    """
    if describe(name).name in SOURCES:
        return idx_sets.fetch(SOURCES[name], data_dir)
    return []


def verify(name: str, data_dir: Path | None = None) -> list[FileCheck]:
    """Check a data set's files where they are found, looked for as by ``load``.

    Raises:
        UserError: The name is unknown or the data directory does not exist.
    """
    check_named(data_dir)
    if describe(name).name in SOURCES:
        return idx_sets.verify(SOURCES[name], data_dir)
    right = digits.payload_is_right()
    detail = "" if right else "are not the digits that this version was written for"
    return [FileCheck(name, "inside scikit-learn", None, "right" if right else "wrong", detail)]


def where(name: str, data_dir: Path | None = None) -> str | None:
    """Say where a data set's files lie, in words; None when they are not here.

    Raises:
        UserError: The name is unknown.
    """
    check_named(data_dir)
    if describe(name).name in SOURCES:
        return idx_sets.where(SOURCES[name], data_dir)
    return "inside scikit-learn"
