"""Files that torch.save writes: a pickle that describes the tensors, and their numbers beside it."""

import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from cnnzoo.classifier.hdf5_process import UNPACKING_ERRORS
from cnnzoo.weights.formats import torch_pickle, torch_state_dict, unpacking
from cnnzoo.weights.formats.tensor import DTYPES, Array, Contents, FileError, contiguous, strided
from cnnzoo.weights.formats.torch_pickle import Storage

# Reads so many bytes of a storage from a position.
Data = Callable[[str, int, int], bytes]

# The number that torch.save began files with until 2020; many that torchvision offers are older.
LEGACY_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
LEGACY_VERSION = 1001

# Bytes of a number of the types that cannot be read, but may lie between those that can.
_OTHER_SIZES = {
    "torch.ComplexFloatStorage": 8,
    "torch.ComplexDoubleStorage": 16,
    "torch.QInt8Storage": 1,
    "torch.QUInt8Storage": 1,
    "torch.QInt32Storage": 4,
}

# A pickle describes a thousand tensors in 200 kB.
LARGEST_PICKLE = 16 * 2**20


@contextmanager
def open_zip(path: Path, key: str | None = None) -> Iterator[Contents]:
    """Open a file in the zip format, PyTorch's since 1.6; one that was zipped again is unpacked first.

    Args:
        path: The file.
        key: Which state dict to take, where the file has several.

    Raises:
        FileError: It is not in that format, or is damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except UNPACKING_ERRORS:
        raise FileError("is damaged: its zip directory cannot be read; a download may have broken off") from None
    with archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            with unpacking.store_uncompressed(archive) as unpacked, open_zip(unpacked, key) as contents:
                yield contents
            return
        entries = _entries(archive)
        if entries["data.pkl"].file_size > LARGEST_PICKLE:
            raise FileError(
                f"describes its tensors in more than {LARGEST_PICKLE >> 20} MB; if it holds NumPy arrays, "
                f"{torch_pickle.ADVICE}"
            )

        def data(name: str, start: int, size: int) -> bytes:
            try:
                with archive.open(entries[name]) as file:
                    file.seek(start)
                    return file.read(size)
            except UNPACKING_ERRORS:
                raise FileError(f"is damaged: its entry '{name}' cannot be read") from None

        if "byteorder" in entries and data("byteorder", 0, 6) != b"little":
            raise FileError("has its numbers in big-endian order, which cannot be read")
        described = torch_pickle.read(BytesIO(data("data.pkl", 0, LARGEST_PICKLE)))
        sizes = {name: entry.file_size for name, entry in entries.items()}
        yield _tensors(described.value, key, sizes, data, "data/")


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries of a checkpoint by their names beside ``data.pkl``.

    Raises:
        FileError: There is none, or several.
    """
    names = archive.namelist()
    places = [name.removesuffix("data.pkl") for name in names if name.rpartition("/")[2] == "data.pkl"]
    if len(places) != 1:
        files = [name for name in names if name.endswith((".pth", ".pt", ".ckpt", ".safetensors", ".h5"))][:1]
        advice = f"; unpack it and name its file {files[0]!r}" if files else ""
        raise FileError(f"is a zip file, but not one that torch.save has written{advice}")
    if f"{places[0]}constants.pkl" in names:
        raise FileError("is a TorchScript program; load it with torch.jit.load and save its state_dict()")
    beside = [entry for entry in archive.infolist() if entry.filename.startswith(places[0])]
    return {entry.filename.removeprefix(places[0]): entry for entry in beside}


@contextmanager
def open_legacy(path: Path, key: str | None = None) -> Iterator[Contents]:
    """Open a file in the format before zip: four pickles, the storages' names, and the storages.

    Args:
        path: The file.
        key: Which state dict to take, where the file has several.

    Raises:
        FileError: It is damaged.
    """
    with path.open("rb") as file:
        head = BytesIO(file.read(LARGEST_PICKLE))
        _, version, system, described, keys = (torch_pickle.read(head) for _ in range(5))
        file.seek(head.tell())
        if version.value != LEGACY_VERSION or not isinstance(system.value, dict) or not isinstance(keys.value, list):
            raise FileError("has an unknown version of PyTorch's format")
        if system.value.get("little_endian") is not True:
            raise FileError("has its numbers in big-endian order, which cannot be read")
        places: dict[str, int] = {}
        sizes: dict[str, int] = {}
        for name in keys.value:
            count = file.read(8)
            if len(count) < 8 or type(name) is not str or name not in described.storages:
                raise FileError("is damaged: it ends too early")
            places[name] = file.tell()
            sizes[name] = struct.unpack("<q", count)[0] * _item_size(described.storages[name])
            if not 0 <= sizes[name] <= path.stat().st_size - places[name]:
                raise FileError("is damaged: it ends too early; a download may have broken off")
            file.seek(sizes[name], 1)

        def data(name: str, start: int, size: int) -> bytes:
            file.seek(places[name] + start)
            return file.read(size)

        yield _tensors(described.value, key, sizes, data)


def _tensors(
    described: Any, state_dict: str | None, sizes: Mapping[str, int], data: Data, prefix: str = ""
) -> Contents:
    """Return the tensors of a state dict.

    Args:
        described: What the pickle describes.
        state_dict: Which one to take, where there are several.
        sizes: Bytes in each storage, by name.
        data: Reads from them.
        prefix: What these names begin with where the pickle's do not.
    """
    found = torch_state_dict.find(described, state_dict)
    tensors = {}
    for name, (storage, offset, shape, strides) in found.tensors.items():
        if storage.dtype not in DTYPES:
            raise FileError(f"holds numbers of a type that cannot be read ({storage.dtype!r} in {name!r})")
        key, item_size = prefix + storage.key, _item_size(storage)
        start = storage.start * item_size
        if start + storage.size * item_size > sizes.get(key, -1):
            raise FileError(f"is damaged: the numbers of {name!r} are not all there")

        def part(position: int, length: int, key: str = key, start: int = start) -> bytes:
            return data(key, start + position, length)

        tensors[name] = strided(part, storage.size, storage.dtype, offset, shape, strides)
    return Contents(tensors, found.key, found.left_out, found.others)


def _item_size(storage: Storage) -> int:
    if storage.dtype in _OTHER_SIZES:
        return _OTHER_SIZES[storage.dtype]
    if storage.dtype not in DTYPES:
        raise FileError(f"holds numbers of a type that cannot be read ({storage.dtype!r})")
    return np.dtype(DTYPES[storage.dtype]).itemsize


def write(path: Path, tensors: Mapping[str, Array]) -> None:
    """Write a state dict in the zip format, as torch.save does.

    Args:
        path: The file.
        tensors: float32, and int64 for counts, by name.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, content: bytes) -> None:
            # The date is the oldest that zip knows, so that equal tensors make equal files.
            archive.writestr(zipfile.ZipInfo(f"archive/{name}"), content)

        add("data.pkl", _described(tensors))
        add("byteorder", b"little")
        for key, values in enumerate(tensors.values()):
            add(f"data/{key}", np.ascontiguousarray(values).tobytes())
        add("version", b"3\n")


def _described(tensors: Mapping[str, Array]) -> bytes:
    """Return the pickle of an OrderedDict of tensors, instruction by instruction."""

    def text(value: str) -> bytes:
        encoded = value.encode()
        return b"X" + struct.pack("<I", len(encoded)) + encoded

    def whole(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    def several(*values: bytes) -> bytes:
        return b"(" + b"".join(values) + b"t"

    empty = b"ccollections\nOrderedDict\n)R"
    pickle = b"\x80\x02" + empty
    for key, (name, values) in enumerate(tensors.items()):
        kind = {"float32": b"ctorch\nFloatStorage\n", "int64": b"ctorch\nLongStorage\n"}[values.dtype.name]
        storage = several(text("storage"), kind, text(str(key)), text("cpu"), whole(values.size)) + b"Q"
        sizes = several(*map(whole, values.shape))
        steps = several(*map(whole, contiguous(values.shape)))
        arguments = several(storage, whole(0), sizes, steps, b"\x89", empty)
        pickle += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs"
    return pickle + b"."
