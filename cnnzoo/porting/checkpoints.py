"""Files of weights, whatever their format."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cnnzoo.errors import UserError
from cnnzoo.porting import hdf5, pytorch, safetensors
from cnnzoo.porting.tensors import FileError, Tensor

Library = Literal["torchvision", "keras.applications"]

# Between a layer's name and that of its weight.
SEPARATORS: dict[Library, str] = {"torchvision": ".", "keras.applications": "/"}

# What PyTorch's wrapper for several GPUs puts before every name.
_WRAPPER = "module."


@dataclass(frozen=True)
class Checkpoint:
    """What an open file of weights holds.

    Attributes:
        path: The file.
        library: Whose layout it has.
        tensors: By name, such as torchvision's ``layer1.0.conv1.weight`` and keras.applications'
            ``conv1_conv/kernel``.
    """

    path: Path
    library: Library
    tensors: Mapping[str, Tensor]

    @property
    def layers(self) -> set[str]:
        """The names of the layers that the tensors belong to."""
        return {name.rpartition(SEPARATORS[self.library])[0] for name in self.tensors}


@contextmanager
def opened(path: Path) -> Iterator[Checkpoint]:
    """Open a file of weights, whose tensors can be read until the block ends.

    The first bytes tell the format, not the name. Nothing in the file is run, nothing is extracted.

    Raises:
        UserError: The file is missing, damaged, or none of weights.
    """
    try:
        reader, library = _reader(_beginning(path))
        with reader(path) as found:
            wrapped = all(name.startswith(_WRAPPER) for name in found)
            tensors = {name.removeprefix(_WRAPPER if wrapped else ""): tensor for name, tensor in found.items()}
            yield Checkpoint(path, library, tensors)
    except FileError as error:
        raise UserError(f"{path} {error}.") from None


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(32)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}") from None


def _reader(beginning: bytes) -> tuple[pytorch.Reader, Library]:
    if beginning.startswith(b"PK\x03\x04"):
        return pytorch.zipped, "torchvision"
    if beginning.startswith(pytorch.LEGACY_MAGIC):
        return pytorch.legacy, "torchvision"
    if beginning.startswith(b"\x89HDF\r\n\x1a\n"):
        return hdf5.opened, "keras.applications"
    if beginning[8:9] == b"{":
        return safetensors.opened, "torchvision"
    raise FileError("is no file of weights that can be read: PyTorch's .pth and .safetensors are, and Keras's .h5")
