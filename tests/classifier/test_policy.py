"""A saved network as a policy of Go."""

import shutil

import numpy as np
import pytest
from boards import play_at_random
from policies import save_policy

from cnnzoo import config, files, runs
from cnnzoo.classifier import metadata
from cnnzoo.classifier.metadata import BoardMetadata
from cnnzoo.classifier.policy import find_source, open_policy
from cnnzoo.errors import UserError
from cnnzoo.go import planes
from cnnzoo.go.board import Board
from cnnzoo.go.symmetries import SYMMETRIES, permutations


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return save_policy(tmp_path_factory.mktemp("policy") / "toy.keras")


def turn(board, symmetry):
    """Return a board whose points come from others, as ``permutations`` says."""
    row = permutations(board.size)[symmetry]
    turned = board.copy()
    turned.stones = [board.stones[point] for point in row]
    turned.placed = [board.placed[point] for point in row]
    turned.ko = None if board.ko is None else int(np.argsort(row)[board.ko])
    return turned


@pytest.mark.every_backend
def test_a_policy_is_the_softmax_of_the_network_on_the_planes(path):
    policy = open_policy(path)
    *_, (board, _) = play_at_random(9, 30, seed=1)
    logits = policy.model.predict(planes.encode(board)[None], verbose=0)[0].astype(float)
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert policy(board) == pytest.approx(expected, abs=1e-5)
    assert policy(board).sum() == pytest.approx(1, abs=1e-6)
    assert policy(board).max() > 2 / 81


def test_the_average_over_symmetries_turns_with_the_board_and_a_single_form_does_not(path):
    policy, single = open_policy(path, symmetries=8), open_policy(path)
    *_, (board, _) = play_at_random(9, 25, seed=2)
    for symmetry in range(SYMMETRIES):
        turned, row = turn(board, symmetry), permutations(9)[symmetry]
        assert policy(turned) == pytest.approx(policy(board)[row], abs=1e-5)
    assert not np.allclose(single(turn(board, 5)), single(board)[permutations(9)[5]], atol=1e-3)
    mean = np.mean([single(turn(board, s))[np.argsort(permutations(9)[s])] for s in range(SYMMETRIES)], axis=0)
    assert policy(board) == pytest.approx(mean, abs=1e-5)


def test_the_metadata_of_a_board_are_read_back_and_are_not_those_of_photographs(path):
    assert metadata.read_board(path) == BoardMetadata(
        title="toy", network="alphago_policy_small", size=9, planes=planes.SPECIFICATION, source="nothing"
    )
    assert metadata.read(path) is None


def test_a_source_that_is_too_long_is_refused(path):
    with pytest.raises(UserError, match="source of the model long is too long"):
        metadata.write(path, BoardMetadata(title="long", network="", size=9, planes="", source=70_000 * "a"))
    assert metadata.read_board(path).title == "toy"


def test_models_that_do_not_fit_are_refused_in_a_sentence(tmp_path):
    other = save_policy(tmp_path / "other.keras", planes="minigo17")
    with pytest.raises(UserError, match=r"other\.keras takes other planes \(minigo17\) than"):
        open_policy(other)
    metadata.write(other, BoardMetadata(title="a", network="", size=13, planes=planes.SPECIFICATION))
    with pytest.raises(UserError, match="it maps 9x9x48 to 81 values, not 13x13x48 to 169"):
        open_policy(other)(Board(13))
    metadata.write(other, BoardMetadata(title="a", network="", size=5, planes=planes.SPECIFICATION))
    with pytest.raises(UserError, match="no model that plays Go"):
        open_policy(other)
    (tmp_path / "text.keras").write_text("text")
    with pytest.raises(UserError, match=r"text\.keras is no model that plays Go"):
        open_policy(tmp_path / "text.keras")
    with pytest.raises(UserError, match=r"There is no file .*nothing\.keras"):
        open_policy(tmp_path / "nothing.keras")


def test_a_board_of_another_size_is_refused(path):
    with pytest.raises(UserError, match="toy plays on 9x9, not on 19x19"):
        open_policy(path)(Board(19))


def test_logits_that_are_not_finite_are_refused(tmp_path):
    policy = open_policy(save_policy(tmp_path / "broken.keras"))
    last = policy.model.get_layer("conv6")
    last.set_weights([np.nan * weights for weights in last.get_weights()])
    with pytest.raises(UserError, match=r"broken\.keras gives logits that are not finite"):
        policy(Board(9))


def test_a_source_is_a_path_before_it_is_a_shipped_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alphago_policy_small").write_bytes(b"")
    assert str(find_source("alphago_policy_small")) == "alphago_policy_small"
    with pytest.raises(UserError, match="There is no run, no file and no shipped model 'nobody'"):
        find_source("nobody")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="folder is not a run"):
        find_source("folder")


def test_a_finished_run_plays_and_an_unfinished_one_only_if_it_may(path, tmp_path):
    run = runs.create(config.load("digits"), "go", tmp_path / "run")
    shutil.copy(path, run.model_path)
    with pytest.raises(UserError, match="run is unfinished"):
        find_source(str(run.directory))
    assert find_source(str(run.directory), unfinished=True).model_path == run.model_path
    files.write_json(run.metrics_path, {"status": "finished"})
    policy = open_policy(find_source(str(run.directory)))
    assert policy(Board(9)) == pytest.approx(open_policy(path)(Board(9)))
