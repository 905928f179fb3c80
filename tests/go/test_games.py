"""Files of games, and positions computed from their moves."""

import json

import numpy as np
import pytest
from games import make_games, make_record, play_random_game

from cnnzoo.errors import UserError
from cnnzoo.go import records
from cnnzoo.go.board import BLACK, PASS, WHITE
from cnnzoo.go.compiled import replay
from cnnzoo.go.games import Games, load
from cnnzoo.go.planes import encode
from cnnzoo.go.symmetries import inverses


def test_games_are_the_same_after_saving_and_loading(tmp_path):
    setup = [(40, BLACK), (41, WHITE)]
    chosen = [
        (0, make_record(play_random_game(9, 60, 1), date="2001", black="吴清源")),
        (1, make_record(play_random_game(9, 8, 2)[:3], setup=setup, first=WHITE, result="W+R")),
        (1, make_record([0, PASS, PASS, 80])),
    ]
    games = Games.from_records(9, ["masters", "club"], chosen)
    games.save(tmp_path / "games.npz")
    loaded = load(tmp_path / "games.npz")
    assert [loaded.record(number) for number in range(3)] == [record for _, record in chosen]
    assert (loaded.collections, loaded.collection.tolist(), loaded.size) == (("masters", "club"), [0, 1, 1], 9)
    assert np.array_equal(loaded.keys, games.keys)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2001-05-03", "2001-05-03"),
        ("1846-09-11,14,15", "1846-09-11"),
        ("2001-05-03~2001-05-04", "2001-05-03"),
        ("Circa 1600s", "1600"),
        ("May 2001", "2001"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_the_date_of_a_game_is_the_first_in_its_text(text, date):
    assert Games.from_records(9, ["a"], [(0, make_record([0], date=text))]).dates == [date]


def test_a_missing_or_damaged_file_is_named(tmp_path):
    path = tmp_path / "games.npz"
    with pytest.raises(UserError, match=r"There is no file .*; make it with: cnnzoo go import"):
        load(path)
    make_games(3).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:200] + b"?" + content[201:])
    with pytest.raises(UserError, match="is damaged"):
        load(path)
    np.savez(path, pixels=np.zeros(3))
    with pytest.raises(UserError, match="is not a file of `cnnzoo go import`"):
        load(path)
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(UserError, match="is damaged"):
        load(path)


@pytest.mark.parametrize(
    ("part", "value", "problem"),
    [
        ("rows", np.full(90, 5, np.int8), "points outside of the board"),
        ("lengths", np.array([30, 30, 29], np.uint16), "different lengths"),
        ("first", np.array([1, -1, 0], np.int8), "stones of no colour"),
        ("collection", np.array([0, 0, 1], np.uint16), "unknown collection"),
        ("text_date", np.frombuffer(b"2001", np.uint8), "different lengths"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(part, value, problem, tmp_path):
    path = tmp_path / "games.npz"
    make_games(3).save(path)
    with np.load(path) as parts:
        np.savez(path, **{**parts, part: value})
    with pytest.raises(UserError, match=problem):
        load(path)


def test_a_file_of_a_later_format_is_refused(tmp_path):
    path = tmp_path / "games.npz"
    make_games(3).save(path)
    with np.load(path) as parts:
        facts = json.loads(parts["facts"].tobytes()) | {"format": "cnnzoo go games 2"}
        np.savez(path, **{**parts, "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)})
    with pytest.raises(UserError, match="has the format 'cnnzoo go games 2'"):
        load(path)


def test_illegal_moves_are_found_by_both_forms_of_the_rules():
    ko = [(1, BLACK), (9, BLACK), (19, BLACK), (2, WHITE), (12, WHITE), (20, WHITE)]
    for moves, setup, first, legal in (
        ([0, 1, 0], (), BLACK, 2),  # occupied
        ([80, 0], [(1, BLACK), (9, BLACK)], BLACK, 1),  # suicide
        ([10, 11, 10, 80], ko, WHITE, 2),  # the ko is taken back at once
        ([10, 11, 50, 60, 10, 80], ko, WHITE, 6),  # and after a threat
        ([0, PASS, PASS, 1], (), BLACK, 4),
    ):
        record = make_record(moves, setup=setup, first=first)
        assert records.count_legal(record) == replay.count_legal(record) == legal


def test_the_planes_of_any_move_are_those_of_the_board_before_it():
    setup = [(40, BLACK), (41, WHITE), (0, BLACK)]
    moves = (10, 11, PASS, 30, 31, 32, 33, 12)
    games = Games.from_records(
        9, ["a"], [(0, make_record(play_random_game(9, 70, 4))), (0, make_record(moves, setup=setup, first=WHITE))]
    )
    indices = np.array([77, 3, 69, 70, 72, 0, 35])
    packed = replay.encode_moves(games, indices)
    for index, planes in zip(indices, np.unpackbits(packed, axis=-1), strict=True):
        record, turn = games.record(int(index >= 70)), index if index < 70 else index - 70
        for number, (board, _) in enumerate(record.boards()):
            if number == turn:
                assert np.array_equal(planes, encode(board))


def test_equal_positions_have_equal_hashes_whoever_has_black():
    moves = play_random_game(9, 50, 5)
    turned = [move if move == PASS else int(inverses(9)[6][move]) for move in moves]
    exchanged = make_record(moves, first=WHITE)
    other = make_record(play_random_game(9, 50, 6))
    games = Games.from_records(
        9, ["a"], [(0, each) for each in (make_record(moves), make_record(turned), exchanged, other)]
    )
    first, second, third, fourth = replay.hash_positions(games).reshape(4, 50)
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)
    assert len(np.unique(first)) == 50
    assert first[0] == fourth[0]  # the empty board
    assert not set(first[10:]) & set(fourth[10:])


def test_a_hash_depends_on_who_is_to_move():
    setup = [(0, BLACK), (1, WHITE)]
    games = Games.from_records(
        9, ["a"], [(0, make_record([40, 41], setup=setup, first=first)) for first in (BLACK, WHITE)]
    )
    black, _, white, _ = replay.hash_positions(games)
    assert black != white


def test_a_hash_of_a_capture_is_that_of_the_stones_that_are_left():
    captured = make_record([9, 80], setup=[(1, BLACK), (0, WHITE)], first=BLACK)
    without = make_record([80], setup=[(1, BLACK), (9, BLACK)], first=WHITE)
    hashes = replay.hash_positions(Games.from_records(9, ["a"], [(0, captured), (0, without)]))
    assert hashes[1] == hashes[2]
