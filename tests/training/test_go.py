"""Trainings on positions of Go."""

from dataclasses import replace

import numpy as np
import pytest
from games import make_games
from trainings import Snapshots, state

from cnnzoo import runs
from cnnzoo.classifier import metadata
from cnnzoo.classifier.policy import open_policy
from cnnzoo.cli.options import load_config
from cnnzoo.config import Config
from cnnzoo.errors import UserError
from cnnzoo.evaluation import evaluate
from cnnzoo.go.board import Board
from cnnzoo.go.planes import SPECIFICATION
from cnnzoo.training import resume, train

SETTINGS = {
    "model": {"name": "alphago_policy_small", "filters": 8, "hidden_layers": 2},
    "augmentation": {"symmetries": True},
    "training": {"epochs": 2, "batch_size": 16, "steps_per_epoch": 6, "checkpoint_steps": 2},
}


def make_config(tmp_path, data=None, **sections):
    path = tmp_path / "games.npz"
    if not path.exists():
        make_games(count=12, collections=("masters", "club")).save(path)
    section = {"name": "go", "path": str(path), "size": 9, "validation": 2, "test": 3} | (data or {})
    return Config.model_validate({**SETTINGS, **sections, "data": section})


@pytest.mark.every_backend
def test_16_positions_are_learned_to_the_last_one(tmp_path):
    """The smallest proof that planes, symmetries, labels and loss belong together."""
    make_games(count=3, moves=16).save(tmp_path / "games.npz")
    config = make_config(
        tmp_path,
        {"validation": 1, "test": 1},
        model={"name": "alphago_policy_small"},
        augmentation={},
        optimizer={"name": "adam", "learning_rate": 0.002},
        training={"epochs": 1, "batch_size": 16, "steps_per_epoch": 150},
    )
    run, _ = train(config, directory=tmp_path / "run")
    report = evaluate(run, "train").report
    assert (report.images, report.correct) == (16, 16)


@pytest.mark.every_backend
@pytest.mark.slow
def test_a_training_that_was_killed_ends_in_the_same_bits(tmp_path):
    config = make_config(tmp_path, optimizer={"name": "muon"})
    snapshots = Snapshots(tmp_path / "run", tmp_path, [(2, 4)])
    whole, _ = train(config, directory=tmp_path / "run", listener=snapshots)
    again, _ = resume(runs.Run(snapshots.path((2, 4))))
    assert state(again) == state(whole)


def test_a_trained_model_plays_without_its_run(tmp_path):
    run, metrics = train(make_config(tmp_path), directory=tmp_path / "run")
    described = metadata.read_board(run.model_path)
    assert (described.size, described.planes, described.network) == (9, SPECIFICATION, "alphago_policy_small")
    assert described.source == "7 games of games.npz (masters, club)"
    assert metrics["data"]["games"] == {"training": 7, "validation": 2, "test": 3}
    probabilities = open_policy(run.model_path)(Board(9))
    assert probabilities.shape == (81,)
    assert probabilities.sum() == pytest.approx(1)


def test_a_run_is_measured_in_all_on_unseen_positions_by_collection_and_by_move(tmp_path):
    run, _ = train(make_config(tmp_path, {"test": 6}), directory=tmp_path / "run")
    evaluation = evaluate(run)
    groups = {group.name: group for group in evaluation.groups}
    assert list(groups) == [
        "all",
        "not in training games",
        "masters",
        "club",
        "moves 1 to 10",
        "moves 11 to 30",
    ]
    every, unseen = groups["all"], groups["not in training games"]
    assert (every.positions, every.games) == (evaluation.report.images, 6)
    assert 0 < every.positions - unseen.positions < 60  # the first moves
    assert every.single.accuracy == evaluation.report.accuracy
    assert sum(groups[name].positions for name in ("masters", "club")) == every.positions
    assert run.groups_path("test").is_file()
    assert not run.confusion_path("test").exists()
    assert evaluation.to_dict()["groups"][0]["averaged"]["loss"] == every.averaged.loss


def test_the_average_over_symmetries_is_the_same_for_a_turned_board(tmp_path):
    """Each turned board is one of the eight boards of the other, so that only the places of the points differ."""
    run, _ = train(make_config(tmp_path), directory=tmp_path / "run")
    policy = open_policy(run.model_path, symmetries=8)
    board, turned = Board(9), Board(9)
    for point in (10, 40, 3):
        board.play(point)
        turned.play(point % 9 * 9 + point // 9)
    expected = policy(board).reshape(9, 9).T.ravel()
    assert np.allclose(policy(turned), expected, atol=1e-6)
    assert not np.allclose(open_policy(run.model_path)(turned), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"augmentation": {"mirror": True}}, "augmentation.mirror: boards of Go can only be turned and mirrored"),
        ({"augmentation": {"mixup": 0.2}}, "augmentation.mixup: boards of Go can only be turned and mirrored"),
        ({"preprocessing": {"pad": 2}}, "preprocessing: boards of Go are planes of 0 and 1"),
        ({"model": {"name": "lenet5"}, "data": {"size": 7}}, "games on 9x9 boards, and data.size is 7"),
    ],
)
def test_settings_that_do_not_suit_boards_are_refused(sections, message, tmp_path):
    with pytest.raises(UserError, match=message):
        train(make_config(tmp_path, **sections), directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_images_have_no_symmetries():
    with pytest.raises(UserError, match=r"augmentation\.symmetries: .* has images, not boards of Go"):
        train(load_config("digits", ("augmentation={symmetries: true}",)))


def test_networks_that_vote_on_positions_are_one_ensemble(tmp_path):
    from cnnzoo.ensembles import combine_runs

    members = [train(make_config(tmp_path, seed=seed), directory=tmp_path / f"run{seed}")[0] for seed in (0, 1)]
    ensemble = combine_runs(members)
    assert ensemble.probabilities.shape == (len(ensemble.labels), 81)
    assert ensemble.write(tmp_path / "vote") == []
    every, unseen, *_ = ensemble.result.groups
    assert (every.name, unseen.name) == ("all", "not in training games")
    assert every.single.accuracy == pytest.approx(ensemble.result.soft_vote)
    assert every.games == 3


def test_networks_of_other_games_vote_without_a_row_of_unseen_positions(tmp_path):
    from cnnzoo.ensembles import combine_runs

    configs = [make_config(tmp_path), make_config(tmp_path, data={"validation": 3})]
    members = [train(config, directory=tmp_path / f"run{number}")[0] for number, config in enumerate(configs)]
    assert "not in training games" not in {group.name for group in combine_runs(members).result.groups}


def test_a_run_is_not_measured_on_other_games_or_other_planes(tmp_path):
    config = make_config(tmp_path)
    run, _ = train(config, directory=tmp_path / "run")
    kept = (tmp_path / "games.npz").read_bytes()
    make_games(count=13, collections=("masters", "club")).save(tmp_path / "games.npz")
    with pytest.raises(UserError, match=r"games\.npz has changed since .*run was trained on it"):
        evaluate(run)
    (tmp_path / "games.npz").write_bytes(kept)
    described = metadata.read_board(run.model_path)
    metadata.write(run.model_path, replace(described, planes="alphago47: other bins"))
    with pytest.raises(UserError, match=r"takes other planes \(alphago47: other bins\)"):
        evaluate(run)


def test_each_split_says_which_positions_it_has(tmp_path):
    run, _ = train(make_config(tmp_path, {"test_positions": 20}), directory=tmp_path / "run")
    assert evaluate(run, "test").report.note == "20 of 90 positions, from 3 games of games.npz (masters, club)"
    assert evaluate(run, "validation").report.note.endswith("validation positions of games.npz")
    assert evaluate(run, "train").report.note == "20 of 210, drawn at random; train positions of games.npz"
