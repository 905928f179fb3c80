"""Images and a network become a filled run directory."""

import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from keras import callbacks
from numpy.typing import NDArray

from cnnzoo import data, runtime
from cnnzoo.config import Config, ProgressiveResizingSection, TrainingSection
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.errors import UserError
from cnnzoo.models import without_auxiliary_heads
from cnnzoo.pictures import plots
from cnnzoo.runs import Run, best_row, write_environment
from cnnzoo.text import listed
from cnnzoo.training import checkpoints
from cnnzoo.training.checkpoints import Checkpoint
from cnnzoo.training.fine_tuning import Phase, flat, phases
from cnnzoo.training.history import Averaging, Recorder
from cnnzoo.training.interruption import Interruption
from cnnzoo.training.listener import Listener, Row
from cnnzoo.training.optimizers import optimizer
from cnnzoo.training.setup import Prepared
from cnnzoo.training.streaming import StreamedBatches
from cnnzoo.training.trainee import Batches, EpochSeeds, Trainee

MOST_VALIDATION_BATCH_SIZE = 500
REPORTS_PER_EPOCH = 10


def begin(config: Config, prepared: Prepared, run: Run, device: str) -> None:
    """Write what a run is begun with: which images of a folder train, and what its numbers depend on.

    Raises:
        UserError: The run cannot be written to.
    """
    with room(run):
        parts = (prepared.training, prepared.validation)
        if prepared.training.names:
            hashes = {name: found for part in parts for name, found in zip(part.names, part.hashes(), strict=True)}
            run.write_division(hashes, train=prepared.training.names, validation=prepared.validation.names)
        # Last, because a run without it is begun anew.
        write_environment(run, config, device, prepared.fingerprint, prepared.preprocessing.model_dump())


def fit(
    config: Config,
    prepared: Prepared,
    run: Run,
    device: str,
    listener: Listener,
    checkpoint: Checkpoint | None = None,
) -> dict[str, Any]:
    """Train a network and fill its run directory.

    The test images are not touched. ``runtime.prepare`` has been called, and the run is locked.

    Args:
        config: The run's config.
        prepared: From ``prepare``.
        run: A new run, or one to resume.
        device: The device in words, for the record.
        listener: Told of every epoch.
        checkpoint: Of this run, to go on from; None to begin.

    Returns:
        The run's metrics: status, epochs, best_epoch, ended_early, validation_accuracy, validation_loss,
        images_per_second (of the epochs whose seconds are known), seconds (before interruptions too), remark (what is
        to be said of the training images), data (for a folder of images: see ``data.Summary``) and the preprocessing
        with mean and deviation filled in.
        After an interruption the status is "interrupted", and files hold the epochs before it.

    Raises:
        UserError: The loss is not finite, or the run cannot be written to.
    """
    settings, training, validation = config.training, prepared.training, prepared.validation
    images, batches, held_out = _batches(config, training, validation)
    trainee = Trainee(
        prepared.network,
        images,
        Augmentation(config.augmentation, training),
        settings.label_smoothing,
        prepared.class_weights,
        # The optimizer averages once for as many steps as it accumulates.
        settings.ema_decay and settings.ema_decay ** (1 / settings.gradient_accumulation),
    )
    remarks = (
        runtime.why_slow(config.runtime.precision),
        _without_validation(config, training.labels, validation.labels),
    )
    for remark in filter(None, remarks):
        listener.remark(remark)
    listener.started(_facts(config, prepared, run, batches.count, device))
    averaging = Averaging()
    planned = phases(config)
    recorder = Recorder(
        run,
        without_auxiliary_heads(prepared.network),
        batches,
        planned[0],
        averaging,
        listener,
        checkpoint.story if checkpoint else None,
    )
    resumption = checkpoints.Resumption(checkpoint)
    if checkpoint:
        listener.resumed(recorder.rows, checkpoint.epoch, checkpoint.step)
    with Interruption(settings.epochs) as interruption, room(run):
        heard = [
            EpochSeeds(config.seed, batches),
            resumption,
            averaging,
            *_optional_callbacks(config, run),
            recorder,
            checkpoints.Checkpoints(run, batches, settings.checkpoint_steps, recorder, interruption),
            interruption,
        ]
        status = "finished"
        try:
            done = (checkpoint.epoch, checkpoint.step) if checkpoint else (0, 0)
            for phase in planned:
                if done[0] < phase.end:
                    recorder.phase, resumption.phase = phase, phase.first
                    _begin(trainee, phase, batches.count)
                    parts = _parts(phase, settings.progressive_resizing, max(done, (phase.first, 0)))
                    _train(trainee, parts, batches, held_out, recorder, heard)
        except KeyboardInterrupt:
            status = "interrupted"
        except Exception as error:
            failure = batches.failure or held_out.failure
            if failure is None or failure is error:
                raise
            raise failure from None
        # After a kill between an epoch's files and its checkpoint the files are ahead, and true all the same.
        rows = run.history() if run.history_path.is_file() else []
        metrics = _metrics(status, recorder, rows)
        metrics |= _prepared_metrics(prepared)
        if rows:
            draw_curves(config, run, rows, metrics["best_epoch"], listener)
        run.write_metrics(metrics)  # last, because it says that all the others are there
        if status == "finished":
            shutil.rmtree(run.checkpoints_folder, ignore_errors=True)
    return metrics


def draw_curves(
    config: Config, run: Run, rows: list[dict[str, float]], best_epoch: int | None, listener: Listener
) -> None:
    """Draw a training's curves; a picture that cannot be drawn does not end the training.

    Args:
        config: The run's config.
        run: Where the picture goes.
        rows: The run's history.
        best_epoch: The epoch whose weights were chosen.
        listener: Told of a picture that could not be drawn, and why.
    """
    title = f"{config.model.name} on {data.describe(config.data).title}, seed {config.seed}"
    try:
        plots.curves(rows, run.curves_path, best_epoch=best_epoch, title=title)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        listener.remark(f"{run.curves_path} could not be drawn ({reason}); numbers and models are kept.")


def _begin(trainee: Trainee, phase: Phase, steps: int) -> None:
    """Freeze what is to be frozen, and compile with the phase's optimizer."""
    phase.freeze(trainee.network)
    trainee.averaged_from = phase.first * steps
    grouped = [layer for layer in flat(trainee.network) if getattr(layer, "groups", 1) > 1]
    chosen = optimizer(phase.config, steps, {layer.kernel.path: layer.groups for layer in grouped})
    chosen.build(trainee.trainable_variables)
    trainee.compile(optimizer=chosen, steps_per_execution=_steps_per_execution(steps, phase.config.training))


class Part(NamedTuple):
    """Epochs that one call of ``fit`` trains: from some batches of one on to the end of another, at one scale."""

    epoch: int
    step: int
    end: int
    scale: float


def _train(
    trainee: Trainee,
    parts: Iterator[Part],
    batches: Batches,
    held_out: Batches,
    recorder: Recorder,
    heard: list[callbacks.Callback],
) -> None:
    """Train the parts of a phase one after the other, as long as nothing ends it."""
    for part in parts:
        if not recorder.ended_early():
            trainee.shrink_images(part.scale)
            batches.start = part.step
            trainee.fit(
                batches,
                validation_data=held_out,
                initial_epoch=part.epoch,
                epochs=part.end,
                shuffle=False,  # the order is the seed's and the epoch's alone
                verbose=0,
                callbacks=heard,
            )


def _parts(phase: Phase, resizing: ProgressiveResizingSection | None, begun: tuple[int, int]) -> Iterator[Part]:
    """Yield what is left of a phase: an epoch that was begun, those with smaller images, and the others."""
    epoch, step = begun
    ends = {phase.end}
    if step:
        ends.add(epoch + 1)
    if resizing and epoch < resizing.epochs < phase.end:
        ends.add(resizing.epochs)
    for end in sorted(ends):
        yield Part(epoch, step, end, resizing.scale if resizing and epoch < resizing.epochs else 1.0)
        epoch, step = end, 0


def _steps_per_execution(steps: int, settings: TrainingSection) -> int:
    most = runtime.most_steps_per_execution() or steps
    return min(max(1, steps // REPORTS_PER_EPOCH), settings.checkpoint_steps, most)


@contextmanager
def room(run: Run) -> Iterator[None]:
    """Say of what cannot be written how to go on.

    Raises:
        UserError: Something could not be written.
    """
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{run.directory} cannot be written to ({error.strerror or error}); when there is room again, "
            f"go on with: cnnzoo train --resume {shlex.quote(str(run.directory))}"
        ) from None


def _batches(
    config: Config, training: data.Subset, validation: data.Subset
) -> tuple[NDArray[np.uint8] | None, Batches, Batches]:
    """Return the images that stay on the device, if they can, and the batches of training and validation."""
    size, count = config.training.batch_size, config.training.steps_per_epoch
    # Without gradients a batch may be larger, though not by much where the training's had to be small.
    held_out = min(4 * size, MOST_VALIDATION_BATCH_SIZE)
    if isinstance(training.images, data.ImageFiles):
        batches = StreamedBatches(training, size, whole=True, count=count)
        return None, batches, StreamedBatches(validation, held_out, whole=False)
    return (
        training.images.array,
        Batches(training.indices, training.labels, size, whole=True, count=count),
        Batches(validation.indices, validation.labels, held_out, whole=False),
    )


def _optional_callbacks(config: Config, run: Run) -> list[callbacks.Callback]:
    chosen = []
    if config.training.tensorboard:
        chosen.append(callbacks.TensorBoard(run.events_path, write_graph=False))
    return chosen


def _without_validation(config: Config, trained: NDArray[np.int32], validated: NDArray[np.int32]) -> str | None:
    """Say which classes no validation image is of, which therefore have no say in the choice of an epoch."""
    names = data.describe(config.data).class_names
    absent = [names[label] for label in np.setdiff1d(trained, validated)]
    if not absent:
        return None
    return f"No validation image is of {listed(absent)}: the choice of an epoch knows nothing of such images."


def _facts(config: Config, prepared: Prepared, run: Run, steps: int, device: str) -> dict[str, Any]:
    return {
        "model": config.model.name,
        "parameters": sum(int(np.prod(weight.shape)) for weight in prepared.network.trainable_weights),
        "data": config.data.name,
        "training_images": len(prepared.training.labels),
        "validation_images": len(prepared.validation.labels),
        "remark": prepared.training.note,
        "summary": prepared.summary.lines() if prepared.summary else [],
        "backend": config.runtime.backend,
        "device": device,
        "epochs": config.training.epochs,
        "steps": steps,
        "seed": config.seed,
        "run": str(run.directory),
    }


def _prepared_metrics(prepared: Prepared) -> dict[str, Any]:
    """Return the metrics that are known before the training begins."""
    metrics = {"remark": prepared.training.note, "preprocessing": prepared.preprocessing.model_dump()}
    return metrics | ({"data": asdict(prepared.summary)} if prepared.summary else {})


def _metrics(status: str, recorder: Recorder, rows: list[Row]) -> dict[str, Any]:
    metrics: dict[str, Any] = {"status": status, "epochs": len(rows), "seconds": round(recorder.seconds, 2)}
    best = best_row(rows)
    if best is not None:
        metrics |= {
            "best_epoch": int(best["epoch"]),
            "validation_accuracy": best["validation_accuracy"],
            "validation_loss": best["validation_loss"],
            "ended_early": status == "finished" and recorder.ended_early(),
        }
    if recorder.rows:  # of these alone the seconds are known
        images = recorder.batches.count * recorder.batches.batch_size * len(recorder.rows)
        metrics["images_per_second"] = round(images / recorder.training_seconds, 1)
    return metrics
