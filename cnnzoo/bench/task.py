"""The tasks and results of a benchmark, which go through JSON from one process to another."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnnzoo.go.planes import PLANES
from cnnzoo.runtime import DeviceChoice, Precision

Contender = Literal["ours", "keras", "torch"]
LABELS: dict[Contender, str] = {"ours": "cnnzoo", "keras": "plain Keras fit", "torch": "plain PyTorch"}

LEARNING_RATE, MOMENTUM = 0.01, 0.9
MEAN, DEVIATION = 0.5, 0.29


@dataclass(frozen=True)
class Task:
    """The measurement of one network by one contender.

    Attributes:
        network: Its name in the zoo.
        contender: "ours" trains as ``cnnzoo train`` does, "keras" by ``keras.Model.fit`` on NumPy arrays, "torch" by an
            eager loop of PyTorch.
        backend: Keras's backend; for PyTorch it only builds the network that is translated.
        device: Where to compute.
        precision: "float32" or "mixed_bfloat16".
        batch_size: Images in a batch.
        steps: Batches in a round.
        rounds: Rounds that count; one more, which compiles, comes before them.
    """

    network: str
    contender: Contender
    backend: str
    device: DeviceChoice
    precision: Precision
    batch_size: int
    steps: int
    rounds: int

    @property
    def images(self) -> int:
        """Images in a round."""
        return self.batch_size * self.steps

    def to_dict(self) -> dict[str, Any]:
        """Return the task for JSON."""
        return asdict(self)


@dataclass
class Result:
    """What one process has measured.

    Attributes:
        device: Backend and device in words.
        input_shape: Height, width and channels of an image.
        training: Seconds of each round of training, the first one, which compiles, included.
        inference: Likewise of inference.
        peak_bytes: Most memory in use: of the GPU, or of the process on a processor.
        note: Why the precision is slow here; "" if it is not.
    """

    device: str = ""
    input_shape: tuple[int, ...] = ()
    training: list[float] = field(default_factory=list)
    inference: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON."""
        return asdict(self)


class Stopwatch:
    """Measures rounds that follow each other."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0

    def start(self) -> None:
        """Start a round."""
        self._start = time.perf_counter()

    def stop(self) -> None:
        """End a round."""
        self.seconds.append(time.perf_counter() - self._start)


def make_images(task: Task, shape: tuple[int, ...], classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return random images (count, height, width, channels), or planes of 0 and 1 for a Go board, and labels (count,).

    Args:
        task: What is measured.
        shape: Height, width and channels.
        classes: Number of classes.
    """
    random = np.random.default_rng(0)
    largest = 2 if is_board(shape) else 256
    images = random.integers(0, largest, (task.images, *shape), "uint8")
    return images, random.integers(0, classes, task.images, "int32")


def is_board(shape: tuple[int, ...]) -> bool:
    """Return whether an input is the planes of a Go board."""
    return shape[-1] == PLANES


def normalize(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images as float32 with about zero mean and unit deviation; planes of a board stay as they are."""
    if is_board(images.shape):
        return images.astype("float32")
    return ((images / np.float32(255) - np.float32(MEAN)) / np.float32(DEVIATION)).astype("float32")
