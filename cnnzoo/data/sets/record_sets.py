"""Data sets of record files, in an archive or unpacked."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from cnnzoo.data.images import ImageArray
from cnnzoo.data.sets.published import Contents, LoadedSplit, PublishedSet, check_labels
from cnnzoo.data.subsets import Subset
from cnnzoo.downloads.advice import add_advice, fetch_command
from cnnzoo.downloads.archives import read_members
from cnnzoo.downloads.damage import describe_other_file, explain_damage
from cnnzoo.downloads.locations import find
from cnnzoo.downloads.mirrors import Download, from_mirrors
from cnnzoo.errors import DamagedFileError, UserError


@dataclass(frozen=True)
class RecordFile:
    """A file of records of equal length: labels of one byte each, then the red, green and blue pixels.

    Attributes:
        name: Its official name.
        count: Number of records.
        md5: Hash of the whole file.
    """

    name: str
    count: int
    md5: str


@dataclass(frozen=True, kw_only=True)
class RecordSet(PublishedSet[RecordFile]):
    """A data set that is published as an archive of record files, one of which has the test images.

    A test file with fewer records is used, and the notes say how many there are.

    Attributes:
        folders: The folder in the archive.
        label_classes: The number of classes of each label byte of a record.
        label: Index of the label byte that is used.
        coarse_classes: The classes of the first label byte, if it is not the only one.
        python_version: Names of the files and folder of the Python version, which is not read.
    """

    label_classes: tuple[int, ...]
    label: int = -1
    coarse_classes: tuple[str, ...] = ()
    python_version: tuple[str, ...]

    downloaded_again: ClassVar[frozenset[str]] = frozenset({"missing", "wrong", "structure only"})

    @property
    def record_size(self) -> int:
        """Bytes of a record."""
        return len(self.label_classes) + int(np.prod(self.description.input_shape))

    def with_coarse_labels(self) -> "RecordSet":
        """Return the data set with the first label of each image instead of the last."""
        title = f"{self.title}, coarse labels"
        return replace(
            self, label=0, description=replace(self.description, title=title, class_names=self.coarse_classes)
        )

    def paths(self, file: RecordFile) -> Sequence[str]:
        """Return where a file may be: in the archive or unpacked."""
        (folder,) = self.folders
        parents = (f"{self.name}/{folder}", self.name, folder, ".")
        return [f"{self.name}/{self.archive}", self.archive, *(f"{parent}/{file.name}" for parent in parents)]

    def read(self, files: Sequence[RecordFile], path: Path) -> dict[RecordFile, Contents]:
        """Read and check record files as arrays (count, bytes).

        The test file of an archive is checked in any case, because the whole archive is read.
        """
        if self.is_archive(path):
            return self._read_archive(files, path)
        (file,) = files
        with explain_damage(path), path.open("rb") as stored:
            content = stored.read(file.count * self.record_size + 1)
        return {file: self._read_records(file, content, path)}

    def why_unverified(self, file: RecordFile, contents: Contents, path: Path) -> str:  # noqa: ARG002
        """Return why no hash confirms a file: the published hash is that of all test images."""
        count = len(contents)
        return f"has only {count:,} of {file.count:,} images, so no hash confirms it" if count < file.count else ""

    def subset(
        self, split: LoadedSplit, contents: Mapping[RecordFile, Contents], directories: Sequence[Path]
    ) -> Subset:
        """Return the images (count, height, width, channels) of a split, with a note about missing test images.

        Raises:
            UserError: The file of the test images, which the note is about, is cut inside a record.
        """
        records = np.concatenate([contents[file] for file in self.files_of(split)])
        labels = records[:, : len(self.label_classes)][:, self.label]
        height, width, channels = self.description.input_shape
        planes = records[:, len(self.label_classes) :].reshape(-1, channels, height, width)
        (test,) = self.test
        if split == "test":
            note = f"{len(records):,} of the {test.count:,} official test images" if len(records) < test.count else ""
        else:
            tests = self._note_missing(len(contents[test])) if test in contents else self._check_tests(directories)
            note = f"only {tests} are present" if tests else ""
        images = ImageArray(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)))
        return Subset.of_all(images, labels.astype(np.int32), note)

    def note(self, directories: Sequence[Path]) -> str:
        """Return a note about missing test images, by the size of their file; empty if none are missing."""
        (test,) = self.test
        location = self.find(test, directories)
        if location is None or self.is_archive(location.path):
            return ""
        return self._note_missing(location.path.stat().st_size // self.record_size)

    def expected(self, files: Sequence[RecordFile]) -> str:
        """List missing files, for a message."""
        names = [file.name for file in files]
        return f"{self.archive} (or {names[0] if len(names) == 1 else f'{names[0]} to {names[-1]}'})"

    def missing_files_error(self, files: Sequence[RecordFile], data_dir: Path) -> UserError:
        """Return the error for missing files; if the Python version is there, it says that this is not read."""
        pickled = find([f"{folder}/{name}" for folder in (self.name, ".") for name in self.python_version], [data_dir])
        if not pickled:
            return super().missing_files_error(files, data_dir)
        return UserError(
            f"{pickled.path} is the Python version of {self.title}, which is pickled: reading it could run code. "
            f"The binary version {self.archive} is needed: `{fetch_command(self.name, data_dir)}` downloads it."
        )

    def download(self, files: Sequence[RecordFile], folder: Path) -> tuple[list[str], list[str]]:  # noqa: ARG002
        """Download the archive."""

        def check(path: Path) -> None:
            for file, records in self._read_archive(self.files, path).items():
                if len(records) < file.count:
                    raise DamagedFileError(path, f"has {len(records):,} of {file.count:,} images in {file.name}")

        missing, failures = from_mirrors([Download(self.archive, folder / self.archive, check)], self.mirrors)
        return [download.name for download in missing], failures

    def _check_tests(self, directories: Sequence[Path]) -> str:
        """Return the note about missing test images; refuse an unpacked file of them that is cut inside a record."""
        location = self.find(self.test[0], directories)
        if location and not self.is_archive(location.path):
            with explain_damage(location.path):
                size = location.path.stat().st_size
            if size % self.record_size:
                error = DamagedFileError(location.path, self._describe_cut(size))
                raise add_advice(self.name, error, location.directory)
        return self.note(directories)

    def _note_missing(self, count: int) -> str:
        (test,) = self.test
        return f"{count:,} of the {test.count:,} test images" if count < test.count else ""

    def _describe_cut(self, size: int) -> str:
        record = self.record_size
        return f"is cut inside a record: {size:,} bytes are not a multiple of {record:,}"

    def _read_archive(self, files: Sequence[RecordFile], path: Path) -> dict[RecordFile, Contents]:
        (folder,) = self.folders
        members = {f"{folder}/{file.name}": file for file in dict.fromkeys((*files, *self.test))}
        raw = dict(read_members(path, {name: file.count * self.record_size for name, file in members.items()}))
        contents = {}
        for name, file in members.items():
            if name in raw:
                contents[file] = self._read_records(file, raw.pop(name), path, f"is damaged: its member {file.name} ")
            elif file in files:
                raise DamagedFileError(path, f"has no {name}")
        return contents

    def _read_records(self, file: RecordFile, content: bytes, path: Path, start: str = "") -> Contents:
        """Check the content of a record file and return its records (count, bytes)."""
        count, rest = divmod(len(content), self.record_size)
        records = np.frombuffer(content, np.uint8)[: count * self.record_size].reshape(count, self.record_size)
        if len(content) > file.count * self.record_size:
            wrong = f"has more than {file.count:,} images"
        elif rest or not content:
            wrong = describe_other_file(content[:64], "a file of records") or self._describe_cut(len(content))
        elif count < file.count and file not in self.test:
            wrong = f"has {count:,} images, not {file.count:,}"
        else:
            checks = (check_labels(records[:, i], classes) for i, classes in enumerate(self.label_classes))
            wrong = next(filter(None, checks), "")
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            if not wrong and count == file.count and md5 != file.md5:
                expected = f"its MD5 is {md5[:12]}..., expected {file.md5[:12]}..."
                wrong = f"does not contain {self.title}'s images: {expected}"
        if wrong:
            raise DamagedFileError(path, start + wrong)
        return records
