"""The description of a data set, and the result of checking its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cnnzoo.data.decoding import WHITE, Resize


@dataclass(frozen=True)
class DataSet:
    """The description of a data set. It can be read without the files of the data set.

    Attributes:
        name: The registered name.
        title: The name as people write it.
        class_names: Names of the labels 0, 1, ....
        input_shape: Height, width and channels.
        train_count: Number of training images; None for a folder.
        test_count: Number of test images; None for a folder.
        glyphs: Whether the images are light strokes, centred on a dark background. A photograph is then cropped to
            its ink.
        source: Authors, origin and licence.
        resize: How a photograph is resized to the images' size.
        white: Grey value that counts as white in images of 16 bits.
        is_board: Whether the images are boards of Go: planes of 0 and 1, whose classes are points.
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
    is_board: bool = False

    @property
    def noun(self) -> str:
        """What one example is called: "image", or "position" of Go."""
        return "position" if self.is_board else "image"


@dataclass(frozen=True)
class FileCheck:
    """The result of checking one file.

    Attributes:
        data_set: Name of the data set.
        file: Official name of the file.
        path: Where it is; None if it is missing.
        status: ``right`` if a hash confirms it, ``structure only`` if no hash is known, ``wrong`` or ``missing``.
        detail: What is wrong, or why no hash confirms it.
    """

    data_set: str
    file: str
    path: Path | None
    status: Literal["right", "structure only", "wrong", "missing"]
    detail: str = ""
