import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import termios
from dataclasses import replace

import pytest

from cnnzoo import cli
from cnnzoo.cli.data import _explain
from cnnzoo.data import FileCheck
from cnnzoo.data.sets.mnist import MNIST

DOWNLOADED = ["mnist", "fashion_mnist", "cifar10", "cifar100"]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command as a person does; return the exit code, standard output and standard error."""

    def run_command(*arguments):
        monkeypatch.setattr(sys, "argv", ["cnnzoo", "data", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        return code, *capsys.readouterr()

    return run_command


def test_list_shows_every_set_and_where_it_is(run):
    code, out, err = run("list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert any(line.split()[:4] == ["mnist", "60,000", "+", "10,000"] for line in lines)
    assert lines[-6:-1] == [*(f"{name}: not here" for name in DOWNLOADED), "digits: inside scikit-learn"]
    assert "cnnzoo go import" in lines[-1]


def long_path(folder):
    """Make and return a directory with a path of several lines and spaces in it."""
    path = folder / " and ".join(["a long name"] * 6) / " or ".join(["another"] * 9)
    path.mkdir(parents=True)
    return path


def test_names_and_paths_stay_whole_on_a_narrow_terminal(tmp_path):
    folder = long_path(tmp_path)
    (folder / "train-labels-idx1-ubyte").write_bytes(b"broken")
    for arguments, expected in {
        ("list",): ["mnist", "fashion_mnist", f"mnist: {folder} (1 of 4 files)"],
        ("verify", "mnist"): [
            "mnist  train-labels-idx1-ubyte  wrong",
            f"  {folder}/train-labels-idx1-ubyte",
            f"Error: {folder}/train-labels-idx1-ubyte is not an idx file",
        ],
    }.items():
        lines = on_a_terminal(80, "-m", "cnnzoo", "data", *arguments, "--data-dir", str(folder)).splitlines()
        for words in expected:
            assert any(line.strip().startswith(words.strip()) for line in lines), (words, lines)


def on_a_terminal(columns, *arguments):
    """Return what Python prints to a terminal of that width, colours left out."""
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, columns))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=end, stderr=end, env=environment | {"TERM": "xterm"}
    ) as process:
        os.close(end)
        shown = b""
        with contextlib.suppress(OSError):  # Linux reports the end of a terminal as an error.
            while chunk := os.read(terminal, 4096):
                shown += chunk
    os.close(terminal)
    assert process.returncode in (0, 2)
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())


def test_list_as_json_is_one_object(run):
    code, out, _ = run("list", "--json")
    sets = {entry["name"]: entry for entry in json.loads(out)["data_sets"]}
    assert code == 0
    assert sets["digits"]["train_count"] == 1437
    assert sets["mnist"]["where"] is None


@pytest.mark.parametrize("arguments", [("verify", "digits"), ("verify",)])
def test_verify_accepts_right_files(run, arguments):
    code, out, err = run(*arguments)
    assert code == 0
    assert "right" in out
    skipped = [] if len(arguments) > 1 else DOWNLOADED
    assert err.splitlines() == [f"{name} was not found, so it was not checked." for name in skipped]


def test_verify_names_wrong_and_missing_files(run, tmp_path):
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(b"broken")
    code, out, err = run("verify", "mnist", "--data-dir", tmp_path, "--json")
    assert code == 2
    result = json.loads(out)
    assert result["right"] is False
    assert [file["status"] for file in result["files"]] == ["missing", "wrong", "missing", "missing"]
    assert f"{path} is not an idx file" in err
    assert "mnist is missing train-images-idx3-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte." in err
    assert f"To download again: cnnzoo data fetch mnist --data-dir {tmp_path}" in err


def test_the_advice_names_a_command_per_data_set_and_for_the_digits_scikit_learn(tmp_path):
    wrong = [FileCheck(name, "a", None, "wrong", "is damaged") for name in ("mnist", "cifar10")]
    commands = [f"cnnzoo data fetch {name} --data-dir {tmp_path}" for name in ("mnist", "cifar10")]
    assert f"\nTo download again: {'; '.join(commands)}" in _explain(wrong, tmp_path)
    digits = _explain([FileCheck("digits", "inside scikit-learn", None, "wrong", "is damaged")], None)
    assert "install scikit-learn again" in digits
    assert "data fetch" not in digits


def test_verify_without_a_name_checks_the_data_sets_in_the_directory(run, tmp_path):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"broken")
    code, out, err = run("verify", "--data-dir", tmp_path)
    assert code == 2
    assert "fashion_mnist" not in out
    assert "t10k-labels-idx1-ubyte.gz is not an idx file" in err


@pytest.mark.parametrize("arguments", [("list",), ("verify",), ("verify", "mnist"), ("verify", "digits")])
def test_a_missing_directory_is_refused(run, tmp_path, arguments):
    code, out, err = run(*arguments, "--data-dir", tmp_path / "nowhere")
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {tmp_path}/nowhere is not a directory.")
    assert f"`cnnzoo data fetch NAME --data-dir {tmp_path}/nowhere`" in err


def test_fetch_says_that_the_digits_are_here(run):
    assert run("fetch", "digits") == (0, "digits is inside scikit-learn: nothing to fetch.\n", "")
    assert json.loads(run("fetch", "digits", "--json")[1]) == {"data_set": "digits", "files": []}


def test_fetch_without_an_internet_connection_ends_with_the_message(run, tmp_path, monkeypatch, register_data_set):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    register_data_set(replace(MNIST, mirrors=("http://127.0.0.1:9/",), npz_mirrors=()))
    code, out, err = run("fetch", "mnist", "--data-dir", tmp_path / "a" / "new" / "place", "--json")
    assert (code, out) == (2, "")
    assert list(tmp_path.iterdir()) == []
    assert "MNIST is not here and could not be downloaded." in err
    assert "http://127.0.0.1:9/train-images-idx3-ubyte.gz: no connection" in err


def test_an_unknown_data_set_gets_the_nearest_name(run):
    code, _, err = run("fetch", "minst")
    assert code == 2
    assert err == "Error: There is no data set 'minst'. Did you mean 'mnist'?\n"
