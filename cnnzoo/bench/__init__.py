"""Speed of a network in training and inference, beside plain Keras and plain PyTorch.

Contenders take turns, each in a process of its own, because the speed of a machine varies: ratios are of the same turn.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cnnzoo.bench.task import LABELS, Contender, Result, Task
from cnnzoo.errors import UserError

__all__ = ["LABELS", "Contender", "Measurement", "Result", "Task", "compare", "measure"]

Tell = Callable[[int, "Measurement"], None]


@dataclass(frozen=True)
class Measurement:
    """What one process has measured in one turn.

    Attributes:
        task: What was measured.
        result: The seconds of each round.
    """

    task: Task
    result: Result

    @property
    def training(self) -> float:
        """Images/s of training: of the median of the rounds after the first."""
        return self.task.images / statistics.median(self.result.training[1:])

    @property
    def inference(self) -> float:
        """Images/s of inference."""
        return self.task.images / statistics.median(self.result.inference[1:])

    @property
    def step_seconds(self) -> float:
        """Seconds of a training step."""
        return self.task.batch_size / self.training

    @property
    def compile_seconds(self) -> float:
        """What the first round of training takes longer than the others: tracing, compiling, allocating."""
        first, *others = self.result.training
        return max(0.0, first - statistics.median(others))

    def to_dict(self) -> dict[str, Any]:
        """Return the measurement for JSON."""
        return {
            "task": self.task.to_dict(),
            "device": self.result.device,
            "input_shape": list(self.result.input_shape),
            "training_images_per_second": self.training,
            "inference_images_per_second": self.inference,
            "step_seconds": self.step_seconds,
            "compile_seconds": self.compile_seconds,
            "peak_bytes": self.result.peak_bytes,
            "note": self.result.note,
            "training_seconds": self.result.training,
            "inference_seconds": self.result.inference,
        }


def measure(tasks: Sequence[Task], turns: int, tell: Tell) -> list[Measurement]:
    """Measure all tasks in turn, several times.

    Args:
        tasks: What is measured.
        turns: How often.
        tell: Called with the turn, from 1 on, and each measurement.

    Raises:
        UserError: A task cannot be measured.
    """
    found = []
    for turn in range(1, turns + 1):
        for task in tasks:
            measurement = Measurement(task, _run(task))
            tell(turn, measurement)
            found.append(measurement)
    return found


def compare(ours: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, the lowest and the highest of the ratios of the same turn."""
    ratios = [one / other for one, other in zip(ours, others, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)


def group(measurements: Sequence[Measurement]) -> Iterator[tuple[Task, list[Measurement]]]:
    """Yield each task with its measurements, in the order of the turns."""
    for task in dict.fromkeys(each.task for each in measurements):
        yield task, [each for each in measurements if each.task == task]


def _run(task: Task) -> Result:
    """Return what a process of its own measures.

    Raises:
        UserError: It failed.
    """
    command = [sys.executable, "-m", "cnnzoo.bench.worker", json.dumps(task.to_dict())]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    answer = json.loads(process.stdout.splitlines()[-1]) if process.returncode == 0 else {}
    if "error" in answer:
        raise UserError(answer["error"])
    if answer and "failure" not in answer:
        return Result(**answer)
    lines = [line for line in process.stderr.splitlines() if line.strip()] or ["no message"]
    reason = answer.get("failure") or lines[-1]
    killed = " (killed)" if process.returncode < 0 else ""
    raise UserError(
        f"Measuring {task.network} with {LABELS[task.contender]} failed{killed}: {reason.rstrip('.')}. If memory ran "
        "out, take a smaller --batch."
    )
