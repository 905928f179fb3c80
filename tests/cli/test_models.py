import json
import subprocess
import sys

import pytest

from cnnzoo import cards, cli


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cnnzoo", "models", *arguments])
    cli.main()


def test_every_network_has_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch)
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["name", "network", "year", "input", "parameters", "MACs", "paper"]
    assert [line.split()[0] for line in lines] == list(cards.cards())
    fields = ["lenet5", "LeNet-5", "1998", "32x32x1", "61,706", "416.5", "k", "LeCun,"]
    assert fields in [line.split()[:8] for line in lines]


def test_a_pattern_chooses(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "*1998")
    (line,) = capsys.readouterr().out.splitlines()[1:]
    fields = ["lenet5_1998", "LeNet-5", "1998", "32x32x1", "60,000", "328.1", "k", "LeCun,"]
    assert line.split()[:8] == fields


def test_json_is_one_object(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "lenet5", "--json")
    first = json.loads(capsys.readouterr().out)["models"][0]
    assert (first["name"], first["input_shape"], first["parameters"]) == ("lenet5", [32, 32, 1], 61_706)
    assert first["options"]["activation"]["enum"] == ["tanh", "relu"]


def test_no_match_suggests_the_nearest_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "lenett")
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    assert printed.err == "Error: No model's name fits 'lenett'. Did you mean 'lenet5'?\n"


def test_the_list_imports_no_keras() -> None:
    code = "import sys; sys.argv = ['cnnzoo', 'models']; from cnnzoo import cli; cli.main(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.splitlines()[-1].split()
    assert not {"keras", "numpy", "pydantic", "yaml", "matplotlib"} & set(modules)
