"""Commands run in this process, as a person's terminal would see them, and pictures for them."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnzoo.cli import main

SMALL = ("--set", "training.epochs=2", "--set", "training.batch_size=128", "--set", "augmentation={}")


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Cnnzoo = Callable[..., Answer]


def runner(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cnnzoo:
    def cnnzoo(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["cnnzoo", *map(str, arguments)])
        capfd.readouterr()
        code: int | str | None = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        out, err = capfd.readouterr()
        return Answer(int(code or 0), out, err)

    return cnnzoo


def write_photos(folder: Path, classes: tuple[str, ...] = ("blue", "green", "red"), count: int = 10) -> Path:
    """Write pictures of several sizes and formats, each class of one colour under noise."""
    generator = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            height, width = generator.integers(20, 60, 2)
            colour = np.roll([40, 80, 200], number)
            pixels = np.clip(colour + generator.normal(0, 30, (height, width, 3)), 0, 255).astype("uint8")
            ending = ("png", "jpg", "gif", "bmp", "webp")[index % 5]
            Image.fromarray(pixels).save(folder / name / f"{index}.{ending}")
    return folder
