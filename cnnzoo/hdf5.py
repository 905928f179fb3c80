"""HDF5 files of others, opened in a process that is ended when it takes too long or too much memory."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

PROGRAM = Path(__file__).with_name("hdf5_process.py")

# Of the processor: a whole file takes half a second. The clock runs on where other programs take the processor.
PROCESSOR_SECONDS = 5
CLOCK_SECONDS = 60
BYTES_PER_SECOND = 50_000_000

# Python, NumPy and HDF5, and a few times the file.
MEMORY = 2 * 2**30
COPIES = 4


class HDF5Error(Exception):
    """A file cannot be read; the message goes on where a sentence begins with the file's name."""


@dataclass(frozen=True)
class Weight:
    """A weight of a layer.

    Attributes:
        dtype: A name of NumPy's, such as ``float32``; the numbers are little-endian.
        shape: Of the weight.
        place: Where in the file its numbers begin; None where they lie in pieces.
        numbers: Its bytes, if they lie in pieces.
    """

    dtype: str
    shape: tuple[int, ...]
    place: int | None
    numbers: bytes | memoryview = b""


def layers(path: Path) -> list[tuple[str, list[Weight]]]:
    """Return the layers with weights of a file of Keras, in its order, and each one's weights.

    Args:
        path: ``.h5`` or ``.weights.h5``. A layer inside a network inside a network is called ``network/layer``.

    Raises:
        HDF5Error: It is damaged or laid out otherwise.
    """
    answer, numbers = _answer(path, "layers")
    left = memoryview(numbers)
    found = []
    places = []
    for entry in answer["layers"]:
        weights = []
        for described in entry["weights"]:
            shape, place = tuple(described["shape"]), described["place"]
            size = prod(shape) * np.dtype(described["dtype"]).itemsize
            weights.append(Weight(described["dtype"], shape, place, left[:size] if place is None else b""))
            if place is None:
                left = left[size:]
            elif size:
                places.append((place, place + size))
        found.append((entry["layer"], weights))
    ends = [0, *(end for _, end in sorted(places))]
    if any(start < end for end, (start, _) in zip(ends, sorted(places), strict=False)):
        raise HDF5Error("is damaged: two of its tensors lie in the same place")
    if ends[-1] > path.stat().st_size:
        raise HDF5Error("is damaged: it ends too early; a download may have broken off")
    return found


def check_model(path: Path) -> None:
    """Make sure that HDF5 comes to an end with the weights in a ``.keras`` file.

    Raises:
        HDF5Error: It does not, or they are damaged.
    """
    _answer(path, "check")


def _answer(path: Path, task: str) -> tuple[dict[str, Any], bytes]:
    size = path.stat().st_size
    seconds = PROCESSOR_SECONDS + size // BYTES_PER_SECOND
    memory = MEMORY + COPIES * size
    command = [sys.executable, "-P", str(PROGRAM), str(path), str(seconds), str(memory), task]
    # Each thread of a linear algebra library would reserve memory.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HDF5_USE_FILE_LOCKING": "FALSE"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CLOCK_SECONDS + 4 * seconds,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise HDF5Error("is damaged: HDF5 came to no end with it; download or copy it again") from None
    line, _, numbers = done.stdout.partition(b"\n")
    try:
        answer = json.loads(line)
    except ValueError:
        if done.returncode < 0:  # ended by the system: by a limit, or by a crash of HDF5
            raise HDF5Error("is damaged: HDF5 came to no end with it or crashed; download or copy it again") from None
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise HDF5Error(f"cannot be read: the process that opens HDF5 files failed ({last})") from None
    if "error" in answer:
        raise HDF5Error(answer["error"])
    return answer, numbers
