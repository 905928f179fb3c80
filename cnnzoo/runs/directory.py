"""Directories whose files have fixed names."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from cnnzoo.config import Split
from cnnzoo.errors import UserError


class File:
    """A file or folder in a directory; as an attribute of a ``Directory`` it gives the path."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: "Directory", _: type) -> Path:
        return owner.directory / self.name


@dataclass(frozen=True)
class Directory:
    """A directory that one process at a time can lock.

    Attributes:
        directory: Its path.
        lock_path: Locked by the process that writes into the directory.
    """

    directory: Path

    lock_path = File(".lock")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the directory for this process; the operating system unlocks it when the process ends, even if killed.

        Raises:
            UserError: Another process has locked it, or it cannot be written to.
        """
        lock = FileLock(self.lock_path, timeout=1)  # `is_in_use` locks it for a moment, too
        try:
            lock.acquire()
        except Timeout:
            raise UserError(f"{self.directory} is in use by another process; wait for it to end.") from None
        except OSError as error:
            raise UserError(f"{self.directory} cannot be written to: {error.strerror}.") from None
        try:
            yield
        finally:
            lock.release()

    def is_in_use(self) -> bool:
        """Return whether another process has locked the directory; on a read-only disk none can."""
        if not self.lock_path.is_file():
            return False
        try:
            with FileLock(self.lock_path, timeout=0):
                return False
        except Timeout:
            return True
        except OSError as error:
            return error.errno != errno.EROFS


class EvaluatedDirectory(Directory):
    """A directory with predictions on the splits of a data set."""

    def predictions_path(self, split: Split) -> Path:
        """Return the file of the predictions on a split."""
        return self.directory / f"predictions-{split}.npz"

    def groups_path(self, split: Split) -> Path:
        """Return the picture of the accuracy on groups of positions of Go."""
        return self.directory / f"positions-{split}.png"

    def confusion_path(self, split: Split) -> Path:
        """Return the picture of the confusion matrix on a split."""
        return self.directory / f"confusion-{split}.png"
