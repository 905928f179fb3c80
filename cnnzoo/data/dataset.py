"""What every source of images gives: a description, images, and word of its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from cnnzoo.data.decoding import WHITE, Resize
from cnnzoo.data.subsets import Subset


@dataclass(frozen=True)
class DataSet:
    """What is known of a data set without loading it.

    Attributes:
        name: The registered name.
        title: The name as people write it.
        class_names: What the labels 0, 1, ... stand for.
        input_shape: Height, width and channels.
        train_count: Images in the training part; None where only loading tells.
        test_count: Images in the test part; None where only loading tells.
        glyphs: Light strokes on a dark ground, centred: a photographed one is cropped to its ink.
        source: Who made it, where from and on what terms.
        resize: How a photograph is brought to the images' size.
        white: Grey value that counts as white in images of 16 bits.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    train_count: int | None
    test_count: int | None
    glyphs: bool
    source: str
    resize: Resize = "pad"
    white: int = WHITE


@dataclass(frozen=True)
class FileCheck:
    """What ``verify`` found out about one file.

    Attributes:
        data_set: Name of the data set.
        file: Official name of the file.
        path: Where it was found.
        status: ``right`` by its hash, ``structure only``, ``wrong`` or ``missing``.
        detail: What is wrong, or why no hash could vouch.
    """

    data_set: str
    file: str
    path: Path | None
    status: Literal["right", "structure only", "wrong", "missing"]
    detail: str = ""


class Source(Protocol):
    """A module with one or more data sets of the same make.

    ``cnnzoo.data`` offers the same functions for all of them and says what they raise. A section is the
    data section of a config; a name is one of those in DATA_SETS.
    """

    DATA_SETS: tuple[DataSet, ...]

    def describe(self, section: Any) -> DataSet:
        """Return what is known of the data set."""

    def load(self, section: Any, split: Literal["train", "test"], data_dir: Path | None) -> Subset:
        """Load one part."""

    def fetch(self, name: str, data_dir: Path | None) -> list[Path]:
        """Download what is missing or wrong, and say where the files now are."""

    def verify(self, name: str, data_dir: Path | None) -> list[FileCheck]:
        """Check the files."""

    def where(self, name: str, data_dir: Path | None) -> str | None:
        """Say where the files lie, in words; None when they are not here."""
