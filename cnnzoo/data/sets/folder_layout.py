"""What lies in a folder of a person's own images: its parts, its classes, the images, and what is left out."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from cnnzoo.data.decoding import RAW_ENDINGS, begins_like_an_image, endings, is_heic
from cnnzoo.errors import UserError
from cnnzoo.text import listed, normalized

Part = Literal["train", "validation", "test"]
# Device and number.
FolderId = tuple[int, int]
PARTS: tuple[Part, ...] = get_args(Part)

# What people call the parts of a data set, in any case. FILLERS may stand beside these words, as in "test_set".
PART_WORDS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
FILLERS = {"set", "sets", "data", "dataset", "image", "images", "img", "imgs", "split", "folder"}

# What systems leave in folders of images: thumbnails, waste bins, notes of their own.
SYSTEM_NAMES = {
    ".appledouble",
    ".ds_store",
    ".fseventsd",
    ".ipynb_checkpoints",
    ".spotlight-v100",
    ".thumbnails",
    ".trashes",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "@eadir",
    "@recycle",
    "@tmp",
    "__macosx",
    "__pycache__",
    "desktop.ini",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "icon\r",
    "lost+found",
    "system volume information",
    "thumbs.db",
}
SYSTEM_BEGINNINGS = ("._", ".@__", ".trash-", "@__", "thumbs.db:")

SYSTEM_FILES = "system files and thumbnails"
HIDDEN_FILES = "hidden files"
NOT_IMAGES = "files that are not images"
NOT_READ = "HEIC and raw photographs, which are not read (convert them to JPEG)"
UNREADABLE = "images that cannot be read"
OUTSIDE = "images outside the class folders"
BESIDE = "images in folders beside the parts"
WITHOUT_CLASSES = "images of a test folder without class folders"
BROKEN_LINKS = "broken links"
REPEATED = "links to folders that are read already"
SPECIAL_FILES = "pipes, sockets and devices"


class LeftOut(NamedTuple):
    """A file that no part contains.

    Attributes:
        kind: Why, as one of the constants above.
        path: The file.
    """

    kind: str
    path: Path


class Found(NamedTuple):
    """The images below a folder, sorted, and the files that are left out."""

    images: list[Path]
    left_out: list[LeftOut]


@dataclass(frozen=True)
class Layout:
    """Where the parts of a folder lie.

    Attributes:
        folder: The folder.
        places: The folder of each part, which holds the class folders. An undivided folder is its own training part.
        left_out: The files that lie beside the parts, or beside the class folders of an undivided folder.
        missing: For a folder divided by hand without a training or test part a sentence that says why there is none.
        notes: Sentences on what was assumed.
    """

    folder: Path
    places: dict[Part, Path]
    left_out: list[LeftOut]
    missing: dict[Part, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def divided_by_hand(self) -> bool:
        """Whether the folder holds a train folder, and not the class folders themselves."""
        return self.places.get("train") != self.folder


def read_layout(folder: Path, classes: Sequence[str] | None = None) -> Layout:
    """Find out where the parts of a folder lie.

    Args:
        folder: Class folders, or ``train``, ``validation`` and ``test`` folders (by these names or the other usual
            ones) that hold class folders.
        classes: Names of the class folders, if a config states them: where the folder itself holds exactly these, it
            is undivided, whatever they are called.

    Raises:
        UserError: The folder cannot be read, or it can be understood in two ways.
    """
    names = [path.name for path in folders_in(folder)]
    beside = files_beside_folders(folder)
    if classes is not None and sorted(map(normalized, names)) == sorted(map(normalized, classes)):
        return Layout(folder, {"train": folder}, beside)
    named = {name: part for name in names if (part := part_of(name))}
    empty = [name for name in named if not _holds_images(folder / name)]
    parts = {name: part for name, part in named.items() if name not in empty}
    others = [name for name in names if name not in named]
    notes = [f"{folder / name} holds no images" for name in empty]
    deep = {name: part for name, part in parts.items() if folders_in(folder / name)}
    flat = {name: part for name, part in parts.items() if name not in deep}
    if not deep:
        _check_flat_parts(folder, list(flat), others)
        _check_undivided(folder, names)
        return Layout(folder, {"train": folder}, beside)
    _check_once(folder, parts)
    with_images = [name for name in others if _holds_images(folder / name)]
    by_part = {part: name for name, part in deep.items()}
    places = {part: folder / by_part[part] for part in PARTS if part in by_part}
    missing: dict[Part, str] = {}
    if "train" not in places:
        to_train_on = listed(with_images) or "the class folders to train on"
        missing["train"] = (
            f"{folder} has no train folder beside its {_and(list(deep))}; put {to_train_on} into {folder / 'train'}."
        )
    elif with_images and len(places) == 1:
        (train,) = deep
        raise UserError(
            f"{folder} can be understood in two ways: {train} holds class folders ({listed(_names(folder / train))}) "
            f"like a training part, and beside it lie {listed(with_images)} with images. "
            f"{_state_classes([*with_images, train])} Otherwise move {listed(with_images)} away."
        )
    validating = [name for name, part in flat.items() if part == "validation"]
    if validating:
        raise UserError(_no_class_folders(folder / validating[0]) + " Or remove the folder.")
    unlabelled = [name for name, part in flat.items() if part == "test"]
    left_out = list(beside)
    for kind, unused in ((BESIDE, others), (WITHOUT_CLASSES, unlabelled)):
        for name in unused:
            found = find_images(folder / name)
            left_out += [*(LeftOut(kind, path) for path in found.images), *found.left_out]
    if "test" not in places:
        no_folder = f"{folder} has no test folder beside its {_and(list(deep))}; put one there."
        missing["test"] = _no_class_folders(folder / unlabelled[0]) if unlabelled else no_folder
    return Layout(folder, places, left_out, missing, notes)


def part_of(name: str) -> Part | None:
    """Return the part that a folder's name stands for, such as "train" for ``Training_Set``; None for other names."""
    words = [word for word in _words(name) if word not in FILLERS]
    return PART_WORDS.get(words[0]) if len(words) == 1 else None


def folders_in(place: Path) -> list[Path]:
    """Return the folders in a folder, sorted by name, without hidden ones and those of systems.

    Raises:
        UserError: The folder cannot be read.
    """
    return [Path(entry.path) for entry in _entries(place) if _is_folder(entry) and not _kind_of_name(entry.name)]


def find_images(place: Path) -> Found:
    """Return all images below a folder; links are followed, and every folder is read once.

    An image is a file whose ending is that of a kind of image, or that begins like one.

    Raises:
        UserError: A folder cannot be read.
    """
    found = Found([], [])
    for path, kind in _walk(place, _folders_above(place)):
        if kind is None:
            found.images.append(path)
        else:
            found.left_out.append(LeftOut(kind, path))
    found.images.sort()
    return found


def describe_left_out(left_out: Sequence[LeftOut], folder: Path) -> str:
    """Say how many files of each kind were left out, each with an example; empty where none were."""
    clauses = []
    for kind in dict.fromkeys(kind for kind, _ in left_out):
        paths = [path for other, path in left_out if other == kind]
        ends = f" ({_count_endings(paths)})" if kind == NOT_IMAGES else ""
        clauses.append(f"{kind}: {len(paths):,}{ends}, such as {listed([str(paths[0].relative_to(folder))])}")
    return "; ".join(clauses)


def _count_endings(paths: Sequence[Path]) -> str:
    counts = Counter(path.suffix.lower() or "no ending" for path in paths)
    return listed([f"{ending} {count:,}" for ending, count in counts.most_common()], shown=5)


def _check_flat_parts(folder: Path, parts: Sequence[str], others: Sequence[str]) -> None:
    """Refuse parts that hold images but no class folders, unless it is one class that happens to be called train."""
    if not parts:
        return
    if not others:
        raise UserError(_no_class_folders(*(folder / part for part in parts)))
    if [part.casefold() for part in parts] == ["train"]:
        return
    raise UserError(
        f"{folder} can be understood in two ways: {_and(parts)} may be a part of the images or a class like "
        f"{listed(others)}. {_state_classes([*others, *parts])} Otherwise move it away."
    )


def _check_undivided(folder: Path, names: Sequence[str]) -> None:
    """Refuse class folders that look like parts under other names, and those that hold the parts themselves."""
    if len(names) == 1 and len(inside := _names(folder / names[0])) > 1:
        raise UserError(
            f"{folder} holds one folder, {names[0]}, which holds {listed(inside)}; name that one: {folder / names[0]}"
        )
    alike = {name: part for name in names if (part := _looks_like(name)) and folders_in(folder / name)}
    if len(set(alike.values())) > 1:
        raise UserError(
            f"{folder} can be understood in two ways: {_and(list(alike))} look like the parts of a data set, "
            f"but not by the usual names. Call them train, validation and test. {_state_classes(names)}"
        )
    for name in names:
        inner = [inside for inside in _names(folder / name) if part_of(inside)]
        if len({part_of(inside) for inside in inner}) > 1:
            raise UserError(
                f"{folder / name} holds the folders {_and(inner)}, and a class folder is not divided: put "
                f"the class folders into {folder / 'train'} and {folder / 'test'}. {_state_classes(names)}"
            )
    below = [_names(folder / name) for name in names]
    if len(below) > 1 and len(below[0]) > 1 and all(other == below[0] for other in below):
        raise UserError(
            f"{folder} can be understood in two ways: {listed(names)} may be the classes, and each of them holds the "
            f"folders {listed(below[0])}, which may be the classes too. {_state_classes(names)} Otherwise put folders "
            f"called {listed(below[0])} into {folder}."
        )


def _check_once(folder: Path, parts: dict[str, Part]) -> None:
    for part in dict.fromkeys(parts.values()):
        same = [name for name, other in parts.items() if other == part]
        if len(same) > 1:
            raise UserError(f"{folder} has both {_and(same)}, which mean the same part; keep one of these folders.")


def _no_class_folders(*places: Path) -> str:
    hold = "hold" if len(places) > 1 else "holds"
    return (
        f"{_and(list(map(str, places)))} {hold} images but no class folders, so their classes are unknown: put "
        f"the images of each class into a folder of its own, such as {places[-1] / 'cat' / '1.jpg'}."
    )


def _state_classes(names: Sequence[str]) -> str:
    # In quotes, without which YAML takes a class called 0 or no for a number or for false.
    return f"If these are the classes, state data.classes: {json.dumps(sorted(names), ensure_ascii=False)}."


def _looks_like(name: str) -> Part | None:
    return next((PART_WORDS[word] for word in _words(name) if word in PART_WORDS), None)


def _words(name: str) -> list[str]:
    words = re.findall(r"[a-z]+", normalized(name).casefold())
    return [word.removesuffix("set") or word for word in words]


def _names(place: Path) -> list[str]:
    return [path.name for path in folders_in(place)]


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


def _holds_images(place: Path) -> bool:
    return any(kind is None for _, kind in _walk(place, _folders_above(place)))


def _folders_above(place: Path) -> set[FolderId]:
    """Return the folders that a link in a folder must not lead to, or their other images would be read as its own."""
    return {_identity(above) for above in place.absolute().parents}


def _identity(folder: Path) -> FolderId:
    status = folder.stat()
    return status.st_dev, status.st_ino


def files_beside_folders(folder: Path) -> list[LeftOut]:
    """Return the files that lie in a folder beside its folders, and those that a system put there.

    Raises:
        UserError: The folder cannot be read.
    """
    found = []
    for entry in _entries(folder):
        if _kind_of_name(entry.name) or not _is_folder(entry):
            found += [LeftOut(kind or OUTSIDE, path) for path, kind in _look_at(entry, set())]
    return found


def _walk(place: Path, seen: set[FolderId]) -> Iterator[tuple[Path, str | None]]:
    """Yield all files below a folder, each with the reason for which it is left out, None for an image.

    Args:
        place: The folder.
        seen: The folders that were read already; this one is added.
    """
    waiting = [place]
    while waiting:
        folder = waiting.pop()
        identity = _identity(folder)
        if identity in seen:
            yield folder, REPEATED
            continue
        seen.add(identity)
        # Links come last: of a folder and a link to it, the link is skipped.
        entries = sorted(_entries(folder), key=lambda entry: entry.is_symlink())
        for entry in entries:
            if _kind_of_name(entry.name) or not _is_folder(entry):
                yield from _look_at(entry, seen)
        inner = [Path(entry.path) for entry in entries if _is_folder(entry) and not _kind_of_name(entry.name)]
        waiting += reversed(inner)


def _look_at(entry: "os.DirEntry[str]", seen: set[FolderId]) -> Iterator[tuple[Path, str | None]]:
    """Yield a file, or all files below a folder of a system, with the reason for which it is left out."""
    path = Path(entry.path)
    kind = _kind_of_name(entry.name)
    if kind and _is_folder(entry):
        try:
            yield from ((inside, kind) for inside, _ in _walk(path, seen))
        except UserError:  # such as of lost+found, which only the administrator may read
            yield path, kind
    elif kind:
        yield path, kind
    elif path.is_file():
        yield path, _kind_of_content(path)
    else:
        yield path, BROKEN_LINKS if entry.is_symlink() and not path.exists() else SPECIAL_FILES


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _kind_of_name(name: str) -> str | None:
    """Return why a name alone says that a file or folder is left out; None where it does not."""
    lower = name.casefold()
    if lower in SYSTEM_NAMES or lower.startswith(SYSTEM_BEGINNINGS):
        return SYSTEM_FILES
    return HIDDEN_FILES if name.startswith(".") else None


def _kind_of_content(path: Path) -> str | None:
    """Return why a file is left out that is no image that can be read; None for an image."""
    if path.suffix.lower() in RAW_ENDINGS:
        return NOT_READ
    if path.suffix.lower() in endings():
        return None
    try:
        if is_heic(path):
            return NOT_READ
        return None if begins_like_an_image(path) else NOT_IMAGES
    except OSError:
        return NOT_IMAGES


def _entries(place: Path) -> "list[os.DirEntry[str]]":
    try:
        return sorted(os.scandir(place), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{place} is no directory; data.path, or --data-dir, names the folder of the images.") from None
    except OSError as error:
        raise UserError(f"{place} cannot be read: {error.strerror}.") from None
