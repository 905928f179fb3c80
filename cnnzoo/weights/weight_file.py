"""Weight files in any format."""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cnnzoo.classifier import metadata
from cnnzoo.classifier.hdf5 import UNPACKING_ERRORS, WEIGHTS
from cnnzoo.downloads.damage import describe_other_file
from cnnzoo.errors import DamagedContentsError, DamagedFileError, UserError
from cnnzoo.text import printable
from cnnzoo.weights.formats import keras_h5, safetensors_file, torch_pth
from cnnzoo.weights.formats.contents import LARGEST, TOO_LARGE, WeightFile

Reader = Callable[[Path, str | None], AbstractContextManager[WeightFile]]

# Compressed files, by their first bytes.
_COMPRESSED = {
    b"BZh": "is compressed with bzip2; unpack it first",
    b"\xfd7zXZ": "is compressed with xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it first",
}


@contextmanager
def open_weight_file(path: Path, state_dict: str | None = None) -> Iterator[WeightFile]:
    """Open a weight file; its tensors can be read until the block ends.

    The format is recognized by the first bytes, not by the name. No code in the file is run.

    Args:
        path: The file.
        state_dict: Key of the state dict to take, if a PyTorch file has several; by default that of the network
            rather than that of its averages.

    Raises:
        UserError: The file is missing, damaged, or does not hold weights.
    """
    try:
        if _read_beginning(path).startswith(b"\x1f\x8b"):
            with _unpack(path) as unpacked, _choose_reader(unpacked)(unpacked, state_dict) as file:
                yield replace(file, path=path)
        else:
            with _choose_reader(path)(path, state_dict) as file:
                yield replace(file, path=path)
    except DamagedContentsError as error:
        raise DamagedFileError(path, printable(str(error))) from None  # it may quote names in the file


@contextmanager
def _unpack(path: Path) -> Iterator[Path]:
    """Unpack a gzip file into a temporary one, which is removed when the block ends."""
    with TemporaryDirectory(prefix="cnnzoo-") as folder:
        unpacked = Path(folder) / "unpacked"
        try:
            with gzip.open(path) as source, unpacked.open("wb") as target:
                while (block := source.read(2**20)) and target.tell() <= LARGEST:
                    target.write(block)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise DamagedContentsError(
                "is damaged: its gzip data cannot be unpacked; a download may have broken off"
            ) from None
        if unpacked.stat().st_size > LARGEST:
            raise DamagedContentsError(TOO_LARGE)
        yield unpacked


def _read_beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except OSError as error:
        raise DamagedContentsError(f"cannot be read: {error.strerror}") from None


def _choose_reader(path: Path) -> Reader:
    beginning = _read_beginning(path)
    if beginning.startswith(b"PK\x03\x04"):
        return keras_h5.open_file if _is_model(path) else torch_pth.open_zip
    if beginning.startswith(b"\x80") and torch_pth.LEGACY_MAGIC in beginning[:32]:
        return torch_pth.open_legacy
    if beginning.startswith(b"\x89HDF\r\n\x1a\n"):
        return keras_h5.open_file
    if beginning[8:9] == b"{":
        return safetensors_file.open_file
    if beginning[257:262] == b"ustar":
        raise DamagedContentsError("is a tar archive; unpack it and name the weight file in it")
    compressed = (clause for signature, clause in _COMPRESSED.items() if beginning.startswith(signature))
    raise DamagedContentsError(
        next(compressed, None)
        or describe_other_file(beginning, "a weight file", "; download the file itself")
        or "is not a weight file that can be read, such as PyTorch's .pth and .safetensors or Keras's .h5"
    )


def _is_model(path: Path) -> bool:
    """Return whether a zip file is a model that Keras saved.

    Raises:
        DamagedContentsError: It is a model of this program.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            is_model = {"config.json", WEIGHTS} <= set(archive.namelist())
    except UNPACKING_ERRORS:
        return False  # the reader raises an error that describes the damage
    if is_model and metadata.read(path):
        raise DamagedContentsError("is a model of this program already; classify with cnnzoo predict")
    return is_model
