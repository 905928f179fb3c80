"""Checkpoints: the whole state of a training in a file, from which it continues bit for bit.

An epoch is a function of weights, optimizer state, seed and number. So a checkpoint at an epoch's end holds weights,
optimizer state and the history, from which a plateau's learning rate and early stopping follow. Within an epoch it also
holds the metrics so far and the states of the seed generators.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from cnnzoo import files, keras_internals
from cnnzoo.errors import DamagedFileError, UserError
from cnnzoo.runs import Run
from cnnzoo.training.model import TrainingModel
from cnnzoo.training.phases import Phase, Position

# How many checkpoints of a run are kept.
MOST_CHECKPOINTS = 2


class NotFiniteError(Exception):
    """A variable of the training is not finite, so its state is not saved.

    Attributes:
        position: How far the training had come.
    """

    def __init__(self, position: Position) -> None:
        super().__init__(position)
        self.position = position


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read.

    Attributes:
        path: Its file.
        position: How far the training had come.
        values: The values of the variables, by the names that ``_list_variables`` gives them.
        state: The state of the history.
    """

    path: Path
    position: Position
    values: dict[str, NDArray[Any]]
    state: dict[str, Any]

    def restore(self, model: TrainingModel, epoch: int, phase: Phase) -> None:
        """Restore this state at the start of an epoch, except for what the epoch has just set itself.

        Args:
            model: Compiled, with the epoch's seeds set.
            epoch: The epoch that starts, counted from 0.
            phase: The phase that it belongs to.

        Raises:
            UserError: The checkpoint does not fit the model.
        """
        is_within_epoch = self.position.step > 0
        for name, variable in _list_variables(model).items():
            is_restored = {
                "metrics": is_within_epoch,
                "model": is_within_epoch or not keras_internals.is_seed_state(variable),
                "optimizer": is_within_epoch or epoch > phase.first,  # a new phase has a new optimizer
            }
            if is_restored[name.partition("/")[0]]:
                value = self.values.get(name)
                if value is None or value.shape != tuple(variable.shape):
                    raise UserError(
                        f"{self.path} does not fit this config: {variable.path} is missing or has another shape. "
                        "config.yaml or cnnzoo has changed; train the run again."
                    )
                variable.assign(value)


@dataclass(frozen=True)
class Snapshot:
    """Copies of the values of all variables that a training changes.

    Attributes:
        named: By the names that ``_list_variables`` gives them.
        by_variable: The same, by the identity of the variable.
    """

    named: dict[str, Any]
    by_variable: dict[int, NDArray[Any]]

    @classmethod
    def take(cls, model: TrainingModel) -> "Snapshot":
        """Return the present values."""
        variables = _list_variables(model)
        # Copies, because arrays of a processor may be views of memory that the next step writes to.
        named = {name: np.array(ops.convert_to_numpy(variable)) for name, variable in variables.items()}
        return cls(named, {id(variable): named[name] for name, variable in variables.items()})

    def check(self, position: Position) -> None:
        """Check that all values are finite.

        Args:
            position: How far the training had come, for the error.

        Raises:
            NotFiniteError: One is not.
        """
        if not all(np.isfinite(value).all() for value in self.named.values()):
            raise NotFiniteError(position)


def write(run: Run, position: Position, snapshot: Snapshot, state: dict[str, Any]) -> None:
    """Write a checkpoint, and remove all but the last two.

    Args:
        run: The run.
        position: How far the training had come.
        snapshot: The variables.
        state: The state of the history.

    Raises:
        NotFiniteError: A weight or another variable is not finite; nothing is written.
        OSError: The file cannot be written.
    """
    snapshot.check(position)
    text = json.dumps({**state, "names": list(snapshot.named)})
    with files.whole(run.checkpoint_path(*position)) as path:
        np.savez(path, state=np.array(text), **snapshot.named)
    for old in run.checkpoints[MOST_CHECKPOINTS:]:
        old.unlink()


def newest(run: Run, warn: Callable[[str], None]) -> Checkpoint | None:
    """Return the newest checkpoint that is not damaged; None if there is none.

    A damaged one is renamed, so that it does not count among those that are kept.

    Args:
        run: The run.
        warn: Called with a sentence about each damaged one.

    Raises:
        UserError: A file cannot be read.
    """
    for path in files.find_left_over(run.checkpoints_folder):
        path.unlink()
    paths = run.checkpoints
    for path in paths:
        try:
            values, state = _read(path)
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
        except DamagedFileError as error:
            path.rename(path.with_name(f"damaged-{path.name}"))
            warn(f"{path} {error.reason} and is skipped.")
            continue
        return Checkpoint(path, Position(*run.checkpoint_position(path)), values, state)
    if paths:
        warn("All checkpoints are damaged; the training starts again from the beginning.")
    return None


def _list_variables(model: TrainingModel) -> dict[str, Any]:
    """Return the variables that a training changes, by their names in checkpoints."""
    constant = (model.images, model.augmentation.mirrored)
    groups = {
        "metrics": model.metrics_variables,
        "model": [variable for variable in model.variables if not any(variable is other for other in constant)],
        "optimizer": model.optimizer.variables,
    }
    seen: set[int] = set()
    named = {}
    for group, variables in groups.items():
        for index, variable in enumerate(variables):
            if id(variable) not in seen:
                seen.add(id(variable))
                named[f"{group}/{index}"] = variable
    return named


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the values of the variables, and the state of the history."""
    values = files.read_npz(path)
    state = json.loads(str(values.pop("state", values.pop("story", "{}"))))  # "story" in older checkpoints
    if not state or set(state.pop("names", values)) != set(values):
        raise DamagedFileError(path, "is damaged (parts of it are missing)")
    return values, state
