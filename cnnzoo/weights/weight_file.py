"""Files of weights, in any of the formats."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cnnzoo.classifier import metadata
from cnnzoo.classifier.hdf5_process import UNPACKING_ERRORS, WEIGHTS
from cnnzoo.errors import UserError
from cnnzoo.text import printable
from cnnzoo.weights.formats import keras_h5, safetensors_file, torch_pth, unpacking
from cnnzoo.weights.formats.tensor import Contents, FileError, Tensor

Library = Literal["torchvision", "keras.applications"]
Reader = Callable[[Path, str | None], AbstractContextManager[Contents]]

# Between a layer's name and that of its weight.
SEPARATORS: dict[Library, str] = {"torchvision": ".", "keras.applications": "/"}

# What else people take for weights, by the first bytes.
_OTHER_FORMATS = {
    b"BZh": "is compressed with bzip2; unpack it first",
    b"\xfd7zXZ": "is compressed with xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it first",
    b"version https://git-lfs": "is only Git LFS's pointer to the file; fetch the file with git lfs pull",
    b"<": "is a web page or XML, not the file of weights; download the file itself",
}


@dataclass(frozen=True)
class WeightFile:
    """What an open file of weights holds.

    Attributes:
        path: The file.
        library: The library whose layout it has.
        tensors: By name, such as torchvision's ``layer1.0.conv1.weight`` and keras.applications'
            ``conv1_conv/kernel``.
        key: Which of the file's state dicts they are; empty where they are the file itself.
        left_out: The other items of the file.
        others: Keys of further state dicts in the file.
    """

    path: Path
    library: Library
    tensors: Mapping[str, Tensor]
    key: str = ""
    left_out: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def layers(self) -> set[str]:
        """The names of the layers that the tensors belong to."""
        return {name.rpartition(SEPARATORS[self.library])[0] for name in self.tensors}


@contextmanager
def open_weight_file(path: Path, state_dict: str | None = None) -> Iterator[WeightFile]:
    """Open a file of weights, whose tensors can be read until the block ends.

    The first bytes tell the format, not the name. Nothing in the file is run.

    Args:
        path: The file.
        state_dict: Which one to take, where a PyTorch file has several; by default the network itself before its
            averages.

    Raises:
        UserError: The file is missing, damaged, or does not hold weights.
    """
    try:
        beginning = _beginning(path)
        if beginning.startswith(b"\x1f\x8b"):
            with unpacking.unpack_gzip(path) as unpacked, _open(path, unpacked, state_dict) as file:
                yield file
        else:
            with _open(path, path, state_dict) as file:
                yield file
    except FileError as error:
        raise UserError(f"{path} {printable(str(error))}.") from None  # it may name what the file names


@contextmanager
def _open(path: Path, unpacked: Path, state_dict: str | None) -> Iterator[WeightFile]:
    reader, library = _reader(unpacked)
    with reader(unpacked, state_dict) as contents:
        yield WeightFile(path, library, contents.tensors, contents.key, contents.left_out, contents.others)


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}") from None


def _reader(path: Path) -> tuple[Reader, Library]:
    beginning = _beginning(path)
    if beginning.startswith(b"PK\x03\x04"):
        return (keras_h5.open_model, "keras.applications") if _is_model(path) else (torch_pth.open_zip, "torchvision")
    if beginning.startswith(b"\x80") and torch_pth.LEGACY_MAGIC in beginning[:32]:
        return torch_pth.open_legacy, "torchvision"
    if beginning.startswith(b"\x89HDF\r\n\x1a\n"):
        return keras_h5.open_weights, "keras.applications"
    if beginning[8:9] == b"{":
        return safetensors_file.open_file, "torchvision"
    if not beginning:
        raise FileError("is empty; a copy or download may have broken off")
    if beginning[257:262] == b"ustar":
        raise FileError("is a tar archive; unpack it and name the file of weights in it")
    for signature, sentence in _OTHER_FORMATS.items():
        if beginning.startswith(signature):
            raise FileError(sentence)
    raise FileError("is not a file of weights that can be read, such as PyTorch's .pth and .safetensors or Keras's .h5")


def _is_model(path: Path) -> bool:
    """Whether a zip file is a model that Keras saved.

    Raises:
        FileError: It is one of this program.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            is_model = {"config.json", WEIGHTS} <= set(archive.namelist())
    except UNPACKING_ERRORS:
        return False  # the reader says what is wrong with it
    if is_model and metadata.read(path):
        raise FileError("is a model of this program already; classify with cnnzoo predict")
    return is_model
