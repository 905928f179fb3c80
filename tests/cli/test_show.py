import json
import sys

import pytest

from cnnzoo import cli


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cnnzoo", "show", *arguments])
    cli.main()


def test_the_table_has_the_layers_the_totals_the_paper_and_the_departures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "lenet5")
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines()]
    assert ["c1", "Conv2D", "[28x28x6]", "156", "117,600", "5x5"] in rows
    assert ["logits", "Dense", "[10]", "850", "840", "32x32"] in rows
    assert ["total", "61,706", "416,520"] in rows
    assert "Proceedings of the IEEE 86(11), 1998." in printed
    assert "Departs from the paper: every map of C3" in printed


def test_size_classes_and_options_are_those_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "lenet5", "--input", "28x28x3", "--classes", "7", "--option", "pooling=max", "--json")
    shown = json.loads(capsys.readouterr().out)
    assert (shown["input_shape"], shown["num_classes"]) == ([28, 28, 3], 7)
    assert shown["options"] == {"activation": "tanh", "pooling": "max"}
    layers = {layer["name"]: layer for layer in shown["layers"]}
    assert layers["images"]["output_shape"] == [28, 28, 3]
    assert layers["s2"]["kind"] == "MaxPooling2D"
    assert layers["logits"]["output_shape"] == [7]
    assert shown["parameters"] == sum(layer["parameters"] for layer in shown["layers"])


def test_no_classes_stop_at_the_features(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "lenet5", "--classes", "0", "--json")
    shown = json.loads(capsys.readouterr().out)
    assert (shown["num_classes"], shown["layers"][-1]["name"]) == (0, "features")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["lenet"], "There is no model named 'lenet'. Did you mean 'lenet5'?"),
        (["lenet5", "--input", "8x8x1"], "the smallest it can take is 16x16."),
        (["lenet5", "--input", "28x28"], "'28x28' is no size; write height, width and channels like 32x32x1."),
        (["lenet5", "--input", "0x28x1"], "'0x28x1' is no size; write height, width and channels like 32x32x1."),
        (["lenet5", "--classes", "-1"], "-1 is not in the range x>=0."),
        (["lenet5", "--option", "poolin=max"], "Model 'lenet5' has no option 'poolin'. Did you mean 'pooling'?"),
        (["lenet5", "--option", "pooling=maximum"], "--option pooling=maximum: the value must be average or max."),
        (["lenet5", "--option", "pooling"], "--option pooling: write it as key=value."),
    ],
)
def test_a_mistake_ends_with_2_and_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, *arguments)
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    assert printed.err.splitlines()[-1].endswith(sentence)
