"""Go games as a data set: which games are in which split, and what the positions are."""

import numpy as np
import pytest
from games import make_games

from cnnzoo import data
from cnnzoo.config import Config
from cnnzoo.errors import UserError
from cnnzoo.go.planes import encode

DATES = ("2015-01-02", "2016", "2016-07-01", "", "2017-03", "2017-03-05")


@pytest.fixture
def path(tmp_path):
    make_games(count=24, dates=DATES, collections=("masters", "club")).save(tmp_path / "games.npz")
    return tmp_path / "games.npz"


def make_config(path, **section):
    values = {"name": "go", "path": str(path), "size": 9, "validation": 4, "test": 5} | section
    return Config.model_validate({"model": {"name": "alphago_policy_small"}, "data": values})


def load(path, split="train", **section):
    return data.load(make_config(path, **section).data, split)


def games_of(subset):
    return set(subset.images.games_of(subset.indices).tolist())


def dates_of(subset):
    return {subset.images.games.dates[game] for game in games_of(subset)}


def test_training_validation_and_test_share_no_game_and_leave_none_out(path):
    config = make_config(path)
    training, validation = data.divide_training(config, data.load(config.data, "train"))
    test = data.load(config.data, "test")
    parts = [games_of(part) for part in (training, validation, test)]
    assert [len(part) for part in parts] == [15, 4, 5]
    assert set.union(*parts) == set(range(24))


def test_a_position_is_the_board_before_its_move_and_the_move_is_its_label(path):
    subset = load(path)
    games = subset.images.games
    for number in (0, 100, len(subset) - 1):
        index = subset.indices[number]
        game = int(subset.images.games_of(np.array([index]))[0])
        for turn, (board, move) in enumerate(games.record(game).boards()):
            if turn == index - games.arrays.starts[game]:
                planes = subset.images.take(np.array([index]))[0]
                assert np.array_equal(planes, encode(board))
                assert move == subset.labels[number]


def test_passes_are_no_positions(path):
    subset = load(path)
    assert subset.labels.max() < 81


def test_a_game_stays_in_its_split_when_others_are_added(tmp_path):
    def validated(count):
        make_games(count).save(tmp_path / f"{count}.npz")
        config = make_config(tmp_path / f"{count}.npz", validation=0.3, test=0.2)
        subset = data.divide_training(config, data.load(config.data, "train"))[1]
        return {subset.images.games.details["file"][game] for game in games_of(subset)}

    few, many = validated(20), validated(40)
    assert few == {name for name in many if int(name.removesuffix(".sgf")) < 20}
    assert len(many) > len(few)


@pytest.mark.parametrize(
    ("section", "training", "test"),
    [
        ({"test_from": 2017}, {"2015-01-02", "2016", "2016-07-01"}, {"2017-03", "2017-03-05"}),
        ({"test_from": "2016-06", "validation": 1}, {"2015-01-02"}, {"2016-07-01", "2017-03", "2017-03-05"}),
        ({"test_from": "2017-03-04"}, {"2015-01-02", "2016", "2016-07-01"}, {"2017-03-05"}),
        ({"test_from": 2017, "games_from": 2016}, {"2016", "2016-07-01"}, {"2017-03", "2017-03-05"}),
    ],
)
def test_games_are_divided_by_date_and_unclear_dates_are_left_out(section, training, test, path):
    subset = load(path, **section)
    assert dates_of(subset) == training
    assert dates_of(load(path, "test", **section)) == test
    left_out = sum(date not in training | test for date in DATES) * 4
    counted = [int(word) for note in subset.summary.notes for word in note.split() if word.isdigit()]
    assert sum(number for number in counted if number < 2000) == left_out


def test_collections_can_be_chosen_and_have_test_dates_of_their_own(path):
    assert games_of(load(path, collections=["club"], test=2, validation=2)) <= set(range(1, 24, 2))
    test = load(path, "test", test_from={"masters": 2017})
    assert {test.images.games.collection[game] for game in games_of(test)} == {0}
    assert test.note.endswith("games.npz (masters, club) from 2017 (masters) on")


def test_positions_to_measure_are_drawn_alike_each_time_and_the_note_says_from_what(path):
    test = load(path, "test", test_positions=20)
    assert np.array_equal(test.indices, load(path, "test", test_positions=20).indices)
    assert len(test) == 20
    assert test.note.startswith("20 of 1")
    assert "games.npz (masters, club)" in test.note
    config = make_config(path, validation_positions=10)
    assert len(data.divide_training(config, data.load(config.data, "train"))[1]) == 10


def test_positions_that_a_training_game_has_too_are_seen(path):
    subset = load(path)
    starts = subset.images.games.arrays.starts
    games = subset.images.games_of(subset.indices)
    training = subset.indices[games != games[0]]
    seen = subset.images.are_seen(subset.indices[games == games[0]], training)
    assert seen[0]
    assert subset.indices[0] == starts[games[0]]
    assert not seen[15:].any()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"size": 19}, r"games\.npz has games on 9x9 boards, and data\.size is 19"),
        ({"collections": ["pros"]}, r"games\.npz has no collection named pros; it has masters, club"),
        ({"test_from": {"pros": 2017}}, r"games\.npz has no collection named pros"),
        ({"test_from": 2030}, r"games\.npz has no test games: 20 games of 24 are left after data\.collections and"),
        ({"games_from": 2030}, r"games\.npz has no test games: 0 games of 24 are left"),
        ({"test": 0.001}, r"games\.npz has no test games|A test split of 0\.001 of 24 games"),
        ({"test": 30}, "A test split of 30 of 24 games leaves none for the other splits"),
        ({"path": "nothing.npz"}, r"There is no file .*nothing\.npz; make it with: cnnzoo go import"),
    ],
)
def test_a_section_that_does_not_fit_the_file_is_refused(section, message, path):
    with pytest.raises(UserError, match=message):
        load(**{"path": path} | section)


def test_a_folder_can_be_named_instead_of_the_sections(path, tmp_path):
    section = make_config("elsewhere/games.npz").data
    assert len(data.load(section, "train", tmp_path)) == len(load(path))
