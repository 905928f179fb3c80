"""Which folders in a folder of the user's own images are splits, and which are classes."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from cnnzoo.config import Split
from cnnzoo.data.sets.image_files import (
    BESIDE,
    WITHOUT_CLASSES,
    LeftOut,
    files_beside_folders,
    find_images,
    folders_in,
    has_images,
)
from cnnzoo.errors import UserError
from cnnzoo.text import listed, normalized

SPLITS: tuple[Split, ...] = get_args(Split)

# Common names of the splits, in lower case. A name may contain FILLERS too, as in "test_set".
SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
FILLERS = {"set", "sets", "data", "dataset", "image", "images", "img", "imgs", "split", "folder"}


@dataclass(frozen=True)
class Layout:
    """Where the class folders of each split are.

    Attributes:
        folder: The folder.
        splits: For each split the folder that contains its class folders. For an undivided folder this is
            "train" with the folder itself.
        left_out: The files beside the split folders, or beside the class folders of an undivided folder.
        missing: For a divided folder without training or test images, a sentence that says why it has none, by split.
        notes: What was assumed.
    """

    folder: Path
    splits: dict[Split, Path]
    left_out: list[LeftOut]
    missing: dict[Split, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def is_divided(self) -> bool:
        """Whether the folder contains split folders, not class folders."""
        return self.splits.get("train") != self.folder


def read_layout(folder: Path, classes: Sequence[str] | None = None) -> Layout:
    """Find out how a folder is divided.

    Args:
        folder: The folder. It contains class folders; or ``train``, ``validation`` and ``test`` folders, by these or
            other common names, that contain class folders.
        classes: Names of the class folders, if a config states them. A folder that contains exactly these is
            undivided, even if one of them is called "train".

    Raises:
        UserError: The folder cannot be read, or it can be understood in two ways.
    """
    names = _list_folders(folder)
    beside = files_beside_folders(folder)
    undivided = Layout(folder, {"train": folder}, beside)
    if classes is not None and sorted(map(normalized, names)) == sorted(map(normalized, classes)):
        return undivided
    usual = {name: split for name in names if (split := split_of(name))}
    empty = [name for name in usual if not has_images(folder / name)]
    others = [name for name in names if name not in usual]
    with_classes = {name: split for name, split in usual.items() if name not in empty and folders_in(folder / name)}
    flat = {name: split for name, split in usual.items() if name not in empty and name not in with_classes}
    if not with_classes:
        _check_flat(folder, list(flat), others)
        _check_undivided(folder, names)
        return undivided
    _check_once(folder, {name: split for name, split in usual.items() if name not in empty})
    splits = {split: folder / name for split in SPLITS for name, other in with_classes.items() if other == split}
    with_images = [name for name in others if has_images(folder / name)]
    _check_one_division(folder, splits, flat, with_images)
    unlabelled = [name for name, split in flat.items() if split == "test"]
    left_out = list(beside)
    for kind, unused in ((BESIDE, others), (WITHOUT_CLASSES, unlabelled)):
        for name in unused:
            search = find_images(folder / name)
            left_out += [*(LeftOut(kind, path) for path in search.images), *search.left_out]
    missing: dict[Split, str] = {}
    has_folders = f"{folder} has a {_join(list(with_classes))} folder"
    if "train" not in splits:
        to_train_on = listed(with_images) or "the class folders to train on"
        missing["train"] = f"{has_folders} but no train folder; put {to_train_on} into {folder / 'train'}."
    if "test" not in splits:
        no_folder = f"{has_folders} but no test folder; put one there."
        missing["test"] = _explain_missing_class_folders(folder / unlabelled[0]) if unlabelled else no_folder
    return Layout(folder, splits, left_out, missing, [f"{folder / name} has no images" for name in empty])


def split_of(name: str) -> Split | None:
    """Return the split that a folder's name means, such as "train" for ``Training_Set``; None for other names."""
    words = [word for word in _split_words(name) if word not in FILLERS]
    return SPLIT_WORDS.get(words[0]) if len(words) == 1 else None


def _check_flat(folder: Path, flat: Sequence[str], others: Sequence[str]) -> None:
    """Refuse split folders that contain images but no class folders, unless "train" is the name of a class."""
    if not flat or (others and [name.casefold() for name in flat] == ["train"]):
        return
    if not others:
        raise UserError(_explain_missing_class_folders(*(folder / name for name in flat)))
    raise UserError(
        f"{folder} can be understood in two ways: {_join(flat)} may be a split of the images or a class like "
        f"{listed(others)}. {_state_classes([*others, *flat])} Otherwise move it away."
    )


def _check_one_division(
    folder: Path, splits: dict[Split, Path], flat: dict[str, Split], with_images: Sequence[str]
) -> None:
    """Refuse a train folder that may be one of the classes, and a validation folder without class folders."""
    if list(splits) == ["train"] and with_images:
        train = splits["train"]
        raise UserError(
            f"{folder} can be understood in two ways: {train.name} contains the class folders "
            f"{listed(_list_folders(train))}, but there are also the folders {listed(with_images)} with images. "
            f"{_state_classes([*with_images, train.name])} Otherwise move {listed(with_images)} away."
        )
    for name, split in flat.items():
        if split == "validation":
            raise UserError(_explain_missing_class_folders(folder / name) + " Or remove the folder.")


def _check_undivided(folder: Path, names: Sequence[str]) -> None:
    """Refuse class folders that look like splits with uncommon names, and class folders that contain splits."""
    if len(names) == 1 and len(subfolders := _list_folders(folder / names[0])) > 1:
        raise UserError(
            f"{folder} contains only the folder {names[0]}, which contains {listed(subfolders)}; name that folder: "
            f"{folder / names[0]}"
        )
    alike = {name: split for name in names if (split := _guess_split(name)) and folders_in(folder / name)}
    if len(set(alike.values())) > 1:
        raise UserError(
            f"{folder} can be understood in two ways: {_join(list(alike))} look like the splits of a data set, "
            f"but these are not the usual names. Call them train, validation and test. {_state_classes(names)}"
        )
    below = {name: _list_folders(folder / name) for name in names}
    for name, subfolders in below.items():
        usual = {inner: split for inner in subfolders if (split := split_of(inner))}
        if len(set(usual.values())) > 1:
            raise UserError(
                f"{folder / name} contains the folders {_join(list(usual))}, but a class folder cannot contain splits: "
                f"put the class folders into {folder / 'train'} and {folder / 'test'}. {_state_classes(names)}"
            )
    first = below[names[0]] if names else []
    if len(names) > 1 and len(first) > 1 and all(subfolders == first for subfolders in below.values()):
        raise UserError(
            f"{folder} can be understood in two ways: {listed(names)} may be the classes, and each of them contains "
            f"the folders {listed(first)}, which may be the classes too. {_state_classes(names)} Otherwise put folders "
            f"called {listed(first)} into {folder}."
        )


def _check_once(folder: Path, splits: dict[str, Split]) -> None:
    for split in dict.fromkeys(splits.values()):
        same = [name for name, other in splits.items() if other == split]
        if len(same) > 1:
            raise UserError(f"{folder} has both {_join(same)}, which mean the same split; keep one of these folders.")


def _explain_missing_class_folders(*folders: Path) -> str:
    contain = "contain" if len(folders) > 1 else "contains"
    return (
        f"{_join(list(map(str, folders)))} {contain} images but no class folders, so their classes are unknown: put "
        f"the images of each class into a folder of its own, such as {folders[-1] / 'cat' / '1.jpg'}."
    )


def _state_classes(names: Sequence[str]) -> str:
    # In quotes, because YAML reads a class called 0 or no as a number or as false.
    return f"If these are the classes, state data.classes: {json.dumps(sorted(names), ensure_ascii=False)}."


def _guess_split(name: str) -> Split | None:
    return next((SPLIT_WORDS[word] for word in _split_words(name) if word in SPLIT_WORDS), None)


def _split_words(name: str) -> list[str]:
    words = re.findall(r"[a-z]+", normalized(name).casefold())
    return [word.removesuffix("set") or word for word in words]


def _list_folders(folder: Path) -> list[str]:
    return [path.name for path in folders_in(folder)]


def _join(names: Sequence[str]) -> str:
    return " and ".join(names)
