"""The metadata of a .keras file: JSON about what it takes and returns, in the comment of the zip archive.

Keras ignores that comment.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar
from zipfile import BadZipFile, ZipFile

from cnnzoo.data.decoding import WHITE
from cnnzoo.errors import UserError
from cnnzoo.go.board import LARGEST, SMALLEST
from cnnzoo.go.planes import SPECIFICATION
from cnnzoo.text import printable

# The most bytes that the comment of a zip archive can have.
LONGEST = 2**16 - 1

# Errors of files without metadata, or with damaged ones.
UNREADABLE = (BadZipFile, KeyError, OSError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What is needed, besides the model, to classify a photograph with it.

    Attributes:
        title: The network and the source of its weights.
        network: Name of its builder.
        input_shape: Height, width and channels of the pixels that it takes.
        class_names: In the order of the logits.
        shorter_side: Shorter side of a photograph, in pixels, before its centre is cut out.
        source: Name of the file that the weights come from.
        sha256: SHA-256 of that file.
        glyphs: See ``DataSet``; false, because imported models are for photographs.
        white: See ``DataSet``.
    """

    glyphs: ClassVar[bool] = False
    white: ClassVar[int] = WHITE

    title: str
    network: str
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    shorter_side: int
    source: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class BoardMetadata:
    """What is needed, besides the model, to play Go with a policy network.

    Attributes:
        title: Name of the model.
        network: Name of its builder.
        size: Points a side of its board.
        planes: What its planes mean; see ``cnnzoo.go.planes.SPECIFICATION``.
        source: What it was trained on, in one line; may be empty.
    """

    title: str
    network: str
    size: int
    planes: str
    source: str = ""


def write(path: Path, metadata: Metadata | BoardMetadata) -> None:
    """Write metadata into a saved model, in place of earlier ones.

    Raises:
        UserError: All names of classes together, or the source of a board's model, are too long.
    """
    comment = json.dumps({"cnnzoo": asdict(metadata)}, ensure_ascii=False).encode()
    if len(comment) > LONGEST:
        if isinstance(metadata, BoardMetadata):
            raise UserError(f"The source of the model {metadata.title} is too long for a model file; shorten it.")
        count = len(metadata.class_names)
        raise UserError(f"The names of the {count} classes together are too long for a model file; shorten them.")
    with ZipFile(path, "a") as archive:
        archive.comment = comment


def read(path: Path) -> Metadata | None:
    """Return the metadata of a saved model for photographs; None if they are missing or unreadable."""
    try:
        values = _read_values(path)
        height, width, channels = map(int, values["input_shape"])
        return Metadata(
            input_shape=(height, width, channels),
            class_names=tuple(map(str, values["class_names"])),
            shorter_side=int(values["shorter_side"]),
            **{key: str(values[key]) for key in ("title", "network", "source", "sha256")},
        )
    except UNREADABLE:
        return None


def read_board(path: Path) -> BoardMetadata | None:
    """Return the metadata of a saved model for a Go board; None if they are missing or unreadable."""
    try:
        values = _read_values(path)
        texts = {key: str(values[key]) for key in ("title", "network", "planes", "source")}
        return BoardMetadata(size=int(values["size"]), **texts)
    except UNREADABLE:
        return None


def read_policy(path: Path) -> BoardMetadata:
    """Return the metadata of a model that plays Go with the planes of this version.

    Raises:
        UserError: The file is missing, is no model for a Go board, or takes other planes.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    described = read_board(path)
    if described is None or not SMALLEST <= described.size <= LARGEST:
        raise UserError(f"{path} is no model that plays Go: it does not describe its board and planes.")
    if described.planes != SPECIFICATION:
        raise UserError(
            f"{path} takes other planes ({printable(described.planes)}) than this version of cnnzoo computes "
            f"({SPECIFICATION}); train it again."
        )
    return described


def _read_values(path: Path) -> dict[str, Any]:
    with ZipFile(path) as archive:
        values: dict[str, Any] = json.loads(archive.comment)["cnnzoo"]
    return values
