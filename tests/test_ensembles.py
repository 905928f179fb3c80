import re

import numpy as np
import pytest

from cnnzoo import ensembles, runs
from cnnzoo.config import load as load_config
from cnnzoo.errors import UserError
from cnnzoo.evaluation import Predictions, evaluate


def member(*rows, labels=(0, 0, 0)):
    return Predictions(np.array(rows, "float32"), np.array(labels, "int32"))


SURE = member([0.9, 0.1], [0.9, 0.1], [0.4, 0.6])
SLIGHTLY_WRONG = member([0.4, 0.6], [0.45, 0.55], [0.4, 0.6])


def test_soft_vote_weighs_certainty_and_hard_vote_counts_heads():
    result = ensembles.combine([SURE, SLIGHTLY_WRONG, SLIGHTLY_WRONG])
    assert result["accuracies"] == pytest.approx([2 / 3, 0, 0])
    assert result["mean"] == pytest.approx(2 / 9)
    assert result["standard_deviation"] == pytest.approx(np.std([2 / 3, 0, 0], ddof=1))
    assert result["soft_vote"] == pytest.approx(2 / 3)
    assert result["hard_vote"] == 0
    assert result["gain"] == pytest.approx(100 * (2 / 3 - 2 / 9))
    assert result["standard_error"] == pytest.approx(100 * (2 / 9 * 7 / 9 / 3) ** 0.5)


def test_equal_counts_are_decided_by_probability():
    result = ensembles.combine([SURE, SLIGHTLY_WRONG])
    assert result["hard_vote"] == pytest.approx(2 / 3)


def test_one_member_has_no_deviation_and_no_gain():
    result = ensembles.combine([SURE])
    assert result["standard_deviation"] is None
    assert result["gain"] == 0


def test_members_of_different_data_cannot_vote_together():
    with pytest.raises(UserError, match="cannot vote together"):
        ensembles.combine([SURE, member([0.9, 0.1], [0.9, 0.1], [0.4, 0.6], labels=(0, 0, 1))])


def test_runs_on_different_data_or_classes_cannot_vote_together(tmp_path):
    def run(name, settings):
        config = load_config("digits", [f"data={settings}"])
        return runs.create(config, name, tmp_path / name)

    fine, coarse, cats = (
        run("fine", "{name: cifar100}"),
        run("coarse", "{name: cifar100, labels: coarse}"),
        run("cats", "{name: folder, path: photos, classes: [cat, dog]}"),
    )
    cows = run("cows", "{name: folder, path: photos, classes: [cat, cow]}")
    for pair, reason in (
        ((fine, coarse), "they were trained on CIFAR-100 and CIFAR-100, coarse labels."),
        ((fine, cats), "they were trained on CIFAR-100 and photos."),
        ((cats, cows), f"{cats.directory} (2 classes) and {cows.directory} (2 classes) do not know the same classes."),
    ):
        with pytest.raises(UserError, match=re.escape(f"These runs cannot vote together: {reason}")):
            ensembles.combine_runs(pair)


def test_an_ensemble_reports_its_members_as_eval_does(digits_runs, tmp_path):
    result = ensembles.combine_runs(digits_runs).write(tmp_path / "ensemble")
    alone = [evaluate(run)["accuracy"] for run in digits_runs]
    assert [row["accuracy"] for row in result["members"]] == pytest.approx(alone)
    assert result["report"]["accuracy"] == result["soft_vote"]
    for name in ("ensemble.json", "ensemble.png", "predictions-test.npz", "confusion-test.png"):
        assert (tmp_path / "ensemble" / name).is_file()
