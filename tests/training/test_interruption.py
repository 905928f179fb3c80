"""Ctrl-C and a full disk: what was reached is kept whole."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest
from trainings import SMALL_SETTINGS, trained, weights

import cnnzoo
from cnnzoo.cli.options import load_config
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.training import Listener, train

pytestmark = pytest.mark.slow


@keras.saving.register_keras_serializable()
class InterruptedWhenSaved(keras.layers.Layer):
    """Raises Ctrl-C's signal while its model is saved."""

    def call(self, inputs):
        return inputs

    def save_own_variables(self, store):
        signal.raise_signal(signal.SIGINT)
        super().save_own_variables(store)


@pytest.mark.every_backend
def test_an_interrupt_while_an_epoch_is_saved_cuts_nothing(tmp_path, ctrl_c):
    """The epoch is saved in another thread, so one or two steps of the next one may come before the interruption."""

    def interrupted(input_shape=(28, 28, 1), num_classes=10):
        pixels = keras.Input(input_shape)
        x = InterruptedWhenSaved()(keras.layers.Flatten()(pixels))
        return keras.Model(pixels, keras.layers.Dense(num_classes, name="logits")(x))

    cnnzoo.register("interrupted")(interrupted)
    run, metrics = trained(tmp_path / "run", "model={name: interrupted}", "training.epochs=500")
    assert metrics["status"] == "interrupted"
    assert metrics["epochs"] == len(run.history()) < 500
    assert weights(run.model_path)


def test_an_interrupt_after_the_last_step_is_passed_on_when_everything_is_written(tmp_path, ctrl_c):
    class InterruptingAtTheEnd(Listener):
        def epoch(self, row, images_per_second, best):
            signal.raise_signal(signal.SIGINT)

    config = load_config("digits", (*SMALL_SETTINGS, "training.epochs=1"))
    with pytest.raises(KeyboardInterrupt):
        train(config, directory=tmp_path / "run", listener=InterruptingAtTheEnd())
    run = Run(tmp_path / "run")
    assert run.metrics()["status"] == "finished"
    assert run.curves_path.is_file()


def test_an_interrupt_in_the_last_step_of_an_epoch_waits_until_it_is_written(tmp_path, ctrl_c):
    class Interrupting(Listener):
        def step(self, epoch, step):
            if (epoch, step) == (1, 10):
                signal.raise_signal(signal.SIGINT)

    run, metrics = train(load_config("digits", SMALL_SETTINGS), directory=tmp_path / "run", listener=Interrupting())
    assert (metrics["status"], metrics["epochs"], len(run.history())) == ("interrupted", 1, 1)


def test_a_training_whose_curves_cannot_be_drawn_is_finished_and_says_so(tmp_path):
    remarks = []

    class Obstructing(Listener):
        def epoch(self, row, images_per_second, best):
            run.curves_path.mkdir()

        def note(self, text):
            remarks.append(text)

    run = Run(tmp_path / "run")
    config = load_config("digits", (*SMALL_SETTINGS, "training.epochs=1"))
    _, metrics = train(config, directory=run.directory, listener=Obstructing())
    assert metrics["status"] == run.metrics()["status"] == "finished"
    assert run.model_path.is_file()
    (remark,) = remarks
    assert remark.startswith(f"{run.curves_path} cannot be written: ")
    assert "Is a directory" in remark


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


def test_ctrl_c_keeps_the_epochs_that_are_done(tmp_path):
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
