"""The commands of the lab: each once right, and its mistakes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnzoo import data

RIGHT = {
    "convolve": ("Output:\n  12 12 17\n  10 17 19\n   9  6 14\n", "convolution.png"),
    "convolve --stride 2 --output a.svg": ("Number of rows: (5 - 3) / 2 + 1 = 2\n", "a.svg"),
    "convolve --image 1,2,3,4 --kernel 1,0 --padding same": ("Number of columns: (4 + 0 + 1 - 2) / 1 + 1 = 4\n", ""),
    "convolve --flip --output a.gif": ("Convolution, the kernel flipped.\n", "a.gif"),
    "pool --kind average": ("Output:\n    6  13\n    9 2.5\n", "pooling.png"),
    "matrix": ("Convolution: 36 connections that share 9 weights.\nDense layer: 64 connections", "matrix.png"),
    "dense-to-conv": ("Convolution: 3 weights + 1 bias = 4, on 12 connections", "dense-to-conv.png"),
    "filter --kernel sharpen": ("Kernel: sharpen, 3x3, sum 1\n", "filter.png"),
    "one-by-one googlenet_small": ("inception_3a_3x3_reduce", "one-by-one.png"),
    "receptive lenet5": ("Image: 32x32 pixels\n", "receptive.png"),
}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", RIGHT)
def test_a_command_prints_its_numbers_and_writes_its_picture(arguments, cnnzoo):
    sentence, picture = RIGHT[arguments]
    answer = cnnzoo("lab", *arguments.split())
    assert answer.code == 0, answer.err
    assert sentence in answer.out
    assert f"Picture: {picture}" in answer.out
    assert "\nLecture: " in answer.out
    with_json = cnnzoo("lab", *arguments.replace("--output a", "--output b").split(), "--json")
    assert Path(json.loads(with_json.out)["path"]).is_file()


def test_an_animation_has_a_frame_for_each_step_and_a_strip_says_what_it_leaves_out(cnnzoo):
    numbers = " ".join(map(str, range(14)))
    with_strip = cnnzoo("lab", "convolve", "--image", numbers, "--kernel", "1 1 1")
    assert "The picture shows 9 of the 12 steps; a .gif shows all." in with_strip.out
    cnnzoo("lab", "convolve", "--image", numbers, "--kernel", "1 1 1", "--output", "all.gif")
    with Image.open("all.gif") as animation:
        assert animation.n_frames == 12


@pytest.mark.slow
def test_a_trained_model_is_looked_into(cnnzoo, digits_runs):
    run, other = (run.directory for run in digits_runs)
    Image.fromarray(data.load("digits", "test").pixels[0, ..., 0]).save("digit.png")
    for arguments, key in {
        ("kernels", run): "standard_deviation",
        ("features", run, "digit.png", "--layer", "c1"): "layers",
        ("excite", run, "logits", "3"): "filters",
        ("saliency", run, "digit.png", "--class", "7"): "occlusion",
        ("embed", run, "--images", "40"): "trustworthiness",
        ("equivariance", run, other, "--shift", "2", "--images", "50"): "runs",
    }.items():
        answer = cnnzoo("lab", *arguments)
        assert answer.code == 0, answer.err
        assert f"Picture: {arguments[0]}.png" in answer.out
        result = json.loads(cnnzoo("lab", *arguments, "--json").out)
        assert {key, "path"} <= result.keys()
        assert f"Picture: {arguments[0]}-3.png" in cnnzoo("lab", *arguments).out  # no picture is overwritten
    folder = Path("images")
    folder.mkdir()
    for index, pixels in enumerate(data.load("digits", "test").pixels[:12, ..., 0]):
        Image.fromarray(pixels).save(folder / f"{index}.png")
    (folder / "notes.txt").write_text("no image")
    answer = cnnzoo("lab", "equivariance", run, "--folder", folder, "--shift", "1", "--output", "same.png")
    assert "12 images in images" in answer.out
    assert "left out: files that are not images: 1 (.txt 1), such as notes.txt" in answer.out
    assert "same class %" in answer.out
    assert "Each image has the class that the model predicts." in cnnzoo("lab", "embed", run, "--folder", folder).out
    few = cnnzoo("lab", "embed", run, "--images", "40", "--output", "few.png")
    assert "Note: 40 of 144 validation images, evenly spaced" in few.out


WRONG = {
    "convolv": "Did you mean 'convolve'?",
    "convolve --image 1,x": "--image: 'x' is not a number; write numbers like",
    "convolve --image nothing.txt": "'nothing.txt' is not a number, and there is no such file",
    "convolve --kernel rows.txt": "--kernel: rows.txt: Row 2 has 1 numbers and row 1 has 2; make them equal.",
    "convolve --kernel bytes.npy": "--kernel: bytes.npy: it is not a matrix of numbers, as text or .npy",
    "convolve --stride 0": "The stride must be a whole number of at least 1, not 0.",
    "convolve --padding some": "'some' is not a padding",
    "convolve --dilation 9": "does not fit into 5 pixels",
    "convolve --output a.txt": "must end in .png or .svg or .gif",
    "convolve --padding 500": "each from 0 to 20",
    "convolve --image 1e308,1e308 --kernel 1e308,1": "A sum is too large for a floating-point number",
    "pool --image wide.txt --size 2 --stride 1": "1,089 pixels with the padding and 1,024 steps cannot be shown",
    "convolve --output taken.png": "taken.png exists already",
    "dense-to-conv --stride 1,2": "A convolution in one dimension has one stride",
    "filter text.png": "text.png is not an image",
    "filter --kernel egde": "there is no such kernel, and no such file. Did you mean 'edge'?",
    "one-by-one lenet5": "lenet5 has no 1x1 convolution",
    "one-by-one lenet": "Did you mean 'lenet5'?",
    "receptive lecture_dense": "lecture_dense has no convolution and no pooling",
    "kernels nothing": "There is no run nothing",
    "features RUN none.png": "none.png",
    "features RUN digit.png --layer c9": "lenet5 has no layer 'c9'",
    "features RUN digit.png --layer logits": "--layer logits: its output is not a map",
    "excite RUN c1 6": "Layer 'c1' has the filters 0 to 5, not 6.",
    "excite RUN images 0": "lenet5 has no layer 'images'",
    "kernels nothing.keras": "There is no file nothing.keras",
    "excite RUN cc 0": "lenet5 has no layer 'cc'",
    "saliency RUN digit.png --class x": "has no such class",
    "embed RUN --layer feature": "Did you mean 'features'?",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_a_mistake_gives_a_one_line_error(arguments, cnnzoo, digits_runs):
    Path("text.png").write_text("no image")
    Path("rows.txt").write_text("1 2\n3\n")
    Path("bytes.npy").write_bytes(b"\x93NUMPY nothing")
    Path("taken.png").write_text("")
    Path("wide.txt").write_text("\n".join(["1 " * 33] * 33))
    Image.fromarray(np.eye(28, dtype="uint8") * 255).save("digit.png")
    before = sorted(Path.cwd().rglob("*"))
    words = [str(digits_runs[0].directory) if word == "RUN" else word for word in arguments.split()]
    answer = cnnzoo("lab", *words)
    assert (answer.code, answer.out) == (2, ""), answer.err
    assert WRONG[arguments] in answer.err
    assert "Traceback" not in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert sorted(Path.cwd().rglob("*")) == before
