"""Models in files."""

import json
import re
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from cnnzoo.classifier import hdf5
from cnnzoo.classifier.hdf5_process import UNPACKING_ERRORS
from cnnzoo.errors import UserError

# Keras describes the largest networks in 2 MB; a small archive can claim gigabytes.
LARGEST_DESCRIPTION = 64 * 2**20

# Keras's messages: the error behind another, a class that is not here, and code in the file.
_CAUSE = re.compile(r"(?<=Exception encountered: ).+")
_MISSING_CLASS = re.compile(r"Could not locate class '([^']+)'")
_LAMBDA = "Python lambda"


def load_model(path: Path) -> Any:
    """Load a saved model, from raw pixels to logits, with all its heads; code inside the file is refused.

    Args:
        path: A ``.keras`` file. Its weights are first read in a process of their own, because HDF5 may never finish
            reading a damaged file.

    Raises:
        UserError: The file is damaged, is not a Keras model, is of a newer Keras, or needs code that is not here.
    """
    import keras  # noqa: PLC0415 - after the runtime has chosen the backend

    from cnnzoo.models.stand_ins import CUSTOM_OBJECTS  # noqa: PLC0415 - registers the zoo's own layers, too

    written_by = _check(path)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True, custom_objects=CUSTOM_OBJECTS)
    except Exception as error:  # Keras lets through whatever the layers of a damaged file raise
        raise UserError(f"{path} {_reason(str(error), written_by)}.") from None


def _check(path: Path) -> str:
    """Return the version of Keras that a model was written by.

    Raises:
        UserError: The file is not a model, or is damaged.
    """
    with path.open("rb") as file:
        beginning = file.read(8)
    if beginning.startswith(b"\x89HDF"):
        raise UserError(
            f"{path} is an HDF5 file, not a model in Keras 3's format: load it in Keras and save it as .keras, or take "
            "its weights with cnnzoo weights import."
        )
    if not zipfile.is_zipfile(path):
        cut = "; a copy or download may have broken off" if beginning.startswith(b"PK") else ""
        raise UserError(f"{path} is damaged or is not a model: it is not the zip file that Keras writes{cut}.")
    try:
        with ZipFile(path) as archive:
            if "config.json" not in archive.namelist():
                raise UserError(f"{path} is a zip file, but not a model that Keras has saved.")
            for name in ("config.json", "metadata.json"):
                size = archive.getinfo(name).file_size
                if size > LARGEST_DESCRIPTION:
                    raise UserError(
                        f"{path} is damaged: its {name} would unpack to {size >> 20:,} MB; no model needs more than "
                        f"{LARGEST_DESCRIPTION >> 20}."
                    )
            json.loads(archive.read("config.json"))["class_name"]
            written_by = str(json.loads(archive.read("metadata.json"))["keras_version"])
    except (*UNPACKING_ERRORS, TypeError):
        raise UserError(f"{path} is damaged: its description of the layers cannot be read.") from None
    try:
        hdf5.check_model(path)
    except hdf5.HDF5Error as error:
        raise UserError(f"{path} {error}.") from None
    return written_by


def _reason(message: str, written_by: str) -> str:
    """Say why Keras did not load a model."""
    here = version("keras")
    if _numbers(written_by) > _numbers(here):
        return f"was written by Keras {written_by}, and Keras {here} here cannot load it; install that version or newer"
    missing = _MISSING_CLASS.search(message)
    if missing:
        return f"has a layer of the class {missing[1]!r}, which neither Keras {here} nor cnnzoo has; build it without"
    if _LAMBDA in message:
        return "has a Lambda layer, whose code is in the file and is not run; build it without that layer"
    causes = _CAUSE.findall(message) or re.findall(r"\S.*", message)[:1] or ["no reason"]
    return f"is damaged or is not a model that Keras {here} can load ({_printable(causes[-1]).strip(' .:')[:200]})"


def _printable(text: str) -> str:
    """Return a text without the control characters that a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
