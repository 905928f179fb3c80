"""Several runs by one command: seeds, and sweeps of keys."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import SMALL
from trainings import SMALL_SETTINGS, CutOff, CutOffError, weights

from cnnzoo.cli.options import load_config
from cnnzoo.runs import Run
from cnnzoo.training import train

SWEEP = """config: digits
method: grid
keys:
  optimizer.learning_rate: [0.004, 1000000.0]
  training.epochs: [1]
  training.batch_size: [128]
  augmentation.rotation: [0]
"""


@pytest.mark.slow
def test_finished_seeds_are_kept_and_summarized(cnnzoo, digits_runs):
    for run in digits_runs:
        shutil.copytree(run.directory, Path("runs", run.name))
    answer = cnnzoo("train", "--config", "digits", "--seeds", "0..1", *SMALL)
    assert answer.code == 0, answer.err
    assert "seed 1  runs/0002-digits is finished already" in answer.err
    result = json.loads(cnnzoo("train", "digits", "--seeds", "0,1", *SMALL, "--json").out)
    assert [row["seed"] for row in result["runs"]] == [0, 1]
    reached = [run.metrics()["validation_accuracy"] for run in digits_runs]
    assert result["mean"]["validation_accuracy"] == pytest.approx(np.mean(reached))
    assert result["standard_deviation"]["validation_accuracy"] == pytest.approx(np.std(reached, ddof=1))
    assert f"{100 * np.mean(reached):.2f}" in answer.out
    assert "Next: cnnzoo ensemble runs/0001-digits runs/0002-digits" in answer.out
    assert len(list(Path("runs").glob("*-digits"))) == 2


@pytest.mark.slow
def test_a_broken_off_seed_continues_to_the_same_weights(cnnzoo, digits_runs):
    shutil.copytree(digits_runs[0].directory, "runs/0001-digits")
    with pytest.raises(CutOffError):
        train(load_config("digits", SMALL_SETTINGS, seed=1), "digits", listener=CutOff(2, 1))
    answer = cnnzoo("train", "digits", "--seeds", "0..1", *SMALL, "--json")
    assert answer.code == 0, answer.err
    assert "seed 1  runs/0002-digits is unfinished and continues" in answer.err
    assert [row["run"] for row in json.loads(answer.out)["runs"]] == ["runs/0001-digits", "runs/0002-digits"]
    run = Run(Path("runs/0002-digits"))
    assert run.history_path.read_text() == digits_runs[1].history_path.read_text()
    for resumed, whole in zip(weights(run.last_model_path), weights(digits_runs[1].last_model_path), strict=True):
        assert resumed.tobytes() == whole.tobytes()


@pytest.mark.slow
def test_a_sweep_compares_its_points_and_tries_failed_ones_again(cnnzoo):
    Path("sweep.yaml").write_text(SWEEP)
    answer = cnnzoo("sweep", "sweep.yaml", "--output", "sweep", "--jobs", "2", "--json")
    assert answer.code == 2, answer.err
    result = json.loads(answer.out)
    assert result == json.loads(Path("sweep/sweep.json").read_text())
    assert result["keys"] == ["optimizer.learning_rate"]
    best, failed = result["points"]
    assert best["values"]["optimizer.learning_rate"] == 0.004
    assert best["runs"][0]["run"] == "sweep/point-01-seed-0"
    assert Run(Path("sweep/point-01-seed-0")).config().optimizer.learning_rate == 0.004
    assert "The loss is not finite" in failed["failed"][0]["reason"]
    assert Path("sweep/sweep.png").is_file()

    again = cnnzoo("sweep", "--resume", "sweep")
    assert again.code == 2, again.err
    assert "point-01-seed-0  sweep/point-01-seed-0 is finished already" in again.err
    assert "point-02-seed-0  sweep/point-02-seed-0 is unfinished and continues" in again.err
    assert "point-02-seed-0 failed: The loss is not finite" in again.out
    assert "Picture: sweep/sweep.png" in again.out
    assert again.out.endswith("Next: cnnzoo eval sweep/point-01-seed-0\n")

    shutil.rmtree("sweep/point-02-seed-0")  # as if both were finished, so that nothing is left to train
    shutil.copytree("sweep/point-01-seed-0", "sweep/point-02-seed-0")
    Path("sweep/sweep.png").unlink()
    Path("sweep/sweep.png").mkdir()
    undrawn = cnnzoo("sweep", "--resume", "sweep")
    assert (undrawn.code, "Picture" in undrawn.out) == (0, False), undrawn.err
    assert "Results: sweep/sweep.json" in undrawn.out
    assert "sweep/sweep.png cannot be written: Is a directory." in undrawn.err


WRONG = {
    "train --config digits --seeds 4..1": "--seeds 4..1: 4..1 is in descending order; write 1..4.",
    "train --config digits --seeds 0..x": "--seeds 0..x: write seeds as 0..4 or 0,3,7.",
    "train --config digits --seeds 1,1": "seed 1 appears twice",
    "train --config digits --seeds 0..1000": "more than 1,000 seeds",
    "train --config digits --seeds 4294967296": "--seeds 4294967296: a seed is",
    "train --config digits --seeds 0..1 --seed 1": "leave out --seed",
    "train --config digits --seeds 0..1 --run a": "leave out --seed, --run",
    "train --config digits --jobs 2": "--jobs is for --seeds",
    "train --config lenet --seeds 0..1 --data-dir nothing": "files of MNIST are missing: train-images-",
    "train --seeds 0..1": "Name one config",
    "sweep": "Name either a sweep file",
    "sweep config.yaml": "config.yaml is a config; write a sweep file with config: config.yaml",
    "sweep none.yaml": "none.yaml cannot be read: No such file",
    "sweep sweep.yaml --resume nothing": "Name either a sweep file, or an unfinished sweep with --resume",
    "sweep wrong.yaml": "wrong.yaml, line 4: optimizer.learning_rat: the optimizer adam has no key",
    "sweep sweep.yaml --output nothing": "nothing is not a sweep",
    "sweep mnist.yaml --data-dir nothing": "files of MNIST are missing: train-images-",
    "sweep --resume nothing": "nothing is not a sweep",
    "sweep --resume none": "There is no sweep none",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_a_mistake_gets_a_sentence_and_nothing_is_written(arguments, cnnzoo):
    Path("nothing").mkdir()
    Path("sweep.yaml").write_text(SWEEP)
    Path("config.yaml").write_text("model: {name: lenet5}\ndata: {name: digits}\n")
    Path("wrong.yaml").write_text(SWEEP.replace("learning_rate", "learning_rat"))
    Path("mnist.yaml").write_text(SWEEP.replace("digits", "lenet"))
    before = sorted(Path.cwd().rglob("*"))
    answer = cnnzoo(*arguments.split())
    assert answer.code == 2, answer.err
    assert WRONG[arguments] in answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert sorted(Path.cwd().rglob("*")) == before
