"""Which runs count as a seed that is trained already."""

import pytest

from cnnzoo import runs
from cnnzoo.errors import UserError
from cnnzoo.sweeps.seeds import find_member


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
