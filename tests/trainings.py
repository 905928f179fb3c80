"""Small trainings for tests, and ways to break them off."""

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import keras
from commands import SMALL

from cnnzoo.classifier.model_file import load_model
from cnnzoo.cli.options import load_config
from cnnzoo.runs import Run
from cnnzoo.training import Listener, train
from cnnzoo.training.saving import BackgroundWriter

SMALL_SETTINGS = SMALL[1::2]

# Of everything that has a state: momentum, averaged weights, accumulated gradients, dropout, augmentation, a plateau.
EVERYTHING = (
    *SMALL_SETTINGS,
    "model={name: lecture_tensorflow}",
    "augmentation={rotation: 10, shift: 1}",
    "optimizer={name: sgd, momentum: 0.9, learning_rate: 0.02, l2: 0.0005, clip_norm: 5.0}",
    "schedule={name: plateau, patience: 1, warmup_epochs: 0.5}",
    "training.epochs=3",
    "training.batch_size=32",
    "training.steps_per_epoch=10",
    "training.ema_decay=0.8",
    "training.gradient_accumulation=2",
    "training.label_smoothing=0.1",
    "training.checkpoint_steps=3",
    "training.checkpoint_seconds=0",
    "training.compiled_loop=true",  # on JAX
)


def trained(directory: Path, *settings: str, seed: int = 0) -> tuple[Run, dict]:
    return train(load_config("digits", (*SMALL_SETTINGS, *settings), seed=seed), "digits", directory)


def weights(path: Path) -> list:
    return [keras.ops.convert_to_numpy(weight) for weight in load_model(path).weights]


def state(run: Run) -> tuple[bytes, list[list[bytes]]]:
    models = (run.model_path, run.last_model_path)
    return run.history_path.read_bytes(), [[weight.tobytes() for weight in weights(model)] for model in models]


class CutOffError(Exception):
    pass


class CutOff(Listener):
    """Ends the training after a step, or after an epoch."""

    def __init__(self, epoch: int, step: int | None = None) -> None:
        self.at = epoch, step

    def step(self, epoch, step):
        if (epoch, step) == self.at:
            raise CutOffError

    def epoch(self, row, images_per_second, best):
        if (row["epoch"], None) == self.at:
            raise CutOffError


class Notes(Listener):
    """Keeps the texts that a training tells the user."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text):
        self.texts.append(text)


class Snapshots(Listener):
    """Copies the directory of a run at some moments of its training, as a kill would leave it there.

    A moment is an epoch and a step, or an epoch that is not the last one and None: when its models and its row of the
    history are written and its checkpoint is not.
    """

    def __init__(self, directory: Path, folder: Path, moments: Collection[tuple[int, int | None]]) -> None:
        self.directory, self.folder, self.moments = directory, folder, moments

    def path(self, moment: tuple[int, int | None]) -> Path:
        return self.folder / "-".join(map(str, moment))

    def step(self, epoch, step):
        if (epoch, step) in self.moments:
            self.keep((epoch, step))
        before = (epoch - 1, None)
        if before in self.moments and not self.path(before).exists():
            self.keep(before)
            Run(self.path(before)).checkpoint_path(epoch - 1, 0).unlink()

    def keep(self, moment: tuple[int, int | None]) -> None:
        for writer in [each for each in gc.get_objects() if type(each) is BackgroundWriter]:
            writer.wait()  # in another thread files are being written
        shutil.copytree(self.directory, self.path(moment))


def command(
    *words: str | Path, compiled: Path | None = None, kilobytes: int | str = "unlimited"
) -> "subprocess.Popen[str]":
    """Start a command that can write files up to a size, as on a disk that is full.

    What JAX compiles is kept in the folder ``compiled``, or not at all: where files may not grow it could not be.
    """
    environment = {**os.environ, "JAX_ENABLE_COMPILATION_CACHE": str(bool(compiled))}
    if compiled:
        environment["JAX_COMPILATION_CACHE_DIR"] = str(compiled)
    limited = ["bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "bash"]
    arguments = [*limited, sys.executable, "-m", "cnnzoo", *map(str, words)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
