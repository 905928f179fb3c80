"""Directories whose files have fixed names."""

from dataclasses import dataclass
from pathlib import Path

from cnnzoo.config import Split


class File:
    """A file or folder in a directory; as an attribute of a ``Directory`` it gives the path."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: "Directory", _: type) -> Path:
        return owner.directory / self.name


@dataclass(frozen=True)
class Directory:
    """A directory with predictions on the splits of a data set."""

    directory: Path

    def predictions_path(self, split: Split) -> Path:
        """Return the file of the predictions on a split."""
        return self.directory / f"predictions-{split}.npz"

    def confusion_path(self, split: Split) -> Path:
        """Return the picture of the confusion matrix on a split."""
        return self.directory / f"confusion-{split}.png"
