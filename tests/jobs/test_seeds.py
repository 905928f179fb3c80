"""Several seeds of a config: which runs count as trained, and how the others are trained."""

import shutil
from pathlib import Path

import pytest

from cnnzoo import config as configs
from cnnzoo import runs
from cnnzoo.errors import UserError
from cnnzoo.jobs.listener import Listener
from cnnzoo.jobs.seeds import check_not_in_training, figures, find_member, train_seeds


class Lines(Listener):
    def __init__(self):
        self.lines = []

    def show_line(self, name, text):
        self.lines.append(f"{name}: {text}")


def test_finished_runs_of_the_same_recipe_count_as_members(digits_runs):
    config, parent = digits_runs[0].config(), digits_runs[0].directory.parent
    found = [find_member(config.replaced(seed=seed), parent, any_backend=False) for seed in range(3)]
    assert found == [*digits_runs, None]
    other = config.replaced(training=config.training.model_copy(update={"epochs": 9}))
    assert find_member(other, parent, any_backend=True) is None


def test_a_member_that_another_process_is_training_is_not_trained_twice(digits_runs, tmp_path):
    config = digits_runs[0].config().replaced(seed=7)
    run = runs.create(config, "digits", parent=tmp_path)
    with run.locked():
        with pytest.raises(UserError, match=rf"Another process is training seed 7 of this config in {run.directory}"):
            check_not_in_training(config, tmp_path, any_backend=True)
        check_not_in_training(config.replaced(seed=8), tmp_path, any_backend=True)
        other = "jax" if config.runtime.backend == "tensorflow" else "tensorflow"
        elsewhere = config.replaced(runtime=config.runtime.model_copy(update={"backend": other}))
        check_not_in_training(elsewhere, tmp_path, any_backend=False)
        with pytest.raises(UserError, match="Another process is training"):
            check_not_in_training(elsewhere, tmp_path, any_backend=True)
    check_not_in_training(config, tmp_path, any_backend=True)


def test_metrics_without_one_of_the_figures_are_damaged(digits_runs, tmp_path):
    run = runs.create(digits_runs[0].config(), "digits", parent=tmp_path)
    run.write_metrics({"status": "finished", "epochs": 2})
    with pytest.raises(UserError, match=r"0001-digits/metrics\.json is damaged: it has no best_epoch\."):
        figures(run)
    run.write_metrics(digits_runs[0].metrics() | {"validation_loss": None})
    with pytest.raises(UserError, match=r"it has no validation_loss\."):
        figures(run)


def test_damaged_figures_are_an_error_before_other_seeds_are_trained(digits_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(digits_runs[0].directory, "runs/0001-digits")
    run = runs.Run(Path("runs/0001-digits"))
    run.write_metrics({key: value for key, value in run.metrics().items() if key != "seconds"})
    listener = Lines()
    with pytest.raises(UserError, match=r"it has no seconds\."):
        train_seeds(run.config(), range(2), listener=listener)
    assert listener.lines == []


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
def test_all_seeds_use_the_config_as_it_was_loaded_when_the_file_is_edited_meanwhile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("mine.yaml")
    path.write_text("model: {name: lenet5}\ndata: {name: digits}\ntraining:\n  epochs: 1\n  batch_size: 5000\n")
    config = configs.load("mine.yaml")
    path.write_text("model: {name: none}")
    listener = Lines()
    result = train_seeds(config, range(2), listener=listener)
    mistake = "mine.yaml, line 5: training.batch_size: 5,000 is more than the 1,293 training images"
    assert [row["seed"] for row in result["failed"]] == [0, 1]
    for row in result["failed"]:
        assert row["reason"].startswith(mistake)
        assert f"seed {row['seed']}: Error: {mistake}; take at most 1,293." in listener.lines
