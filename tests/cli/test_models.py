import json
import subprocess
import sys

import pytest

from cnnzoo import catalogue, cli


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cnnzoo", "models", *arguments])
    cli.main()


def test_every_network_has_a_line_under_its_paper(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch)
    printed = capsys.readouterr().out
    heading, _, title, paper, *lines = printed.splitlines()
    assert heading.split() == ["name", "input", "parameters", "MACs", "title"]
    assert title.startswith("1998  LeNet-5: convolution")
    assert paper.startswith("LeCun, Bottou, Bengio and Haffner")
    assert lines[0].split()[:5] == ["lenet5_1998", "32x32x1", "60,000", "328.1", "k"]
    assert lines[0].endswith("  LeNet-5 of 1998, with trainable subsampling and RBF output")
    assert {line.split()[0] for line in printed.splitlines() if line.startswith("  ")} >= set(catalogue.cards())


def test_every_title_is_whole_within_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")  # 80 characters, no colours
    run(monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    (deepest,) = (line for line in lines if line.startswith("  resnet152 "))
    assert deepest.split()[1:] == ["224x224x3", "60,192,808", "11.28", "G", "ResNet-152"]
    assert "    VGG-16 (configuration D)" in lines
    assert not [line for line in lines if line.endswith("…")]


def test_a_pattern_selects_networks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "*1998")
    printed = capsys.readouterr().out
    assert "  lenet5_1998  32x32x1" in printed
    assert "  lenet5  " not in printed


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
    assert printed.err == "Error: No network matches 'lenett'. Did you mean 'lenet5'?\n"


def test_the_list_imports_no_keras() -> None:
    code = "import sys; sys.argv = ['cnnzoo', 'models']; from cnnzoo import cli; cli.main(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.splitlines()[-1].split()
    assert not {"keras", "numpy", "pydantic", "yaml", "matplotlib"} & set(modules)
