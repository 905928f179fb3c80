"""Commands run in this process, as a person's terminal would see them."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cnnzoo.cli import main

SMALL = ("--set", "training.epochs=2", "--set", "training.batch_size=128", "--set", "augmentation.rotation=0")


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
