"""The images of a folder with their classes, divided into splits by its folders or by the names of its files."""

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


@dataclass(frozen=True)
class Division:
    """The images of a folder by split.

    Attributes:
        layout: How the folder is divided.
        classes: Names of the classes, in the order of their labels.
        splits: The images of each split; "test" is missing where the folder is divided and has none.
        left_out: The files that are in no split.
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
        """Return the groups of names, of two or more each, whose files have the same contents."""
        groups = same_contents(self.folder / name for name in names)
        return [[path.relative_to(self.folder).as_posix() for path in group] for group in groups]


def find(section: FolderSection, folder: Path) -> Division:
    """Find the images of a folder, in the splits that its folders stand for.

    Raises:
        UserError: The folder is missing, can be understood in two ways, does not hold two classes or more, one of them
            is empty, or its splits do not hold the same classes.
    """
    layout = read_layout(folder, section.classes)
    if section.classes is None and "train" not in layout.splits:
        raise UserError(layout.missing["train"])
    classes = section.classes or _class_names(layout.splits["train"])
    left_out = list(layout.left_out)
    splits = {split: _find_files(folder, path, classes, left_out) for split, path in layout.splits.items()}
    if layout.is_divided:
        left_out += [file for path in layout.splits.values() for file in files_beside_folders(path)]
    return Division(layout, tuple(classes), splits, left_out)


def divide(section: FolderSection, division: Division) -> Division:
    """Choose test and validation images where the folder has no such splits.

    Raises:
        UserError: The section asks for more validation or test images than there are.
    """
    splits = dict(division.splits)
    if not division.layout.is_divided:
        is_test = _choose(splits["train"], section.test, section.split_seed, "test")
        splits |= {"train": splits["train"].select(~is_test), "test": splits["train"].select(is_test)}
    if "train" in splits and "validation" not in splits:
        validates = _choose(splits["train"], section.validation, section.split_seed, "validation")
        splits |= {"train": splits["train"].select(~validates), "validation": splits["train"].select(validates)}
    return replace(division, splits={split: splits[split] for split in SPLITS if split in splits})


def with_validation(division: Division) -> tuple[LabelledFiles, NDArray[np.bool_]]:
    """Return the training and validation files together, and which of them validate (count,)."""
    training, validation = division.splits["train"], division.splits["validation"]
    names = [*training.names, *validation.names]
    labels = np.concatenate([training.labels, validation.labels])
    validates = np.arange(len(names)) >= len(training.names)
    if "validation" not in division.layout.splits:
        # Chosen among the training images: all keep the order that they have without a validation split.
        order = sorted(range(len(names)), key=lambda index: (labels[index], names[index]))
        names, labels, validates = [names[index] for index in order], labels[order], validates[order]
    return LabelledFiles(names, labels), validates


def _choose(files: LabelledFiles, size: int | float, seed: int, split: Split) -> NDArray[np.bool_]:
    """Choose files, each class in proportion, by a hash of their names, and return them as a mask (count,).

    One more file moves few others from one split to another, and neither the order of a listing nor the images
    themselves make a difference.
    """
    try:
        count = count_of_split(size, len(files.names), split)
    except UserError as error:
        raise UserError(f"data.{split}: {error}") from None
    names = [normalized(f"{seed}/{name}") for name in files.names]
    hashes = [hashlib.sha256(name.encode(errors="surrogateescape")).digest() for name in names]
    mask = np.zeros(len(files.names), dtype=bool)
    for label, quota in enumerate(quotas(np.bincount(files.labels), count)):
        members = np.flatnonzero(files.labels == label)
        mask[sorted(members, key=lambda member: hashes[member])[:quota]] = True
    return mask


def _class_names(folder: Path) -> list[str]:
    """Return the names of the class folders, sorted.

    Raises:
        UserError: There are fewer than two, or one of them has no plain name.
    """
    classes = [path.name for path in folders_in(folder)]
    if not classes:
        raise UserError(
            f"{folder} has no class folders: put the images of each class into a folder of its own, "
            f"such as {folder / 'cat' / '1.jpg'}."
        )
    for name in classes:
        if not name.isprintable():  # nor are bytes that are no UTF-8; no config could state such a name
            raise UserError(f"{folder} has a class folder whose name is no plain text, {name!r}; rename it.")
    plain = [normalized(name) for name in classes]
    if twice := next((name for name in plain if plain.count(name) > 1), None):
        raise UserError(
            f"{folder} has two class folders that are both written '{twice}', with their accents stored in "
            "different ways; put the images of both into one."
        )
    if len(classes) == 1:
        inside = [path.name for path in folders_in(folder / classes[0])]
        deeper = f" It holds the folders {listed(inside)}: put these into {folder}." if len(inside) > 1 else ""
        raise UserError(
            f"{folder} has one class folder alone, {classes[0]}; a network needs two classes to tell apart.{deeper}"
        )
    return classes


def _find_files(folder: Path, split: Path, classes: Sequence[str], left_out: list[LeftOut]) -> LabelledFiles:
    """Return the images in the class folders of a split, sorted by class and name; add other files to ``left_out``."""
    found = {normalized(name): name for name in _class_names(split)}
    expected = [normalized(name) for name in classes]
    if sorted(expected) != sorted(found):
        unknown = listed([f"'{name}'" for name in sorted(found) if name not in expected])
        missing = listed([f"'{name}'" for name in classes if normalized(name) not in found])
        differences = [f"has {unknown}" if unknown else "", f"lacks {missing}" if missing else ""]
        if sorted(map(str.casefold, classes)) == sorted(map(str.casefold, found)):
            differences.append("the names differ in capital letters alone")
        raise UserError(
            f"{split} holds {len(found)} classes, and not the {len(classes)} that belong there: "
            f"it {' and '.join(filter(None, differences))}. "
            "Take the folder with those class folders, or a config for these."
        )
    names: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(expected):
        images, others = find_images(split / found[name])
        left_out += others
        if not images:
            inside = f" It holds {describe_left_out(others, split)}." if others else ""
            raise UserError(
                f"{split / classes[label]} holds no images; put some into it, or remove the folder.{inside}"
            )
        names += sorted(path.relative_to(folder).as_posix() for path in images)
        labels += [label] * len(images)
    return LabelledFiles(names, np.array(labels, np.int32))
