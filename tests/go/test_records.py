"""Game records: dialects of SGF, what is refused, and what is said about it."""

import os
from pathlib import Path

import numpy as np
import pytest
from games import make_record, play_random_game, to_sgf

from cnnzoo.errors import UserError
from cnnzoo.go.board import BLACK, PASS, WHITE
from cnnzoo.go.games import load
from cnnzoo.go.importing import import_games
from cnnzoo.go.records import Note, Reason, Record, Refusal, make_key, read_records
from cnnzoo.go.symmetries import inverses

MOVES = play_random_game(9, 60, 0)


def read(tmp_path, content):
    path = tmp_path / "game.sgf"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = read_records(path, "game.sgf")
    assert len(found) == 1
    return found[0]


def test_moves_and_details_are_read(tmp_path):
    details = "PB[Honinbo\\] Shusaku]PW[Gennan]BR[4d]WR[8d]DT[1846-09-11]RE[B+2]KM[0]HA[0]"
    record = read(tmp_path, to_sgf(MOVES, properties=details))
    assert isinstance(record, Record)
    assert (record.size, record.first, record.moves, record.setup, record.notes) == (9, BLACK, MOVES, (), ())
    assert record.details == {
        "black": "Honinbo] Shusaku",
        "white": "Gennan",
        "black_rank": "4d",
        "white_rank": "8d",
        "date": "1846-09-11",
        "result": "B+2",
        "komi": "0",
        "handicap": "0",
    }


def test_a_game_without_sz_is_on_19x19_and_a_pass_is_written_in_two_ways(tmp_path):
    record = read(tmp_path, "(;GM[1];B[pd];W[tt];B[];W[dp]DT[x])")
    assert record.size == 19
    assert record.moves == (3 * 19 + 15, PASS, PASS, 15 * 19 + 3)
    assert Note.NO_SIZE in record.notes


def test_only_the_main_line_is_taken(tmp_path):
    record = read(tmp_path, "(;SZ[9];B[aa](;W[bb];B[cc])(;W[dd]))")
    assert record.moves == (0, 10, 20)
    assert Note.VARIATIONS in record.notes


@pytest.mark.parametrize(
    ("text", "setup", "first"),
    [
        ("(;SZ[9]HA[2]AB[cc][gg];W[aa];B[bb])", ((20, BLACK), (60, BLACK)), WHITE),
        ("(;SZ[9]HA[2];AB[cc][gg];W[aa];B[bb])", ((20, BLACK), (60, BLACK)), WHITE),
        ("(;SZ[9]HA[2];B[cc];B[gg];W[aa];B[bb])", ((20, BLACK), (60, BLACK)), WHITE),
        ("(;SZ[9]AB[cc:dd]AW[gg]AE[dd];B[aa];W[bb])", ((20, 1), (21, 1), (29, 1), (60, WHITE)), BLACK),
    ],
)
def test_handicap_stones_are_set_up_however_they_are_written(text, setup, first, tmp_path):
    record = read(tmp_path, text)
    assert (record.setup, record.first, record.moves) == (setup, first, (0, 10))
    assert Note.SETUP in record.notes


def test_the_colours_of_the_moves_are_those_of_the_record(tmp_path):
    record = read(tmp_path, "(;SZ[9];B[aa];B[bb];W[cc])")
    assert record.moves == (0, PASS, 10, 20)
    assert Note.MOVED_TWICE in record.notes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (to_sgf(MOVES)[:-9], Reason.NOT_SGF),
        ("hello", Reason.NOT_SGF),
        ("", Reason.NOT_SGF),
        ("(;GM[2];B[aa])", Reason.OTHER_GAME),
        ("(;SZ[5];B[aa])", Reason.OTHER_SIZE),
        ("(;SZ[9];B[aa];AW[cc];B[dd])", Reason.LATE_SETUP),
    ],
)
def test_what_is_no_whole_game_of_go_is_refused(text, reason, tmp_path):
    refusal = read(tmp_path, text)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason


@pytest.mark.parametrize(
    ("encoding", "declared", "name", "notes"),
    [
        ("utf-8", "", "吴清源", ()),
        ("gb18030", "CA[gb18030]", "吴清源", ()),
        ("shift_jis", "CA[shift_jis]", "ソ連", ()),  # the second byte of its first character is a backslash
        ("latin-1", "CA[ISO-8859-1]", "Müller", ()),
        ("latin-1", "", "Müller", (Note.ENCODING,)),
        ("utf-16", "", "Müller", ()),
    ],
)
def test_names_are_read_in_their_encoding(encoding, declared, name, notes, tmp_path):
    record = read(tmp_path, to_sgf(MOVES, properties=f"{declared}PB[{name}]DT[2000]").encode(encoding))
    assert (record.details["black"], record.moves) == (name, MOVES)
    assert record.notes == notes


def test_moves_that_a_name_has_swallowed_are_found_and_the_guess_is_noted(tmp_path):
    """In Big5 the second byte of the last character is a backslash, which escapes the bracket behind it."""
    record = read(tmp_path, to_sgf(MOVES, properties="DT[2000]PB[許功蓋]").encode("big5"))
    assert record.moves == MOVES
    assert record.notes == (Note.GUESSED_ENCODING,)


def test_a_node_with_two_moves_ends_the_game(tmp_path):
    record = read(tmp_path, "(;SZ[9];B[aa]W[bb];B[cc])")
    assert (record.moves, Note.UNREADABLE_MOVE in record.notes) == ((), True)


def test_several_games_in_a_file_are_all_read(tmp_path):
    path = tmp_path / "games.sgf"
    path.write_text(to_sgf(MOVES) + "\n" + to_sgf(MOVES[:5]), encoding="utf-8")
    assert [record.file for record in read_records(path, "games.sgf")] == ["games.sgf", "games.sgf#2"]


def test_a_turned_game_has_the_same_key_and_another_game_has_not():
    record = make_record(MOVES, setup=[(80, WHITE)])
    for back in inverses(9):
        moves = [move if move == PASS else int(back[move]) for move in MOVES]
        assert make_key(make_record(moves, setup=[(int(back[80]), WHITE)])) == make_key(record)
    assert make_key(make_record(MOVES)) != make_key(record)
    assert make_key(make_record((*MOVES[:49], PASS))) != make_key(make_record(MOVES))
    assert make_key(make_record(MOVES[:55])) == make_key(make_record(MOVES))
    exchanged = (MOVES[2], MOVES[1], MOVES[0], *MOVES[3:])
    assert make_key(make_record(exchanged)) == make_key(make_record(MOVES))


def write(folder, **games):
    folder.mkdir(exist_ok=True)
    for name, text in games.items():
        (folder / f"{name}.sgf").write_text(text, encoding="utf-8")
    return folder


def test_an_import_says_what_was_taken_and_what_was_refused_and_why(tmp_path):
    turned = [move if move == PASS else int(inverses(9)[5][move]) for move in MOVES]
    folder = write(
        tmp_path / "club",
        good=to_sgf(MOVES),
        turned=to_sgf(turned),
        large=to_sgf(play_random_game(13, 60, 1), 13),
        short=to_sgf(play_random_game(9, 20, 2)),
        broken=to_sgf(MOVES)[:-3],
        twice=to_sgf([*play_random_game(9, 52, 3), *play_random_game(9, 52, 3)[-1:]]),
    )
    (folder / "readme.txt").write_text("hello", encoding="utf-8")
    games, summary = import_games([folder], size=9)
    assert [(record.file, len(record.moves)) for record in map(games.record, range(len(games)))] == [
        ("club/good.sgf", 60),
        ("club/twice.sgf", 52),
    ]
    assert {(refusal.file, refusal.reason) for refusal in summary.refused} == {
        ("club/turned.sgf", Reason.DUPLICATE),
        ("club/large.sgf", Reason.OTHER_SIZE),
        ("club/short.sgf", Reason.SHORT),
        ("club/broken.sgf", Reason.NOT_SGF),
    }
    assert summary.notes[Note.ILLEGAL_MOVE] == 1
    assert (summary.files, summary.games, summary.other_files, summary.by_collection) == (6, 2, 1, {"club": 2})


def test_of_equal_games_the_longest_is_kept(tmp_path):
    folder = write(tmp_path / "club", a=to_sgf(play_random_game(9, 80, 0)[:65]), b=to_sgf(play_random_game(9, 80, 0)))
    games, _ = import_games([folder], size=9)
    assert [games.record(0).file, len(games)] == ["club/b.sgf", 1]


def test_processes_read_the_same_games(tmp_path):
    folder = write(tmp_path / "club", **{f"game{seed}": to_sgf(play_random_game(9, 60, seed)) for seed in range(3)})
    alone, _ = import_games([folder], size=9, processes=1)
    together, _ = import_games([folder], size=9, processes=2)
    assert np.array_equal(alone.arrays.moves, together.arrays.moves)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nothing"], "There is no file or folder .*nothing"),
        (["empty"], r"empty has no SGF files: 1 file, none with a name that ends in \.sgf"),
        (["club", "other/club"], "Two folders are named club; rename one"),
        (["bad"], r"bad/bad\.sgf has no usable game: not SGF, or cut off"),
    ],
)
def test_an_import_without_games_is_refused(names, message, tmp_path):
    write(tmp_path / "club", good=to_sgf(MOVES))
    (tmp_path / "other").mkdir()
    write(tmp_path / "other" / "club", good=to_sgf(MOVES))
    write(tmp_path / "bad", bad="(;B[aa]")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "game.txt").touch()
    with pytest.raises(UserError, match=message):
        import_games([tmp_path / name for name in names], size=9)


def test_files_belong_to_the_collection_of_their_folder_however_many_there_are(tmp_path):
    folder = write(tmp_path / "club", **{f"game{seed}": to_sgf(play_random_game(9, 60, seed)) for seed in range(3)})
    for number in range(300):
        (folder / f"copy{number}.sgf").write_text("(;GM[2])", encoding="utf-8")
    games, summary = import_games(sorted(folder.iterdir()), size=9)
    assert (games.collections, len(games), len(summary.refused)) == (("club",), 3, 300)


def test_names_of_files_that_are_no_text_are_kept_as_escapes(tmp_path):
    folder = tmp_path / "club"
    folder.mkdir()
    for seed, name in enumerate((b"\xc4\xe3.sgf", b"two\nlines.sgf")):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(
            to_sgf(play_random_game(9, 60, seed)), encoding="utf-8"
        )
    games, _ = import_games([folder], size=9)
    games.save(tmp_path / "games.npz")
    assert sorted(load(tmp_path / "games.npz").details["file"]) == [r"club/\xc4\xe3.sgf", r"club/two\nlines.sgf"]
