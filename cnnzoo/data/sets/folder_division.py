"""The images of a folder with their classes, divided into splits by folders or by the names of the files."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnzoo.config import FolderSection, Split
from cnnzoo.data.duplicates import same_contents
from cnnzoo.data.sets.folder_layout import SPLITS, Layout, read_layout
from cnnzoo.data.sets.image_files import (
    LeftOut,
    describe_left_out,
    files_beside_folders,
    find_images,
    folders_in,
)
from cnnzoo.data.subsets import count_of_split, quotas
from cnnzoo.errors import UserError
from cnnzoo.text import listed, normalized


class LabelledFiles(NamedTuple):
    """Image files with their classes.

    Attributes:
        names: Relative to the folder, with slashes, sorted by class.
        labels: Class numbers (count,).
    """

    names: list[str]
    labels: NDArray[np.int32]

    def select(self, mask: NDArray[np.bool_]) -> "LabelledFiles":
        """Return the files that a mask (count,) is true for."""
        return LabelledFiles(list(compress(self.names, mask)), self.labels[mask])


class SplitError(UserError):
    """A split that would leave no images in it or in the others.

    Attributes:
        key: The config's key for its size.
        reason: What is wrong, as a sentence without the key.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key, self.reason = key, reason


@dataclass(frozen=True)
class Division:
    """The images of a folder by split.

    Attributes:
        layout: How the folder is divided.
        classes: Names of the classes, in the order of their labels.
        splits: The images of each split; "test" is missing where the folder is divided and has none.
        left_out: The files that are not in any split.
    """

    layout: Layout
    classes: tuple[str, ...]
    splits: Mapping[Split, LabelledFiles]
    left_out: list[LeftOut]

    @property
    def folder(self) -> Path:
        """The folder."""
        return self.layout.folder

    def same_images(self, names: Iterable[str]) -> list[list[str]]:
        """Return groups of names, two or more in each, whose files have the same contents."""
        groups = same_contents(self.folder / name for name in names)
        return [[path.relative_to(self.folder).as_posix() for path in group] for group in groups]


def find_division(section: FolderSection, folder: Path) -> Division:
    """Find the images of a folder, divided into the splits that have folders of their own.

    Raises:
        UserError: The folder is missing, can be understood in two ways or has fewer than two classes, a class is empty,
            or the splits do not have the same classes.
    """
    layout = read_layout(folder, section.classes)
    if section.classes is None and "train" not in layout.splits:
        raise UserError(layout.missing["train"])
    classes = section.classes or _list_class_names(layout.splits["train"])
    left_out = list(layout.left_out)
    splits = {split: _find_files(folder, path, classes, left_out) for split, path in layout.splits.items()}
    if layout.is_divided:
        left_out += [file for path in layout.splits.values() for file in files_beside_folders(path)]
    return Division(layout, tuple(classes), splits, left_out)


def divide(section: FolderSection, division: Division) -> Division:
    """Choose test and validation images if the folder has no folders for them.

    Raises:
        SplitError: The section asks for more validation or test images than there are.
    """
    splits = dict(division.splits)
    if not division.layout.is_divided:
        is_test = _choose(splits["train"], section.test, section.split_seed, "test")
        splits |= {"train": splits["train"].select(~is_test), "test": splits["train"].select(is_test)}
    if "train" in splits and "validation" not in splits:
        is_validation = _choose(splits["train"], section.validation, section.split_seed, "validation")
        splits |= {"train": splits["train"].select(~is_validation), "validation": splits["train"].select(is_validation)}
    return replace(division, splits={split: splits[split] for split in SPLITS if split in splits})


def with_validation(division: Division) -> tuple[LabelledFiles, NDArray[np.bool_]]:
    """Return the training and validation files together, and which of them validate (count,)."""
    training, validation = division.splits["train"], division.splits["validation"]
    names = [*training.names, *validation.names]
    labels = np.concatenate([training.labels, validation.labels])
    is_validation = np.arange(len(names)) >= len(training.names)
    if "validation" not in division.layout.splits:
        # They were chosen from the training images: all of these keep the order that they have in the folder.
        order = sorted(range(len(names)), key=lambda index: (labels[index], names[index]))
        names, labels, is_validation = [names[index] for index in order], labels[order], is_validation[order]
    return LabelledFiles(names, labels), is_validation


def _choose(files: LabelledFiles, size: int | float, seed: int, split: Split) -> NDArray[np.bool_]:
    """Choose files by a hash of their names, each class in proportion, and return them as a mask (count,).

    If a file is added, few others change their split. The choice does not depend on the order of the files or on the
    images.
    """
    try:
        count = count_of_split(size, len(files.names), split)
    except UserError as error:
        raise SplitError(f"data.{split}", str(error)) from None
    names = [normalized(f"{seed}/{name}") for name in files.names]
    hashes = [hashlib.sha256(name.encode(errors="surrogateescape")).digest() for name in names]
    mask = np.zeros(len(files.names), dtype=bool)
    for label, quota in enumerate(quotas(np.bincount(files.labels), count)):
        indices = np.flatnonzero(files.labels == label)
        mask[sorted(indices, key=lambda index: hashes[index])[:quota]] = True
    return mask


def _list_class_names(folder: Path) -> list[str]:
    """Return the names of the class folders, sorted.

    Raises:
        UserError: There are fewer than two, or one of them has a name that cannot be printed.
    """
    classes = [path.name for path in folders_in(folder)]
    if not classes:
        raise UserError(
            f"{folder} has no class folders: put the images of each class into a folder of its own, "
            f"such as {folder / 'cat' / '1.jpg'}."
        )
    for name in classes:
        if not name.isprintable():  # such as bytes that are not UTF-8; a config cannot contain such a name
            raise UserError(f"{folder} has a class folder whose name cannot be printed, {name!r}; rename it.")
    plain = [normalized(name) for name in classes]
    if twice := next((name for name in plain if plain.count(name) > 1), None):
        raise UserError(
            f"{folder} has two class folders with the name '{twice}', whose accents are stored in different ways; put "
            "the images of both into one."
        )
    if len(classes) == 1:
        folders = [path.name for path in folders_in(folder / classes[0])]
        deeper = f" It contains the folders {listed(folders)}: put these into {folder}." if len(folders) > 1 else ""
        raise UserError(
            f"{folder} has only one class folder, {classes[0]}; a network needs at least two classes.{deeper}"
        )
    return classes


def _find_files(folder: Path, split: Path, classes: Sequence[str], left_out: list[LeftOut]) -> LabelledFiles:
    """Return the images in the class folders of a split, sorted by class and name; add other files to ``left_out``."""
    folder_names = {normalized(name): name for name in _list_class_names(split)}
    expected = [normalized(name) for name in classes]
    if sorted(expected) != sorted(folder_names):
        unknown = listed([f"'{name}'" for name in sorted(folder_names) if name not in expected])
        missing = listed([f"'{name}'" for name in classes if normalized(name) not in folder_names])
        hint = ""
        if sorted(map(str.casefold, classes)) == sorted(map(str.casefold, folder_names)):
            hint = " The names differ only in capital letters."
        raise UserError(
            f"{split} has {len(folder_names)} class folders, but the config has {len(classes)} classes. "
            f"Unknown: {unknown or 'none'}. Missing: {missing or 'none'}.{hint} "
            "Use the folder with these classes, or a config for the classes of this folder."
        )
    names: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(expected):
        images, others = find_images(split / folder_names[name])
        left_out += others
        if not images:
            hint = f" It contains {describe_left_out(others, split)}." if others else ""
            raise UserError(f"{split / classes[label]} has no images; put some into it, or remove the folder.{hint}")
        names += sorted(path.relative_to(folder).as_posix() for path in images)
        labels += [label] * len(images)
    return LabelledFiles(names, np.array(labels, np.int32))
