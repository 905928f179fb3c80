"""Sweep files and sweep directories."""

from pathlib import Path

import pytest

from cnnzoo import config
from cnnzoo.config import load_sweep, parse_seeds
from cnnzoo.errors import UserError
from cnnzoo.jobs import sweep
from cnnzoo.runs import open_sweep

GRID = "config: digits\nmethod: grid\n"
RANDOM = "config: digits\nmethod: random\n"


@pytest.fixture
def sweep_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text):
        Path("sweep.yaml").write_text(text)
        return Path("sweep.yaml")

    return write


@pytest.mark.parametrize(
    ("text", "seeds"), [("0..4", [0, 1, 2, 3, 4]), ("0,3,7", [0, 3, 7]), ("5", [5]), ("7, 0..2", [7, 0, 1, 2])]
)
def test_seeds_are_ranges_and_lists(text, seeds):
    assert parse_seeds(text) == seeds


def test_a_grid_has_every_combination_and_sections_come_before_their_keys(sweep_file):
    plan = load_sweep(
        sweep_file(
            GRID + "keys:\n  optimizer.learning_rate: [0.1, 0.00001]\n  optimizer: [{name: sgd}, {name: adam}]\n"
        )
    )
    assert [point.settings for point in plan.points] == [
        [f"optimizer={{name: {name}}}", f"optimizer.learning_rate={rate}"]
        for rate in ("0.1", "1.0e-05")
        for name in ("sgd", "adam")
    ]
    for point in plan.points:
        assert config.load("digits", point.settings) == point.config


def test_a_sweep_continues_from_any_directory_with_the_same_paths(sweep_file, photos, monkeypatch):
    base = "config: mine.yaml\nmethod: grid\n"
    Path("mine.yaml").write_text("model: {name: lenet5}\ndata: {name: folder, path: photos, size: 32, channels: 1}\n")
    keys = "keys: {data.path: [photos], fine_tuning: [null, {weights: lenet5.keras}]}\n"
    begun = sweep.create_or_open(load_sweep(sweep_file(base + keys)), Path("sweep"))
    assert sweep.create_or_open(load_sweep(sweep_file(base + keys)), Path("sweep")).plan.points == begun.plan.points
    directory = begun.directory.absolute()
    monkeypatch.chdir("/")
    points = open_sweep(directory).plan.points
    assert [point.config for point in points] == [point.config for point in begun.plan.points]
    assert {point.config.data.path for point in points} == {str(photos)}
    assert points[1].config.fine_tuning.weights == str(photos.parent / "lenet5.keras")


def test_a_random_sweep_draws_the_same_points_unless_its_seed_changes(sweep_file):
    keys = "keys:\n  optimizer.learning_rate: {log_uniform: [1.0e-4, 1.0e-1]}\n  training.batch_size: [32, 64]\n"
    keys += "  training.label_smoothing: {uniform: [0, 0.5]}\n"
    values = [
        [point.values for point in load_sweep(sweep_file(f"{RANDOM}count: 200\nseed: {seed}\n{keys}")).points]
        for seed in (0, 0, 1)
    ]
    assert values[0] == values[1] != values[2]
    rates = [point["optimizer.learning_rate"] for point in values[0]]
    assert 1e-4 <= min(rates) < 2e-4 < 5e-2 < max(rates) <= 1e-1
    assert 60 < sum(rate < 10**-2.5 for rate in rates) < 140
    assert 60 < sum(point["training.label_smoothing"] < 0.25 for point in values[0]) < 140
    assert {point["training.batch_size"] for point in values[0]} == {32, 64}


def test_a_random_sweep_of_lists_draws_no_point_twice(sweep_file):
    plan = load_sweep(sweep_file(RANDOM + "count: 4\nkeys: {training.batch_size: [8, 16], training.epochs: [1, 2]}"))
    assert len({tuple(point.values.items()) for point in plan.points}) == 4


WRONG = {
    GRID + "keys: {optimizer.lr: [0.1]}": "line 3: optimizer.lr: the optimizer adam has no key 'lr'",
    GRID + "keys: {optimizer.learning_rate: [0.1, -1.0]}": "The point is optimizer.learning_rate=-1.0.",
    GRID + "keys: {training.epochs: []}": "line 3: keys.training.epochs: this list of values is empty",
    GRID + "keys: {training.epochs: 3}": "keys.training.epochs: write a list of values",
    GRID + "keys: {training.epochs: [3, 3]}": "3 appears twice",
    GRID + "keys: {training.epochs: {uniform: [1, 3]}}": "a grid needs a list of values",
    GRID + "keys: {training.epochs: {chioce: [1, 3]}}": "Did you mean 'choice'?",
    GRID + "keys: {}": "line 3: keys: a sweep needs at least one key",
    GRID + "keys: {seed: [0, 1]}": "write seeds: 0..2 beside keys",
    GRID + "keys: {data.name.x: [0, 1]}": "'name' is a value and has no keys below it",
    GRID + "count: 3\nkeys: {training.epochs: [1]}": "line 3: count: this is for method: random",
    GRID + "keys: {training.epochs: [1]}\nseeds: 4..1": "line 4: seeds: 4..1: 4..1 is in descending order",
    GRID + "keys: {training.epochs: [1]}\nsedes: 0..1": "line 4: sedes: there is no such key. Did you mean 'seeds'?",
    GRID + f"keys: {{training.epochs: {list(range(1, 102))}}}\nseeds: 0..9": "these are 1,010 trainings",
    RANDOM + "keys: {training.epochs: [1]}": "random needs count",
    RANDOM + "count: 3\nkeys: {training.epochs: [1, 2]}": "there are only 2 combinations",
    RANDOM + "count: 3\nkeys: {augmentation.shift: {uniform: [2, 1]}}": "the lower one first",
    RANDOM + "count: 3\nkeys: {augmentation.shift: {log_uniform: [0, 1]}}": "greater than 0",
    "config: digts\nmethod: grid\nkeys: {training.epochs: [1]}": "line 1: config: There is no config digts",
    "config: digits\nmethod: gird\nkeys: {training.epochs: [1]}": "Did you mean 'grid'?",
    "": "a sweep needs config, method and keys",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_in_a_sweep_file_is_an_error_before_anything_is_trained(text, sweep_file):
    with pytest.raises(UserError) as raised:
        load_sweep(sweep_file(text))
    assert WRONG[text] in str(raised.value)
    assert str(raised.value).startswith("sweep.yaml")


def test_a_directory_continues_only_its_own_sweep(sweep_file, tmp_path):
    Path("mine.yaml").write_text("model: {name: lenet5}\ndata: {name: digits}\n")
    text = "config: mine\nmethod: grid\nkeys: {training.epochs: [1, 2]}\n"
    begun = sweep.create_or_open(load_sweep(sweep_file(text)), tmp_path / "sweep")
    again = sweep.create_or_open(load_sweep(sweep_file(f"# a comment\n{text}")), tmp_path / "sweep")
    assert again.plan.points == begun.plan.points
    with pytest.raises(UserError, match="contains a different sweep"):
        sweep.create_or_open(load_sweep(sweep_file(text + "seeds: 0..1")), tmp_path / "sweep")
    Path("mine.yaml").write_text("model: {name: lenet5}\ndata: {name: digits}\noptimizer: {name: sgd}\n")
    with pytest.raises(UserError, match="contains a different sweep"):
        sweep.create_or_open(load_sweep(sweep_file(text)), tmp_path / "sweep")
    Path("mine.yaml").unlink()
    assert open_sweep(tmp_path / "sweep").plan.points == begun.plan.points
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match="other is not a sweep"):
        sweep.create_or_open(begun.plan, tmp_path / "other")
