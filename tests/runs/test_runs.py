import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cnnzoo import config as configs
from cnnzoo import files, runs
from cnnzoo.errors import UserError
from cnnzoo.runs import status
from cnnzoo.runs.facts import Metrics, from_dict, to_dict

CONFIG = configs.load("digits")


def test_runs_are_numbered_in_sequence(tmp_path):
    first = runs.create(CONFIG, "digits", parent=tmp_path)
    second = runs.create(CONFIG, "other", parent=tmp_path)
    assert (first.name, second.name) == ("0001-digits", "0002-other")
    assert first.config() == CONFIG


def test_runs_that_start_at_once_get_numbers_of_their_own(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda letter: runs.make_numbered(tmp_path, letter), "abcdefghijklmnopqrstuvwx"))
    assert sorted(path.name.split("-")[0] for path in made) == [f"{number:04d}" for number in range(1, 25)]
    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")} == {path.name for path in made}


def test_a_replayed_run_has_the_name_of_the_first_one(tmp_path):
    run = runs.create(CONFIG, "lenet-wide", parent=tmp_path)
    runs.write_environment(run, CONFIG, "CPU", "", {}, repeatable=True)
    assert runs.name_for(run.config_path) == "lenet-wide"
    named = runs.create(CONFIG, "", tmp_path / "mine")
    runs.write_environment(named, CONFIG, "CPU", "", {}, repeatable=True)
    assert runs.name_for(str(named.config_path)) == "mine"


@pytest.mark.parametrize("config", ["lenet", "lenet.yaml", "0001-else/lenet.yaml"])
def test_the_name_for_a_config_file_is_its_stem(config):
    assert runs.name_for(config) == "lenet"


def test_an_existing_directory_is_not_taken(tmp_path):
    with pytest.raises(UserError, match="exists already"):
        runs.create(CONFIG, "digits", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_a_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not a run"):
        runs.open_finished(tmp_path)
    with pytest.raises(UserError, match="There is no run"):
        runs.open_finished(tmp_path / "none")


def test_a_wrong_name_gets_the_nearest_and_the_newest_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^There is no run 0001-digits\.$"):
        runs.open_finished(Path("0001-digits"))
    for _ in range(12):
        runs.create(CONFIG, "digits")
    Path("runs/0011-digits/metrics.json").write_text('{"status": "finished"}')
    Path("runs/0010-digits/metrics.json").write_text("{")
    for name in ("0001-digit", "runs/0001-digit", "nowhere/0001-digit"):
        with pytest.raises(UserError) as refused:
            runs.open_finished(Path(name))
        message = str(refused.value)
        assert message.startswith(f"There is no run {name}. Did you mean runs/0001-digits? Newest runs: ")
        listed = message.split("Newest runs: ")[1].split(", ")
        assert listed[:3] == [
            "runs/0012-digits (unfinished)",
            "runs/0011-digits",
            "runs/0010-digits (unfinished)",
        ]
        assert len(listed) == 10


def test_the_error_for_an_unfinished_run_says_how_to_resume_it(tmp_path):
    run = runs.create(CONFIG, "digits", parent=tmp_path)
    with pytest.raises(UserError, match=f"unfinished.*cnnzoo train --resume {run.directory}"):
        runs.open_finished(run.directory)
    with pytest.raises(UserError, match="unfinished"):
        runs.open_finished(run.directory, unfinished=True)


def test_an_interrupted_run_is_opened_only_on_request(tmp_path):
    run = runs.create(CONFIG, "digits", parent=tmp_path)
    run.write_metrics({"status": "interrupted", "epochs": 1})
    run.model_path.write_bytes(b"model")
    with pytest.raises(
        UserError, match=r"interrupted after 1 of 16 epochs. To use what .* add --unfinished; to continue: cnnzoo train"
    ):
        runs.open_finished(run.directory)
    assert runs.open_finished(run.directory, unfinished=True) == run


def test_damaged_metrics_are_an_error_that_names_the_file(tmp_path):
    run = runs.create(CONFIG, "digits", parent=tmp_path)
    run.metrics_path.write_text('{"status": "fin')
    with pytest.raises(UserError, match=r"metrics.json is missing or damaged"):
        runs.open_finished(run.directory)


def test_the_newest_run_is_the_one_that_finished_last(tmp_path):
    with pytest.raises(UserError, match=r"No run under .* has finished\. Train one: "):
        runs.newest(tmp_path)
    first, second = (runs.create(CONFIG, "digits", parent=tmp_path) for _ in range(2))
    for run in (first, second):
        run.model_path.write_bytes(b"model")
    second.write_metrics({"status": "finished"})
    assert runs.newest(tmp_path) == second
    time.sleep(0.01)
    first.write_metrics({"status": "finished"})
    assert runs.newest(tmp_path) == first
    first.metrics_path.write_text("{")
    assert runs.newest(tmp_path) == second


def test_newer_unfinished_runs_are_found(tmp_path):
    older, chosen, broken, other = (runs.create(CONFIG, "digits", parent=tmp_path) for _ in range(4))
    for run in (chosen, other):
        run.model_path.write_bytes(b"model")
        run.write_metrics({"status": "finished"})
    broken.write_metrics({"status": "interrupted"})
    assert runs.unfinished_since(chosen, tmp_path) == [broken]
    assert runs.unfinished_since(older, tmp_path) == [broken]
    assert runs.unfinished_since(other, tmp_path) == []


def test_without_finished_runs_the_error_names_the_newest_unfinished_one(tmp_path):
    run = runs.create(CONFIG, "digits", parent=tmp_path)
    run.model_path.write_bytes(b"model")
    run.write_metrics({"status": "interrupted"})
    with pytest.raises(
        UserError, match=f"has finished. Use what {run.directory} reached with --unfinished, or train one"
    ):
        runs.newest(tmp_path)


def test_a_run_in_use_by_another_process_is_refused_until_that_is_killed(tmp_path):
    run = runs.create(CONFIG, "digits", parent=tmp_path)
    code = (
        "import sys, time; from pathlib import Path; from cnnzoo.runs import Run\n"
        "with Run(Path(sys.argv[1])).locked():\n    print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(run.directory)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="in use by another process"), run.locked():
            pass
    finally:
        other.kill()
        other.wait()
    with run.locked():
        pass


def test_a_file_that_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")

    def write_half() -> None:
        with files.whole(path) as temporary:
            temporary.write_text("ne")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_error_for_a_file_that_cannot_be_made_has_its_final_name(tmp_path):
    path = tmp_path / ("a" * 250 + ".json")
    with pytest.raises(OSError, match="File name too long") as raised, files.whole(path) as temporary:
        temporary.write_text("x")
    assert raised.value.filename == str(path)


def test_a_new_file_has_the_usual_permissions_and_suffix(tmp_path):
    plain = tmp_path / "plain.txt"
    plain.write_text("")
    with files.whole(tmp_path / "new.keras") as temporary:
        assert temporary.suffix == ".keras"
        temporary.write_text("x")
    assert (tmp_path / "new.keras").stat().st_mode == plain.stat().st_mode


HISTORIES = {
    "a word for a number": "epoch,validation_accuracy,validation_loss\n1,0.9,low\n",
    "a cut row": "epoch,validation_accuracy,validation_loss\n1,0.9\n",
    "a long row": "epoch,validation_accuracy,validation_loss\n1,0.9,0.3,0.2\n",
    "a cut heading": "epo\n1\n",
    "a null byte": "epoch,validation_accuracy,validation_loss\n1,0.9,\0\n",
}


@pytest.mark.parametrize("damage", HISTORIES)
def test_a_run_with_a_damaged_history_is_listed_as_unreadable(damage, tmp_path):
    run = runs.create(CONFIG, "digits", parent=tmp_path)
    run.history_path.write_text(HISTORIES[damage])
    with pytest.raises(UserError, match=r"history\.csv is damaged"):
        run.history()
    assert status.summarize(run).status == "unreadable"


@pytest.mark.parametrize("text", ["file\na.png\n", "part,file\ntrain\n", "part,file,sha256\ntrain,a.png,xyz\n"])
def test_a_damaged_division_is_an_error_that_names_the_file(text, tmp_path):
    run = runs.create(CONFIG, "digits", parent=tmp_path)
    run.division_path.write_text(text)
    with pytest.raises(UserError, match=r"division\.csv is damaged"):
        run.division()


def test_files_that_are_renamed_meanwhile_do_not_count(tmp_path, monkeypatch):
    (tmp_path / "kept.txt").write_bytes(b"four")
    (tmp_path / "renamed.tmp").write_bytes(b"four")
    look = Path.is_file

    def remove_after_a_look(path):
        found = look(path)
        if path.suffix == ".tmp":
            path.unlink()
        return found

    monkeypatch.setattr(Path, "is_file", remove_after_a_look)
    assert status.size(tmp_path) == 4


def test_the_environment_of_a_run_names_versions_and_seed(digits_runs):
    environment = json.loads(digits_runs[0].environment_path.read_text())
    assert environment["seed"] == 0
    assert {"python", "keras", "numpy", "cnnzoo"} <= set(environment["versions"])
    assert environment["backend"] in {"tensorflow", "jax"}
    assert environment["device"].startswith(("CPU", "GPU"))
    assert Path(digits_runs[0].config_path).is_file()


def test_json_keys_match_the_files():
    metrics = from_dict(Metrics, {"status": "finished", "remark": "few images", "added_later": 1})
    assert (metrics.status, metrics.note, metrics.epochs) == ("finished", "few images", None)
    assert to_dict(metrics)["remark"] == "few images"
