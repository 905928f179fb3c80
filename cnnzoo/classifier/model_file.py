"""Loads models from files."""

import json
import re
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from cnnzoo.classifier import hdf5
from cnnzoo.errors import DamagedContentsError, DamagedFileError
from cnnzoo.text import printable

# Keras's descriptions of the largest networks take 2 MB; a small archive can unpack to gigabytes.
LARGEST_DESCRIPTION = 64 * 2**20


def load_model(path: Path) -> Any:
    """Load a saved model, from raw pixels to logits, with all its heads; code inside the file is refused.

    Args:
        path: A ``.keras`` file. Its weights are first read in a process of their own, because HDF5 may never finish
            reading a damaged file.

    Raises:
        UserError: The file is damaged, is not a Keras model, is from a newer Keras, or needs code that is missing.
    """
    import keras  # after the runtime has chosen the backend

    import cnnzoo.models  # noqa: F401 - registers the zoo's own layers
    from cnnzoo.keras_internals import CUSTOM_OBJECTS

    try:
        config, written_by = _check(path)
        try:
            return keras.saving.load_model(path, compile=False, safe_mode=True, custom_objects=CUSTOM_OBJECTS)
        except Exception as error:  # with a damaged file, layers raise errors of any type
            raise DamagedContentsError(_explain(error, config, written_by)) from None
    except DamagedContentsError as error:
        raise DamagedFileError(path, str(error)) from None


def _check(path: Path) -> tuple[Any, str]:
    """Return a model's config, and the version of Keras that wrote it.

    Raises:
        DamagedContentsError: The file is not a model, or is damaged.
    """
    with path.open("rb") as file:
        beginning = file.read(8)
    if beginning.startswith(b"\x89HDF"):
        raise DamagedContentsError(
            "is an HDF5 file, not a model in Keras 3's format: load it in Keras and save it as .keras, or import its "
            "weights with cnnzoo weights import"
        )
    if not zipfile.is_zipfile(path):
        cut = "; a copy or download may have broken off" if beginning.startswith(b"PK") else ""
        raise DamagedContentsError(f"is damaged or is not a model: it is not the zip file that Keras writes{cut}")
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            if "config.json" not in names:
                raise DamagedContentsError("is a zip file, but not a model that Keras has saved")
            for name in ("config.json", "metadata.json"):
                size = archive.getinfo(name).file_size
                if size > LARGEST_DESCRIPTION:
                    raise DamagedContentsError(
                        f"is damaged: its {name} would unpack to {size >> 20:,} MB, and no model needs more "
                        f"than {LARGEST_DESCRIPTION >> 20}"
                    )
            config = json.loads(archive.read("config.json"))
            config["class_name"]
            written_by = str(json.loads(archive.read("metadata.json"))["keras_version"])
    except (*hdf5.UNPACKING_ERRORS, TypeError):
        raise DamagedContentsError("is damaged: its description of the layers cannot be read") from None
    if hdf5.WEIGHTS in names:
        hdf5.check_model(path)
    return config, written_by


def _explain(error: BaseException, config: Any, written_by: str) -> str:
    """Return a clause that says why Keras did not load a model."""
    import keras

    from cnnzoo.keras_internals import CUSTOM_OBJECTS

    here = version("keras")
    if _parse_version(written_by) > _parse_version(here):
        return f"was written by Keras {written_by}, and Keras {here} here cannot load it; install that version or newer"
    for part in _find_objects(config):
        name, registered = str(part["class_name"]), str(part.get("registered_name") or "")
        if name == "__lambda__":
            return "has a Lambda layer, whose code is in the file and is not run; build the model without it"
        is_custom = registered and not str(part.get("module")).startswith(("keras", "builtins"))
        if is_custom and name not in CUSTOM_OBJECTS and keras.saving.get_registered_object(registered) is None:
            return f"has a layer of the class {name!r}, which neither Keras {here} nor cnnzoo has; replace it"
    while error.__context__:  # Keras wraps errors in others, and the innermost is the clearest
        error = error.__context__
    text = printable((str(error).splitlines() or ["no reason"])[0]).strip(" .:")[:200]
    return f"is damaged or is not a model that Keras {here} can load ({text})"


def _find_objects(config: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects that a config describes."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _parse_version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
