"""Files of torch.save: a pickle that describes the tensors, and beside it their numbers."""

import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from cnnzoo.classifier.hdf5 import UNPACKING_ERRORS
from cnnzoo.errors import DamagedContentsError, UserError
from cnnzoo.weights.formats import torch_pickle, torch_state_dict
from cnnzoo.weights.formats.contents import DTYPES, LARGEST, TOO_LARGE, Array, Tensor, WeightFile
from cnnzoo.weights.formats.torch_pickle import Storage, View

# Takes the name of a storage, a position in it and a number of bytes; returns the bytes.
Read = Callable[[str, int, int], bytes]

# Files of torch.save began with this number until 2020; many that torchvision offers are older.
LEGACY_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
LEGACY_VERSION = 1001

# Bytes of one number of the types that cannot be read, but may be between others in a file.
_OTHER_SIZES = {
    "torch.ComplexFloatStorage": 8,
    "torch.ComplexDoubleStorage": 16,
    "torch.QInt8Storage": 1,
    "torch.QUInt8Storage": 1,
    "torch.QInt32Storage": 4,
}

# A pickle describes a thousand tensors in 200 kB.
LARGEST_PICKLE = 16 * 2**20

_WRITER = Path(__file__).with_name("torch_save.py")


@contextmanager
def open_zip(path: Path, key: str | None = None) -> Iterator[WeightFile]:
    """Open a file in the zip format, PyTorch's since 1.6; it may have been compressed afterwards.

    Args:
        path: The file.
        key: Key of the state dict to take, if the file has several.

    Raises:
        DamagedContentsError: The file is not in that format, or is damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except UNPACKING_ERRORS:
        reason = "is damaged: its zip directory cannot be read; a download may have broken off"
        raise DamagedContentsError(reason) from None
    with archive:
        members = _find_members(archive)
        compressed = [member for member in members.values() if member.compress_type != zipfile.ZIP_STORED]
        if sum(member.file_size for member in compressed) > LARGEST:
            raise DamagedContentsError(TOO_LARGE)

        def read(name: str, start: int, size: int) -> bytes:
            try:
                with archive.open(members[name]) as member:
                    member.seek(start)
                    return member.read(size)
            except UNPACKING_ERRORS:
                raise DamagedContentsError(f"is damaged: its member '{name}' cannot be read") from None

        if members["data.pkl"].file_size > LARGEST_PICKLE:
            raise DamagedContentsError(
                f"describes its tensors in more than {LARGEST_PICKLE >> 20} MB; if it holds NumPy arrays, "
                f"{torch_pickle.ADVICE}"
            )
        if "byteorder" in members and read("byteorder", 0, 6) != b"little":
            raise DamagedContentsError("has its numbers in big-endian order, which cannot be read")
        value, _ = torch_pickle.read(BytesIO(read("data.pkl", 0, LARGEST_PICKLE)))
        sizes = {name.removeprefix("data/"): member.file_size for name, member in members.items()}
        yield _make_weight_file(value, key, sizes, lambda name, start, size: read(f"data/{name}", start, size))


def _find_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members of an archive by their names in the folder of its ``data.pkl``.

    Raises:
        DamagedContentsError: There is no ``data.pkl``, or there are several.
    """
    names = archive.namelist()
    folders = [name.removesuffix("data.pkl") for name in names if name.rpartition("/")[2] == "data.pkl"]
    if len(folders) != 1:
        files = [name for name in names if name.endswith((".pth", ".pt", ".ckpt", ".safetensors", ".h5"))][:1]
        advice = f"; unpack it and name its file {files[0]!r}" if files else ""
        raise DamagedContentsError(f"is a zip file, but torch.save did not write it{advice}")
    if f"{folders[0]}constants.pkl" in names:
        raise DamagedContentsError("is a TorchScript program; load it with torch.jit.load and save its state_dict()")
    return {
        member.filename.removeprefix(folders[0]): member
        for member in archive.infolist()
        if member.filename.startswith(folders[0])
    }


@contextmanager
def open_legacy(path: Path, key: str | None = None) -> Iterator[WeightFile]:
    """Open a file in PyTorch's format before 1.6: four pickles, the names of the storages, and the storages.

    Args:
        path: The file.
        key: Key of the state dict to take, if the file has several.

    Raises:
        DamagedContentsError: The file is damaged.
    """
    with path.open("rb") as file:
        head = BytesIO(file.read(LARGEST_PICKLE))
        (_, _), (version, _), (system, _), (value, storages), (names, _) = (torch_pickle.read(head) for _ in range(5))
        file.seek(head.tell())
        if version != LEGACY_VERSION or not isinstance(system, dict) or not isinstance(names, list):
            raise DamagedContentsError("has an unknown version of PyTorch's format")
        if system.get("little_endian") is not True:
            raise DamagedContentsError("has its numbers in big-endian order, which cannot be read")
        places: dict[str, int] = {}
        sizes: dict[str, int] = {}
        for name in names:
            count = file.read(8)
            if len(count) < 8 or type(name) is not str or name not in storages:
                raise DamagedContentsError("is damaged: it ends too early")
            places[name] = file.tell()
            sizes[name] = struct.unpack("<q", count)[0] * _find_item_size(storages[name])
            if not 0 <= sizes[name] <= path.stat().st_size - places[name]:
                raise DamagedContentsError("is damaged: it ends too early; a download may have broken off")
            file.seek(sizes[name], 1)

        def read(name: str, start: int, size: int) -> bytes:
            file.seek(places[name] + start)
            return file.read(size)

        yield _make_weight_file(value, key, sizes, read)


def _find_item_size(storage: Storage) -> int:
    if storage.dtype not in DTYPES and storage.dtype not in _OTHER_SIZES:
        raise DamagedContentsError(f"holds numbers of a type that cannot be read ({storage.dtype!r})")
    return _OTHER_SIZES.get(storage.dtype) or DTYPES[storage.dtype].itemsize


def _make_weight_file(value: Any, key: str | None, sizes: Mapping[str, int], read: Read) -> WeightFile:
    """Return a file with the tensors of a state dict.

    Args:
        value: The value of the file's pickle.
        key: Key of the state dict to take, if there are several.
        sizes: Bytes in each storage, by its name.
        read: Reads from the storages.
    """
    key, views, left_out, other_state_dicts = torch_state_dict.find_state_dict(value, key)
    tensors = {name: _make_tensor(name, view, sizes, read) for name, view in views.items()}
    return WeightFile("torchvision", tensors, key, left_out, other_state_dicts)


def _make_tensor(name: str, view: View, sizes: Mapping[str, int], read: Read) -> Tensor:
    """Return a tensor that is a view into a storage.

    Raises:
        DamagedContentsError: The tensor reaches beyond the storage, or has more values than the storage has numbers.
    """
    storage, offset, shape, strides = view
    if storage.dtype not in DTYPES:
        raise DamagedContentsError(f"holds numbers of a type that cannot be read ({storage.dtype!r} in {name!r})")
    dtype = DTYPES[storage.dtype]
    size, start = dtype.itemsize, storage.start * dtype.itemsize
    if start + storage.size * size > sizes.get(storage.key, -1):
        raise DamagedContentsError(f"is damaged: some numbers of {name!r} are missing")
    # This is checked before anything is multiplied, because multiplying millions of digits takes seconds.
    is_possible = all(type(number) is int and 0 <= number < 2**63 for number in (offset, *shape, *strides))
    if len(shape) != len(strides) or not is_possible:
        raise DamagedContentsError("is damaged: a tensor in it has an impossible shape")
    count = prod(shape)
    span = 1 + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True)) if count else 0
    if offset + span > storage.size or count > storage.size:
        raise DamagedContentsError(
            f"is damaged: a tensor of shape {shape} needs more numbers than the {storage.size} stored for it"
        )

    def values() -> Array:
        numbers = read(storage.key, start + offset * size, span * size)
        if len(numbers) < span * size:
            raise DamagedContentsError("is damaged: it ends too early")
        row = np.frombuffer(numbers, dtype)
        return np.lib.stride_tricks.as_strided(row, shape, [size * stride for stride in strides], writeable=False)

    return Tensor(shape, storage.dtype, values)


def write(path: Path, tensors: Mapping[str, Array]) -> None:
    """Have PyTorch write a state dict.

    Args:
        path: The file.
        tensors: The tensors by name.

    Raises:
        UserError: PyTorch is not installed, or fails.
    """
    with TemporaryDirectory(prefix="cnnzoo-") as folder:
        source = Path(folder) / "tensors.npz"
        # By number: a tensor may have the name of one of savez's own parameters, which vary with NumPy's version.
        np.savez(source, np.array(list(tensors)), *tensors.values())
        command = [sys.executable, "-P", str(_WRITER), str(source), str(path)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise UserError(
            f"{path.suffix} files are written by PyTorch, which is not installed here or failed ({last}); name a "
            ".safetensors file instead, which PyTorch's users can load as well."
        )
