"""Each command, and mistakes of the user: exit code 2, one sentence, and no files written."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import SMALL
from PIL import Image

from cnnzoo import __version__, data
from cnnzoo.jobs.local import ERROR_FILE


@pytest.mark.slow
@pytest.mark.every_backend
def test_each_command_of_a_first_session_prints_the_next_one(cnnzoo):
    trained = cnnzoo("train", "--config", "digits.yaml", *SMALL)
    assert trained.code == 0, trained.err
    assert "61,706 trainable parameters" in trained.err
    assert "1/2" in trained.err
    assert "Next: cnnzoo eval runs/0001-digits" in trained.out

    measured = cnnzoo("eval")
    assert measured.code == 0, measured.err
    assert "runs/0001-digits" in measured.out
    assert "precision %" in measured.out

    voted = cnnzoo("ensemble", "--config", "digits.yaml", "--members", "2", *SMALL)
    assert voted.code == 0, voted.err
    assert "seed 0  runs/0001-digits is finished already" in voted.err
    assert "seed 1  Run   runs/0002-digits, seed 1" in voted.err
    assert "soft vote" in voted.out

    again = cnnzoo("ensemble", "runs/0001-digits", "runs/0002-digits", "--json")
    assert json.loads(again.out)["soft_vote"] == pytest.approx(
        json.loads(Path("runs/0003-digits-ensemble/ensemble.json").read_text())["soft_vote"]
    )

    Image.fromarray(data.load("digits", "test").pixels[0, ..., 0]).save("digit.png")
    predicted = cnnzoo("predict", "runs/0001-digits", "digit.png")
    assert predicted.code == 0, predicted.err
    assert "light on dark" in predicted.out
    assert Path("runs/0001-digits/predictions/digit.png").is_file()


@pytest.mark.slow
def test_json_is_one_object_and_nothing_else(cnnzoo, digits_runs):
    run = digits_runs[0].directory
    Image.fromarray(data.load("digits", "test").pixels[0, ..., 0]).save("digit.png")
    for arguments, key in {
        ("train", "--config", "digits", *SMALL, "--set", "training.epochs=1"): "validation_accuracy",
        ("eval", run): "runs",
        ("predict", run, "digit.png"): "predictions",
        ("ensemble", run, digits_runs[1].directory): "gain",
        ("config", "show", "lenet"): "model",
        ("config", "validate", "lenet"): "valid",
        ("models",): "models",
        ("show", "lenet5"): "macs",
        ("data", "list"): "data_sets",
    }.items():
        answer = cnnzoo(*arguments, "--json")
        assert answer.code == 0, answer.err
        assert key in json.loads(answer.out), arguments


def test_the_schema_is_json(cnnzoo):
    assert json.loads(cnnzoo("config", "schema").out)["title"] == "Config"


@pytest.fixture
def mistakes(digits_runs, tmp_path):
    """Write files for commands that fail."""
    Path("wrong.yaml").write_text(
        "model: {name: lenet5}\ndata: {name: digits}\noptimizer: {name: adam, learning_rate: '1e-4'}\n"
    )
    Path("small.yaml").write_text("model: {name: lenet5_1998}\ndata: {name: digits}\n")
    Path("empty.yaml").write_text("")
    Path("binary.yaml").write_bytes(bytes(range(256)))
    Path("taken").mkdir()
    Path("text.png").write_text("no image")
    Path("nothing").mkdir()
    unfinished = Path("unfinished")
    unfinished.mkdir()
    shutil.copy(digits_runs[0].config_path, unfinished)
    cut = Path("cut/mnist")
    cut.mkdir(parents=True)
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        (cut / name).write_bytes(b"\x1f\x8b\x08\x00 cut")
    return digits_runs[0].directory


WRONG = {
    "train": "Name one config",
    "train --config lenett": "Did you mean 'lenet'?",
    "train --config wrong.yaml": "wrong.yaml, line 3: optimizer.learning_rate: '1e-4' is text, not a number",
    "train --config resnet50": "resnet50 is a network, not a config. Write a config with model: {name: resnet50}, or",
    "train --config empty.yaml": "empty.yaml is empty",
    "train --config binary.yaml": "binary.yaml is not a text file",
    "train --config nothing": "nothing is a directory",
    "train --config digits --set model.name=lenet": "Did you mean 'lenet5'?",
    "train --config digits --set data.name=mnits": "Did you mean 'mnist'?",
    "train --config digits --set training.epochs=0": "--set training.epochs=0: expected at least 1, not 0.",
    "train --config digits --set runtime.backend=tensorflw": "Did you mean 'tensorflow'?",
    "train --config digits --set optimizer.lr=0.1": "Did you mean 'learning_rate'?",
    "train --config digits --run taken": "taken exists already",
    "train --config digits --seed -1": "--seed -1: a seed is",
    "train digits --config lenet": "There are two configs, digits and --config lenet",
    "train --config digits --device gpu": "runtime.device: no GPU is visible",
    "train --config digits --device tpu": "Invalid value for '--device'",
    "train --config digits --set preprocessing.mean=[0.1,0.2]": ": preprocessing: mean has 2 values",
    "train --config digits --set data.validation=5000": "data.validation=5000: ",
    "train --config digits --set augmentation.shift=28": "augmentation.shift=28: a shift by 28 pixels can",
    "train --config digits --set augmentation.crop=28": "augmentation.crop=28: a crop after padding by 28 pixels can",
    "config validate digits --set augmentation.cutout=28": "augmentation.cutout=28: a square of 28 pixels",
    "config validate digits --set augmentation.hue=0.1": "augmentation.hue=0.1: the images of Handwritten",
    "train --config digits --set augmentation.lighting=0.1": "augmentation.lighting=0.1: the images of Handwritten",
    "train --config digits --data-dir none": "none is not a directory; leave out --data-dir",
    "train --config digits --set model={}": "--set model={}: model.name: this key is missing.",
    "train --config small.yaml": "takes images of 32x32 pixels, not 28x28",
    "train --config digits --set preprocessing.pad=0 --set model.name=lenet5_1998": "no option",
    "train --config lenet --data-dir nothing": "its folders mnist/ and MNIST/raw/ files of MNIST are missing",
    "train --config lenet --data-dir none": "none is not a directory",
    "train --config lenet --data-dir cut": "cut/mnist/train-images-idx3-ubyte.gz",
    "eval": "No run under runs/ has finished. Train one: cnnzoo train --config digits.yaml",
    "eval none": "There is no run none",
    "eval nothing": "nothing is not a run",
    "eval unfinished": "unfinished is unfinished",
    "eval unfinished --unfinished": "it has no model before its first epoch ends. Continue: cnnzoo train --resume",
    "eval --split tst": "Invalid value for '--split'",
    "ensemble": "Name either runs, or a config",
    "ensemble --config digits --members 0": "Invalid value for '--members'",
    "ensemble --config digits --members 2 --set seed=4294967295": "need seeds above the largest, 4294967295",
    "ensemble --config digits --members 1001": "Invalid value for '--members'",
    "ensemble RUN --members 3": "--members, --jobs and --set are for --config",
    "ensemble RUN --set training.epochs=2": "--members, --jobs and --set are for --config",
    "ensemble RUN --jobs 2": "--members, --jobs and --set are for --config",
    "ensemble RUN unfinished": "unfinished is unfinished",
    "ensemble RUN --output taken": "taken exists already",
    "predict RUN": "Name a run and then its images",
    "predict text.png": "Name a run and then its images",
    "predict text.png RUN": "Name a run and then its images",
    "eval unfinished/config.yaml": "is a file of a run; name the run: unfinished",
    "predict RUN text.png": "text.png is not an image",
    "predict RUN none.png": "There is no file or folder none.png.",
    "predict RUN http://example.com/x.png": "predict takes files and folders, not addresses such as http:/example.com",
    "predict RUN .": "text.png is not an image that can be read",
    "predict nothing text.png": "nothing is not a run",
    "models resnext": "resnext",
    "show lenet": "Did you mean 'lenet5'?",
    "show lenet5 --input 4x4x1": "16x16",
    "trian": "Did you mean 'train'?",
    "config show lenett": "Did you mean 'lenet'?",
    "config validate wrong.yaml": "line 3",
    "data fetch mnits": "Did you mean 'mnist'?",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_a_mistake_gets_a_sentence_and_exit_code_2(arguments, cnnzoo, mistakes):
    before = sorted(Path.cwd().rglob("*"))
    answer = cnnzoo(*(str(mistakes) if word == "RUN" else word for word in arguments.split()))
    assert answer.code == 2, answer.err
    assert WRONG[arguments] in answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert sorted(Path.cwd().rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("eval --split tst", "Invalid value for '--split': 'tst' is not one of 'test', 'validation', 'train'."),
        ("trian", "No such command 'trian'. Did you mean 'train'?"),
        ("data fetch", "Missing argument 'NAME'."),
    ],
)
def test_a_usage_error_is_one_line_that_ends_with_the_help_command(arguments, sentence, cnnzoo):
    command = {"eval --split tst": "cnnzoo eval", "trian": "cnnzoo", "data fetch": "cnnzoo data fetch"}[arguments]
    answer = cnnzoo(*arguments.split())
    assert (answer.code, answer.out, answer.err) == (2, "", f"Error: {sentence} Help: {command} --help\n")


def test_a_command_without_arguments_shows_its_help(cnnzoo):
    answer = cnnzoo()
    assert (answer.code, answer.err.startswith("Usage: cnnzoo [OPTIONS] COMMAND")) == (2, True)


def test_the_version_as_json_has_packages_machine_and_device(cnnzoo):
    assert cnnzoo("--version").out == f"cnnzoo, version {__version__}\n"
    facts = json.loads(cnnzoo("--version", "--json").out)
    assert {"python", "platform", "processor", "keras", "numpy"} <= facts.keys()
    assert (facts["cnnzoo"], facts["backend"], facts["error"]) == (__version__, os.environ["KERAS_BACKEND"], None)
    assert facts["device"].startswith("CPU, ")
    answer = cnnzoo("--json", "models")
    assert (answer.code, "Use --json with --version" in answer.err) == (2, True)


def test_an_error_reaches_the_parent_process(cnnzoo, tmp_path, monkeypatch):
    monkeypatch.setenv(ERROR_FILE, str(tmp_path / "error.json"))
    answer = cnnzoo("train", "--config", "lenett")
    error = json.loads((tmp_path / "error.json").read_text())["error"]
    assert answer.err == f"Error: {error}\n"


@pytest.mark.slow
def test_brackets_in_a_path_are_printed(cnnzoo):
    answer = cnnzoo("train", "--config", "digits", "--run", "q[v1] [/bold]", *SMALL, "--set", "training.epochs=1")
    assert answer.code == 0, answer.err
    assert "Next: cnnzoo eval 'q[v1] [/bold]'" in answer.out
    assert "q[v1] [/bold]" in cnnzoo("eval", "q[v1] [/bold]").out


def test_a_damaged_model_and_an_unwritable_path_give_one_line_errors(cnnzoo, digits_runs):
    shutil.copytree(digits_runs[0].directory, "copy")
    Path("copy/model.keras").write_bytes(b"PK cut")
    answer = cnnzoo("eval", "copy")
    assert (answer.code, "copy/model.keras is damaged" in answer.err) == (2, True), answer.err
    Path("file").write_text("")
    answer = cnnzoo("ensemble", digits_runs[0].directory, "--output", "file/x")
    assert (answer.code, answer.err.splitlines()[-1].startswith("Error: file/x cannot be made: Not a directory")) == (
        2,
        True,
    )
    assert not list(Path("runs").glob("*"))


def test_a_run_in_use_is_refused(cnnzoo, digits_runs):
    with digits_runs[0].locked():
        answer = cnnzoo("eval", digits_runs[0].directory)
    assert answer.code == 2
    assert "in use by another process" in answer.err


@pytest.mark.slow
@pytest.mark.real_data
def test_lenet_learns_real_mnist_in_one_epoch(cnnzoo, mnist_dir):
    small = ("--set", "training.epochs=1", "--set", "training.batch_size=64", "--set", "data.validation=40000")
    trained = cnnzoo("train", "--config", "lenet", "--data-dir", mnist_dir, *small, "--json")
    assert trained.code == 0, trained.err
    assert json.loads(trained.out)["validation_accuracy"] > 0.9
    measured = json.loads(cnnzoo("eval", "--data-dir", mnist_dir, "--json").out)["runs"][0]
    assert measured["images"] == 10_000
    assert measured["accuracy"] > 0.9
    assert np.sum(measured["confusion"]) == 10_000
