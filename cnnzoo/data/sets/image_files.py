"""The images in a folder and its subfolders, and the files that are left out, with the reason for each."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cnnzoo.data.decoding import RAW_ENDINGS, begins_like_an_image, endings, is_heic
from cnnzoo.errors import UserError
from cnnzoo.text import listed

# Device and inode, which identify a folder.
FolderId = tuple[int, int]

# Files and folders that operating systems create among images: thumbnails, waste bins, settings.
SYSTEM_NAMES = {
    *(".appledouble", ".ds_store", ".fseventsd", ".ipynb_checkpoints", ".spotlight-v100", ".thumbnails", ".trashes"),
    *("#recycle", "#snapshot", "$recycle.bin", "@eadir", "@recycle", "@tmp", "__macosx", "__pycache__", "desktop.ini"),
    *("ehthumbs.db", "ehthumbs_vista.db", "icon\r", "lost+found", "system volume information", "thumbs.db"),
}
SYSTEM_BEGINNINGS = ("._", ".@__", ".trash-", "@__", "thumbs.db:")

SYSTEM_FILES = "system files and thumbnails"
HIDDEN_FILES = "hidden files"
NOT_IMAGES = "files that are not images"
NOT_READ = "HEIC and raw photographs, which are not read (convert them to JPEG)"
UNREADABLE = "images that cannot be read"
OUTSIDE = "images outside the class folders"
BESIDE = "images in folders beside the splits"
WITHOUT_CLASSES = "images of a test folder without class folders"
BROKEN_LINKS = "broken links"
LINKS_TO_SEEN = "links to folders that are read already"
SPECIAL_FILES = "pipes, sockets and devices"


class LeftOut(NamedTuple):
    """A file that is not in any split.

    Attributes:
        kind: The reason: one of the constants above.
        path: The file.
    """

    kind: str
    path: Path


class FolderContents(NamedTuple):
    """The images in a folder and its subfolders, sorted, and the files that are left out."""

    images: list[Path]
    left_out: list[LeftOut]


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted by name, without hidden folders and those of the operating system.

    Raises:
        UserError: The folder cannot be read.
    """
    return [Path(entry.path) for entry in _list_entries(folder) if _is_ordinary_folder(entry)]


def find_images(folder: Path) -> FolderContents:
    """Return all images in a folder and its subfolders. Links are followed, and every folder is read once.

    An image is a file whose name ends, or whose contents begin, like those of an image format.

    Raises:
        UserError: A folder cannot be read.
    """
    files = list(_walk(folder, _identify_parents(folder)))
    images = sorted(path for path, kind in files if kind is None)
    return FolderContents(images, [LeftOut(kind, path) for path, kind in files if kind])


def describe_left_out(left_out: Sequence[LeftOut], folder: Path) -> str:
    """Return how many files of each kind were left out, with an example of each; empty if there are none."""
    clauses = []
    for kind in dict.fromkeys(kind for kind, _ in left_out):
        paths = [path for other, path in left_out if other == kind]
        ends = f" ({_count_endings(paths)})" if kind == NOT_IMAGES else ""
        clauses.append(f"{kind}: {len(paths):,}{ends}, such as {listed([str(paths[0].relative_to(folder))])}")
    return "; ".join(clauses)


def _count_endings(paths: Sequence[Path]) -> str:
    counts = Counter(path.suffix.lower() or "no ending" for path in paths)
    return listed([f"{ending} {count:,}" for ending, count in counts.most_common()], shown=5)


def has_images(folder: Path) -> bool:
    """Return whether there is an image in a folder or its subfolders."""
    return any(kind is None for _, kind in _walk(folder, _identify_parents(folder)))


def _identify_parents(folder: Path) -> set[FolderId]:
    """Return the folders above a folder; a link in it to one of these must not be followed."""
    return {_identify(parent) for parent in folder.absolute().parents}


def _identify(folder: Path) -> FolderId:
    status = folder.stat()
    return status.st_dev, status.st_ino


def files_beside_folders(folder: Path) -> list[LeftOut]:
    """Return the files in a folder that are not in its ordinary subfolders.

    Raises:
        UserError: The folder cannot be read.
    """
    entries = [entry for entry in _list_entries(folder) if not _is_ordinary_folder(entry)]
    return [LeftOut(kind or OUTSIDE, path) for entry in entries for path, kind in _inspect(entry, set())]


def _walk(folder: Path, seen: set[FolderId]) -> Iterator[tuple[Path, str | None]]:
    """Yield all files in a folder and its subfolders, each with the reason to leave it out, or None for an image.

    Args:
        folder: The folder.
        seen: The folders that were read already; the folders that are read are added.
    """
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        identity = _identify(folder)
        if identity in seen:
            yield folder, LINKS_TO_SEEN
            continue
        seen.add(identity)
        # Links come last, so that of a folder and a link to it the link is skipped.
        entries = sorted(_list_entries(folder), key=lambda entry: entry.is_symlink())
        for entry in entries:
            if not _is_ordinary_folder(entry):
                yield from _inspect(entry, seen)
        subfolders = [Path(entry.path) for entry in entries if _is_ordinary_folder(entry)]
        waiting += reversed(subfolders)


def _inspect(entry: "os.DirEntry[str]", seen: set[FolderId]) -> Iterator[tuple[Path, str | None]]:
    """Yield a file, or all files in a hidden or system folder, each with the reason to leave it out."""
    path = Path(entry.path)
    kind = _classify_name(entry.name)
    if kind and _is_folder(entry):
        try:
            yield from ((inner, kind) for inner, _ in _walk(path, seen))
        except UserError:  # such as for lost+found, which only the administrator may read
            yield path, kind
    elif kind:
        yield path, kind
    elif path.is_file():
        yield path, _classify_content(path)
    else:
        yield path, BROKEN_LINKS if entry.is_symlink() and not path.exists() else SPECIAL_FILES


def _is_ordinary_folder(entry: "os.DirEntry[str]") -> bool:
    return _is_folder(entry) and not _classify_name(entry.name)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _classify_name(name: str) -> str | None:
    """Return the reason to leave out a file or folder of this name, or None."""
    lower = name.casefold()
    if lower in SYSTEM_NAMES or lower.startswith(SYSTEM_BEGINNINGS):
        return SYSTEM_FILES
    return HIDDEN_FILES if name.startswith(".") else None


def _classify_content(path: Path) -> str | None:
    """Return the reason to leave out a file because of its contents; None for an image."""
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


def _list_entries(folder: Path) -> "list[os.DirEntry[str]]":
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder} is not a directory; data.path, or --data-dir, names the folder of the images."
        ) from None
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}.") from None
