import json
import sys
from dataclasses import replace

import pytest

from cnnzoo import catalogue, cli
from cnnzoo.cli import output, show
from cnnzoo.inspection import LayerRow, NetworkSummary


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cnnzoo", "show", *arguments])
    cli.main()


def test_the_table_has_the_layers_the_totals_the_paper_and_the_departures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "lenet5")
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines()]
    assert ["c1", "Conv2D", "5x5", "[28x28x6]", "156", "117,600", "5x5", "18.4", "KiB"] in rows
    assert ["logits", "Dense", "[10]", "850", "840", "32x32", "40", "B"] in rows
    assert ["total", "61,706", "416,520", "37.2", "KiB"] in rows
    assert "Proceedings of the IEEE 86(11), 1998." in printed
    assert "Departs from the paper: every map of C3" in printed


def test_the_summary_and_the_options_with_values_and_defaults_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "lenet5")
    printed = capsys.readouterr().out
    assert "LeNet-5 as it is usually built today" in printed
    assert "LeNet-5: convolution, subsampling and shared weights" in printed
    rows = [" ".join(line.split()) for line in printed.splitlines()]
    assert "option default values meaning" in rows
    assert 'pooling average average or max Kind of subsampling: "average" as in 1998, or "max".' in rows


def test_an_option_of_any_type_states_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    options = {
        "batch_norm": {"type": "boolean", "default": False},
        "hidden_units": {"type": ["integer", "null"], "default": None, "description": "Of fc6."},
        "pooling": {"enum": ["max", None], "default": "max"},
    }
    output.print_table(output.results(), show._list_options(replace(catalogue.card("lenet5"), options=options)))
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()[2:]]
    assert rows == [
        "batch_norm false true or false",
        "hidden_units null a whole number or null Of fc6.",
        "pooling max max or null",
    ]


def test_names_kinds_and_numbers_stay_whole_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")  # 80 characters, no colours
    run(monkeypatch, "lenet5_1998")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    row = ["c3", "5x5", "[10x10x16]", "1,516", "150,000", "14x14", "6.25", "KiB"]
    assert row in [line.split() for line in lines]

    long = LayerRow(
        "inception_4e_5x5_reduce",
        "GlobalAveragePooling2D",
        (112, 112, 64),
        1,
        1,
        118_013_952,
        (224, 224),
        (0, 0),
        (0, 0),
    )
    summary = NetworkSummary("deep", (long,))
    narrowest = show._list_layers(summary, narrow=True, windows=False)
    output.print_table(output.results(), show._list_layers(summary), show._list_layers(summary, narrow=True), narrowest)
    lines = capsys.readouterr().out.splitlines()
    row = ["inception_4e_5x5_reduce", "[112x112x64]", "1", "118,013,952", "224x224", "3.06", "MiB"]
    assert lines[2].split() == row


def test_size_classes_and_options_can_be_chosen(
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
    assert shown["parameters"] == sum(layer["trainable_parameters"] for layer in shown["layers"])


def test_no_classes_stop_at_the_features(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "lenet5", "--classes", "0", "--json")
    shown = json.loads(capsys.readouterr().out)
    assert (shown["num_classes"], shown["layers"][-1]["name"]) == (0, "features")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["lenet"], "There is no network named 'lenet'. Did you mean 'lenet5'?"),
        (["lenet5", "--input", "8x8x1"], "the network needs at least 16x16."),
        (["lenet5", "--input", "28x28"], "'28x28' is not a size; write height, width and channels like 28x28x1."),
        (["lenet5", "--input", "0x28x1"], "'0x28x1' is not a size; write height, width and channels like 28x28x1."),
        (["lenet5", "--classes", "-1"], "-1 is not in the range x>=0."),
        (
            ["lenet5", "--option", "poolin=max"],
            "--option poolin=max: lenet5 has no option 'poolin'. Did you mean 'pooling'?",
        ),
        (
            ["lenet5", "--option", "pooling=maximum"],
            "--option pooling=maximum: pooling must be 'average' or 'max', not 'maximum'.",
        ),
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
    assert printed.err.removesuffix(" Help: cnnzoo show --help\n").rstrip().endswith(sentence)
    assert printed.err.startswith("Error: ")
    assert printed.err.count("\n") == 1


@pytest.mark.slow
def test_alexnet_has_the_lines_of_the_lecture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "alexnet")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    shapes = {row[0]: next(word for word in row if word.startswith("[")) for row in rows if "[" in " ".join(row)}
    lecture = {
        "conv1": "[55x55x96]",
        "pool1": "[27x27x96]",
        "conv2": "[27x27x256]",
        "pool2": "[13x13x256]",
        "conv3": "[13x13x384]",
        "conv4": "[13x13x384]",
        "conv5": "[13x13x256]",
        "pool3": "[6x6x256]",
        "fc6": "[4096]",
        "fc7": "[4096]",
        "logits": "[1000]",
    }
    assert lecture.items() <= shapes.items()


def test_two_networks_are_compared_layer_by_layer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "googlenet", "--compare", "googlenet_without_reductions")
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines()]
    assert ["inception_3a_5x5_reduce", "[28x28x16]", "3,088", "2,408,448"] in rows
    assert [
        "inception_3a_5x5",
        *("[28x28x32]", "12,832", "10,035,200"),
        *("[28x28x32]", "153,632", "120,422,400"),
    ] in rows
    assert (
        "googlenet_without_reductions has 2.79 times the MACs of googlenet: 4,413,702,144 to 1,582,671,872." in printed
    )


def test_the_comparison_is_one_json_object(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "lenet5", "--compare", "lenet5_1998", "--json")
    shown = json.loads(capsys.readouterr().out)
    assert (shown["parameters"], shown["compared_with"]["parameters"]) == (61_706, 60_000)
    assert shown["activation_bytes"] == sum(layer["activation_bytes"] for layer in shown["layers"])
