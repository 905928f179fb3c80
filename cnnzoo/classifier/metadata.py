"""The metadata of a .keras file: JSON about its images and classes, in the comment of the archive.

Keras leaves that comment alone, and loads the file as any other.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from cnnzoo.errors import UserError

# A zip archive has no room for more.
LONGEST = 2**16 - 1


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a model's user must know, beside the model, to classify a photograph with it.

    Attributes:
        title: Whose network it is and where its weights come from.
        network: Name of its builder.
        input_shape: Height, width and channels of the pixels that it takes.
        class_names: What its logits stand for.
        shorter_side: Pixels that the shorter side of a photograph is brought to before the centre is cut out.
        source: Name of the file that the weights come from.
        sha256: Of that file.
    """

    title: str
    network: str
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    shorter_side: int
    source: str
    sha256: str


def write(path: Path, metadata: Metadata) -> None:
    """Put metadata into a saved model, instead of any that it had.

    Raises:
        UserError: The names of the classes are too long, all in all.
    """
    comment = json.dumps({"cnnzoo": asdict(metadata)}, ensure_ascii=False).encode()
    if len(comment) > LONGEST:
        count = len(metadata.class_names)
        raise UserError(f"The names of the {count} classes are too long for a model file, all in all; shorten them.")
    with ZipFile(path, "a") as archive:
        archive.comment = comment


def read(path: Path) -> Metadata | None:
    """Return the metadata of a saved model; None where it has none that can be read."""
    try:
        with ZipFile(path) as archive:
            values = json.loads(archive.comment)["cnnzoo"]
        height, width, channels = map(int, values["input_shape"])
        return Metadata(
            input_shape=(height, width, channels),
            class_names=tuple(map(str, values["class_names"])),
            shorter_side=int(values["shorter_side"]),
            **{key: str(values[key]) for key in ("title", "network", "source", "sha256")},
        )
    except (BadZipFile, KeyError, OSError, RecursionError, TypeError, ValueError):
        return None
