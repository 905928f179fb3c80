"""Reads HDF5 files of weights from unknown sources, first in a process of its own.

HDF5 trusts the sizes in a file: one changed byte can make it run forever, fill the memory or crash. A separate process
can be ended. So this module is also a program: it reads a file as the main process will read it later, and prints
{"error": a clause, or an empty text}. It imports no Keras and little of the package, and starts in a fraction of a
second.
"""

import json
import lzma
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import h5py

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[2]))

from cnnzoo.errors import DamagedContentsError

# Name of the weights in a .keras file.
WEIGHTS = "model.weights.h5"

# Python's errors for a damaged zip archive; RuntimeError is for an encrypted one or an unknown compression.
UNPACKING_ERRORS = (
    zipfile.BadZipFile,
    EOFError,
    KeyError,
    lzma.LZMAError,
    MemoryError,
    OSError,
    RuntimeError,
    struct.error,
    ValueError,
    zlib.error,
)

# Errors of h5py and NumPy for a damaged HDF5 file.
_READING_ERRORS = (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError)

_NUMBERS = {"float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"}

# Limits of time: CPU seconds (an undamaged file takes 0.5), and seconds by the clock, on a busy machine.
PROCESSOR_SECONDS = 5
CLOCK_SECONDS = 60
BYTES_PER_SECOND = 50_000_000

# Limits of memory: bytes for Python, NumPy and HDF5, and copies of the file.
MEMORY = 2 * 2**30
COPIES = 4

# Largest factor of compression, and bytes that are always accepted. Floating-point weights hardly compress; pruned
# weights do.
COMPRESSION = 16
SMALL = 64 * 2**20

# Limit for networks inside networks.
DEEPEST = 16

Layers = list[tuple[str, list[h5py.Dataset]]]


@contextmanager
def open_layers(path: Path, seconds: int = PROCESSOR_SECONDS) -> Iterator[Layers]:
    """Open a file of Keras; yield the name and the weights of each layer that has weights, in the file's order.

    Args:
        path: ``.h5``, ``.weights.h5`` or ``.keras``. A layer of an inner network has the name ``network/layer``.
        seconds: CPU time for a small file; a large one has more.

    Raises:
        DamagedContentsError: It is damaged or has another layout.
    """
    _try_to_read(path, "layers", seconds)
    with _open(path) as file:
        yield _find_layers(file)


def check_model(path: Path, seconds: int = PROCESSOR_SECONDS) -> None:
    """Check that HDF5 can read the weights in a ``.keras`` file.

    Raises:
        DamagedContentsError: The weights are damaged.
    """
    _try_to_read(path, "model", seconds)


def _try_to_read(path: Path, task: Literal["layers", "model"], seconds: int) -> None:
    size = path.stat().st_size
    seconds += size // BYTES_PER_SECOND
    try:
        done = subprocess.run(
            [sys.executable, "-P", __file__, str(path), str(seconds), str(MEMORY + COPIES * size), task],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CLOCK_SECONDS + 4 * seconds,
            # Each thread of a linear algebra library reserves memory.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            check=False,
        )
        error = json.loads(done.stdout)["error"] if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        raise DamagedContentsError("is damaged: HDF5 did not finish reading it; download or copy it again") from None
    if done.returncode < 0:  # ended by a signal: at a limit, or because HDF5 crashed
        raise DamagedContentsError("is damaged: HDF5 did not finish reading it, or crashed; download or copy it again")
    if error is None:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise DamagedContentsError(f"cannot be read: the process that opens HDF5 files failed ({last})")
    if error:
        raise DamagedContentsError(error)


def main(path: str, seconds: str, memory: str, task: str) -> None:
    """Read a file within limits and print what is wrong with it."""
    _limit(int(seconds), int(memory))
    error = ""
    try:
        with _open(Path(path)) as file:
            if task == "model":
                file.visititems(_read_part)
            else:
                for _, datasets in _find_layers(file):
                    for dataset in datasets:
                        dataset[()]
    except DamagedContentsError as damage:
        error = str(damage)
    except MemoryError:
        error = "is damaged: reading it takes more memory than a file of its size can need"
    except _READING_ERRORS:
        error = "is damaged: HDF5 cannot read its weights"
    sys.stdout.write(json.dumps({"error": error}))


def _limit(seconds: int, memory: int) -> None:
    """Let the system end this process at these limits, if the system has them."""
    try:
        import resource  # not on Windows
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


def _read_part(_: str, part: h5py.Group | h5py.Dataset) -> None:
    """Read attributes and chunked data; contiguous data cannot harm HDF5."""
    dict(part.attrs)
    if isinstance(part, h5py.Dataset) and part.id.get_offset() is None:
        part[()]


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file, or the one in a .keras file."""
    source: Path | BytesIO = path
    with path.open("rb") as beginning:
        if beginning.read(4) != b"\x89HDF":
            source = _unpack(path)
    try:
        file = h5py.File(source, "r", locking=False)
    except (OSError, RuntimeError, ValueError):
        raise DamagedContentsError("is damaged: HDF5 cannot open it; a download may have broken off") from None
    with file:
        yield file


def _unpack(path: Path) -> BytesIO:
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo(WEIGHTS)
            if entry.file_size <= SMALL + COMPRESSION * entry.compress_size:
                return BytesIO(archive.read(WEIGHTS))
    except UNPACKING_ERRORS:
        raise DamagedContentsError(
            "is damaged: its weights cannot be unpacked; a copy or download may have broken off"
        ) from None
    raise DamagedContentsError("is damaged: its weights would unpack to far more than a file of its size can contain")


def _find_layers(file: h5py.File) -> Layers:
    try:
        model_weights = _follow(file, "model_weights") if "model_weights" in file else file
        layers = list(_find_numbered(file) if "layers" in file else _find_listed(model_weights))
        places = sorted(_locate(layer, dataset) for layer, datasets in layers for dataset in datasets)
    except (*_READING_ERRORS, RecursionError):
        raise DamagedContentsError("does not have Keras's layout of weights in HDF5, or is damaged") from None
    if any(start < end for (_, end), (start, _) in pairwise(places)):
        raise DamagedContentsError("is damaged: two of its tensors are in the same place")
    return layers


def _find_listed(file: h5py.Group) -> Iterator[tuple[str, list[h5py.Dataset]]]:
    """Yield the layers of the older layout, in which attributes list the layers and the weights of each.

    A layer that is a network lists the weights of all its layers.
    """
    for layer in map(_decode, file.attrs["layer_names"]):
        group = _follow(file, layer)
        inner: dict[str, list[h5py.Dataset]] = {}
        for name in map(_decode, group.attrs["weight_names"]):
            inner.setdefault(name.rpartition("/")[0].rpartition("/")[2], []).append(_follow(group, name))
        for name, datasets in inner.items():
            yield layer if len(inner) == 1 else f"{layer}/{name}", datasets


def _find_numbered(file: h5py.Group, before: str = "", depth: int = 0) -> Iterator[tuple[str, list[h5py.Dataset]]]:
    """Yield the layers of Keras 3's layout, in which weights are numbered and an attribute names the layer."""
    if depth > DEEPEST:
        raise ValueError
    layers = _follow(file, "layers")
    for key in layers:
        layer = _follow(layers, key)
        weights = _follow(layer, "vars")
        datasets = [_follow(weights, str(number)) for number in range(len(weights))]
        name = before + _decode(weights.attrs.get("name", key))
        if datasets:
            yield name, datasets
        if "layers" in layer:
            yield from _find_numbered(layer, f"{name}/", depth + 1)


def _follow(group: h5py.Group, path: str) -> Any:
    """Return what is at a path; links, which may point to other files, are errors."""
    for name in path.strip("/").split("/"):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise KeyError(name)
        group = group[name]
    return group


def _decode(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _locate(layer: str, dataset: h5py.Dataset) -> tuple[int, int]:
    """Return where the numbers of a weight begin and end in the file; (0, 0) if they are stored in chunks.

    Raises:
        DamagedContentsError: They are of another type, or are not in the file.
    """
    kind = dataset.dtype.name
    if kind not in _NUMBERS or dataset.id.get_type() != h5py.h5t.py_create(dataset.dtype):
        raise DamagedContentsError(f"holds numbers of a type that cannot be read ({kind} in {layer!r})")
    # A dataset may claim any size; its numbers must be in this file.
    if dataset.is_virtual or dataset.external or dataset.id.get_storage_size() < dataset.nbytes:
        raise DamagedContentsError(f"stores {layer!r} compressed or in another file, which cannot be read")
    place = dataset.id.get_offset()
    return (0, 0) if place is None else (place, place + dataset.nbytes)


if __name__ == "__main__":
    main(*sys.argv[1:])
