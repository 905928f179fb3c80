"""The files that a training writes before and after the loop: division and environment, metrics and curves."""

import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cnnzoo import data, runtime
from cnnzoo.config import Config
from cnnzoo.errors import UserError
from cnnzoo.pictures.style import try_drawing
from cnnzoo.pictures.training import draw_curves
from cnnzoo.runs import Run, best_row, write_environment
from cnnzoo.runs.facts import Metrics, Outcome, to_dict
from cnnzoo.runtime import Device
from cnnzoo.text import count, listed
from cnnzoo.training.checkpoints import Checkpoint
from cnnzoo.training.listener import Listener, Row, TrainingFacts
from cnnzoo.training.loop import TrainingLoop
from cnnzoo.training.setup import TrainingSetup


def start_run(config: Config, setup: TrainingSetup, run: Run, device: Device, repeatable: bool) -> None:
    """Write the division of a folder of images, and the environment that the run's numbers depend on.

    Args:
        config: The run's config.
        setup: From ``prepare``.
        run: A new run.
        device: From ``runtime.prepare``.
        repeatable: From ``runtime.check_determinism``.

    Raises:
        UserError: The run cannot be written to.
    """
    with explain_full_disk(run):
        subsets = (setup.training, setup.validation)
        if setup.training.names:
            hashes = dict(pair for subset in subsets for pair in zip(subset.names, subset.hashes(), strict=True))
            run.write_division(hashes, train=setup.training.names, validation=setup.validation.names)
        # Last, because a run without it starts from the beginning.
        preprocessing = setup.preprocessing.model_dump()
        write_environment(run, config, str(device), setup.fingerprint, preprocessing, repeatable=repeatable)


def fit(
    config: Config,
    setup: TrainingSetup,
    run: Run,
    device: Device,
    listener: Listener,
    checkpoint: Checkpoint | None = None,
) -> dict[str, Any]:
    """Train a network and fill its run directory; the test images are not touched.

    ``runtime.prepare`` has been called, and the run is locked.

    Args:
        config: The run's config.
        setup: From ``prepare``.
        run: A new run, or one to resume.
        device: From ``runtime.prepare``.
        listener: Shows the progress.
        checkpoint: The checkpoint of this run to continue from; None to start from the beginning.

    Returns:
        The values of ``runs.facts.Metrics`` that are not None, as in ``metrics.json``. After an interruption the status
        is "interrupted", and the files hold the epochs before it.

    Raises:
        UserError: The loss is not finite, an image can no longer be read, or the run cannot be written to.
    """
    loop = TrainingLoop(config, setup, run, listener, checkpoint)
    for note in _list_notes(config, setup):
        listener.note(note)
    listener.started(_make_facts(config, setup, run, loop.batches.count, device))
    if checkpoint:
        listener.resumed(loop.history.rows, *checkpoint.position)
        _note_repeated_epochs(run, checkpoint, listener)
    with explain_full_disk(run), loop.interruption:
        status = loop.train()
        # After a kill the file may have more rows than the checkpoint.
        rows = run.history() if run.history_path.is_file() else []
        metrics = _make_metrics(status, loop, setup, rows)
        if rows:
            title = f"{config.model.name} on {data.describe(config.data).title}, seed {config.seed}"
            failure = try_drawing(run.curves_path, draw_curves, rows, best_epoch=metrics.best_epoch, title=title)
            if failure:
                listener.note(f"{failure}; numbers and models are kept.")
        values = {key: value for key, value in to_dict(metrics).items() if value is not None}
        run.write_metrics(values)  # last, because it says that all the other files are there
        if status == "finished":
            shutil.rmtree(run.checkpoints_folder, ignore_errors=True)
    return values


@contextmanager
def explain_full_disk(run: Run) -> Iterator[None]:
    """Explain how to continue if the disk is full.

    Raises:
        UserError: A file of the run cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{run.directory} cannot be written to ({error.strerror or error}); when there is room again, "
            f"continue with: cnnzoo train --resume {shlex.quote(str(run.directory))}"
        ) from None


def _note_repeated_epochs(run: Run, checkpoint: Checkpoint, listener: Listener) -> None:
    """Say how many epochs of the history come after the checkpoint."""
    repeated = 0
    with suppress(UserError):  # of a damaged history, which is written anew
        repeated = (len(run.history()) if run.history_path.is_file() else 0) - checkpoint.position.epoch
    if repeated > 0:
        listener.note(f"{count(repeated, 'epoch')} after the last checkpoint will be trained again.")


def _list_notes(config: Config, setup: TrainingSetup) -> Iterator[str]:
    """Yield caveats before the training starts."""
    if slow := runtime.why_slow(config.runtime.precision):
        yield slow
    is_board = data.describe(config.data).is_board  # no position has a move at each point, and none needs one
    if names := not is_board and _find_classes_without_validation(
        config, setup.training.labels, setup.validation.labels
    ):
        yield (
            f"There are no validation images of {listed(names)}, so these classes do not influence the choice of the "
            "best epoch."
        )


def _find_classes_without_validation(
    config: Config, training: NDArray[np.int32], validation: NDArray[np.int32]
) -> list[str]:
    names = data.describe(config.data).class_names
    return [names[label] for label in np.setdiff1d(training, validation)]


def _make_facts(config: Config, setup: TrainingSetup, run: Run, steps: int, device: Device) -> TrainingFacts:
    return TrainingFacts(
        model=config.model.name,
        parameters=sum(int(np.prod(weight.shape)) for weight in setup.network.trainable_weights),
        data=config.data.name,
        noun=data.describe(config.data).noun,
        training_images=len(setup.training),
        validation_images=len(setup.validation),
        note=setup.training.note,
        summary=setup.summary.lines() if setup.summary else [],
        backend=str(config.runtime.backend),
        device=str(device),
        epochs=config.training.epochs,
        steps=steps,
        seed=config.seed,
        run=str(run.directory),
    )


def _make_metrics(status: Outcome, loop: TrainingLoop, setup: TrainingSetup, rows: list[Row]) -> Metrics:
    history, best = loop.history, best_row(rows)
    metrics = Metrics(
        status=status,
        epochs=len(rows),
        seconds=round(history.seconds, 2),
        note=setup.training.note,
        preprocessing=setup.preprocessing.model_dump(),
        data=asdict(cast("Any", setup.summary)) if setup.summary else None,
    )
    if history.rows:  # the seconds of rows that only the file has are unknown
        images = loop.batches.count * loop.batches.batch_size * len(history.rows)
        metrics = replace(metrics, images_per_second=round(images / history.training_seconds, 1))
    if best is None:
        return metrics
    return replace(
        metrics,
        best_epoch=int(best["epoch"]),
        validation_accuracy=best["validation_accuracy"],
        validation_loss=best["validation_loss"],
        ended_early=status == "finished" and len(rows) < loop.config.training.epochs,
    )
