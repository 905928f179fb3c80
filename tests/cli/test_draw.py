import json
from pathlib import Path

import pytest
from commands import Cnnzoo


def test_by_default_the_picture_is_in_the_current_directory_under_the_networks_name(cnnzoo: Cnnzoo) -> None:
    answer = cnnzoo("draw", "lenet5")
    assert (answer.code, answer.out) == (0, "Picture: lenet5.svg\n")
    picture = Path("lenet5.svg").read_text(encoding="utf-8")
    for text in ("28x28x6", "Proceedings of the IEEE 86(11), 1998."):
        assert text in picture


def test_size_classes_and_options_can_be_chosen(cnnzoo: Cnnzoo) -> None:
    asked = ("--input", "28x28x3", "--classes", "7", "--option", "pooling=max")
    answer = cnnzoo("draw", "lenet5", *asked, "--output", "slides/net.svg", "--json")
    assert json.loads(answer.out) == {"path": "slides/net.svg"}
    picture = Path("slides/net.svg").read_text(encoding="utf-8")
    for text in (">28x28x3<", ">24x24x6<", ">2x2 max /2<", ">7<", ">lenet5, pooling=max<"):
        assert text in picture


def test_a_picture_named_png_is_a_png(cnnzoo: Cnnzoo) -> None:
    assert cnnzoo("draw", "lenet5_1998", "--full", "--output", "net.PNG").code == 0
    assert Path("net.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["lenet5", "--output", "net.pdf"], "--output net.pdf: a picture's name must end in .svg or .png."),
        (["lenet5", "--output", "net"], "--output net: a picture's name must end in .svg or .png."),
        (["lenet"], "There is no network named 'lenet'. Did you mean 'lenet5'?"),
        (["lenet5", "--input", "8x8x1"], "the network needs at least 16x16."),
        (
            ["lenet5", "--option", "poolin=max"],
            "--option poolin=max: lenet5 has no option 'poolin'. Did you mean 'pooling'?",
        ),
    ],
)
def test_a_mistake_ends_with_2_and_one_sentence(cnnzoo: Cnnzoo, arguments: list[str], sentence: str) -> None:
    answer = cnnzoo("draw", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines()[-1].endswith(sentence)
    assert list(Path().iterdir()) == []
