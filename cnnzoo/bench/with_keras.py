"""Measures a network with Keras: as ``cnnzoo train`` runs it, and by plain ``keras.Model.fit``."""

from typing import Any

import keras
import numpy as np

import cnnzoo
from cnnzoo import config, runtime
from cnnzoo.bench.task import (
    DEVIATION,
    LEARNING_RATE,
    MEAN,
    MOMENTUM,
    Result,
    Stopwatch,
    Task,
    is_board,
    make_images,
    normalize,
)
from cnnzoo.data import ImageArray, Subset
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.data.preprocessing import with_preprocessing
from cnnzoo.models import without_auxiliary_heads
from cnnzoo.training.batches import Batches, GroupedBatches
from cnnzoo.training.execution import choose_model_class, choose_steps_per_call, make_items
from cnnzoo.training.optimizers import make_optimizer

# Steps per call are those of an epoch of this many batches, about CIFAR-10's in batches of 128.
EPOCH = 400


class _Rounds(keras.callbacks.Callback):
    """Measures each epoch of ``fit``."""

    def __init__(self, batches: Batches | None = None) -> None:
        super().__init__()
        self.stopwatch, self.batches = Stopwatch(), batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        del logs
        if self.batches:
            self.batches.shuffle(0, epoch)
            self.model.seed_epoch(0, epoch)
        self.stopwatch.start()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        del epoch, logs
        self.stopwatch.stop()


def measure_ours(task: Task) -> Result:
    """Measure a network as ``cnnzoo train`` trains it, and the same network in inference.

    Training keeps the images on the device as uint8. Boards of Go stay there too, as packed planes; a training
    would compute the planes meanwhile, which is not measured.
    """
    network, shape, classes = _build(task)
    images, labels = make_images(task, shape, classes)
    section = config.load("lenet").preprocessing.model_copy(
        update={"pad": 0, "mean": [MEAN] * shape[-1], "deviation": [DEVIATION] * shape[-1]}
    )
    sgd = f"optimizer={{name: sgd, learning_rate: {LEARNING_RATE}, momentum: {MOMENTUM}}}"
    recipe = config.load("lenet", ["augmentation={}", "schedule={name: constant}", sgd])
    board = is_board(shape)
    stored = np.packbits(images, axis=-1) if board else images
    whole = network if board else with_preprocessing(network, section, shape)
    training = Subset.of_all(ImageArray(stored), labels)
    batches = Batches(training, task.batch_size, full_batches_only=True)
    grouped = runtime.compiles_loops() and not board  # a training computes boards step by step
    model = choose_model_class(compiled_loop=grouped)(
        whole, stored, Augmentation(recipe.augmentation, training), is_board=board
    )
    optimizer = make_optimizer(recipe, len(batches))
    optimizer.build(model.trainable_variables)
    steps = min(task.steps, choose_steps_per_call(EPOCH))
    model.compile(optimizer=optimizer, steps_per_execution=1 if grouped else steps)
    rounds = _Rounds(batches)
    items = GroupedBatches(batches, steps) if grouped else batches
    model.fit(make_items(items), epochs=task.rounds + 1, shuffle=False, verbose=0, callbacks=[rounds])
    return Result("", shape, rounds.stopwatch.seconds, _predict(whole, images, task))


def measure_plain(task: Task) -> Result:
    """Measure a network by ``keras.Model.fit`` and ``predict`` on float32 arrays, with Keras's own layers."""
    network, shape, classes = _build(task)
    images, labels = make_images(task, shape, classes)
    pixels = normalize(images)
    model = keras.models.clone_model(network, clone_function=_make_plain_layer)
    model.compile(
        keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    rounds = _Rounds()
    model.fit(
        pixels, labels, batch_size=task.batch_size, epochs=task.rounds + 1, shuffle=True, verbose=0, callbacks=[rounds]
    )
    return Result("", shape, rounds.stopwatch.seconds, _predict(model, pixels, task))


def _build(task: Task) -> tuple[Any, tuple[int, int, int], int]:
    """Return the network without auxiliary heads, the shape of its images and its number of classes."""
    runtime.seed_everything(0)
    network = without_auxiliary_heads(cnnzoo.build(task.network))
    return network, tuple(network.input_shape[1:]), network.output_shape[-1]


def _make_plain_layer(layer: Any) -> Any:
    """Return Keras's layer of the same name and settings as a layer of ours, or else a copy of ours."""
    kind = getattr(keras.layers, type(layer).__name__, type(layer))
    return kind.from_config(layer.get_config())


def _predict(model: Any, images: Any, task: Task) -> list[float]:
    """Return the seconds of rounds of inference."""
    stopwatch = Stopwatch()
    for _ in range(task.rounds + 1):
        stopwatch.start()
        for first in range(0, len(images), task.batch_size):
            outputs = model.predict_on_batch(images[first : first + task.batch_size])
        assert np.isfinite(outputs).all()
        stopwatch.stop()
    return stopwatch.seconds
