"""Data sets of four idx files: images and labels of training and test."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cnnzoo.data.images import ImageArray
from cnnzoo.data.sets.idx_files import read_idx, read_npz, write_idx
from cnnzoo.data.sets.published import Contents, LoadedSplit, PublishedSet, check_labels
from cnnzoo.data.subsets import Subset
from cnnzoo.downloads.locations import Location
from cnnzoo.downloads.mirrors import Download, from_mirrors, write_download
from cnnzoo.errors import DamagedFileError


class OtherDataSetError(DamagedFileError):
    """A file that is not damaged, but is another data set's file of the same name."""


@dataclass(frozen=True)
class IdxFile:
    """One of a data set's four files.

    Attributes:
        name: Its official name without ``.gz``.
        npz_key: The name of the same array in Keras's ``mnist.npz``.
        shape: (count, height, width) of images or (count,) of labels.
        sha256: Hash of the elements, without the idx header; None if it is not published.
        gzip_md5: Hash of the official gzip file, if that of the elements is not published.
    """

    name: str
    npz_key: str
    shape: tuple[int, ...]
    sha256: str | None
    gzip_md5: str | None = None


@dataclass(frozen=True, kw_only=True)
class IdxSet(PublishedSet[IdxFile]):
    """A data set of four idx files.

    Attributes:
        npz_mirrors: Addresses of the folder with Keras's npz archive, which is used if the other mirrors fail.
        others: Other data sets whose files have the same names, by title.
    """

    npz_mirrors: tuple[str, ...] = ()
    others: Mapping[str, tuple[IdxFile, ...]]

    def paths(self, file: IdxFile) -> Sequence[str]:
        """Return where a file may be: gzipped or not, with either of its usual names, or in Keras's archive."""
        dotted = file.name.replace("-idx", ".idx")
        names = (f"{file.name}.gz", file.name, f"{dotted}.gz", dotted, f"{self.name}.npz")
        return [f"{folder}/{name}" for folder in (self.name, *self.folders, ".") for name in names]

    def read(self, files: Sequence[IdxFile], path: Path) -> dict[IdxFile, Contents]:
        """Read and check files at one path: one file, or several in Keras's archive."""
        return {file: self._read(file, path) for file in files}

    def why_unverified(self, file: IdxFile, contents: Contents, path: Path) -> str:  # noqa: ARG002
        """Return why no hash confirms a file: for some images only the hash of the official gzip file is published."""
        confirmed = file.sha256 is not None or _compute_md5(path) == file.gzip_md5
        return "" if confirmed else "is not the official gzip file, the only one with a published hash"

    def subset(self, split: LoadedSplit, contents: Mapping[IdxFile, Contents], directories: Sequence[Path]) -> Subset:  # noqa: ARG002
        """Return the images (count, height, width, 1) of a split."""
        images, labels = (contents[file] for file in self.files_of(split))
        return Subset.of_all(ImageArray(images[..., np.newaxis]), labels.astype(np.int32))

    def expected(self, files: Sequence[IdxFile]) -> str:
        """List missing files, and what may be there instead, for a message."""
        return f"{' and '.join(f'{file.name}.gz' for file in files)} (unpacked files or {self.name}.npz will do)"

    def is_another(self, located: Sequence[tuple[Location, list[IdxFile]]]) -> bool:
        """Return whether the files are another data set's, by their labels."""
        for location, files in located:
            try:
                self.read([file for file in files if len(file.shape) == 1], location.path)
            except OtherDataSetError:
                return True
            except DamagedFileError:
                pass  # it is this data set's; ``verify`` says what is wrong with it
        return False

    def download(self, files: Sequence[IdxFile], folder: Path) -> tuple[list[str], list[str]]:
        """Download files one by one, or Keras's archive if no mirror has them."""
        paths = {file: folder / f"{file.name}.gz" for file in files}
        downloads = [Download(path.name, path, partial(self._read_official, file)) for file, path in paths.items()]
        missing, failures = from_mirrors(downloads, self.mirrors)
        absent = [file for file, path in paths.items() if path in {download.path for download in missing}]
        if absent and self.npz_mirrors:
            arrays: dict[IdxFile, Contents] = {}

            def keep_arrays(path: Path) -> None:
                arrays.update({file: self._read_official(file, path) for file in absent})

            with TemporaryDirectory() as temporary:
                archive = Path(temporary) / f"{self.name}.npz"
                failures += from_mirrors([Download(archive.name, archive, keep_arrays)], self.npz_mirrors)[1]
            for file, array in arrays.items():
                with write_download(paths[file]) as path:
                    write_idx(path, array)
            absent = [file for file in absent if file not in arrays]
        return [paths[file].name for file in absent], failures

    def _read(self, file: IdxFile, path: Path) -> Contents:
        array = read_npz(path, file.npz_key, file.shape) if path.suffix == ".npz" else read_idx(path, file.shape)
        kind = "images" if array.ndim > 1 else "labels"
        if kind == "labels" and (wrong := check_labels(array, len(self.description.class_names))):
            raise DamagedFileError(path, wrong)
        sha256 = hashlib.sha256(array.data).hexdigest()
        if sha256 == file.sha256:
            return array
        for title, files in self.others.items():
            if sha256 in {other.sha256 for other in files}:
                raise OtherDataSetError(path, f"belongs to {title}, not to {self.title}")
        if file.sha256 is not None:
            hashes = f"{sha256[:12]}..., expected {file.sha256[:12]}..."
            raise DamagedFileError(
                path, f"does not contain {self.title}'s {kind}: the SHA-256 of its elements is {hashes}"
            )
        return array

    def _read_official(self, file: IdxFile, path: Path) -> Contents:
        """Read a downloaded file, which a hash must confirm."""
        array = self._read(file, path)
        if self.why_unverified(file, array, path):
            raise DamagedFileError(path, f"is not the official file: its MD5 is {_compute_md5(path)[:12]}...")
        return array


def _compute_md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
