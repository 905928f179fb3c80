"""A folder of a person's own images: a folder for each class, divided by hand or by the files' names.

Either ``cat/``, ``dog/`` ... lie in the folder itself, and which images test and validate is drawn; or
``train/``, ``validation/`` and ``test/`` (or the other usual names, see ``layout``) lie in it and hold those. Without
``validation/`` it is drawn from ``train/``. What is drawn depends on the names of the files and the section's seed
alone.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnzoo.config import FolderSection
from cnnzoo.data.dataset import DataSet
from cnnzoo.data.decoding import WHITE, largest_grey
from cnnzoo.data.duplicates import same_contents
from cnnzoo.data.images import read_files
from cnnzoo.data.memory import free_memory
from cnnzoo.data.sets.folder_layout import (
    PARTS,
    UNREADABLE,
    Layout,
    LeftOut,
    Part,
    describe_left_out,
    files_beside_folders,
    find_images,
    folders_in,
    read_layout,
)
from cnnzoo.data.subsets import Subset, Summary, quotas, wanted_count
from cnnzoo.errors import UserError
from cnnzoo.text import listed, normalized

# Of the free memory. Training holds the images up to three times for a moment: as they were read, as
# training and validation part, and as the weight that lies on the device.
SHARE_OF_MEMORY = 0.25


class Files(NamedTuple):
    """Image files with their classes.

    Attributes:
        names: Relative to the folder, with slashes, sorted by class.
        labels: Class numbers (count,).
    """

    names: list[str]
    labels: NDArray[np.int32]


@dataclass(frozen=True)
class Division:
    """The images of a folder by part.

    Attributes:
        layout: Where the parts lie.
        classes: Names of the classes, in the order of their labels.
        parts: The images of each part; "test" is missing where the folder was divided by hand and has none.
        left_out: The files that belong to no part.
    """

    layout: Layout
    classes: tuple[str, ...]
    parts: Mapping[Part, Files]
    left_out: list[LeftOut]


def describe(section: FolderSection) -> DataSet:
    """Return what is known of the folder; it is looked into only where the section lacks the classes.

    Raises:
        UserError: See ``find``.
    """
    height, width = section.size if isinstance(section.size, list) else (section.size, section.size)
    return DataSet(
        name="folder",
        title=Path(section.path).name,
        class_names=tuple(section.classes or find(section, Path(section.path)).classes),
        input_shape=(height, width, section.channels),
        train_count=None,
        test_count=None,
        glyphs=False,
        source=f"the images in {section.path}",
        resize=section.resize,
        white=section.white or WHITE,
    )


def find(section: FolderSection, folder: Path) -> Division:
    """Find the images of a folder, in the parts that it was divided into by hand.

    Raises:
        UserError: The folder is missing, can be understood in two ways, does not hold two classes or more, one of them
            is empty, or its parts do not hold the same classes.
    """
    layout = read_layout(folder, section.classes)
    if section.classes is None and "train" not in layout.places:
        raise UserError(layout.missing["train"])
    classes = section.classes or _class_names(layout.places["train"])
    left_out = list(layout.left_out)
    files = {part: _files(folder, place, classes, left_out) for part, place in layout.places.items()}
    if layout.divided_by_hand:
        left_out += [found for place in layout.places.values() for found in files_beside_folders(place)]
    return Division(layout, tuple(classes), files, left_out)


def resolved(section: FolderSection, found: Division) -> FolderSection:
    """Return a section with what its folder tells, for a run to keep.

    That is the whole path, the classes, and the grey value that is white in the training images, where these are of 16
    bits and use fewer.

    Raises:
        UserError: There are no training images, or the section asks for more validation or test images than there are.
    """
    folder = found.layout.folder
    if "train" in found.layout.missing:
        raise UserError(found.layout.missing["train"])
    parts = divide(section, found).parts
    training = [folder / name for part in (parts["train"], parts["validation"]) for name in part.names]
    known = {"path": str(folder), "classes": list(found.classes), "white": section.white or _white(training)}
    return section.model_copy(update=known)


def divide(section: FolderSection, found: Division) -> Division:
    """Draw the parts into which the images of a folder were not divided by hand.

    Raises:
        UserError: The section asks for more validation or test images than there are.
    """
    files, layout, classes = dict(found.parts), found.layout, found.classes
    if not layout.divided_by_hand:
        tested = _drawn(files["train"], section.test, section.split_seed, len(classes), "test")
        files |= {"train": _chosen(files["train"], ~tested), "test": _chosen(files["train"], tested)}
    if "train" in files and "validation" not in files:
        validating = _drawn(files["train"], section.validation, section.split_seed, len(classes), "validation")
        files |= {"train": _chosen(files["train"], ~validating), "validation": _chosen(files["train"], validating)}
    return replace(found, parts={part: files[part] for part in PARTS if part in files})


def summarize(section: FolderSection, data_dir: Path | None) -> Summary:
    """Count the images of a folder, and say what is left out and what was assumed.

    Raises:
        UserError: See ``find`` and ``divide``.
    """
    return _summary(section, divide(section, find(section, folder_of(section, data_dir))), set())


def _summary(section: FolderSection, division: Division, unreadable: set[str]) -> Summary:
    """Summarize a division; some of its images may be left out as unreadable."""
    layout = division.layout
    notes = list(layout.notes)
    left_out = [*division.left_out, *(LeftOut(UNREADABLE, layout.folder / name) for name in sorted(unreadable))]
    counts: dict[str, int] = {}
    for part, files in division.parts.items():
        good = [label for name, label in zip(*files, strict=True) if name not in unreadable]
        counts[part] = len(good)
        absent = [division.classes[label] for label in np.setdiff1d(range(len(division.classes)), good)]
        if absent:
            notes.append(f"no {part} image is of {listed(absent)}")
    if not layout.divided_by_hand:
        notes.append(f"test and validation images drawn by file name and data.split_seed {section.split_seed}")
    elif "train" in layout.places and "validation" not in layout.places:
        notes.append(f"validation images drawn from {layout.places['train'].name}")
    notes += layout.missing.values()
    if section.white:
        notes.append(
            f"in images of 16 bits the grey value {section.white:,}, and what is brighter, is white (data.white)"
        )
    return Summary(
        class_names=division.classes,
        images=counts,
        left_out=describe_left_out(left_out, layout.folder),
        left_out_count=len(left_out),
        notes=(*notes, *_repeated(layout.folder, division)),
    )


def folder_of(section: FolderSection, data_dir: Path | None) -> Path:
    """Return the folder of the images.

    Args:
        section: The config's.
        data_dir: A folder to take in place of the section's.
    """
    return Path(data_dir.absolute() if data_dir else section.path)


def load(section: FolderSection, split: Literal["train", "test"], data_dir: Path | None) -> Subset:
    """Load one part; the training part says which of its images validate.

    Every file is decoded once, so that a broken one is found before the training begins. The images stay in
    memory where they fit, otherwise in their files.

    Raises:
        UserError: The folder is not there or has other classes than the section, or an image cannot be read and the
            section says to stop there.
    """
    folder = folder_of(section, data_dir)
    known = describe(section)
    division = divide(section, find(section, folder))
    if split not in division.parts:
        raise UserError(division.layout.missing[split])
    files, held = division.parts[split], None
    if split == "train":
        files, held = _with_validation(division)
    most = free_memory() * SHARE_OF_MEMORY if section.memory is None else section.memory * 1e9
    paths = [folder / name for name in files.names]
    images, failures = read_files(paths, known.input_shape, known.resize, known.white, most_bytes=most)
    if failures and section.broken == "stop":
        raise UserError(
            f"{failures[min(failures)]} Put it right or remove it; a training with data.broken: skip leaves "
            f"such images out, and its evaluation too ({len(failures):,} of {len(files.names):,} here)."
        )
    good = np.ones(len(files.names), dtype=bool)
    good[list(failures)] = False
    lost = listed([files.names[index] for index in sorted(failures)], shown=20)
    note = f"{len(failures):,} of {len(good):,} images left out as unreadable: {lost}" if failures else ""
    labels = files.labels[good]
    if not len(labels):
        raise UserError(f"None of the {split} images in {folder} can be read.")
    if held is not None:
        held = held[good]
        _check_each_is_trained_on(labels[~held], known.class_names, folder)
        if not held.any():
            raise UserError(f"None of the validation images in {folder} can be read.")
    names = tuple(compress(files.names, good))
    unreadable = {files.names[index] for index in failures}
    summary = _summary(section, division, unreadable) if split == "train" else None
    subset = Subset.whole(images, labels, note, validates=held, names=names, folder=folder, summary=summary)
    return subset.with_note(_learnt(folder, division)) if split == "test" else subset


def needs_a_config() -> UserError:
    """Say that the name alone names no images."""
    return UserError(
        "'folder' stands for a person's own images, and a config says where they lie: "
        "data: {name: folder, path: photos}. `cnnzoo config validate FILE` looks at them."
    )


def _with_validation(division: Division) -> tuple[Files, NDArray[np.bool_]]:
    """Return the training and validation files together, and which of them validate (count,)."""
    training, validation = division.parts["train"], division.parts["validation"]
    names = [*training.names, *validation.names]
    labels = np.concatenate([training.labels, validation.labels])
    held = np.arange(len(names)) >= len(training.names)
    if "validation" in division.layout.places:
        return Files(names, labels), held
    # Drawn from the training images: these stay in the order that they have without a validation part.
    order = sorted(range(len(names)), key=lambda index: (labels[index], names[index]))
    return Files([names[index] for index in order], labels[order]), held[order]


def _drawn(files: Files, part: int | float, seed: int, classes: int, name: str) -> NDArray[np.bool_]:
    """Draw a part of the files, each class in proportion, by a hash of their names.

    Adding a file moves no other one but at the borders of the parts, and neither the order of a listing nor
    the images themselves make a difference.
    """
    try:
        wanted = wanted_count(part, len(files.names), name)
    except UserError as error:
        raise UserError(f"data.{name}: {error}") from None
    numbers = quotas(np.bincount(files.labels, minlength=classes), wanted)
    names = [normalized(f"{seed}/{name}") for name in files.names]
    keys = [hashlib.sha256(name.encode(errors="surrogateescape")).digest() for name in names]
    drawn = np.zeros(len(files.names), dtype=bool)
    for label, number in enumerate(numbers):
        members = np.flatnonzero(files.labels == label)
        drawn[sorted(members, key=lambda member: keys[member])[:number]] = True
    return drawn


def _chosen(files: Files, mask: NDArray[np.bool_]) -> Files:
    return Files([name for name, wanted in zip(files.names, mask, strict=True) if wanted], files.labels[mask])


def _class_names(place: Path) -> list[str]:
    """Return the names of the class folders, sorted."""
    classes = [path.name for path in folders_in(place)]
    if not classes:
        raise UserError(
            f"{place} has no class folders: put the images of each class into a folder of its own, "
            f"such as {place / 'cat' / '1.jpg'}."
        )
    for name in classes:
        if not name.isprintable():  # as bytes that are no UTF-8 are not, either; no config could state it
            raise UserError(f"{place} has a class folder whose name is no plain text, {name!r}; rename it.")
    if len(set(map(normalized, classes))) < len(classes):
        twice = next(name for name in classes if list(map(normalized, classes)).count(normalized(name)) > 1)
        raise UserError(
            f"{place} has two class folders that are both written '{normalized(twice)}', with their accents stored in "
            "different ways; put the images of both into one."
        )
    if len(classes) == 1:
        inside = [path.name for path in folders_in(place / classes[0])]
        lower = f" It holds the folders {listed(inside)}: put these into {place}." if len(inside) > 1 else ""
        raise UserError(
            f"{place} has one class folder alone, {classes[0]}; a network needs two classes to tell apart.{lower}"
        )
    return classes


def _files(folder: Path, place: Path, classes: Sequence[str], left_out: list[LeftOut]) -> Files:
    """Return the image files of a part, sorted by class and name; add the other files to what is left out."""
    found = {normalized(name): name for name in _class_names(place)}
    if sorted(map(normalized, classes)) != sorted(found):
        strange = listed([f"'{name}'" for name in sorted(found) if name not in map(normalized, classes)])
        missing = listed([f"'{name}'" for name in classes if normalized(name) not in found])
        differences = [f"has {strange}" if strange else "", f"lacks {missing}" if missing else ""]
        if sorted(name.casefold() for name in classes) == sorted(name.casefold() for name in found):
            differences.append("the names differ in capital letters alone")
        raise UserError(
            f"{place} holds {len(found)} classes, and not the {len(classes)} that belong there: "
            f"it {' and '.join(filter(None, differences))}. "
            "Take the folder with those class folders, or a config for these."
        )
    names: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        images = find_images(place / found[normalized(name)])
        left_out += images.left_out
        inside = sorted(path.relative_to(folder).as_posix() for path in images.images)
        if not inside:
            others = f" It holds {describe_left_out(images.left_out, place)}." if images.left_out else ""
            raise UserError(f"{place / name} holds no images; put some into it, or remove the folder.{others}")
        names += inside
        labels += [label] * len(inside)
    return Files(names, np.array(labels, np.int32))


def _white(paths: Sequence[Path]) -> int | None:
    """Return the largest grey value of as many bits as the images of 16 bits among some use; None for all 16."""
    with ThreadPoolExecutor(max_workers=min(32, os.cpu_count() or 1)) as pool:
        largest = max((value for value in pool.map(largest_grey, paths) if value is not None), default=WHITE)
    white = max(255, (1 << largest.bit_length()) - 1)
    return white if white < WHITE else None


def _repeated(folder: Path, division: Division) -> list[str]:
    """Say which pictures are in two parts or in two classes, by the contents of their files."""
    parts = {name: part for part, files in division.parts.items() for name in files.names}
    labels = {name: label for files in division.parts.values() for name, label in zip(*files, strict=True)}
    groups = [
        [path.relative_to(folder).as_posix() for path in group]
        for group in same_contents(folder / name for name in parts)
    ]
    notes = []
    for keys, where, so in (
        (parts, "part", "the parts are not independent"),
        (labels, "class", "one of the labels is wrong"),
    ):
        found = [group for group in groups if len({keys[name] for name in group}) > 1]
        if found:
            pictures = "1 picture is" if len(found) == 1 else f"{len(found):,} pictures are"
            first = sorted({keys[name]: name for name in reversed(found[0])}.values())
            notes.append(
                f"{pictures} in more than one {where}, such as {listed(first[:1])} and {listed(first[1:2])}: {so}"
            )
    return notes


def _learnt(folder: Path, division: Division) -> str:
    """Say how many test images are among the training and validation images too; empty where none are."""
    tested = set(division.parts["test"].names)
    seen = {name for part, files in division.parts.items() if part != "test" for name in files.names}
    groups = [
        {path.relative_to(folder).as_posix() for path in group}
        for group in same_contents(folder / name for name in tested | seen)
    ]
    twice = {name for group in groups if group & seen for name in group & tested}
    if not twice:
        return ""
    return f"{len(twice):,} of {len(tested):,} are among the training images too, such as {listed([min(twice)])}"


def _check_each_is_trained_on(labels: NDArray[np.int32], classes: Sequence[str], folder: Path) -> None:
    missing = np.flatnonzero(np.bincount(labels, minlength=len(classes)) == 0)
    if len(missing):
        raise UserError(
            f"No image of class '{classes[missing[0]]}' in {folder} is left to train on; add some, "
            "or make data.test and data.validation smaller."
        )
