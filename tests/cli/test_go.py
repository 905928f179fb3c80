"""The commands of Go."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from games import play_random_game, to_sgf
from policies import save_policy


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return save_policy(tmp_path_factory.mktemp("go") / "toy.keras")


GAME = "(;SZ[9]PB[Anna <i>]PW[];B[ee];W[cc];B[gc];W[])"


@contextmanager
def standard_input(path, text):
    """Have the process read a text from its standard input."""
    path.write_text(text)
    kept = os.dup(0)
    with path.open("rb") as file:
        os.dup2(file.fileno(), 0)
    try:
        yield
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_a_network_plays_in_a_process_of_its_own_and_only_the_protocol_is_on_standard_output(toy):
    lines = b"1 name\r\nversion\n\n# nothing\ngenmove b\n2 genmove w\n\xff\nlz-analyze 10\nboardsize 19\n9 quit\nname\n"
    command = [sys.executable, "-m", "cnnzoo", "go", "gtp", str(toy), "--device", "cpu"]
    done = subprocess.run(command, input=lines, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    vertex = rb"[A-HJ][1-9]"
    expected = (
        rb"=1 cnnzoo toy\n\n= 0\.17 \([^\n]*\)\n\n= %b\n\n=2 %b\n\n\? unknown command\n\n=\n(info move [^\n]*\n)+\n"
        rb"\? unacceptable size: the model plays on 9x9\n\n=9 \n\n"
    )
    assert re.fullmatch(expected % (vertex, vertex), done.stdout), done.stdout
    assert re.fullmatch(rb"toy plays on 9x9 \(\w+, CPU, \d+ cores?\)\.\n", done.stderr)


def test_a_seed_is_printed_and_repeats_the_game(cnnzoo, toy, tmp_path):
    def play(*options):
        with standard_input(tmp_path / "input", 20 * "genmove b\ngenmove w\n"):
            answer = cnnzoo("go", "gtp", toy, *options)
        assert answer.code == 0, answer.err
        return answer

    first = play("--temperature", "1")
    seed = re.search(r"temperature 1, seed (\d+)\)", first.err)[1]
    assert play("--temperature", "1", "--seed", seed).out == first.out
    assert play().out == play("--temperature", "0").out != first.out
    assert play("--symmetries", "8").out != play().out


def test_the_end_of_the_input_ends_a_session(cnnzoo, toy, tmp_path):
    with standard_input(tmp_path / "input", "name\nanalyze"):
        answer = cnnzoo("go", "gtp", toy)
    assert answer.code == 0
    assert answer.out.startswith("= cnnzoo toy\n\n=\ninfo move ")
    assert answer.out.endswith("\n\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody",), "There is no run, no file and no shipped model 'nobody'."),
        (("text.txt",), "text.txt is no model that plays Go: it does not describe its board and planes."),
        (("toy.keras", "--temperature", "nan"), "--temperature nan: a temperature is a finite number from 0 on."),
        (("toy.keras", "--temperature", "-1"), "--temperature -1: a temperature is a finite number from 0 on."),
        (("toy.keras", "--seed", "3"), "--seed is for --temperature; without it, the likeliest move is played always."),
    ],
)
def test_a_mistake_is_one_sentence(arguments, sentence, cnnzoo, toy, tmp_path):
    (tmp_path / "text.txt").write_text("text")
    (tmp_path / "toy.keras").symlink_to(toy)
    answer = cnnzoo("go", "gtp", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"Error: {sentence}")
    assert answer.err.count("\n") == 1


def test_a_damaged_model_is_refused_before_a_game(cnnzoo, toy, tmp_path):
    content = bytearray(toy.read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / "damaged.keras").write_bytes(content)
    answer = cnnzoo("go", "gtp", "damaged.keras")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("Error: damaged.keras is damaged")


def test_a_prediction_is_a_table_and_a_picture_that_overwrites_none(cnnzoo, toy):
    Path("game.sgf").write_text(GAME)
    answer = cnnzoo("go", "show", "game.sgf", "3", "--model", toy, "--top", "4")
    assert answer.code == 0, answer.err
    assert answer.out.startswith("game.sgf, move 3 of 4: Black to move\n")
    assert len(re.findall(r"^ [1-4] +[A-HJ][1-9] +\d+\.\d\d", answer.out, re.MULTILINE)) == 4
    assert re.search(r"^Played: G7, rank \d+, \d+\.\d\d %$", answer.out, re.MULTILINE)
    assert answer.out.endswith("Picture: policy.png\n")
    again = json.loads(cnnzoo("go", "show", "game.sgf", "3", "--model", toy, "--symmetries", "8", "--json").out)
    assert (again["path"], again["played"], again["to_move"], len(again["top"])) == ("policy-2.png", "G7", "black", 5)
    assert again["top"][0]["probability"] >= again["probability"] > 0
    assert {path.name for path in Path().iterdir()} == {"game.sgf", "policy.png", "policy-2.png"}


def test_what_is_assumed_about_a_record_is_said(cnnzoo, toy):
    Path("game.sgf").write_text("(;SZ[9];B[ee];B[cc];W[gg](;B[dd])(;B[aa]))")
    answer = cnnzoo("go", "show", "game.sgf", "3", "--model", toy)
    assert "Note: a player moved twice in a row: a pass was inserted\n" in answer.err
    assert "Note: variations left out: the main line was taken\n" in answer.err
    assert "no date" not in answer.err


def test_moves_before_an_illegal_one_are_shown(cnnzoo, toy):
    Path("game.sgf").write_text("(;SZ[9];B[ee];W[cc];B[cc])")
    answer = cnnzoo("go", "show", "game.sgf", "2", "--model", toy)
    assert answer.out.startswith("game.sgf, move 2 of 2: White to move\n")
    assert "Note: cut at an illegal move\n" in answer.err


def test_the_picture_says_what_it_shows(cnnzoo, toy):
    Path("game.sgf").write_text(GAME)
    words = {}
    for move in ("2", "4", ""):
        answer = cnnzoo("go", "show", "game.sgf", *filter(None, [move]), "--model", toy, "--output", f"a{move}.svg")
        assert answer.code == 0, answer.err
        words[move] = re.findall(r"<!-- (.*?) -->", Path(f"a{move}.svg").read_text())
    second = words["2"]
    assert {"A", "J", "9", "the move played", "the move before", "probability of the next move in %"} <= set(second)
    assert "I" not in second
    assert "move 2 of 4: toy predicts White's move" in second
    assert any("Anna" in word and "against White" in word for word in second)
    assert "the move played" not in words["4"]
    assert (
        "Played: pass, which the network does not predict" in cnnzoo("go", "show", "game.sgf", "4", "--model", toy).out
    )
    assert "the move played" not in words[""]
    assert "the move before" not in words[""]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing.sgf",), "There is no file nothing.sgf."),
        (("game.sgf", "5"), "game.sgf has moves 1 to 4, not 5; leave the number out for the position at its end."),
        (("game.sgf", "0"), "Invalid value for '[MOVE]': 0 is not in the range x>=1."),
        (("cut.sgf",), "cut.sgf is damaged or is no game in SGF (unexpected end of SGF data)."),
        (("large.sgf",), "large.sgf has a board of 19x19, and toy plays on 9x9."),
        (("illegal.sgf", "2"), "illegal.sgf: move 2 at E5 is illegal: the point is occupied."),
        (("illegal.sgf",), "illegal.sgf: move 2 at E5 is illegal: the point is occupied."),
        (("game.sgf", "--output", "game.sgf"), "--output game.sgf: a picture's name must end in .png or .svg."),
        (("game.sgf", "--model", "nobody"), "There is no run, no file and no shipped model 'nobody'."),
    ],
)
def test_a_mistake_about_a_game_is_one_sentence_and_writes_nothing(arguments, sentence, cnnzoo, toy):
    games = {"game": GAME, "cut": GAME[:30], "large": "(;SZ[19];B[aa])", "illegal": "(;SZ[9];B[ee];W[ee])"}
    for name, text in games.items():
        Path(f"{name}.sgf").write_text(text)
    answer = cnnzoo("go", "show", "--model", toy, *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"Error: {sentence}")
    assert answer.err.count("\n") == 1
    assert len(list(Path().iterdir())) == len(games)


@pytest.fixture
def club(tmp_path):
    """A folder of game records: twelve good ones, one twice, and some that are refused."""
    folder = tmp_path / "club"
    folder.mkdir()
    texts = {f"game{seed}": to_sgf(play_random_game(9, 60, seed)) for seed in range(12)}
    texts |= {"again": texts["game3"], "cut_off": texts["game4"][:-9], "large": to_sgf([0, 1, 2], 13)}
    for name, text in texts.items():
        (folder / f"{name}.sgf").write_text(text, encoding="utf-8")
    return folder


def test_records_are_imported_with_a_table_of_what_was_refused(cnnzoo, club, tmp_path):
    output = tmp_path / "games.npz"
    answer = cnnzoo("go", "import", club, "--size", "9", "--output", output)
    assert answer.code == 0, answer.err
    assert answer.out.startswith("12 games with 720 moves, from 15 SGF files\n  club: 12 games\n")
    for row in (
        r"not SGF, or cut off\s+1  club/cut_off\.sgf \(unexpected end",
        r"a board of another size\s+1  club/large\.sgf \(13x13\)",
        r"the same game again, perhaps turned or mirrored\s+1  club/game3\.sgf \(as club/again\.sgf\)",
        r"no date\s+12  club/again\.sgf",
    ):
        assert re.search(row, answer.out), answer.out
    again = cnnzoo("go", "import", club, "--size", "9", "--output", output)
    assert (again.code, again.err) == (2, f"Error: --output {output} exists already; name a new file.\n")


def test_an_import_is_one_object_of_json_with_all_refusals(cnnzoo, club, tmp_path):
    answer = cnnzoo("go", "import", club, "--size", "9", "--output", tmp_path / "games.npz", "--json")
    described = json.loads(answer.out)
    assert (described["games"], described["collections"]) == (12, {"club": 12})
    assert {refusal["file"] for refusal in described["refused"]} == {
        "club/cut_off.sgf",
        "club/large.sgf",
        "club/game3.sgf",
    }


def test_an_import_of_nothing_writes_nothing(cnnzoo, tmp_path):
    (tmp_path / "empty").mkdir()
    output = tmp_path / "games.npz"
    answer = cnnzoo("go", "import", tmp_path / "empty", "--output", output)
    assert (answer.code, answer.err.count("\n"), output.exists()) == (2, 1, False)
    assert "has no SGF files" in answer.err


@pytest.mark.slow
def test_a_network_learns_from_imported_games_is_measured_and_plays(cnnzoo, club, tmp_path):
    output, run = tmp_path / "games.npz", tmp_path / "run"
    assert cnnzoo("go", "import", club, "--size", "9", "--output", output).code == 0
    config = tmp_path / "go.yaml"
    config.write_text(
        "model: {name: alphago_policy_small, filters: 4}\n"
        f"data: {{name: go, path: {output}, size: 9, validation: 2, test: 3}}\n"
        "augmentation: {symmetries: true}\n"
        "training: {epochs: 1, batch_size: 32}\n",
        encoding="utf-8",
    )
    trained = cnnzoo("train", "--config", config, "--run", run)
    assert trained.code == 0, trained.err
    assert "positions to train" in trained.out + trained.err
    assert "positions/s" in trained.out + trained.err
    measured = cnnzoo("eval", run)
    assert measured.code == 0, measured.err
    assert re.search(r"all +\d+ +3 ", measured.out), measured.out
    assert "not in training games" in measured.out
    refused = cnnzoo("predict", run, tmp_path / "photo.png")
    assert (refused.code, refused.err) == (
        2,
        "Error: run takes boards of Go, not images; use it with cnnzoo go show, go gtp and eval.\n",
    )
    with standard_input(tmp_path / "input", "genmove b\n"):
        played = cnnzoo("go", "gtp", run)
    assert re.fullmatch(r"= [A-HJ][1-9]\n\n", played.out)
