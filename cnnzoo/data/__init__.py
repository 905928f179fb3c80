"""The data sets: their descriptions, files and images.

Importing this loads NumPy, Pillow and nothing heavier.
"""

from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

from cnnzoo.config import AnyDataSection, Cifar100Section, Config, FolderSection, GoSection
from cnnzoo.data.dataset import DataSet, FileCheck
from cnnzoo.data.images import ImageArray, ImageFiles
from cnnzoo.data.sets import folder, go
from cnnzoo.data.sets.cifar import CIFAR10, CIFAR100
from cnnzoo.data.sets.digits import Digits
from cnnzoo.data.sets.folder_division import SplitError, find_division
from cnnzoo.data.sets.go import GamesSummary, Positions
from cnnzoo.data.sets.mnist import FASHION_MNIST, MNIST
from cnnzoo.data.sets.published import PublishedSet
from cnnzoo.data.sets.record_sets import RecordSet
from cnnzoo.data.subsets import FolderSummary, Subset, Summary, draw, hold_out
from cnnzoo.downloads.locations import check_data_dir
from cnnzoo.errors import UserError, did_you_mean

__all__ = [
    "DATA_SETS",
    "DataSet",
    "FileCheck",
    "FolderSummary",
    "GamesSummary",
    "ImageArray",
    "ImageFiles",
    "Positions",
    "Subset",
    "Summary",
    "describe",
    "divide_training",
    "draw",
    "fetch",
    "hold_out",
    "load",
    "register",
    "resolve_folder",
    "summarize",
    "verify",
    "where",
]

# The data sets that have a name, by name. A folder of the user's own images has none.
DATA_SETS: dict[str, PublishedSet[Any] | Digits] = {}


def register(data_set: PublishedSet[Any] | Digits) -> None:
    """Add a data set; it replaces one of the same name."""
    DATA_SETS[data_set.description.name] = data_set


for _data_set in (MNIST, FASHION_MNIST, CIFAR10, CIFAR100, Digits()):
    register(_data_set)


def describe(data: AnyDataSection | str) -> DataSet:
    """Return the description of a data set.

    Args:
        data: A config's data section, or a name in DATA_SETS.

    Raises:
        UserError: There is no such data set; the nearest name is suggested.
    """
    if isinstance(data, FolderSection):
        return folder.describe(data)
    return go.describe(data) if isinstance(data, GoSection) else _find_data_set(data).description


def resolve_folder(config: Config, data_dir: Path | None = None) -> Config:
    """Return a config with the classes and the grey value of white of its folder filled in, for a run to keep.

    Args:
        config: The config; it is returned unchanged if its data are not a folder.
        data_dir: A folder to use instead of the section's.

    Raises:
        UserError: There is no such folder, its classes are unclear, or it has too few images for its splits.
    """
    if not isinstance(config.data, FolderSection):
        return config
    with config.at_key("data.path") if data_dir is None else nullcontext():
        division = find_division(config.data, folder.choose_folder(config.data, data_dir))
    try:
        section = folder.resolve_section(config.data, division)
    except SplitError as error:
        with config.at_key(error.key):
            raise UserError(error.reason) from None
    return config.replaced(data=section)


def summarize(data: AnyDataSection | str, data_dir: Path | None = None) -> Summary | None:
    """Count the images of a folder, or the games of a file, by split, and what is left out; None for other data sets.

    Args:
        data: A config's data section, or a name in DATA_SETS.
        data_dir: A folder to use instead of the section's.

    Raises:
        UserError: There is no such folder, or its classes are unclear; or see ``load`` for games.
    """
    if isinstance(data, GoSection):
        return go.load(data, "train", data_dir).summary
    return folder.summarize(data, data_dir) if isinstance(data, FolderSection) else None


def load(data: AnyDataSection | str, split: Literal["train", "test"], data_dir: Path | None = None) -> Subset:
    """Load one split of a data set; the other split's files are not read.

    Args:
        data: A config's data section, or a name in DATA_SETS.
        split: The split; the validation images are among the training images.
        data_dir: The only directory to look in. None for ``CNNZOO_DATA_DIR``, the cache, Keras's cache, and then a
            download into the cache. For a folder of the user's own images: a folder to use instead of the section's.

    Returns:
        The images (count, height, width, channels) and their labels (count,).

    Raises:
        UserError: The name is unknown, or the files are missing, cannot be downloaded or are damaged.
    """
    name = data if isinstance(data, str) else data.name
    if name == "digits" and data_dir is not None and not data_dir.is_dir():
        raise UserError(f"{data_dir} is not a directory; leave out --data-dir, the digits are part of scikit-learn.")
    check_data_dir(data_dir)
    if isinstance(data, FolderSection):
        return folder.load(data, split, data_dir)
    if isinstance(data, GoSection):
        return go.load(data, split, data_dir)
    return _find_data_set(data).load(split, data_dir)


def divide_training(config: Config, training: Subset) -> tuple[Subset, Subset]:
    """Divide a config's training images into those to train on and the validation images; see ``hold_out``.

    Raises:
        UserError: One of the two would be empty.
    """
    with config.at_key("data.validation"):
        return hold_out(training, config.data.validation, len(describe(config.data).class_names))


def fetch(name: str, data_dir: Path | None = None) -> list[Path]:
    """Download what is missing or wrong.

    Args:
        name: A name in DATA_SETS.
        data_dir: The directory to look in and to download into. None to look where ``load`` does, and to download
            into the cache.

    Returns:
        The paths of the files; none for ``digits``, which is part of scikit-learn.

    Raises:
        UserError: The name is unknown, no mirror has a file, or it cannot be written.
    """
    return _find_data_set(name).fetch(data_dir)


def verify(name: str, data_dir: Path | None = None) -> list[FileCheck]:
    """Check the files of a data set, which are searched where ``load`` does.

    Raises:
        UserError: The name is unknown or the data directory does not exist.
    """
    check_data_dir(data_dir)
    return _find_data_set(name).verify(data_dir)


def where(name: str, data_dir: Path | None = None) -> str | None:
    """Return where the files of a data set are, as a text to print; None if there are none.

    Raises:
        UserError: The name is unknown or the data directory does not exist.
    """
    check_data_dir(data_dir)
    return _find_data_set(name).where(data_dir)


def _find_data_set(data: AnyDataSection | str) -> PublishedSet[Any] | Digits:
    name = data if isinstance(data, str) else data.name
    if name == "folder":
        raise folder.missing_config_error()
    if name == "go":
        raise UserError("Go games are in a file of yours; name it in a config: data: {name: go, path: games.npz}")
    if name not in DATA_SETS:
        raise UserError(f"There is no data set '{name}'.{did_you_mean(name, [*DATA_SETS, 'folder', 'go'])}")
    data_set = DATA_SETS[name]
    if isinstance(data, Cifar100Section) and data.labels == "coarse" and isinstance(data_set, RecordSet):
        return data_set.with_coarse_labels()
    return data_set
