"""A folder of the user's own images, with a folder for each class.

The folder contains ``cat/``, ``dog/`` and so on, and test and validation images are chosen among them. Or it contains
``train/``, ``validation/`` and ``test/`` (or other common names, see ``folder_layout``) with the class folders in them.
Without ``validation/`` the validation images are chosen from ``train/``. The choice depends only on the names of the
files and on the section's seed.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cnnzoo.config import FolderSection
from cnnzoo.data.dataset import DataSet
from cnnzoo.data.decoding import WHITE, largest_grey
from cnnzoo.data.images import decoding_threads, read_files
from cnnzoo.data.memory import free_memory
from cnnzoo.data.sets.folder_division import Division, divide, find_division, with_validation
from cnnzoo.data.sets.image_files import UNREADABLE, LeftOut, describe_left_out
from cnnzoo.data.subsets import FolderSummary, Subset
from cnnzoo.errors import UserError
from cnnzoo.text import listed

# The share of the free memory that the images may take. A training has up to three copies of them for a moment: the
# images that were read, the training and validation images, and the copy on the device.
SHARE_OF_MEMORY = 0.25


def choose_folder(section: FolderSection, data_dir: Path | None) -> Path:
    """Return the folder of the images: ``data_dir``, or else the section's."""
    return Path(data_dir.absolute() if data_dir else section.path)


def describe(section: FolderSection) -> DataSet:
    """Return the description of the folder; its classes are read from the folder if the section does not state them.

    Raises:
        UserError: See ``find_division``.
    """
    height, width = section.size if isinstance(section.size, list) else (section.size, section.size)
    return DataSet(
        name="folder",
        title=Path(section.path).name,
        class_names=tuple(section.classes or find_division(section, Path(section.path)).classes),
        input_shape=(height, width, section.channels),
        train_count=None,
        test_count=None,
        glyphs=False,
        source=f"the images in {section.path}",
        resize=section.resize,
        white=section.white or WHITE,
    )


def resolve_section(section: FolderSection, division: Division) -> FolderSection:
    """Return a section with the absolute path, the classes and the grey value of white filled in, for a run to keep.

    The grey value is filled in if the training images have 16 bits and do not use all of them.

    Args:
        section: The config's section.
        division: The result of ``find_division``.

    Raises:
        UserError: There are no training images, or the section asks for more validation or test images than there are.
    """
    if "train" in division.layout.missing:
        raise UserError(division.layout.missing["train"])
    splits = divide(section, division).splits
    paths = [division.folder / name for split in ("train", "validation") for name in splits[split].names]
    changes = {
        "path": str(division.folder),
        "classes": list(division.classes),
        "white": section.white or _find_white(paths),
    }
    return section.model_copy(update=changes)


def summarize(section: FolderSection, data_dir: Path | None) -> FolderSummary:
    """Count the images of a folder, and list the files that are left out and what was assumed.

    Raises:
        UserError: See ``find_division`` and ``divide``.
    """
    return _summarize(section, divide(section, find_division(section, choose_folder(section, data_dir))))


def load(section: FolderSection, split: Literal["train", "test"], data_dir: Path | None) -> Subset:
    """Load one split; validation images are among the training images, and ``Subset.is_validation`` marks them.

    Every file is decoded once, so that a damaged file is found before the training begins. The images stay in memory
    if they fit, otherwise in their files.

    Raises:
        UserError: The folder is missing or does not have the section's classes, or an image cannot be read and the
            section says to stop then.
    """
    folder = choose_folder(section, data_dir)
    data_set = describe(section)
    division = divide(section, find_division(section, folder))
    if split not in division.splits:
        raise UserError(division.layout.missing[split])
    files, is_validation = with_validation(division) if split == "train" else (division.splits[split], None)
    most = free_memory() * SHARE_OF_MEMORY if section.memory is None else section.memory * 1e9
    paths = [folder / name for name in files.names]
    images, failures = read_files(paths, data_set.input_shape, data_set.resize, data_set.white, most_bytes=most)
    if failures and section.broken == "stop":
        raise UserError(
            f"{failures[min(failures)]} Repair or remove it, or train with data.broken: skip, which leaves such "
            f"images out of training and evaluation ({len(failures):,} of {len(files.names):,} here)."
        )
    unreadable = [files.names[index] for index in sorted(failures)]
    is_good = ~np.isin(np.arange(len(paths)), list(failures))
    names, labels = files.select(is_good)
    if not names:
        raise UserError(f"None of the {split} images in {folder} can be read.")
    count = f"{len(unreadable):,} of {len(paths):,} {'training and validation' if split == 'train' else split} images"
    note = f"{count} left out as unreadable: {listed(unreadable, shown=20)}" if unreadable else ""
    subset = Subset.of_all(images, labels, note, names=tuple(names), folder=folder)
    if is_validation is None:
        return subset.with_note(_note_training_images(division))
    is_validation = is_validation[is_good]
    _check_each_class_is_trained_on(labels[~is_validation], data_set.class_names, folder)
    if not is_validation.any():
        raise UserError(f"None of the validation images in {folder} can be read.")
    return replace(subset, is_validation=is_validation, summary=_summarize(section, division, set(unreadable)))


def missing_config_error() -> UserError:
    """Return the error for the name ``folder`` without a config, which has the path."""
    return UserError(
        "'folder' means your own images, and needs a config that names their folder: "
        "data: {name: folder, path: photos}. `cnnzoo config validate FILE` counts them."
    )


def _find_white(paths: Sequence[Path]) -> int | None:
    """Return the largest grey value of the bit depth that the 16-bit images use; None if they use all 16 bits."""
    values = decoding_threads().map(largest_grey, paths)
    largest = max((value for value in values if value is not None), default=WHITE)
    white = max(255, (1 << largest.bit_length()) - 1)
    return white if white < WHITE else None


def _summarize(section: FolderSection, division: Division, unreadable: Set[str] = frozenset()) -> FolderSummary:
    """Summarize a division without the unreadable images."""
    layout, classes = division.layout, division.classes
    notes = list(layout.notes)
    left_out = [*division.left_out, *(LeftOut(UNREADABLE, layout.folder / name) for name in sorted(unreadable))]
    counts: dict[str, int] = {}
    for split, files in division.splits.items():
        labels = [label for name, label in zip(*files, strict=True) if name not in unreadable]
        counts[split] = len(labels)
        absent = [classes[label] for label in np.setdiff1d(range(len(classes)), labels)]
        if absent:
            notes.append(f"there is no {split} image of {listed(absent)}")
    if not layout.is_divided:
        notes.append(f"test and validation images are chosen by file name and data.split_seed {section.split_seed}")
    elif "train" in layout.splits and "validation" not in layout.splits:
        notes.append(f"validation images are chosen from {layout.splits['train'].name}")
    notes += layout.missing.values()
    if section.white:
        notes.append(f"in images of 16 bits the grey value {section.white:,} and all above it are white (data.white)")
    return FolderSummary(
        class_names=classes,
        images=counts,
        left_out=describe_left_out(left_out, layout.folder),
        left_out_count=len(left_out),
        notes=(*notes, *_note_repeated_images(division)),
    )


def _note_repeated_images(division: Division) -> Iterator[str]:
    """Yield notes about files with the same contents in different splits or classes."""
    splits = {name: split for split, files in division.splits.items() for name in files.names}
    labels = {name: label for files in division.splits.values() for name, label in zip(*files, strict=True)}
    groups = division.same_images(splits)
    for keys, kind, meaning in (
        (splits, "split", "the splits are not independent"),
        (labels, "class", "one of the labels is wrong"),
    ):
        repeated = [group for group in groups if len({keys[name] for name in group}) > 1]
        if repeated:
            count = "1 image is" if len(repeated) == 1 else f"{len(repeated):,} images are"
            first, second, *_ = sorted({keys[name]: name for name in reversed(repeated[0])}.values())
            yield f"{count} in more than one {kind}, such as {listed([first])} and {listed([second])}: {meaning}"


def _note_training_images(division: Division) -> str:
    """Return a note about test images that are training or validation images too; empty if there are none."""
    test = set(division.splits["test"].names)
    training = {name for split, files in division.splits.items() if split != "test" for name in files.names}
    groups = division.same_images(test | training)
    repeated = {name for group in groups if training.intersection(group) for name in test.intersection(group)}
    if not repeated:
        return ""
    example = listed([min(repeated)])
    count = f"{len(repeated):,} of {len(test):,}"
    return f"test images that are also training or validation images: {count}, such as {example}"


def _check_each_class_is_trained_on(labels: NDArray[np.int32], classes: Sequence[str], folder: Path) -> None:
    missing = np.flatnonzero(np.bincount(labels, minlength=len(classes)) == 0)
    if len(missing):
        raise UserError(
            f"No image of class '{classes[missing[0]]}' in {folder} is left to train on; add some, "
            "or make data.test and data.validation smaller."
        )
