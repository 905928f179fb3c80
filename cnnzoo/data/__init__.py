"""The data sets: what they are, where they lie, and their images.

Importing this loads NumPy, Pillow and nothing heavier.
"""

from contextlib import nullcontext
from pathlib import Path
from typing import Literal

from cnnzoo.config import Cifar100Section, Config, Data, DataSection, FolderSection
from cnnzoo.data.dataset import DataSet, FileCheck, Source
from cnnzoo.data.images import ImageArray, ImageFiles, Images
from cnnzoo.data.sets import digits, folder, idx_sets, record_sets
from cnnzoo.data.subsets import Subset, Summary, hold_out
from cnnzoo.downloads.locations import check_data_dir
from cnnzoo.errors import UserError, did_you_mean

__all__ = [
    "DATA_SETS",
    "DataSet",
    "FileCheck",
    "ImageArray",
    "ImageFiles",
    "Images",
    "Subset",
    "Summary",
    "describe",
    "fetch",
    "hold_out",
    "load",
    "resolved",
    "summarize",
    "verify",
    "where",
]

_MODULES: tuple[Source, ...] = (idx_sets, record_sets, digits)
_SOURCES: dict[str, Source] = {known.name: module for module in _MODULES for known in module.DATA_SETS}
_SOURCES["folder"] = folder

DATA_SETS: dict[str, DataSet] = {known.name: known for module in _MODULES for known in module.DATA_SETS}


def describe(data: Data | str) -> DataSet:
    """Return what is known of a data set.

    Args:
        data: A config's data section, or a name in DATA_SETS.

    Raises:
        UserError: There is no such data set; the nearest name is suggested.
    """
    section = _section(data)
    return _SOURCES[section.name].describe(section)


def resolved(config: Config, data_dir: Path | None = None) -> Config:
    """Return a config with what only the images can tell, for a run to keep: a folder's classes and its white.

    Args:
        config: The config.
        data_dir: For a folder of a person's own images the one to take in place of the section's.

    Raises:
        UserError: There is no such folder, or it is not one of class folders.
    """
    if not isinstance(config.data, FolderSection):
        return config
    with config.blaming("data.path") if data_dir is None else nullcontext():
        found = folder.find(config.data, folder.folder_of(config.data, data_dir))
    return config.replaced(data=folder.resolved(config.data, found))


def summarize(data: Data | str, data_dir: Path | None = None) -> Summary | None:
    """Count the images of a folder by part, and say what is left out of it; None for a published data set.

    Args:
        data: A config's data section, or a name in DATA_SETS.
        data_dir: For a folder of a person's own images the one to take in place of the section's.

    Raises:
        UserError: There is no such folder, or it is not one of class folders.
    """
    section = _section(data)
    return folder.summarize(section, data_dir) if isinstance(section, FolderSection) else None


def load(data: Data | str, split: Literal["train", "test"], data_dir: Path | None = None) -> Subset:
    """Load one part of a data set; the other part's files are not read.

    Args:
        data: A config's data section, or a name in DATA_SETS.
        split: The part.
        data_dir: The only directory to look in. None: ``CNNZOO_DATA_DIR``, the cache, Keras's
            cache, and then a download into the cache. For a folder of a person's own images it is the
            one to take in place of the section's.

    Returns:
        The images (count, height, width, channels) and their labels (count,).

    Raises:
        UserError: The name is unknown, or the files are not there, cannot be downloaded or are not
            what they should be.
    """
    check_data_dir(data_dir)
    section = _section(data)
    return _SOURCES[section.name].load(section, split, data_dir)


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
    return _source(name).fetch(name, data_dir)


def verify(name: str, data_dir: Path | None = None) -> list[FileCheck]:
    """Check a data set's files where they are found, looked for as by ``load``.

    Raises:
        UserError: The name is unknown or the data directory does not exist.
    """
    check_data_dir(data_dir)
    return _source(name).verify(name, data_dir)


def where(name: str, data_dir: Path | None = None) -> str | None:
    """Say where a data set's files lie, in words; None when they are not here.

    Raises:
        UserError: The name is unknown.
    """
    check_data_dir(data_dir)
    return _source(name).where(name, data_dir)


def _source(name: str) -> Source:
    if name not in _SOURCES:
        raise UserError(f"There is no data set '{name}'.{did_you_mean(name, _SOURCES)}")
    return _SOURCES[name]


def _section(data: Data | str) -> Data:
    """Return a section as it is, and for a name one with the defaults."""
    if not isinstance(data, str):
        return data
    _source(data)
    if data == "folder":
        raise folder.needs_a_config()
    section = Cifar100Section if data == "cifar100" else DataSection
    return section.model_validate({"name": data})
