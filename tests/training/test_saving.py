"""Files that are written while the training goes on."""

import threading

import pytest
from trainings import SMALL_SETTINGS, CutOff, CutOffError, Notes, state

from cnnzoo.cli.options import load_config
from cnnzoo.runs import Run, best_row
from cnnzoo.training import resume, train
from cnnzoo.training.saving import BackgroundWriter


def fail():
    raise OSError("the disk is full")


def test_a_job_runs_beside_its_caller_and_before_the_next_one():
    begun, allowed, done = threading.Event(), threading.Event(), []

    def write():
        begun.set()
        assert allowed.wait(10)
        done.append(1)

    with BackgroundWriter() as writer:
        writer.submit(write)
        assert begun.wait(10)
        assert done == []
        allowed.set()
        writer.submit(lambda: done.append(2))
    assert done == [1, 2]


def test_the_error_of_a_job_is_raised_by_the_next_one_or_at_the_end():
    with BackgroundWriter() as writer:
        writer.submit(fail)
        with pytest.raises(OSError, match="the disk is full"):
            writer.submit(lambda: None)
    writer = BackgroundWriter()
    writer.submit(fail)
    with pytest.raises(OSError, match="the disk is full"), writer:
        pass


def test_the_error_of_the_training_comes_before_that_of_a_job():
    writer = BackgroundWriter()
    writer.submit(fail)
    with pytest.raises(CutOffError), writer:
        raise CutOffError


@pytest.mark.slow
def test_a_young_checkpoint_saves_the_next_one_and_a_killed_training_repeats_the_epochs(tmp_path):
    """But the best epoch so far has one; after the first epoch here nothing becomes better."""
    settings = ("optimizer={name: sgd, learning_rate: 1.0e-12}", "schedule={name: constant}", "training.epochs=4")
    config = load_config("digits", (*SMALL_SETTINGS, *settings, "training.checkpoint_seconds=1000"))
    whole, _ = train(config, directory=tmp_path / "whole")
    with pytest.raises(CutOffError):
        train(config, directory=tmp_path / "run", listener=CutOff(3))
    run = Run(tmp_path / "run")
    best = best_row(run.history())["epoch"]
    assert run.checkpoints[0].name == f"epoch-{best:06.0f}-step-00000000.npz"
    assert best < 3
    assert [row["epoch"] for row in run.history()] == [1, 2, 3]
    notes = Notes()
    again, _ = resume(run, listener=notes)
    assert state(again) == state(whole)
    repeated = 3 - int(best)
    assert (
        f"{repeated} epoch{'s' if repeated > 1 else ''} after the last checkpoint will be trained again." in notes.texts
    )
