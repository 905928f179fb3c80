"""Files that torch.save writes: a pickle that describes the tensors, and their numbers beside it."""

import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from cnnzoo.porting import pickles
from cnnzoo.porting.pickles import Storage, View
from cnnzoo.porting.tensors import DTYPES, Array, FileError, Tensor, contiguous, strided

Reader = Callable[[Path], AbstractContextManager[Mapping[str, Tensor]]]
# Reads so many bytes of a storage from a position.
Data = Callable[[str, int, int], bytes]

# A pickle of the number that torch.save began files with until 2020; many that torchvision offers are older.
LEGACY_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
LEGACY_VERSION = 1001

# A pickle describes a thousand tensors in 200 kB.
LARGEST_PICKLE = 16 * 2**20


@contextmanager
def zipped(path: Path) -> Iterator[Mapping[str, Tensor]]:
    """Open a file in the zip format, PyTorch's since 1.6.

    Raises:
        FileError: It is not one, or is damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise FileError("is damaged: its zip directory cannot be read; a download may have broken off") from None
    with archive:
        entries = {entry.filename.partition("/")[2]: entry for entry in archive.infolist()}
        if "data.pkl" not in entries:
            raise FileError("is a zip file, but not one that torch.save has written")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise FileError("has compressed entries, which torch.save never writes")
        if entries["data.pkl"].file_size > LARGEST_PICKLE:
            raise FileError(f"describes its tensors in more than {LARGEST_PICKLE >> 20} MB")

        def data(name: str, start: int, size: int) -> bytes:
            try:
                with archive.open(entries[name]) as file:
                    file.seek(start)
                    return file.read(size)
            except (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError, OSError, RuntimeError, ValueError):
                raise FileError(f"is damaged: its entry '{name}' cannot be read") from None

        if "byteorder" in entries and data("byteorder", 0, 6) != b"little":
            raise FileError("has its numbers in big-endian order, which is not read")
        described = pickles.read(BytesIO(data("data.pkl", 0, LARGEST_PICKLE)))
        sizes = {name: entry.file_size for name, entry in entries.items()}
        yield _tensors(described.value, sizes, data, "data/")


@contextmanager
def legacy(path: Path) -> Iterator[Mapping[str, Tensor]]:
    """Open a file in the format before zip: four pickles, the storages' names, and the storages.

    Raises:
        FileError: It is damaged.
    """
    with path.open("rb") as file:
        head = BytesIO(file.read(LARGEST_PICKLE))
        _, version, system, described, keys = (pickles.read(head) for _ in range(5))
        file.seek(head.tell())
        if version.value != LEGACY_VERSION or not isinstance(system.value, dict) or not isinstance(keys.value, list):
            raise FileError("is of a version of PyTorch's format that is not read")
        if system.value.get("little_endian") is not True:
            raise FileError("has its numbers in big-endian order, which is not read")
        places: dict[str, int] = {}
        sizes: dict[str, int] = {}
        for key in keys.value:
            count = file.read(8)
            if len(count) < 8 or type(key) is not str or key not in described.storages:
                raise FileError("is damaged: it ends too early")
            places[key] = file.tell()
            sizes[key] = struct.unpack("<q", count)[0] * _item_size(described.storages[key])
            if not 0 <= sizes[key] <= path.stat().st_size - places[key]:
                raise FileError("is damaged: it ends too early; a download may have broken off")
            file.seek(sizes[key], 1)

        def data(key: str, start: int, size: int) -> bytes:
            file.seek(places[key] + start)
            return file.read(size)

        yield _tensors(described.value, sizes, data)


def _tensors(described: Any, sizes: Mapping[str, int], data: Data, prefix: str = "") -> dict[str, Tensor]:
    """Return the tensors of a state dict.

    Args:
        described: What the pickle describes.
        sizes: Bytes in each storage, by name.
        data: Reads from them.
        prefix: What these names begin with where the pickle's do not.
    """
    tensors = {}
    for name, (storage, offset, shape, strides) in _views(described).items():
        key, item_size = prefix + storage.key, _item_size(storage)
        start = storage.start * item_size
        if start + storage.size * item_size > sizes.get(key, -1):
            raise FileError(f"is damaged: the numbers of {name!r} are not all there")

        def part(position: int, length: int, key: str = key, start: int = start) -> bytes:
            return data(key, start + position, length)

        tensors[name] = strided(part, storage.size, storage.dtype, offset, shape, strides)
    return tensors


def _views(described: Any) -> dict[str, View]:
    """Return the tensors of a state dict, which may be alone in the file or one item of a dictionary."""
    if not isinstance(described, dict):
        raise FileError(f"is no state dict; {pickles.ADVICE}")
    found = _named(described)
    if not found:
        inner = {key: _named(value) for key, value in described.items() if isinstance(value, dict)}
        several = [key for key, views in inner.items() if views]
        if len(several) > 1:
            raise FileError(f"holds several state dicts ({', '.join(map(repr, several))}); save one of them alone")
        found = inner[several[0]] if several else {}
    if not found:
        raise FileError("holds no tensors")
    return found


def _named(values: dict[Any, Any]) -> dict[str, View]:
    return {key: value for key, value in values.items() if isinstance(key, str) and isinstance(value, View)}


def _item_size(storage: Storage) -> int:
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
