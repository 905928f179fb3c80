"""Data sets of record files, in an archive or unpacked: found, checked, read or fetched."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnzoo.config import Cifar100Section, DataSection
from cnnzoo.data.dataset import DataSet, FileCheck
from cnnzoo.data.images import ImageArray
from cnnzoo.data.sets.cifar import CIFAR100_COARSE_CLASSES, DATA_SETS, SOURCES, RecordFile, RecordSource
from cnnzoo.data.subsets import Subset
from cnnzoo.downloads import locations
from cnnzoo.downloads.advice import fetch_command, missing_in, not_downloaded, with_advice
from cnnzoo.downloads.archives import read_members
from cnnzoo.downloads.errors import DamagedFileError, explain_damage
from cnnzoo.downloads.locations import Found, cache_dir, search_path
from cnnzoo.errors import UserError

__all__ = ["DATA_SETS", "describe", "fetch", "load", "verify", "where"]

Records = NDArray[np.uint8]


class Place(NamedTuple):
    """Where a record file was found: a path of its own or an archive, and the directory of the search path."""

    found: Found
    archived: bool


def describe(section: DataSection | Cifar100Section) -> DataSet:
    """Return what is known of the data set."""
    known = next(known for known in DATA_SETS if known.name == section.name)
    if isinstance(section, Cifar100Section) and section.labels == "coarse":
        return DataSet(**{**vars(known), "title": "CIFAR-100, coarse labels", "class_names": CIFAR100_COARSE_CLASSES})
    return known


def load(section: DataSection | Cifar100Section, split: Literal["train", "test"], data_dir: Path | None) -> Subset:
    """Load one part; without a data directory the archive may be downloaded.

    Args:
        section: Its name says which data set.
        split: The part. A test file with any whole number of records is taken, and the split's note
            says how many there are; that of the training images too.
        data_dir: The only directory to look in, or None for the search path.

    Returns:
        Images (count, 32, 32, 3) and labels (count,).

    Raises:
        UserError: The files are not there, cannot be downloaded or are not what they should be.
    """
    source = SOURCES[section.name]
    directories = search_path(data_dir)
    files = source.train if split == "train" else (source.test,)
    places = {file: _find(source, file, directories) for file in files}
    if None in places.values():
        lacking = [file for file, place in places.items() if place is None]
        if data_dir is not None:
            raise _not_in(source, lacking, data_dir)
        _download(source, cache_dir(), directories)
        places = {file: _find(source, file, directories) for file in files}
    contents: dict[RecordFile, Records] = {}
    for found, archived in dict.fromkeys(place for place in places.values() if place):
        inside = [file for file, place in places.items() if place and place.found == found]
        try:
            contents.update(_read(source, inside, found.path, archived, _beside(source, split, archived)))
        except DamagedFileError as error:
            raise with_advice(source.name, error, found.directory) from None
    records = np.concatenate([contents[file] for file in files])
    label_bytes = len(source.label_classes)
    column = 0 if isinstance(section, Cifar100Section) and section.labels == "coarse" else label_bytes - 1
    planes = records[:, label_bytes:].reshape(-1, 3, 32, 32)
    count, official = len(records), source.test.count
    if split == "train":
        note = _note_on_tests(source, contents.get(source.test), directories)
    else:
        note = f"{count:,} of the {official:,} official test images" if count < official else ""
    images = ImageArray(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)))
    return Subset.whole(images, records[:, column].astype(np.int32), note)


def fetch(name: str, data_dir: Path | None) -> list[Path]:
    """Download the archive if a file is missing, incomplete or wrong.

    Args:
        name: Of the data set.
        data_dir: Where to look and where to put it, or None for the search path and the cache.

    Returns:
        Where the files now are: the archive, or the unpacked ones.

    Raises:
        UserError: The archive can be had from no mirror or cannot be written, or a wrong file lies where
            it would hide the download.
    """
    source = SOURCES[name]
    target = data_dir or cache_dir()
    directories = search_path(data_dir)
    bad = [check for check in verify(name, data_dir) if check.status != "right"]
    for check in bad:
        place = _find(source, next(file for file in source.files if file.name == check.file), directories)
        if place and directories.index(place.found.directory) < directories.index(target):
            raise with_advice(name, DamagedFileError(place.found.path, check.detail), place.found.directory)
    if bad:
        _download(source, target, directories)
    places = [_find(source, file, directories) for file in source.files]
    return list(dict.fromkeys(place.found.path for place in places if place))


def verify(name: str, data_dir: Path | None) -> list[FileCheck]:
    """Check each record file where it is found.

    Raises:
        UserError: The data directory does not exist.
    """
    source = SOURCES[name]
    directories = search_path(data_dir)
    places = {file: _find(source, file, directories) for file in source.files}
    checks = {file: FileCheck(name, file.name, None, "missing") for file, place in places.items() if place is None}
    for found, archived in dict.fromkeys(place for place in places.values() if place):
        inside = [file for file, place in places.items() if place and place.found == found]
        # An archive is read once for all its files, so that what is wrong with one is told of all.
        try:
            contents = dict(_read(source, inside, found.path, archived))
        except DamagedFileError as error:
            checks |= {file: FileCheck(name, file.name, found.path, "wrong", error.reason) for file in inside}
            continue
        for file, records in contents.items():
            few = len(records) < file.count
            detail = f"holds {len(records):,} of {file.count:,} images, which no hash vouches for" if few else ""
            checks[file] = FileCheck(name, file.name, found.path, "structure only" if few else "right", detail)
    return [checks[file] for file in source.files]


def where(name: str, data_dir: Path | None) -> str | None:
    """Say where the files lie, without reading them.

    Returns:
        The archive or the folder, with a note when files are missing or the test file is incomplete, or None.

    Raises:
        UserError: The data directory does not exist.
    """
    source = SOURCES[name]
    places = {file: _find(source, file, search_path(data_dir)) for file in source.files}
    located = {file: place for file, place in places.items() if place}
    if not located:
        return None
    shown = ", ".join(
        dict.fromkeys(str(found.path if archived else found.path.parent) for found, archived in located.values())
    )
    if len(located) < len(source.files):
        return f"{shown} ({len(located)} of {len(source.files)} files)"
    test = places[source.test]
    if test and not test.archived:
        count = test.found.path.stat().st_size // source.record_size
        if count < source.test.count:
            return f"{shown} ({count:,} of {source.test.count:,} test images)"
    return shown


def _beside(source: RecordSource, split: Literal["train", "test"], archived: bool) -> Sequence[RecordFile]:
    """Return what is read as well: an archive's test images, of which all that stands before them is read anyway."""
    return (source.test,) if split == "train" and archived else ()


def _note_on_tests(source: RecordSource, read: Records | None, directories: Sequence[Path]) -> str:
    """Say before a training if test images are missing; those that were not read are counted by their file's size.

    Raises:
        UserError: Their file is cut inside a record.
    """
    if read is not None:
        return _too_few(len(read), source)
    test = _find(source, source.test, directories)
    if test is None or test.archived:
        return ""
    path = test.found.path
    with explain_damage(path):
        count, left = divmod(path.stat().st_size, source.record_size)
    if left:
        raise with_advice(source.name, DamagedFileError(path, _cut(path.stat().st_size, source)), test.found.directory)
    return _too_few(count, source)


def _too_few(count: int, source: RecordSource) -> str:
    return f"{count:,} of {source.test.count:,} test images are there" if count < source.test.count else ""


def _cut(length: int, source: RecordSource) -> str:
    size = source.record_size
    return f"is cut inside a record: {length:,} bytes are no whole number of records of {size:,} bytes"


def _find(source: RecordSource, file: RecordFile, directories: Sequence[Path]) -> Place | None:
    """Find a record file: the archive first, because a download shall hide a wrong file."""
    for directory in directories:
        archive = locations.find((source.name, "."), (source.archive,), (directory,))
        if archive:
            return Place(archive, archived=True)
        folders = (f"{source.name}/{source.folder}", source.name, source.folder, ".")
        if found := locations.find(folders, (file.name,), (directory,)):
            return Place(found, archived=False)
    return None


def _read(
    source: RecordSource,
    files: Sequence[RecordFile],
    path: Path,
    archived: bool,
    beside: Sequence[RecordFile] = (),
) -> Iterator[tuple[RecordFile, Records]]:
    """Read and check record files.

    Args:
        source: The data set.
        files: Which ones; one alone where they are not archived.
        path: Of the file or of the archive.
        archived: Whether it is an archive.
        beside: Those of the archive that need not be in it.

    Yields:
        Each file and its records (count, bytes).

    Raises:
        DamagedFileError: A file is not there or not what it should be.
    """
    if not archived:
        (file,) = files
        most = file.count * source.record_size
        with explain_damage(path), path.open("rb") as stored:
            content = stored.read(most + 1)
        yield file, _records(source, file, path, "", content)
        return
    wanted = {f"{source.folder}/{file.name}": file for file in (*files, *beside)}
    read = dict(read_members(path, {name: file.count * source.record_size for name, file in wanted.items()}))
    for name, file in wanted.items():
        if name in read:
            yield file, _records(source, file, path, f"{file.name} in it ", read.pop(name))
        elif file not in beside:
            raise DamagedFileError(path, f"has no {name}")


def _records(source: RecordSource, file: RecordFile, path: Path, member: str, content: bytes) -> Records:
    """Check the content of a record file and return its records (count, bytes)."""

    def wrong(reason: str) -> DamagedFileError:
        return DamagedFileError(path, f"is not right: {member}{reason}" if member else reason)

    count, left = divmod(len(content), source.record_size)
    if not content:
        raise wrong("is empty")
    if len(content) > file.count * source.record_size:
        raise wrong(f"holds more than the {file.count:,} images that belong there")
    if left:
        web_page = content.lstrip()[:1] == b"<"
        raise wrong("is a web page or XML, not a file of records" if web_page else _cut(len(content), source))
    if count < file.count and file is not source.test:
        raise wrong(f"holds {count:,} images where {file.count:,} belong")
    records = np.frombuffer(content, dtype=np.uint8).reshape(count, source.record_size)
    for column, classes in enumerate(source.label_classes):
        labels = records[:, column]
        if labels.max() >= classes:
            position = int(np.argmax(labels >= classes))
            raise wrong(f"holds the label {labels[position]} in record {position:,}; labels are 0 to {classes - 1}")
    if count == file.count:
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if md5 != file.md5:
            raise wrong(
                f"does not hold {source.title}'s images: its MD5 is {md5[:12]}... where {file.md5[:12]}... belongs"
            )
    return records


def _download(source: RecordSource, target: Path, looked_in: Sequence[Path]) -> None:
    """Fetch the archive into the data set's folder in the target directory."""
    from cnnzoo.downloads.mirrors import Download, from_mirrors, no_empty_folders  # noqa: PLC0415 - loads pooch

    def check(path: Path) -> None:
        for file, records in _read(source, source.files, path, archived=True):
            if len(records) < file.count:
                raise DamagedFileError(path, f"holds {len(records):,} of {file.count:,} images as {file.name}")

    folder = target / source.name
    with no_empty_folders(folder):
        missing, failures = from_mirrors([Download(source.archive, folder / source.archive, check)], source.mirrors)
    if missing:
        raise not_downloaded(source.title, [source.archive], folder, looked_in, failures)


def _not_in(source: RecordSource, lacking: Sequence[RecordFile], data_dir: Path) -> UserError:
    """Say that a directory does not have the files, and what it has instead if that is the Python version."""
    pickled = locations.find((source.name, "."), source.python_version, (data_dir,))
    if pickled:
        return UserError(
            f"{pickled.path} is the Python version of {source.title}; it is pickled, and reading it could run code, so "
            f"the binary version {source.archive} is needed: `{fetch_command(source.name, data_dir)}` downloads it."
        )
    names = [file.name for file in lacking]
    wanted = f"{source.archive} and no {names[0] if len(names) == 1 else f'{names[0]} to {names[-1]}'}"
    return missing_in(source.name, source.title, wanted, (source.name, source.folder), data_dir)
