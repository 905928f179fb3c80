"""The program that opens an HDF5 file from an unknown source, in a process of its own; see ``cnnzoo.classifier.hdf5``.

HDF5 trusts the sizes in a file: one changed byte can keep it busy for ever, fill the memory or crash it.
A process can be ended. This one imports neither Keras nor the package, so that it starts in a fraction of a second.

Arguments: the file, the processor seconds and the bytes of memory that it may take, and "layers" or "check".
It prints one line of JSON, {"error": a clause} or {"layers": [...]}; see ``cnnzoo.classifier.hdf5``. After
that line follow the numbers of the tensors that the file stores in chunks.
"""

import json
import lzma
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

import h5py
import numpy as np

# Layers that are whole networks nest in one another.
DEEPEST = 16

# What a .keras file calls its weights.
WEIGHTS = "model.weights.h5"

# What Python raises for a damaged zip archive; RuntimeError for an encrypted one.
UNPACKING_ERRORS = (
    zipfile.BadZipFile,
    EOFError,
    KeyError,
    lzma.LZMAError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    struct.error,
    ValueError,
    zlib.error,
)

# Weights of floating-point numbers hardly compress; pruned ones do.
COMPRESSION = 16
SMALL = 64 * 2**20

NUMBERS = {"float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"}


class UnusableError(Exception):
    """The file is not what it should be; the message is the rest of a sentence that starts with the file's name."""


def main(path: str, seconds: str, memory: str, task: str) -> None:
    """Do the task and print its answer."""
    limit(int(seconds), int(memory))
    numbers: list[bytes] = []
    try:
        answer: dict[str, Any] = {"layers": layers(path, numbers)} if task == "layers" else check(path)
    except UnusableError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": "is damaged: it asks for more memory than a file of its size can need"}
    output = sys.stdout.buffer
    output.write(json.dumps(answer).encode() + b"\n")
    for values in numbers:
        output.write(values)


def limit(seconds: int, memory: int) -> None:
    """Have the system end this process when it takes more, where the system can."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


def open_file(source: str | BytesIO) -> h5py.File:
    """Open a file."""
    try:
        return h5py.File(source, "r")
    except (OSError, RuntimeError, ValueError):
        raise UnusableError("is damaged: HDF5 cannot open it; a download may have broken off") from None


def check(path: str) -> dict[str, Any]:
    """Go through the weights of a .keras file as Keras does, and read those that are stored in chunks."""
    try:
        with zipfile.ZipFile(path) as archive:
            if WEIGHTS not in archive.namelist():
                return {}
            entry = archive.getinfo(WEIGHTS)
            if entry.file_size > SMALL + COMPRESSION * entry.compress_size:
                raise UnusableError("is damaged: its weights would unpack to more than a file of its size can need")
            content = archive.read(WEIGHTS)
    except UNPACKING_ERRORS:
        raise UnusableError(
            "is damaged: its weights cannot be unpacked; a copy or download may have broken off"
        ) from None
    with open_file(BytesIO(content)) as file:
        try:
            file.visititems(_look_at)
        except (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError):
            raise UnusableError("is damaged: HDF5 cannot read its weights") from None
    return {}


def _look_at(_: str, part: h5py.Group | h5py.Dataset) -> None:
    dict(part.attrs)
    if isinstance(part, h5py.Dataset) and part.id.get_offset() is None:
        part[()]


def layers(path: str, numbers: list[bytes]) -> list[dict[str, Any]]:
    """Describe the weights of layers in a file, in Keras's order; those stored in chunks are added to ``numbers``."""
    with open_file(path) as file:
        try:
            found = list(_numbered(file) if "layers" in file else _listed(_group(file, "model_weights") or file))
            return [
                {"layer": layer, "weights": [_described(layer, dataset, numbers) for dataset in datasets]}
                for layer, datasets in found
            ]
        except (AttributeError, KeyError, OSError, RecursionError, RuntimeError, TypeError, ValueError):
            raise UnusableError("is not laid out as Keras lays out weights in HDF5, or is damaged") from None


def _listed(file: h5py.Group) -> Iterator[tuple[str, list[h5py.Dataset]]]:
    """Go through the layers of the older layout: attributes list the layers and each one's weights.

    A layer that is a network itself lists the weights of all its layers.
    """
    for layer in map(_text, file.attrs["layer_names"]):
        group = _step(file, layer)
        inner: dict[str, list[h5py.Dataset]] = {}
        for name in map(_text, group.attrs["weight_names"]):
            inner.setdefault(name.rpartition("/")[0].rpartition("/")[2], []).append(_step(group, name))
        for own, datasets in inner.items():
            yield layer if len(inner) == 1 else f"{layer}/{own}", datasets


def _numbered(file: h5py.Group, before: str = "", depth: int = 0) -> Iterator[tuple[str, list[h5py.Dataset]]]:
    """Go through the layers of Keras 3's layout: weights are numbered, and an attribute names the layer."""
    if depth > DEEPEST:
        raise ValueError
    inside = _step(file, "layers")
    for key in inside:
        layer = _step(inside, key)
        weights = _step(layer, "vars")
        datasets = [_step(weights, str(number)) for number in range(len(weights))]
        name = before + _text(weights.attrs.get("name", key))
        if datasets:
            yield name, datasets
        if "layers" in layer:
            yield from _numbered(layer, f"{name}/", depth + 1)


def _group(file: h5py.File, name: str) -> h5py.Group | None:
    return _step(file, name) if name in file else None


def _step(group: h5py.Group, path: str) -> Any:
    """Return what lies at a path, without following links, which may lead to other files."""
    for name in path.strip("/").split("/"):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise KeyError(name)
        group = group[name]
    return group


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _described(layer: str, dataset: h5py.Dataset, numbers: list[bytes]) -> dict[str, Any]:
    """Return a tensor's dtype, shape and place in the file; the place is None where it is stored in chunks."""
    kind = dataset.dtype.name
    if kind not in NUMBERS or dataset.id.get_type() != h5py.h5t.py_create(dataset.dtype):
        raise UnusableError(f"holds numbers of a type that cannot be read ({kind} in {layer!r})")
    # A dataset may claim any size: what it has in this file itself is what it can be read from.
    if dataset.is_virtual or dataset.external or dataset.id.get_storage_size() < dataset.nbytes:
        raise UnusableError(f"does not hold the numbers of {layer!r} itself, uncompressed")
    place = None if dataset.dtype.byteorder == ">" else dataset.id.get_offset()
    if place is None:
        numbers.append(np.ascontiguousarray(dataset[()], dataset.dtype.newbyteorder("<")).tobytes())
    return {"dtype": kind, "shape": dataset.shape, "place": place}


if __name__ == "__main__":
    main(*sys.argv[1:])
