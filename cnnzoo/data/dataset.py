"""The description of a data set, and the result of checking its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cnnzoo.data.decoding import WHITE, Resize


@dataclass(frozen=True)
class DataSet:
    """A data set as it can be described without loading it.

    Attributes:
        name: The registered name.
        title: The name as people write it.
        class_names: Names of the labels 0, 1, ....
        input_shape: Height, width and channels.
        train_count: Number of training images; None for a folder.
        test_count: Number of test images; None for a folder.
        glyphs: Whether the images are light strokes on a dark ground, centred; a photograph is cropped to its ink.
        source: Authors, origin and licence.
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
    """The result of checking one file.

    Attributes:
        data_set: Name of the data set.
        file: Official name of the file.
        path: Where it was found.
        status: ``right`` by its hash, ``structure only``, ``wrong`` or ``missing``.
        detail: What is wrong, or why no hash confirms the file.
    """

    data_set: str
    file: str
    path: Path | None
    status: Literal["right", "structure only", "wrong", "missing"]
    detail: str = ""
