"""Ctrl-C, a kill and a full disk: what was reached is kept whole."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from trainings import SMALL_SETTINGS, trained, weights

from cnnzoo.cli.options import load_config
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.training import Silent, train


def test_an_interrupt_while_an_epoch_is_saved_waits_until_it_is(tmp_path, monkeypatch, ctrl_c):
    from cnnzoo.training import recorder

    copy = recorder.shutil.copyfile

    def interrupted_copy(*paths):
        signal.raise_signal(signal.SIGINT)
        return copy(*paths)

    monkeypatch.setattr(recorder.shutil, "copyfile", interrupted_copy)
    run, metrics = trained(tmp_path / "run", "training.epochs=5")
    assert (metrics["status"], metrics["epochs"], len(run.history())) == ("interrupted", 1, 1)
    assert weights(run.model_path)


def test_an_interrupt_after_the_last_step_is_passed_on_when_everything_is_written(tmp_path, monkeypatch, ctrl_c):
    from cnnzoo.training import fitting

    curves = fitting.plots.curves

    def interrupted_curves(*arguments, **options):
        signal.raise_signal(signal.SIGINT)
        return curves(*arguments, **options)

    monkeypatch.setattr(fitting.plots, "curves", interrupted_curves)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "run", "training.epochs=1")
    run = Run(tmp_path / "run")
    assert run.metrics()["status"] == "finished"
    assert run.curves_path.is_file()


def test_an_interrupt_in_the_last_step_of_an_epoch_waits_until_it_is_written(tmp_path, ctrl_c):
    class Interrupting(Silent):
        def step(self, epoch, step):
            if (epoch, step) == (1, 10):
                signal.raise_signal(signal.SIGINT)

    run, metrics = train(load_config("digits", SMALL_SETTINGS), directory=tmp_path / "run", listener=Interrupting())
    assert (metrics["status"], metrics["epochs"], len(run.history())) == ("interrupted", 1, 1)


def test_a_training_whose_curves_cannot_be_drawn_is_not_finished(tmp_path, monkeypatch):
    from cnnzoo.training import fitting, resume

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(fitting.plots, "curves", full)
        with pytest.raises(UserError, match=r"No space left.*--resume"):
            trained(tmp_path / "run", "training.epochs=1")
    run, metrics = resume(Run(tmp_path / "run"))
    assert metrics["status"] == "finished"
    assert run.curves_path.is_file()


def started(directory: Path) -> subprocess.Popen[bytes]:
    """Start a long training and wait until its first epoch is written."""
    # A shell that starts the tests in the background would have its children ignore Ctrl-C.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heeding}; from cnnzoo.cli import main; main()"
    words = ["train", "--config", "digits", "--run", str(directory), "--set", "training.epochs=2000"]
    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (directory / "history.csv").is_file():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.mark.slow
def test_a_kill_leaves_no_file_half_written(tmp_path):
    for moment in (0.0, 0.37):
        directory = tmp_path / f"run{moment}"
        process = started(directory)
        time.sleep(moment)
        process.kill()
        process.wait()
        with (directory / "history.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert all(None not in row.values() for row in rows)
        for name in ("model.keras", "last.keras"):
            assert weights(directory / name)


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_reached_and_says_so(tmp_path):
    process = started(tmp_path / "run")
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err.decode()
    from cnnzoo.runs import open_finished

    with pytest.raises(UserError, match="unfinished"):
        open_finished(tmp_path / "run")
    run = open_finished(tmp_path / "run", unfinished=True)
    assert run.metrics()["status"] == "interrupted"
    assert run.metrics()["epochs"] == len(run.history())
    assert weights(run.model_path)
    assert run.curves_path.is_file()
