"""A training that was killed at any moment leaves whole files, and resumes to exactly the same result."""

import csv
import os
import random
import shutil
import signal
import time

import pytest
from trainings import EVERYTHING, command, state, weights

from cnnzoo.cli.options import load_config
from cnnzoo.runs import Run
from cnnzoo.training import train

EPOCHS, STEPS = 5, 20  # so that compiled loops have two steps
SETTINGS = (*EVERYTHING, f"training.epochs={EPOCHS}", f"training.steps_per_epoch={STEPS}")


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_whole_files_and_resumes_to_the_same_bits(tmp_path):
    """Killed at as many random moments as CNNZOO_KILLS says, two by default, unless it finishes before."""
    began = time.monotonic()
    whole, _ = train(load_config("digits", SETTINGS), directory=tmp_path / "whole")
    seconds = time.monotonic() - began  # less than a process takes, which loads Keras first
    run, moments = Run(tmp_path / "run"), random.Random()
    kills = []
    for number in range(int(os.environ.get("CNNZOO_KILLS", "2"))):
        # The first one by the clock, which may come before anything is written; the others by the progress, so that
        # they do not all come while Keras is loaded.
        target = moments.uniform(progress(run) + 0.1, EPOCHS - 0.5) if number else None
        process = start(run, tmp_path)
        if target is None:
            time.sleep(moments.uniform(0.05, 0.95) * seconds)
        else:
            while progress(run) < target and process.poll() is None:
                time.sleep(0.01)
        process.kill()
        _, errors = process.communicate()
        assert process.returncode in (-signal.SIGKILL, 0), (kills, errors)
        kills.append((target, process.returncode, [path.name for path in run.checkpoints]))
        assert_its_files_are_whole(run)
        if process.returncode == 0 or progress(run) > EPOCHS - 0.6:
            break
    assert any(code == -signal.SIGKILL for _, code, _ in kills), kills
    if run.metrics().get("status") != "finished":
        process = start(run, tmp_path)
        _, errors = process.communicate()
        assert process.returncode == 0, (kills, errors)
    assert state(run) == state(whole), kills


def start(run, folder):
    """Begin a run in a process of its own, or resume it."""
    if run.config_path.is_file():
        words = ["--resume", run.directory]
    else:
        shutil.rmtree(run.directory, ignore_errors=True)
        words = ["digits", "--run", run.directory, *(word for setting in SETTINGS for word in ("--set", setting))]
    return command("train", *words, compiled=folder / "compiled")


def progress(run):
    """Return the number of epochs that are done by the newest checkpoint."""
    if not run.checkpoints:
        return 0.0
    _, epoch, _, step = run.checkpoints[0].stem.split("-")
    return int(epoch) + int(step) / STEPS


def assert_its_files_are_whole(run):
    if run.history_path.is_file():
        with run.history_path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert all(None not in row.values() for row in rows)
    for path in (run.model_path, run.last_model_path):
        assert not path.is_file() or weights(path)
