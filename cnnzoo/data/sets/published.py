"""Published data sets: their files are searched, read and checked, and downloaded if they are missing."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnzoo.cache import cache_dir
from cnnzoo.data.dataset import DataSet, FileCheck
from cnnzoo.data.subsets import Subset
from cnnzoo.downloads.advice import add_advice, explain_failures, explain_missing
from cnnzoo.downloads.locations import Location, find, search_path
from cnnzoo.downloads.mirrors import remove_empty_folders
from cnnzoo.errors import DamagedFileError, UserError

Contents = NDArray[np.uint8]
# The validation images are among the training images.
LoadedSplit = Literal["train", "test"]


def check_labels(labels: Contents, classes: int) -> str:
    """Check labels (count,) of a number of classes; return what is wrong, empty if nothing is."""
    if labels.max() < classes:
        return ""
    position = int(np.argmax(labels >= classes))
    return f"has the label {labels[position]} at position {position:,}; labels are 0 to {classes - 1}"


class PublishedFile(Protocol):
    """One file of a data set, hashable."""

    @property
    def name(self) -> str:
        """Its official name."""


File = TypeVar("File", bound=PublishedFile)


@dataclass(frozen=True, kw_only=True)
class PublishedSet(ABC, Generic[File]):
    """A data set of published files; a subclass reads their format.

    Attributes:
        description: The data set.
        train: The files of the training images.
        test: The files of the test images.
        folders: Other folders in which the files may be, below a directory.
        mirrors: Addresses of the folder with the downloads, the best first.
        archive: Name of the archive that contains all files; empty if there is none.
    """

    description: DataSet
    train: tuple[File, ...]
    test: tuple[File, ...]
    folders: tuple[str, ...]
    mirrors: tuple[str, ...]
    archive: str = ""

    # ``fetch`` downloads a file again if ``verify`` returns one of these.
    downloaded_again: ClassVar[frozenset[str]] = frozenset({"missing", "wrong"})

    @property
    def name(self) -> str:
        """The registered name."""
        return self.description.name

    @property
    def title(self) -> str:
        """The name as people write it."""
        return self.description.title

    @property
    def files(self) -> tuple[File, ...]:
        """All files, those of the training images first."""
        return (*self.train, *self.test)

    def files_of(self, split: LoadedSplit) -> tuple[File, ...]:
        """Return the files of a split."""
        return self.train if split == "train" else self.test

    @abstractmethod
    def paths(self, file: File) -> Sequence[str]:
        """Return the paths that a file may have below a directory; that of a download comes first and is preferred."""

    @abstractmethod
    def read(self, files: Sequence[File], path: Path) -> dict[File, Contents]:
        """Read and check files at one path.

        Raises:
            DamagedFileError: One of them is damaged or another file.
        """

    @abstractmethod
    def why_unverified(self, file: File, contents: Contents, path: Path) -> str:
        """Return why no hash confirms a file that was read; empty if one does."""

    @abstractmethod
    def subset(self, split: LoadedSplit, contents: Mapping[File, Contents], directories: Sequence[Path]) -> Subset:
        """Return the images of a split whose files were read."""

    @abstractmethod
    def expected(self, files: Sequence[File]) -> str:
        """List missing files, and what may be there instead, for a message."""

    @abstractmethod
    def download(self, files: Sequence[File], folder: Path) -> tuple[list[str], list[str]]:
        """Download files into a folder.

        Returns:
            The names of the files that no mirror has, and a line per failed attempt.
        """

    def is_another(self, located: Sequence[tuple[Location, list[File]]]) -> bool:  # noqa: ARG002 - for subclasses
        """Return whether the files belong to another data set that uses the same names."""
        return False

    def note(self, directories: Sequence[Path]) -> str:  # noqa: ARG002 - for subclasses
        """Return a note about files with missing images; empty if none are missing."""
        return ""

    def missing_files_error(self, files: Sequence[File], data_dir: Path) -> UserError:
        """Return the error for files that are not in the data directory."""
        return explain_missing(self.name, self.title, self.expected(files), (self.name, *self.folders), data_dir)

    def load(self, split: LoadedSplit, data_dir: Path | None = None) -> Subset:
        """Load one split, and read only its files; without a data directory missing files are downloaded.

        Args:
            split: The split.
            data_dir: The only directory to look in, or None for the search path.

        Raises:
            UserError: The files are missing, cannot be downloaded or are damaged.
        """
        directories = search_path(data_dir)
        files = self.files_of(split)
        missing = [file for file in files if not self.find(file, directories)]
        if missing and data_dir is not None:
            raise self.missing_files_error(missing, data_dir)
        if missing:
            # All files at once, so that the evaluation needs no internet connection.
            missing = [file for file in self.files if not self.find(file, directories)]
            self._download(missing, cache_dir(), directories)
        contents: dict[File, Contents] = {}
        for location, group in self._locate(files, directories):
            try:
                contents |= self.read(group, location.path)
            except DamagedFileError as error:
                raise add_advice(self.name, error, location.directory) from None
        return self.subset(split, contents, directories)

    def fetch(self, data_dir: Path | None = None) -> list[Path]:
        """Download what is missing or wrong.

        Args:
            data_dir: The directory to look in and to download into; None for the search path and the cache.

        Returns:
            The paths of the files.

        Raises:
            UserError: No mirror has a file, it cannot be written, or a wrong file in another directory would be
                preferred to the download.
        """
        target = data_dir or cache_dir()
        directories = search_path(data_dir)
        checks = dict(zip(self.files, self.verify(data_dir), strict=True))
        bad = [file for file, check in checks.items() if check.status in self.downloaded_again]
        for file in bad:
            location = self.find(file, directories)
            if location and directories.index(location.directory) < directories.index(target):
                raise add_advice(self.name, DamagedFileError(location.path, checks[file].detail), location.directory)
        if bad:
            self._download(bad, target, directories)
        return [location.path for location, _ in self._locate(self.files, directories)]

    def verify(self, data_dir: Path | None = None) -> list[FileCheck]:
        """Check each file."""
        checks = {file: FileCheck(self.name, file.name, None, "missing") for file in self.files}
        for (path, _), group in self._locate(self.files, search_path(data_dir)):
            try:
                contents = self.read(group, path)
            except DamagedFileError as error:
                checks |= {file: FileCheck(self.name, file.name, path, "wrong", error.reason) for file in group}
                continue
            for file in group:
                detail = self.why_unverified(file, contents[file], path)
                checks[file] = FileCheck(self.name, file.name, path, "structure only" if detail else "right", detail)
        return list(checks.values())

    def where(self, data_dir: Path | None = None) -> str | None:
        """Return where the files are, with a note if they are incomplete; None if there are none."""
        directories = search_path(data_dir)
        located = self._locate(self.files, directories)
        if not located or self.is_another(located):
            return None
        paths = [location.path if self.is_archive(location.path) else location.path.parent for location, _ in located]
        count = sum(len(group) for _, group in located)
        note = f"{count} of {len(self.files)} files" if count < len(self.files) else self.note(directories)
        return ", ".join(dict.fromkeys(map(str, paths))) + (f" ({note})" if note else "")

    def is_archive(self, path: Path) -> bool:
        """Return whether a path is that of the archive."""
        return path.name == self.archive

    def find(self, file: File, directories: Sequence[Path]) -> Location | None:
        """Find a file, unpacked or in the archive."""
        return find(self.paths(file), directories)

    def _locate(self, files: Sequence[File], directories: Sequence[Path]) -> list[tuple[Location, list[File]]]:
        """Return where files are; the files in an archive are grouped."""
        groups: dict[object, tuple[Location, list[File]]] = {}
        for file in files:
            if location := self.find(file, directories):
                key = location if self.is_archive(location.path) else file
                groups.setdefault(key, (location, []))[1].append(file)
        return list(groups.values())

    def _download(self, files: Sequence[File], target: Path, directories: Sequence[Path]) -> None:
        """Download files into the data set's folder in the target directory."""
        folder = target / self.name
        with remove_empty_folders(folder):
            missing, failures = self.download(files, folder)
        if missing:
            raise explain_failures(self.title, missing, folder, directories, failures)
