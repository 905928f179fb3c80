"""The commands of Go."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
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
        rb"=1 cnnzoo\n\n= 0\.17 [^\n]*, toy\n\n= %b\n\n=2 %b\n\n\? unknown command\n\n=\n(info move [^\n]*\n)+\n"
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
    assert answer.out.startswith("= cnnzoo\n\n=\ninfo move ")
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
