"""Games from files: what is read, and mistakes in a sentence."""

import random
import sys

import numpy as np
import pytest
from gtp import uniform

from cnnzoo.errors import UserError
from cnnzoo.go.board import BLACK, PASS, WHITE
from cnnzoo.go.game import Move
from cnnzoo.go.prediction import find_position, predict_move
from cnnzoo.go.sgf_game import read_game, replay

GAME = "(;FF[4]GM[1]SZ[9]KM[6.5]PB[Anna\n Lee]PW[Bo];B[ee](;W[cc];B[gc];W[];B[ii])(;W[dd]))"


def save(folder, text, name="game.sgf"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def replay_all(path):
    record = read_game(path)
    return replay(record, len(record.moves))


def test_the_main_line_is_read_with_players_and_komi(tmp_path):
    record = read_game(save(tmp_path, GAME))
    players = record.details["black"], record.details["white"]
    assert (record.size, players, record.komi) == (9, ("Anna Lee", "Bo"), 6.5)
    assert (record.first, record.moves) == (BLACK, (40, 20, 24, PASS, 80))
    game = replay(record, 3)
    assert game.moves == [Move(BLACK, 40), Move(WHITE, 20), Move(BLACK, 24)]
    assert (game.board.to_move, game.komi) == (WHITE, 6.5)


def test_a_handicap_is_set_up_and_white_moves_first_unless_the_file_says_otherwise(tmp_path):
    handicap = read_game(save(tmp_path, "(;SZ[9]HA[2]AB[cc][gg])"))
    assert (handicap.setup, handicap.first) == (((20, BLACK), (60, BLACK)), WHITE)
    assert replay(handicap, 0).board.placed[20] is None
    assert read_game(save(tmp_path, "(;SZ[9]AB[cc]PL[B])")).first == BLACK
    assert read_game(save(tmp_path, "(;SZ[9];W[cc])")).first == WHITE


def test_a_record_may_repeat_a_position(tmp_path):
    ko = "AB[ba][ab][cb][bc]AW[ca][db][cc]PL[W]"
    record = read_game(save(tmp_path, f"(;SZ[9]{ko};W[bb];B[];W[];B[cb])"))
    assert len(replay(record, 4).moves) == 4


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("(;SZ[9];B[aa];W[b", "game.sgf is damaged or is no game in SGF (unexpected end of SGF data)."),
        ("hello", "game.sgf is damaged or is no game in SGF ("),
        ("", "game.sgf is damaged or is no game in SGF ("),
        ("(;SZ[9];B[aa];W[zz])", "game.sgf is damaged: move 2 cannot be read."),
        ("(;SZ[9]AB[zz];B[aa])", "game.sgf is damaged or is no game in SGF (set-up stones"),
        ("(;SZ[nine];B[aa])", "game.sgf is damaged or is no game in SGF ("),
        ("(;GM[2];B[aa])", "game.sgf is a record of another game than Go, GM[2]."),
        ("(;SZ[5];B[aa])", "game.sgf has a board of 5x5; a board has 7 to 19 points a side."),
        ("(;SZ[21];B[aa])", "game.sgf has a board of 21x21; a board has 7 to 19 points a side."),
        ("(;SZ[9];B[aa];AW[cc])", "game.sgf sets stones up after its first move; only games without that are read."),
        ("(;SZ[9];B[aa];W[aa])", "game.sgf: move 2 at A9 is illegal: the point is occupied."),
        ("(;SZ[9]AB[ab][ba]AW[aa])", "game.sgf: at the beginning, the stones leave a chain without liberties."),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(content, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = save(tmp_path, content).relative_to(tmp_path)
    with pytest.raises(UserError) as error:
        replay_all(path)
    assert str(error.value).startswith(sentence)


def test_a_missing_file_or_reader_is_named(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"There is no file .*nothing\.sgf"):
        read_game(tmp_path / "nothing.sgf")
    monkeypatch.setitem(sys.modules, "sgfmill", None)
    with pytest.raises(UserError, match=r"install it with: pip install 'cnnzoo\[go\]'"):
        read_game(save(tmp_path, GAME))


def test_changed_bytes_are_read_or_refused(tmp_path):
    generator, refused = random.Random(0), 0
    for _ in range(300):
        content = bytearray(GAME.encode())
        for _ in range(generator.randint(1, 6)):
            content[generator.randrange(len(content))] = generator.randrange(256)
        try:
            replay_all(save(tmp_path, bytes(content)))
        except UserError:
            refused += 1
    assert 30 < refused < 300


def test_a_prediction_ranks_the_played_move_among_the_legal_points(tmp_path):
    record = read_game(save(tmp_path, GAME))
    shares = [0.0] * 81
    shares[40], shares[0], shares[1], shares[24] = 0.5, 0.3, 0.15, 0.05  # the first point is occupied at move 3

    def policy(board):
        assert board.to_move == BLACK
        return np.array(shares)

    third = predict_move(find_position(record, 3), policy)
    assert (third.legal[:3], third.rank, third.played, third.last) == ((0, 1, 24), 3, 24, Move(WHITE, 20))
    assert third.illegal_share == pytest.approx(0.5)
    first = predict_move(find_position(record, 1), policy)
    assert (first.rank, first.last, first.illegal_share) == (1, None, pytest.approx(0))
    with pytest.raises(UserError, match="has moves 1 to 5, not 6; leave the number out"):
        find_position(record, 6)
    with pytest.raises(UserError, match="has no moves, not 1"):
        find_position(read_game(save(tmp_path, "(;SZ[9])")), 1)


def test_a_pass_and_the_end_of_a_record_have_no_rank(tmp_path):
    record = read_game(save(tmp_path, GAME))

    fourth, end = predict_move(find_position(record, 4), uniform), predict_move(find_position(record, None), uniform)
    assert (fourth.played, fourth.rank, fourth.board.to_move) == (PASS, None, WHITE)
    assert (end.number, end.played, end.rank, end.board.to_move) == (6, None, None, WHITE)
