"""A folder of a person's own images: a folder for each class, divided by hand or by the files' names.

Either ``cat/``, ``dog/`` ... lie in the folder itself, and which images test and validate is drawn; or
``train/``, ``validation/`` (or ``val/``) and ``test/`` lie in it and hold those. Without ``validation/`` it
is drawn from ``train/``. What is drawn depends on the names of the files and the section's seed alone.
"""

import hashlib
import math
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from cnnzoo.config import FolderSection
from cnnzoo.data.image_files import ImageFiles, listed
from cnnzoo.data.pictures import endings
from cnnzoo.data.sources import DataSet, FileCheck
from cnnzoo.data.splits import Split, quotas, wanted_count
from cnnzoo.errors import UserError

DATA_SETS: tuple[DataSet, ...] = ()  # none is known before a config names its folder

PARTS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
# Of the free memory. Training holds the images up to three times for a moment: as they were read, as
# training and validation part, and as the weight that lies on the device.
SHARE_OF_MEMORY = 0.25

Part = Literal["train", "validation", "test"]


class Files(NamedTuple):
    """Image files with their classes.

    Attributes:
        names: Relative to the folder, with slashes, sorted.
        labels: Class numbers (count,).
    """

    names: list[str]
    labels: NDArray[np.int32]


def describe(section: FolderSection) -> DataSet:
    """Return what is known of the folder; it is looked into only where the section lacks the classes.

    Raises:
        UserError: See ``resolved``.
    """
    height, width = section.size if isinstance(section.size, list) else (section.size, section.size)
    return DataSet(
        name="folder",
        title=Path(section.path).name,
        class_names=tuple(section.classes or resolved(section, None).classes or ()),
        input_shape=(height, width, section.channels),
        train_count=None,
        test_count=None,
        glyphs=False,
        source=f"the images in {section.path}",
        resize=section.resize,
    )


def resolved(section: FolderSection, data_dir: Path | None) -> FolderSection:
    """Return a section with the classes of its folder, for a run to keep.

    Args:
        section: The config's.
        data_dir: A folder to take in place of the section's.

    Raises:
        UserError: There is no such folder, it does not hold two classes or more, one of them is empty, or
            its parts do not hold the same.
    """
    folder = Path(data_dir.absolute() if data_dir else section.path)
    places = _places(folder)
    if "train" not in places:
        raise UserError(f"{folder} has no train folder beside its {_named(places)}; put one there.")
    classes = section.classes or _classes(places["train"])
    for place in places.values():
        _files(folder, place, classes)
    return section.model_copy(update={"path": str(folder), "classes": list(classes)})


def load(section: FolderSection, split: Literal["train", "test"], data_dir: Path | None) -> Split:
    """Load one part; the training part says which of its images validate.

    Every file is decoded once, so that a broken one is found before the training begins. The images stay in
    memory where they fit, otherwise in their files.

    Raises:
        UserError: The folder is not there or has other classes than the section, or an image cannot be read and the
            section says to stop there.
    """
    folder = Path(data_dir.absolute() if data_dir else section.path)
    known = describe(section)
    files, held = _divided(section, folder, known.class_names, split)
    images = ImageFiles(tuple(folder / name for name in files.names), known.input_shape, known.resize)
    most = _free_memory() * SHARE_OF_MEMORY if section.memory is None else section.memory * 1e9
    pixels, failures = images.read(keep=images.nbytes <= most)
    if failures and section.broken == "stop":
        raise UserError(
            f"{failures[min(failures)]} Put it right or remove it; a training with data.broken: skip leaves "
            f"such images out, and its evaluation too ({len(failures):,} of {len(files.names):,} here)."
        )
    good = np.ones(len(files.names), dtype=bool)
    good[list(failures)] = False
    lost = listed([files.names[index] for index in sorted(failures)], shown=20)
    remark = f"{len(failures):,} of {len(good):,} images left out as unreadable: {lost}" if failures else ""
    labels = files.labels[good]
    if not len(labels):
        raise UserError(f"None of the {split} images in {folder} can be read.")
    if held is not None:
        held = held[good]
        _check_each_is_trained_on(labels[~held], known.class_names, folder)
        if not held.any():
            raise UserError(f"None of the validation images in {folder} can be read.")
    names = tuple(compress(files.names, good))
    if isinstance(pixels, ImageFiles):
        kept = replace(pixels.part(good), pixels_hash=pixels.pixels_hash) if failures else pixels
        return Split(kept, labels, remark, held, names)
    return Split(pixels[good] if failures else pixels, labels, remark, held, names)


def fetch(name: str, data_dir: Path | None) -> list[Path]:  # noqa: ARG001 - every source's signature
    """Refuse: there is nothing to download."""
    raise needs_a_config()


def verify(name: str, data_dir: Path | None) -> list[FileCheck]:  # noqa: ARG001
    """Refuse: there is nothing to compare with."""
    raise needs_a_config()


def where(name: str, data_dir: Path | None) -> str | None:  # noqa: ARG001
    """Refuse: only a config says where."""
    raise needs_a_config()


def needs_a_config() -> UserError:
    """Say that the name alone names no images."""
    return UserError(
        "'folder' stands for a person's own images, and a config says where they lie: "
        "data: {name: folder, path: photos}. `cnnzoo config validate FILE` looks at them."
    )


def _divided(
    section: FolderSection, folder: Path, classes: Sequence[str], split: Literal["train", "test"]
) -> tuple[Files, NDArray[np.bool_] | None]:
    """Return the files of a part, and for the training part which of them validate."""
    places = _places(folder)
    if places.get("train") != folder:  # divided by hand
        if split not in places:
            raise UserError(f"{folder} has no {split} folder beside its {_named(places)}; put one there.")
        files = _files(folder, places[split], classes)
        if split == "test":
            return files, None
        if "validation" in places:
            validating = _files(folder, places["validation"], classes)
            held = np.arange(len(files.names) + len(validating.names)) >= len(files.names)
            return Files(files.names + validating.names, np.concatenate([files.labels, validating.labels])), held
    else:
        files = _files(folder, folder, classes)
        tested = _drawn(files, section.test, section.split_seed, len(classes), "test")
        if split == "test":
            return _chosen(files, tested), None
        files = _chosen(files, ~tested)
    return files, _drawn(files, section.validation, section.split_seed, len(classes), "validation")


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
    # One form of each letter: some file systems take accents apart.
    names = [unicodedata.normalize("NFC", f"{seed}/{name}") for name in files.names]
    keys = [hashlib.sha256(name.encode(errors="surrogateescape")).digest() for name in names]
    drawn = np.zeros(len(files.names), dtype=bool)
    for label, number in enumerate(numbers):
        members = np.flatnonzero(files.labels == label)
        drawn[sorted(members, key=lambda member: keys[member])[:number]] = True
    return drawn


def _chosen(files: Files, mask: NDArray[np.bool_]) -> Files:
    return Files([name for name, wanted in zip(files.names, mask, strict=True) if wanted], files.labels[mask])


def _places(folder: Path) -> dict[Part, Path]:
    """Return where the parts lie; for a folder that is not divided by hand, it is its own training part."""
    folders = _folders(folder)
    by_hand: dict[Part, Path] = {}
    for part in ("train", "validation", "test"):
        # One that holds images and no folders is a class of that name, such as CIFAR-100's trains.
        found = [folder / name for name in PARTS[part] if name in folders and _folders(folder / name)]
        if len(found) > 1:
            raise UserError(f"{folder} has both {found[0].name} and {found[1].name}; keep one of these folders.")
        if found:
            by_hand[part] = found[0]
    if "train" in by_hand or (by_hand and len(by_hand) == len(folders)):
        return by_hand
    return {"train": folder}


def _classes(place: Path) -> list[str]:
    """Return the names of the class folders, sorted."""
    classes = sorted(_folders(place))
    if not classes:
        raise UserError(
            f"{place} has no class folders: put the images of each class into a folder of its own, "
            f"such as {place / 'cat' / '1.jpg'}."
        )
    for name in classes:
        if not name.isprintable():  # as bytes that are no UTF-8 are not, either; no config could state it
            raise UserError(f"{place} has a class folder whose name is no plain text, {name!r}; rename it.")
    if len(classes) == 1:
        raise UserError(f"{place} has one class folder alone, {classes[0]}; a network needs two classes to tell apart.")
    return classes


def _files(folder: Path, place: Path, classes: Sequence[str]) -> Files:
    """Return the image files of a part, sorted by class and name."""
    found = _classes(place)
    if sorted(classes) != found:
        strange = listed([f"'{name}'" for name in found if name not in classes])
        lacking = listed([f"'{name}'" for name in classes if name not in found])
        differences = [f"has {strange}" if strange else "", f"lacks {lacking}" if lacking else ""]
        raise UserError(
            f"{place} holds {len(found)} classes, and not the {len(classes)} that belong there: "
            f"it {' and '.join(filter(None, differences))}. "
            "Take the folder with those class folders, or a config for these."
        )
    names: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        inside = sorted(path.relative_to(folder).as_posix() for path in _images(place / name))
        if not inside:
            raise UserError(f"{place / name} holds no images; put some into it, or remove the folder.")
        names += inside
        labels += [label] * len(inside)
    return Files(names, np.array(labels, np.int32))


def _named(places: dict[Part, Path]) -> str:
    return " and ".join(place.name for place in places.values())


def _folders(place: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(place) if entry.is_dir() and not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{place} is no directory; data.path, or --data-dir, names the folder of the images.") from None
    except OSError as error:
        raise UserError(f"{place} cannot be read: {error.strerror}.") from None


def _images(place: Path) -> list[Path]:
    """Return all files below a folder whose ending is that of a kind of image that Pillow reads.

    Raises:
        UserError: A folder cannot be read.
    """

    def told(error: OSError) -> NoReturn:
        raise UserError(f"{error.filename} cannot be read: {error.strerror}.") from None

    found = []
    for parent, folders, names in os.walk(place, onerror=told):
        # Thumbnails and copies lie there, which would be in one part while the image is in another.
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        found += [
            Path(parent, name) for name in names if not name.startswith(".") and Path(name).suffix.lower() in endings()
        ]
    return found


def _check_each_is_trained_on(labels: NDArray[np.int32], classes: Sequence[str], folder: Path) -> None:
    missing = np.flatnonzero(np.bincount(labels, minlength=len(classes)) == 0)
    if len(missing):
        raise UserError(
            f"No image of class '{classes[missing[0]]}' in {folder} is left to train on; add some, "
            "or make data.test and data.validation smaller."
        )


def _free_memory() -> float:
    """Return the bytes of memory that can be had; half of all there are, where that is all the system says."""
    return min(_free_in_the_machine(), _free_in_the_container())


def _free_in_the_container(folder: Path = Path("/sys/fs/cgroup")) -> float:
    try:
        most, used = (float((folder / f"memory.{name}").read_text(encoding="ascii")) for name in ("max", "current"))
    except (OSError, ValueError):  # "max" is no limit
        return math.inf
    return most - used


def _free_in_the_machine() -> float:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * int(line.split()[1])
    except OSError:
        pass
    try:
        return 0.5 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return 4e9
