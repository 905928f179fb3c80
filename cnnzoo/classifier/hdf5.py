"""HDF5 files from unknown sources, opened in a process that is ended when it takes too long or too much memory."""

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

# CPU seconds; an undamaged file takes 0.5. The clock also counts what other programs use.
PROCESSOR_SECONDS = 5
CLOCK_SECONDS = 60
BYTES_PER_SECOND = 50_000_000

# Python, NumPy and HDF5, and a few times the file.
MEMORY = 2 * 2**30
COPIES = 4


class HDF5Error(Exception):
    """A file cannot be read; the message is the rest of a sentence that starts with the file's name."""


@dataclass(frozen=True)
class Weight:
    """A weight of a layer.

    Attributes:
        dtype: A name of NumPy's, such as ``float32``; the numbers are little-endian.
        shape: Of the weight.
        place: Where in the file its numbers begin; None where they are stored in chunks.
        numbers: Its bytes, if they are stored in chunks.
    """

    dtype: str
    shape: tuple[int, ...]
    place: int | None
    numbers: bytes | memoryview = b""


def layers(path: Path, seconds: int = PROCESSOR_SECONDS) -> list[tuple[str, list[Weight]]]:
    """Return the layers with weights of a file of Keras, in its order, and each one's weights.

    Args:
        path: ``.h5`` or ``.weights.h5``. A layer inside a network inside a network is called ``network/layer``.
        seconds: CPU time for a small file; a large one has more.

    Raises:
        HDF5Error: It is damaged or has another layout.
    """
    answer, numbers = _answer(path, "layers", seconds)
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


def check_model(path: Path, seconds: int = PROCESSOR_SECONDS) -> None:
    """Make sure that HDF5 can read the weights in a ``.keras`` file.

    Args:
        path: ``.keras``.
        seconds: CPU time for a small file; a large one has more.

    Raises:
        HDF5Error: It cannot: they are damaged.
    """
    _answer(path, "check", seconds)


def _answer(path: Path, task: str, seconds: int) -> tuple[dict[str, Any], bytes]:
    size = path.stat().st_size
    seconds += size // BYTES_PER_SECOND
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
        raise HDF5Error("is damaged: HDF5 did not finish reading it; download or copy it again") from None
    line, _, numbers = done.stdout.partition(b"\n")
    try:
        answer = json.loads(line)
    except ValueError:
        if done.returncode < 0:  # ended by the system: by a limit, or by a crash of HDF5
            raise HDF5Error(
                "is damaged: HDF5 did not finish reading it, or crashed; download or copy it again"
            ) from None
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise HDF5Error(f"cannot be read: the process that opens HDF5 files failed ({last})") from None
    if "error" in answer:
        raise HDF5Error(answer["error"])
    return answer, numbers
