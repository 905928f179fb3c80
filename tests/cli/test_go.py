"""The commands of Go."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
from policies import save_policy


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return save_policy(tmp_path_factory.mktemp("go") / "toy.keras")


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
    assert re.fullmatch(rb"toy plays on 9x9 \(tensorflow, CPU, \d+ cores?\)\.\n", done.stderr)


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
