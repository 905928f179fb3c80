"""Data sets of four idx files: found, checked, read or fetched."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cnnzoo.config import DataSection
from cnnzoo.data.dataset import DataSet, FileCheck
from cnnzoo.data.images import ImageArray
from cnnzoo.data.sets.idx_file import read_idx, read_npz, write_idx
from cnnzoo.data.sets.mnist import DATA_SETS, SOURCES, IdxFile, IdxSource
from cnnzoo.data.subsets import Subset
from cnnzoo.downloads import locations
from cnnzoo.downloads.advice import missing_in, not_downloaded, with_advice
from cnnzoo.downloads.errors import DamagedFileError
from cnnzoo.downloads.locations import Found, cache_dir, search_path

__all__ = ["DATA_SETS", "describe", "fetch", "load", "verify", "where"]


class OtherDataSetError(DamagedFileError):
    """A sound file of the same name that belongs to another data set or part."""


def describe(section: DataSection) -> DataSet:
    """Return what is known of the data set."""
    return next(known for known in DATA_SETS if known.name == section.name)


def load(section: DataSection, split: Literal["train", "test"], data_dir: Path | None) -> Subset:
    """Load one part and touch only its files; without a data directory they may be downloaded.

    Args:
        section: Its name says which data set.
        split: The part.
        data_dir: The only directory to look in, or None for the search path.

    Returns:
        Images (count, 28, 28, 1) and labels (count,).

    Raises:
        UserError: The files are not there, cannot be downloaded or are not what they should be.
    """
    source = SOURCES[section.name]
    directories = search_path(data_dir)
    files = source.train if split == "train" else source.test
    lacking = [file for file in files if _find(source, file, directories) is None]
    if lacking and data_dir is not None:
        wanted = " and ".join(f"{file.stem}.gz" for file in lacking)
        instead = f"{wanted} (unpacked or as {source.name}.npz would do)"
        raise missing_in(source.name, source.title, instead, (source.name, *source.folders), data_dir)
    if lacking:
        # All four at once, so that the evaluation needs no network either.
        absent = [file for file in source.files if _find(source, file, directories) is None]
        _download(source, absent, cache_dir(), directories)
    images, labels = (_read_found(source, file, _find(source, file, directories)) for file in files)
    return Subset.whole(ImageArray(images[..., np.newaxis]), labels.astype(np.int32))


def fetch(name: str, data_dir: Path | None) -> list[Path]:
    """Download what is missing or wrong.

    Args:
        name: Of the data set.
        data_dir: Where to look and where to put it, or None for the search path and the cache.

    Returns:
        Where each of the four files now is.

    Raises:
        UserError: A file can be had from no mirror or cannot be written, or a wrong one lies where
            it would hide the download.
    """
    source = SOURCES[name]
    target = data_dir or cache_dir()
    directories = search_path(data_dir)
    wanted = []
    for file in source.files:
        found = _find(source, file, directories)
        if found is not None:
            try:
                _read(source, file, found.path)
            except DamagedFileError as error:
                if directories.index(found.directory) < directories.index(target):
                    raise with_advice(source.name, error, found.directory) from None
            else:
                continue
        wanted.append(file)
    _download(source, wanted, target, directories)
    return [found.path for file in source.files if (found := _find(source, file, directories))]


def verify(name: str, data_dir: Path | None) -> list[FileCheck]:
    """Check each of the four files where it is found.

    Raises:
        UserError: The data directory does not exist.
    """
    source = SOURCES[name]
    directories = search_path(data_dir)
    checks = []
    for file in source.files:
        found = _find(source, file, directories)
        if found is None:
            checks.append(FileCheck(source.name, file.stem, None, "missing"))
            continue
        try:
            _, vouched = _read(source, file, found.path)
        except DamagedFileError as error:
            checks.append(FileCheck(source.name, file.stem, found.path, "wrong", error.reason))
        else:
            detail = "" if vouched else "no hash is published for these images outside the official gzip file"
            checks.append(
                FileCheck(source.name, file.stem, found.path, "right" if vouched else "structure only", detail)
            )
    return checks


def where(name: str, data_dir: Path | None) -> str | None:
    """Say where the files lie, without reading more than the labels.

    The two data sets' files have the same names; their labels tell them apart.

    Returns:
        The folders, with a remark when files are missing, or None.

    Raises:
        UserError: The data directory does not exist.
    """
    source = SOURCES[name]
    directories = search_path(data_dir)
    located = {file: found for file in source.files if (found := _find(source, file, directories))}
    for file, found in located.items():
        if len(file.shape) == 1:
            try:
                _read(source, file, found.path)
            except OtherDataSetError:
                return None
            except DamagedFileError:
                pass  # Damaged, but here; what is wrong with it is for verify to say.
    if not located:
        return None
    folders = ", ".join(dict.fromkeys(str(found.path.parent) for found in located.values()))
    complete = len(located) == len(source.files)
    return folders if complete else f"{folders} ({len(located)} of {len(source.files)} files)"


def _find(source: IdxSource, file: IdxFile, directories: Sequence[Path]) -> Found | None:
    dotted = file.stem.replace("-idx", ".idx")
    names = (f"{file.stem}.gz", file.stem, f"{dotted}.gz", dotted, f"{source.name}.npz")
    return locations.find((source.name, *source.folders, "."), names, directories)


def _read(source: IdxSource, file: IdxFile, path: Path) -> tuple[NDArray[np.uint8], bool]:
    """Read and check a file.

    Returns:
        The array, and whether a hash vouches for it.

    Raises:
        DamagedFileError: The file is not what it should be.
    """
    array = read_npz(path, file.npz_key, file.shape) if path.suffix == ".npz" else read_idx(path, file.shape)
    is_labels = array.ndim == 1
    if is_labels and array.max() >= source.num_classes:
        position = int(np.argmax(array >= source.num_classes))
        raise DamagedFileError(
            path,
            f"holds the label {array[position]} at position {position:,}; labels are 0 to {source.num_classes - 1}",
        )
    payload_sha256 = hashlib.sha256(array.data).hexdigest()
    if payload_sha256 == file.payload_sha256:
        return array, True
    for other in SOURCES.values():
        for other_file in other.files:
            if payload_sha256 == other_file.payload_sha256:
                raise OtherDataSetError(path, f"is {other.title}'s, not {source.title}'s")
    if file.payload_sha256 is not None:
        raise DamagedFileError(
            path,
            f"does not hold {source.title}'s {'labels' if is_labels else 'images'}: the SHA-256 of its elements is "
            f"{payload_sha256[:12]}... where {file.payload_sha256[:12]}... belongs",
        )
    return array, _gzip_md5(path) == file.gzip_md5


def _gzip_md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _read_found(source: IdxSource, file: IdxFile, found: Found | None) -> NDArray[np.uint8]:
    assert found is not None
    try:
        return _read(source, file, found.path)[0]
    except DamagedFileError as error:
        raise with_advice(source.name, error, found.directory) from None


def _download(source: IdxSource, files: Sequence[IdxFile], target: Path, looked_in: Sequence[Path]) -> None:
    """Fetch files into the data set's folder in the target directory."""
    from cnnzoo.downloads.mirrors import Download, from_mirrors, no_empty_folders, written  # noqa: PLC0415 - loads pooch

    def place(file: IdxFile) -> Path:
        return target / source.name / f"{file.stem}.gz"

    def check(file: IdxFile, path: Path) -> NDArray[np.uint8]:
        array, vouched = _read(source, file, path)
        if not vouched:
            raise DamagedFileError(path, f"is not the official file, its MD5 is {_gzip_md5(path)[:12]}...")
        return array

    downloads = {Download(f"{file.stem}.gz", place(file), partial(check, file)): file for file in files}
    with no_empty_folders(target / source.name):
        missing, failures = from_mirrors(list(downloads), source.mirrors)
        lacking = [downloads[download] for download in missing]
        if lacking and source.npz_mirrors:
            arrays: dict[IdxFile, NDArray[np.uint8]] = {}

            def keep_arrays(path: Path) -> None:
                arrays.update({file: check(file, path) for file in lacking})

            with TemporaryDirectory() as folder:
                name = f"{source.name}.npz"
                _, more_failures = from_mirrors([Download(name, Path(folder) / name, keep_arrays)], source.npz_mirrors)
            failures += more_failures
            for file, array in arrays.items():
                with written(place(file)) as temporary:
                    write_idx(temporary, array)
            lacking = [file for file in lacking if file not in arrays]
    if lacking:
        wanted = [f"{file.stem}.gz" for file in lacking]
        raise not_downloaded(source.title, wanted, target / source.name, looked_in, failures)
