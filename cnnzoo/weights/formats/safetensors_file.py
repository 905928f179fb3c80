"""Weight files in the safetensors format."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from cnnzoo.errors import DamagedContentsError
from cnnzoo.weights.formats.contents import DTYPES, MOST_AXES, Array, Tensor, WeightFile

_DTYPES = dict(zip(["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"], DTYPES, strict=True))


@contextmanager
def open_file(path: Path, key: str | None = None) -> Iterator[WeightFile]:
    """Open a safetensors file.

    Raises:
        DamagedContentsError: The file is damaged, or ``key`` names a state dict, which such a file does not have.
    """
    if key is not None:
        raise DamagedContentsError(f"has no state dict '{key}': a safetensors file is one state dict")
    try:
        file: Any = safe_open(path, "numpy")
    except SafetensorError as error:
        raise DamagedContentsError(
            f"is damaged: the description of its tensors is invalid, or it ends too early ({str(error)[:200]}); a "
            "download may have broken off"
        ) from None
    with file:
        yield WeightFile("torchvision", {name: _make_tensor(file, name) for name in file.keys()})  # noqa: SIM118


def _make_tensor(file: Any, name: str) -> Tensor:
    described = file.get_slice(name)
    dtype, shape = described.get_dtype(), tuple(described.get_shape())
    if dtype not in _DTYPES:
        raise DamagedContentsError(f"holds numbers of a type that cannot be read ({dtype!r} in {name!r})")
    if len(shape) > MOST_AXES:
        raise DamagedContentsError(f"is damaged: {name!r} has an impossible shape")
    return Tensor(shape, _DTYPES[dtype], partial(file.get_tensor, name))


def write(path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file.

    Args:
        path: The file.
        tensors: The tensors by name.
        metadata: Texts by key, which the file contains too.
    """
    save_file({name: np.asarray(values, order="C") for name, values in tensors.items()}, path, dict(metadata))
