"""Tensors in files of weights, described before their numbers are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# PyTorch's types of numbers, and the types by which NumPy reads their bytes. NumPy has no bfloat16; it is the upper
# half of a float32.
DTYPES = {
    "float64": "<f8",
    "float32": "<f4",
    "float16": "<f2",
    "bfloat16": "<u2",
    "int64": "<i8",
    "int32": "<i4",
    "int16": "<i2",
    "int8": "<i1",
    "uint8": "<u1",
    "bool": "<u1",
}

# NumPy has no more.
MOST_AXES = 64

# The running variances of batch normalization.
VARIANCES = ("running_var", "moving_variance")


class FileError(Exception):
    """A file is not what it should be; the message is the rest of a sentence that starts with the file's name."""


@dataclass(frozen=True)
class Tensor:
    """A tensor in an open file, not yet in memory.

    Attributes:
        shape: As the file has it.
        dtype: A key of DTYPES.
        read: Reads the values in that shape; bfloat16 as uint16.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], Array]

    def values(self) -> NDArray[np.float32]:
        """Return the values as float32; what is too large for that becomes infinite."""
        stored = self.read()
        if self.dtype == "bfloat16":
            return (stored.astype("<u4") << 16).view("<f4")
        with np.errstate(over="ignore"):
            return stored.astype("float32", copy=False)


@dataclass(frozen=True)
class Contents:
    """The tensors of an open file.

    Attributes:
        tensors: By name.
        key: Which of the file's state dicts they are; empty where they are the file itself.
        left_out: The other items of the file.
        others: Keys of further state dicts.
    """

    tensors: Mapping[str, Tensor]
    key: str = ""
    left_out: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def strided(
    data: Callable[[int, int], bytes],
    available: int,
    dtype: str,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None = None,
) -> Tensor:
    """Return a tensor that is a view into a row of numbers.

    Args:
        data: Reads so many bytes from a position in the row, also in bytes.
        available: How many numbers the row has.
        dtype: A key of DTYPES.
        offset: Place of the tensor's first number.
        shape: Of the tensor.
        strides: Numbers from one value to the next along each axis; None where the numbers lie row by row.

    Raises:
        FileError: The tensor reaches beyond the row, or has more values than the row has numbers.
    """
    numbers = (offset, *shape, *(strides or ()))
    # Checked before anything is multiplied: millions of digits take seconds.
    if len(shape) > MOST_AXES or not all(type(number) is int and 0 <= number < 2**63 for number in numbers):
        raise FileError("is damaged: a tensor in it has an impossible shape")
    strides = contiguous(shape) if strides is None else strides
    if len(shape) != len(strides):
        raise FileError("is damaged: a tensor in it has an impossible shape")
    count = prod(shape)
    span = 1 + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True)) if count else 0
    if offset + span > available or count > available:
        raise FileError(f"is damaged: a tensor of shape {shape} needs more numbers than the {available} stored for it")
    size = np.dtype(DTYPES[dtype]).itemsize

    def read() -> Array:
        held = data(offset * size, span * size)
        if len(held) < span * size:
            raise FileError("is damaged: it ends too early")
        row = np.frombuffer(held, DTYPES[dtype])
        view = np.lib.stride_tricks.as_strided(row, shape, [size * stride for stride in strides], writeable=False)
        return np.ascontiguousarray(view).reshape(shape)

    return Tensor(shape, dtype, read)


def unusable(name: str, values: Array) -> str:
    """Describe which of a tensor's values cannot be weights; empty where all can."""
    infinite = values.size - int(np.isfinite(values).sum())
    if infinite:
        return f"{infinite:,} of the {values.size:,} values of {name!r} are not finite as float32"
    negative = int((values < 0).sum()) if name.endswith(VARIANCES) else 0
    return f"{negative:,} of the {values.size:,} variances {name!r} are negative" if negative else ""


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of a tensor whose numbers lie row by row."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
