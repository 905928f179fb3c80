"""``cnnzoo runs``: list, compare and clean up runs."""

import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from cnnzoo.files import write_json
from cnnzoo.runs import Run, status


@pytest.fixture
def several(cnnzoo, digits_runs):
    """Make a finished, a broken off, an interrupted and an unreadable run under runs/."""
    shutil.copytree(digits_runs[0].directory, "runs/0001-digits")
    for name in ("0002-digits", "0003-digits", "0004-digits"):
        shutil.copytree(digits_runs[1].directory, f"runs/{name}", ignore=shutil.ignore_patterns("metrics.json"))
    interrupted = Run(Path("runs/0003-digits"))
    write_json(interrupted.metrics_path, digits_runs[1].metrics() | {"status": "interrupted"})
    Path("runs/0004-digits/config.yaml").write_text("model: {name: lenet5}\ndata: {name: dgits}\n")
    write_json(Run(Path("runs/0001-digits")).report_path("test"), {"accuracy": 0.987})
    return cnnzoo


def test_runs_are_listed_with_their_status(several, digits_runs):
    rows = {row["run"]: row for row in json.loads(several("runs", "list", "--json").out)["runs"]}
    statuses = {name: row["status"] for name, row in rows.items()}
    assert statuses == {
        "runs/0001-digits": "finished",
        "runs/0002-digits": "broken off",
        "runs/0003-digits": "interrupted",
        "runs/0004-digits": "unreadable",
    }
    broken = rows["runs/0002-digits"]
    assert broken["validation_accuracy"] == max(row["validation_accuracy"] for row in digits_runs[1].history())
    finished = rows["runs/0001-digits"]
    assert finished["validation_accuracy"] == digits_runs[0].metrics()["validation_accuracy"]
    assert (finished["test_accuracy"], finished["seed"], finished["epochs"]) == (0.987, 0, 2)
    assert finished["bytes"] > 100_000
    table = several("runs", "list").out
    assert "98.70" in table
    assert "broken off" in table
    sentence = rows["runs/0004-digits"]["error"]
    assert "Did you mean 'digits'?" in sentence
    assert f"runs/0004-digits is unreadable: {sentence} To remove it: cnnzoo runs clean runs/0004-digits --yes" in table


def test_ensembles_are_listed_with_their_accuracies_and_folders_with_their_paths(several, tmp_path):
    config = Run(Path("runs/0001-digits")).config_path
    shutil.copytree("runs/0001-digits", "runs/0005-mine")
    section = f"data: {{name: folder, path: {tmp_path}/y2024/photos, classes: [cat, dog]}}\n"
    kept = re.sub(r"^data:\n(  .*\n)+", section, config.read_text(), flags=re.MULTILINE)
    Path("runs/0005-mine/config.yaml").write_text(kept)
    votes = {"mean": 0.9, "soft_vote": 0.9412, "hard_vote": 0.93}
    write_json(
        Path("runs/0006-ensemble/ensemble.json"),
        {"data": "folder", "folder": f"{tmp_path}/y2025/photos", "split": "test", "members": [{}, {}], **votes},
    )
    Path("runs/0007-ensemble").mkdir()
    Path("runs/0007-ensemble/ensemble.json").write_text("damaged")
    listed = several("runs", "list").out
    assert re.search(r"^ *runs/0005-mine +lenet5 +y2024/photos +0 +finished", listed, re.MULTILINE)
    assert re.search(r"^ *runs/0006-ensemble +2 +y2025/photos +test +90.00 +93.00 +94.12", listed, re.MULTILINE)
    assert re.search(r"^ *runs/0007-ensemble +0", listed, re.MULTILINE)
    assert json.loads(several("runs", "list", "--json").out)["ensembles"][0]["soft_vote"] == 0.9412


def test_a_run_that_is_training_is_running_and_is_not_cleaned_up(several):
    with Run(Path("runs/0002-digits")).locked():
        assert status.status(Run(Path("runs/0002-digits"))) == "running"
        assert several("runs", "clean", "--yes").code == 0
        refused = several("runs", "clean", "runs/0002-digits", "--yes")
    assert (refused.code, "in use by another process" in refused.err) == (2, True)
    assert Path("runs/0002-digits").is_dir()


def test_compared_runs_show_the_keys_that_differ_and_their_curves(several, digits_runs):
    answer = several("runs", "compare", *(run.directory for run in digits_runs), "--output", "curves.svg", "--json")
    assert answer.code == 0, answer.err
    compared = json.loads(answer.out)
    assert compared["differences"] == {"seed": [0, 1]}
    assert [row["epochs"] for row in compared["runs"]] == [2, 2]
    assert "Validation loss" in Path("curves.svg").read_text()
    shown = several("runs", "compare", "runs/0001-digits", "runs/0003-digits").out
    assert "seed" in shown
    assert "interrupted" in shown
    assert "98.70 %" in shown


def test_clean_removes_unneeded_files_only_with_yes(several):
    finished = Run(Path("runs/0001-digits"))
    finished.checkpoint_path(1, 0).parent.mkdir()
    finished.checkpoint_path(1, 0).write_bytes(b"state")
    (finished.directory / ".model.0123abcd.tmp.keras").write_bytes(b"half")
    before = sorted(Path("runs").rglob("*"))
    listed = several("runs", "clean", "--json")
    assert sorted(Path("runs").rglob("*")) == before
    found = {item["path"] for item in json.loads(listed.out)["found"]}
    assert found == {
        "runs/0001-digits/.model.0123abcd.tmp.keras",
        "runs/0001-digits/checkpoints",
        "runs/0002-digits",
        "runs/0003-digits",
    }
    assert several("runs", "clean", "--yes").code == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["0001-digits", "0004-digits"]
    assert finished.model_path.is_file()
    assert "nothing to remove" in several("runs", "clean").out


def test_a_finished_run_is_removed_only_if_it_is_named(several):
    assert several("runs", "clean", "runs/0001-digits").code == 0
    assert Path("runs/0001-digits").is_dir()
    assert several("runs", "clean", "runs/0001-digits", "--yes").code == 0
    assert not Path("runs/0001-digits").exists()


def test_the_files_of_all_commands_are_removed_with_the_run(several):
    run = Run(Path("runs/0002-digits"))
    run.write_division(train=("red/1.png",), validation=("red/2.png",))
    ink = Image.new("L", (28, 28))
    ink.paste(255, (12, 4, 16, 24))
    ink.save("some.png")
    for words in (("eval", run.directory, "--split", "validation"), ("predict", run.directory, "some.png")):
        assert several(*words, "--unfinished").code == 0
    assert several("runs", "clean", run.directory, "--yes").code == 0
    assert not run.directory.exists()


def test_a_directory_with_foreign_files_stays(several):
    Path("runs/0002-digits/notes.txt").write_text("mine")
    assert several("runs", "clean", "--yes").code == 0
    assert Path("runs/0002-digits/notes.txt").is_file()
    Path("config.yaml").write_text("model: {name: lenet5}\ndata: {name: digits}\n")
    answer = several("runs", "clean", ".", "--yes")
    assert (answer.code, "which no command wrote" in answer.err) == (2, True)


WRONG = {
    "runs compare runs/0001-digits": "Name two or more runs",
    "runs compare runs/0001-digits runs/0001-digits": "each of them once",
    "runs compare runs/0001-digits none": "There is no run none",
    "runs compare runs/0001-digits runs/0002-digits --output a.txt": "must end in .svg or .png",
    "runs compare runs/0001-digits runs/0004-digits": "Did you mean 'digits'?",
    "runs list --folder none": "none",
    "runs clean none": "There is no run none",
    "runs clean runs/0001-digits --folder runs": "not both",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_a_mistake_gets_a_sentence(arguments, several):
    answer = several(*arguments.split())
    assert answer.code == 2, answer.err
    assert WRONG[arguments] in answer.err
    assert answer.out == ""
