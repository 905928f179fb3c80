"""A training that was killed at any moment goes on as if nothing had happened."""

import os
import random
import subprocess
import time
from functools import partial
from itertools import count

import pytest
from trainings import EVERYTHING, command, state

from cnnzoo.runs import Run

SETTINGS = [word for setting in EVERYTHING for word in ("--set", setting)]


@pytest.mark.slow
def test_a_process_that_was_killed_at_any_moment_goes_on_to_the_same_bits(tmp_path):
    """In as many random moments as CNNZOO_KILLS says, two by default."""
    long = [*SETTINGS, "--set", "training.epochs=24"]
    began = time.monotonic()
    start = partial(command, "train", compiled=tmp_path / "compiled")
    whole = start("digits", "--run", tmp_path / "whole", *long)
    _, errors = whole.communicate()
    seconds = time.monotonic() - began
    assert whole.returncode == 0, errors
    moments, wanted = random.Random(), int(os.environ.get("CNNZOO_KILLS", "2"))
    kills: list[str] = []  # told when something fails
    for number in count():
        run = Run(tmp_path / f"run{number}")
        began, before = time.monotonic(), len(kills)
        process = start("digits", "--run", run.directory, *long)
        while process.poll() is None:
            moment = moments.uniform(0.05, 0.95) * seconds if len(kills) < wanted else None
            try:
                _, errors = process.communicate(timeout=moment)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                # A run that says so has only its process left to end: there is nothing to resume.
                if run.metrics().get("status") == "finished":
                    break
                kills.append(
                    f"{run.directory.name} after {moment:.1f} s, with {[path.name for path in run.checkpoints]}"
                )
                begun = run.config_path.is_file()
                again = ("--resume", run.directory) if begun else ("digits", "--run", tmp_path / f"run{number}b", *long)
                run = run if begun else Run(tmp_path / f"run{number}b")
                process = start(*again)
        else:
            assert process.returncode == 0, (kills, errors)
            if len(kills) == before:  # shorter than the first, which compiled what the others find
                seconds = time.monotonic() - began
        assert state(run) == state(Run(tmp_path / "whole")), kills
        if len(kills) == wanted:
            return
