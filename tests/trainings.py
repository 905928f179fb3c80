"""Small trainings for tests, and ways to break them off."""

from pathlib import Path

import keras
from commands import SMALL

from cnnzoo.cli.options import load_config
from cnnzoo.runs import Run
from cnnzoo.saved_models import load_model
from cnnzoo.training import Silent, train

SMALL_SETTINGS = SMALL[1::2]


def trained(directory: Path, *settings: str, seed: int = 0) -> tuple[Run, dict]:
    return train(load_config("digits", (*SMALL_SETTINGS, *settings), seed=seed), "digits", directory)


def weights(path: Path) -> list:
    return [keras.ops.convert_to_numpy(weight) for weight in load_model(path).weights]


class CutOffError(Exception):
    pass


class CutOff(Silent):
    """Ends the training after a step, or when an epoch is written but its checkpoint is not."""

    def __init__(self, epoch: int, step: int | None = None) -> None:
        self.at = epoch, step

    def step(self, epoch, step):
        if (epoch, step) == self.at:
            raise CutOffError

    def epoch(self, row, images_per_second, best):
        if (row["epoch"], None) == self.at:
            raise CutOffError
