"""Images and a network become a filled run directory."""

import importlib.util
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from keras import Model, callbacks

import cnnzoo
from cnnzoo import data, plots, runtime
from cnnzoo.config import Config, PreprocessingSection
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.data.preprocessing import padded_shape, resolve, with_preprocessing
from cnnzoo.errors import UserError
from cnnzoo.models import without_auxiliary_heads
from cnnzoo.runs import Run, write_environment
from cnnzoo.training.checks import check_augmentation
from cnnzoo.training.listening import Listener
from cnnzoo.training.optimization import optimizer
from cnnzoo.training.recorder import Interruption, Recorder
from cnnzoo.training.trainee import Batches, EpochSeeds, Trainee

VALIDATION_BATCH_SIZE = 500
REPORTS_PER_EPOCH = 10


@dataclass(frozen=True)
class Prepared:
    """What a training starts from."""

    training: data.Split
    validation: data.Split
    network: Model
    preprocessing: PreprocessingSection


def prepare(config: Config, data_dir: Path | None = None) -> Prepared:
    """Load the images, hold out the validation split and build the network.

    Args:
        config: The run's config.
        data_dir: Where the data set lies; None to search for it.

    Raises:
        UserError: The data are not there or damaged, the network cannot take them, or a library that the
            config needs is not installed.
    """
    known = data.describe(config.data.name)
    classes = len(known.class_names)
    check_augmentation(config, known)
    images = data.load(known.name, "train", data_dir)
    with config.blaming("data.validation"):
        training, validation = data.hold_out(images, config.data.validation, classes)
    with config.blaming("training.batch_size"):
        if config.training.batch_size > len(training.images):
            raise UserError(
                f"{config.training.batch_size:,} is more than the {len(training.images):,} training images."
            )
    with config.blaming("preprocessing"):
        preprocessing = resolve(config.preprocessing, training.images)
    if config.training.tensorboard and importlib.util.find_spec("tensorboard") is None:
        with config.blaming("training.tensorboard"):
            raise UserError("TensorBoard is not installed; pip install 'cnnzoo[tensorboard]'")
    runtime.seed_everything(config.seed)
    with config.blaming("model"):
        input_shape = padded_shape(preprocessing, known.input_shape)
        network = cnnzoo.build(config.model.name, input_shape, classes, **config.model.options)
    return Prepared(training, validation, with_preprocessing(network, preprocessing, known.input_shape), preprocessing)


def fit(config: Config, prepared: Prepared, run: Run, device: str, listener: Listener) -> dict[str, Any]:
    """Train a network and fill its run directory.

    The test images are not touched. ``runtime.prepare`` has been called, and the run is locked.

    Args:
        config: The run's config.
        prepared: From ``prepare``.
        run: A new run.
        device: The device in words, for the record.
        listener: Told of every epoch.

    Returns:
        The run's metrics: status, epochs, best_epoch, validation_accuracy, validation_loss,
        images_per_second, seconds, and the preprocessing with mean and deviation filled in.
        After an interruption the status is "interrupted", and files hold the epochs before it.

    Raises:
        UserError: The loss is not finite.
    """
    began = time.perf_counter()
    write_environment(run, config, device)
    settings, training, validation = config.training, prepared.training, prepared.validation
    count = len(training.labels)
    places = np.arange(count + len(validation.labels), dtype="int32")
    batches = Batches(places[:count], training.labels, settings.batch_size, whole=True, count=settings.steps_per_epoch)
    held_out = Batches(places[count:], validation.labels, VALIDATION_BATCH_SIZE, whole=False)
    trainee = Trainee(
        prepared.network,
        np.concatenate([training.images, validation.images]),
        Augmentation(config.augmentation, training.images),
        settings.label_smoothing,
    )
    trainee.compile(
        optimizer=optimizer(config, len(batches)),
        metrics=["accuracy"],
        steps_per_execution=min(
            max(1, len(batches) // REPORTS_PER_EPOCH), runtime.most_steps_per_execution() or len(batches)
        ),
    )
    listener.started(_facts(config, prepared, run, len(batches), device))
    with Interruption() as interruption:
        images_per_epoch = len(batches) * settings.batch_size
        network = without_auxiliary_heads(prepared.network)
        recorder = Recorder(run, network, images_per_epoch, listener, interruption)
        status = "finished"
        try:
            trainee.fit(
                batches,
                validation_data=held_out,
                epochs=settings.epochs,
                shuffle=False,  # the order is the seed's and the epoch's alone
                verbose=0,
                callbacks=[EpochSeeds(config.seed, batches), *_optional_callbacks(config, run), recorder],
            )
        except KeyboardInterrupt:
            status = "interrupted"
        metrics = _metrics(status, recorder, time.perf_counter() - began)
        metrics["preprocessing"] = prepared.preprocessing.model_dump()
        run.write_metrics(metrics)
        if recorder.rows:
            title = f"{config.model.name} on {config.data.name}, seed {config.seed}"
            plots.curves(recorder.rows, run.curves_path, best_epoch=metrics["best_epoch"], title=title)
    return metrics


def _optional_callbacks(config: Config, run: Run) -> list[callbacks.Callback]:
    chosen = []
    if config.training.ema_decay is not None:
        # Swapped in at the end of an epoch and out at the beginning of the next: the recorder, which
        # comes after, saves the averaged weights.
        chosen.append(callbacks.SwapEMAWeights(swap_on_epoch=True))
    if config.training.tensorboard:
        chosen.append(callbacks.TensorBoard(run.events_path, write_graph=False))
    return chosen


def _facts(config: Config, prepared: Prepared, run: Run, steps: int, device: str) -> dict[str, Any]:
    return {
        "model": config.model.name,
        "parameters": sum(int(np.prod(weight.shape)) for weight in prepared.network.trainable_weights),
        "data": config.data.name,
        "training_images": len(prepared.training.labels),
        "validation_images": len(prepared.validation.labels),
        "backend": config.runtime.backend,
        "device": device,
        "epochs": config.training.epochs,
        "steps": steps,
        "seed": config.seed,
        "run": str(run.directory),
    }


def _metrics(status: str, recorder: Recorder, seconds: float) -> dict[str, Any]:
    metrics: dict[str, Any] = {"status": status, "epochs": len(recorder.rows), "seconds": round(seconds, 2)}
    if recorder.best is not None:
        images = recorder.images_per_epoch * len(recorder.rows)
        metrics |= {
            "best_epoch": int(recorder.best["epoch"]),
            "validation_accuracy": recorder.best["validation_accuracy"],
            "validation_loss": recorder.best["validation_loss"],
            "images_per_second": round(images / recorder.training_seconds, 1),
        }
    return metrics
