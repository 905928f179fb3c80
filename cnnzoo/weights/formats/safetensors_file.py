"""Files of safetensors: a JSON object that describes the tensors, and their numbers behind it."""

import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from cnnzoo.weights.formats.tensor import DTYPES, Array, Contents, FileError, Tensor, strided

_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}

LARGEST_HEADER = 16 * 2**20


@contextmanager
def open_file(path: Path, key: str | None = None) -> Iterator[Contents]:
    """Open a file.

    Raises:
        FileError: It is damaged.
    """
    if key is not None:
        raise FileError(f"has no state dict '{key}': a safetensors file is one state dict")
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        if size > LARGEST_HEADER:
            raise FileError("is not a safetensors file: the description of its tensors would be too large")
        try:
            described = json.loads(file.read(size))
            entries = {name: entry for name, entry in described.items() if name != "__metadata__"}
            parts = {name: tuple(entry["data_offsets"]) for name, entry in entries.items()}
            room = path.stat().st_size - 8 - size
            if not all(type(start) is type(end) is int and 0 <= start <= end <= room for start, end in parts.values()):
                raise FileError("is damaged: it ends too early; a download may have broken off")

            def tensor(entry: dict[str, Any], start: int, end: int) -> Tensor:
                def data(position: int, length: int) -> bytes:
                    file.seek(8 + size + start + position)
                    return file.read(length)

                if entry["dtype"] not in _NAMES:
                    raise FileError(f"holds numbers of a type that cannot be read ({entry['dtype']!r})")
                dtype, shape = _NAMES[entry["dtype"]], tuple(entry["shape"])
                count = (end - start) // np.dtype(DTYPES[dtype]).itemsize
                return strided(data, count, dtype, 0, shape)

            tensors = {name: tensor(entry, *parts[name]) for name, entry in entries.items()}
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
            raise FileError("is damaged: the description of its tensors is invalid") from None
        yield Contents(tensors)


def write(path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write a file.

    Args:
        path: The file.
        tensors: float32, and int64 for counts, by name.
        metadata: Words about the whole.
    """
    kinds = {"float32": "F32", "int64": "I64"}
    ends = [0, *accumulate(values.nbytes for values in tensors.values())]
    described: dict[str, Any] = {"__metadata__": dict(metadata)}
    for index, (name, values) in enumerate(tensors.items()):
        described[name] = {
            "dtype": kinds[values.dtype.name],
            "shape": values.shape,
            "data_offsets": ends[index : index + 2],
        }
    header = json.dumps(described, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for values in tensors.values():
            file.write(np.ascontiguousarray(values).tobytes())
