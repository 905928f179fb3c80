"""Which runs count as a seed that is trained already, and what the others are trained by."""

from pathlib import Path

import pytest

from cnnzoo import config as configs
from cnnzoo import runs
from cnnzoo.errors import UserError
from cnnzoo.sweeps.seeds import figures, find_member, train_seeds


def test_finished_runs_of_the_same_recipe_are_members_already(digits_runs):
    config, parent = digits_runs[0].config(), digits_runs[0].directory.parent
    found = [find_member(config.replaced(seed=seed), parent, any_backend=False) for seed in range(3)]
    assert found == [*digits_runs, None]
    other = config.replaced(training=config.training.model_copy(update={"epochs": 9}))
    assert find_member(other, parent, any_backend=True) is None


def test_a_member_that_another_process_is_training_is_not_trained_a_second_time(digits_runs, tmp_path):
    config = digits_runs[0].config().replaced(seed=7)
    run = runs.create(config, "digits", parent=tmp_path)
    with run.locked():
        with pytest.raises(UserError, match=rf"Seed 7 of this recipe is being trained .* in {run.directory}"):
            find_member(config, tmp_path, any_backend=True)
        assert find_member(config.replaced(seed=8), tmp_path, any_backend=True) is None
    assert find_member(config, tmp_path, any_backend=True) is None


def test_metrics_that_lack_a_figure_are_called_damaged(digits_runs, tmp_path):
    run = runs.create(digits_runs[0].config(), "digits", parent=tmp_path)
    run.write_metrics({"status": "finished", "epochs": 2})
    with pytest.raises(UserError, match=r"0001-digits/metrics\.json is damaged: it holds no best_epoch\."):
        figures(run)


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
def test_a_config_that_is_edited_meanwhile_trains_all_seeds_as_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("mine.yaml")
    path.write_text("model: {name: lenet5}\ndata: {name: digits}\ntraining:\n  epochs: 1\n  batch_size: 5000\n")
    heard = []

    def listen(name, line):
        heard.append(f"{name}: {line}")
        path.write_text("model: {name: none}")

    result = train_seeds(configs.load("mine.yaml"), range(2), heard=listen)
    mistake = "mine.yaml, line 5: training.batch_size: 5,000 is more than the 1,293 training images"
    assert [row["seed"] for row in result["failed"]] == [0, 1]
    for row in result["failed"]:
        assert row["reason"].startswith(mistake)
        assert f"seed {row['seed']}: Error: {mistake}; take as many or fewer." in heard
