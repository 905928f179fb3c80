"""The whole state of a training, kept so that it can go on to the same bits.

An epoch is a function of weights, optimizer, seed and number; so that is all that is kept at an epoch's end, with
the history, from which a plateau and early stopping are derived. Within an epoch the metrics so far and the
states of the seed generators are kept as well. Which images an epoch mirrors is of its number alone, and never kept.
"""

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from keras import callbacks, ops
from numpy.typing import NDArray

from cnnzoo import files
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.training.history import Recorder
from cnnzoo.training.interruption import Interruption
from cnnzoo.training.trainee import Batches, Trainee

KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """A state that was read.

    Attributes:
        path: Where it was read.
        epoch: Epochs that were done.
        step: Batches that were done of the next epoch.
        values: Of the variables, by the names of ``variables``.
        story: What the recorder had to tell.
    """

    path: Path
    epoch: int
    step: int
    values: dict[str, NDArray[Any]]
    story: dict[str, Any]


def variables(trainee: Trainee) -> dict[str, Any]:
    """Return all that a training changes: weights and seed generators, metrics, optimizer."""
    given = (trainee.images, trainee.augmentation.mirrored)
    parts = {
        "metrics": trainee.metrics_variables,
        "model": [variable for variable in trainee.variables if not any(variable is other for other in given)],
        "optimizer": trainee.optimizer.variables,
    }
    known: set[int] = set()
    found = {}
    for part, members in parts.items():
        for index, variable in enumerate(members):
            if id(variable) not in known:
                known.add(id(variable))
                found[f"{part}/{index}"] = variable
    return found


def newest(run: Run, tell: Callable[[str], None]) -> Checkpoint | None:
    """Return the newest checkpoint that is whole; None where there is none.

    One that is damaged gets another name, so that it does not count among the two that are kept.

    Args:
        run: The run.
        tell: Told of one that is damaged.

    Raises:
        UserError: One cannot be read.
    """
    for unfinished in run.checkpoints_folder.glob(".epoch-*"):  # a kill came while they were written
        unfinished.unlink()
    found = run.checkpoints
    for path in found:
        try:
            values, story = _read(path)
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
        except (BadZipFile, EOFError, KeyError, RuntimeError, ValueError) as error:
            path.rename(path.with_name(f"damaged-{path.name}"))
            tell(f"{path} is damaged ({error}) and passed over.")
            continue
        epoch, step = (int(number) for number in re.findall(r"\d+", path.stem))
        return Checkpoint(path, epoch, step, values, story)
    if found:
        tell("No checkpoint is whole: the training begins anew.")
    return None


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    content = BytesIO(path.read_bytes())  # so that what is wrong from here on is wrong with the bytes
    try:
        # NumPy reads the bytes that it needs, and not on to where sums are compared.
        whole = ZipFile(content).testzip() is None
    except (OSError, zlib.error) as error:
        raise BadZipFile(str(error)) from None
    if not whole:
        raise BadZipFile("its bytes have changed")
    content.seek(0)
    with np.load(content, allow_pickle=False) as archive:
        values = {name: archive[name] for name in archive.files}
    story = json.loads(str(values.pop("story")))
    if set(story.pop("names", values)) != set(values):
        raise BadZipFile("parts of it are missing")
    return values, story


class Checkpoints(callbacks.Callback):
    """Writes checkpoints, and puts the training back where one of them was written.

    To come after the recorder and before the interruption.

    Args:
        run: Where they go.
        batches: The training batches.
        every: Batches between two checkpoints within an epoch.
        recorder: Whose story is kept with them.
        interruption: A wish of it is a reason to write one.
    """

    def __init__(self, run: Run, batches: Batches, every: int, recorder: Recorder, interruption: Interruption) -> None:
        super().__init__()
        self.run, self.batches, self.every = run, batches, every
        self.recorder, self.interruption = recorder, interruption

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Write one within a long epoch, or before an interruption."""
        del logs
        done = self.batches.start + batch + 1
        due = done // self.every > self.written // self.every
        if done < self.batches.count and (due or self.interruption.wished):
            self.model.gather()
            self._write(self.recorder.current - 1, done)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin to count the epoch's batches."""
        del epoch, logs
        self.written = self.batches.start

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write one between two epochs."""
        del logs
        self._write(epoch + 1, 0)

    def _write(self, epoch: int, step: int) -> None:
        values = {name: ops.convert_to_numpy(variable) for name, variable in variables(self.model).items()}
        if not all(np.isfinite(value).all() for value in values.values()):
            self.recorder.give_up()  # the last step's loss was finite, and what it made of the weights is not
        story = {**self.recorder.story(), "names": list(values)}
        with files.whole(self.run.checkpoint_path(epoch, step)) as path:
            np.savez(path, story=np.array(json.dumps(story)), **values)
        self.written = step
        for old in self.run.checkpoints[KEPT:]:
            old.unlink()


class Resumption(callbacks.Callback):
    """Puts the training back into the state of a checkpoint, once, when its first epoch begins.

    To come after what seeds an epoch and before what reads the state.

    Args:
        checkpoint: The state; None for a training that begins.
    """

    def __init__(self, checkpoint: Checkpoint | None) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.phase = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Restore the state; of a whole epoch all but what the new one has set already."""
        del logs
        if self.checkpoint is None:
            return
        within = self.checkpoint.step > 0
        for name, variable in variables(self.model).items():
            part = name.partition("/")[0]
            kept = {
                "metrics": within,
                "model": within or variable.name != "seed_generator_state",
                "optimizer": within or epoch > self.phase,  # a phase that begins has an optimizer of its own
            }
            if kept[part]:
                value = self.checkpoint.values.get(name)
                if value is None or value.shape != tuple(variable.shape):
                    raise UserError(
                        f"{self.checkpoint.path} is not of this config: {variable.path} does not fit. "
                        "Was config.yaml changed since, or cnnzoo? Train it anew."
                    )
                variable.assign(value)
        self.checkpoint = None
