"""The contents of a weight file: tensors, whose numbers are read only when they are needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ml_dtypes  # noqa: F401 - adds bfloat16 to NumPy
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Library = Literal["torchvision", "keras.applications"]

# The character between the name of a layer and the name of its weight.
SEPARATORS: dict[Library, str] = {"torchvision": ".", "keras.applications": "/"}

# The types of numbers that can be read, by PyTorch's names.
DTYPES = {
    name: np.dtype(name).newbyteorder("<")
    for name in ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
}

# NumPy 1 has no arrays of more axes.
MOST_AXES = 32

# Bytes; VGG-19 with an optimizer's state takes 1.7 GB. A damaged or malicious file may claim any size.
LARGEST = 4 * 2**30
TOO_LARGE = f"unpacks to more than {LARGEST >> 30} GB; no network here needs that much"


@dataclass(frozen=True)
class Tensor:
    """A tensor in an open file, not yet in memory.

    Attributes:
        shape: Its shape in the file.
        dtype: The type of its numbers, a key of DTYPES.
        read: Reads the values, in that shape.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], Array]

    def values(self) -> NDArray[np.float32]:
        """Return the values as float32; those too large for it become infinite."""
        with np.errstate(over="ignore"):
            return np.asarray(self.read()).astype("float32", copy=False)


@dataclass(frozen=True)
class WeightFile:
    """An open weight file.

    Attributes:
        library: The library whose format it has.
        tensors: The tensors by name, such as torchvision's ``layer1.0.conv1.weight`` and keras.applications'
            ``conv1_conv/kernel``.
        key: The key of their state dict in the file; "" if the file itself is the state dict.
        left_out: The other items of the file, and tensors beside the network.
        other_state_dicts: Keys of further state dicts in the file.
        path: The file.
        prefix: The prefix that the name of each tensor had.
        classifier: The layer beside the network that became its classifier; "" if the network has its own.
        unused_dense_layers: Dense layers beside a network without a classifier, if none of them became the classifier.
    """

    library: Library
    tensors: Mapping[str, Tensor]
    key: str = ""
    left_out: tuple[str, ...] = ()
    other_state_dicts: tuple[str, ...] = ()
    path: Path = Path()
    prefix: str = ""
    classifier: str = ""
    unused_dense_layers: tuple[str, ...] = ()

    @property
    def layers(self) -> set[str]:
        """The names of the layers that the tensors belong to."""
        return {name.rpartition(SEPARATORS[self.library])[0] for name in self.tensors}
