"""Models in files."""

import json
import re
import zipfile
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from cnnzoo import hdf5
from cnnzoo.errors import UserError

# What Keras says of another error, and of a class that is not there.
_CAUSE = re.compile(r"(?<=Exception encountered: ).+")
_MISSING_CLASS = re.compile(r"Could not locate class '([^']+)'")


def load_model(path: Path) -> Any:
    """Load a saved model, from raw pixels to logits, with all its heads; code inside the file is refused.

    Args:
        path: A ``.keras`` file. Its weights are first gone through in a process of its own, because HDF5 can come to
            no end with a damaged file.

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
        UserError: The file is no model, or damaged.
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
        raise UserError(f"{path} is damaged or is no model: it is not the zip file that Keras writes{cut}.")
    try:
        with ZipFile(path) as archive:
            if "config.json" not in archive.namelist():
                raise UserError(f"{path} is a zip file, but no model that Keras has saved.")
            json.loads(archive.read("config.json"))["class_name"]
            written_by = str(json.loads(archive.read("metadata.json"))["keras_version"])
    except (BadZipFile, KeyError, NotImplementedError, OSError, RuntimeError, TypeError, ValueError, zlib.error):
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
    if "lambda" in message.lower():
        return "has a Lambda layer, whose code stands in the file and is not run; build it without that layer"
    missing = _MISSING_CLASS.search(message)
    if missing:
        return f"has a layer of the class '{missing[1]}', which neither Keras {here} nor cnnzoo has; build it without"
    causes = _CAUSE.findall(message) or re.findall(r"\S.*", message)[:1] or ["no reason"]
    return f"is damaged or is no model that Keras {here} can load ({causes[-1].strip(' .:')[:200]})"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
