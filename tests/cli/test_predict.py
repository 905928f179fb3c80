"""``cnnzoo predict``: images of every shape, folders of images, and pictures."""

import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from cnnzoo.classifier import metadata
from cnnzoo.classifier.metadata import Metadata

pytestmark = pytest.mark.slow


@pytest.fixture
def averages(cnnzoo):
    """An imported model in model.keras that takes the mean colour of 7x7 pixels for the logits of red, green, blue."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((7, 7, 3)), layers.AveragePooling2D(7), layers.Flatten()])
    model.save("model.keras")
    described = Metadata(
        title="averages",
        network="none",
        input_shape=(7, 7, 3),
        class_names=("red", "green", "blue"),
        shorter_side=8,
        source="nowhere",
        sha256="",
    )
    metadata.write(Path("model.keras"), described)
    return Path("model.keras")


def plain(path, colour="red", size=(9, 9)):
    Image.new("RGB", size, colour).save(path)
    return path


def predicted(answer):
    return json.loads(answer.out)["predictions"]


def test_an_image_of_any_shape_is_classified_and_drawn(cnnzoo, averages):
    sizes = [(1, 1), (1, 3000), (40_000, 2)]
    images = [plain(f"{width}x{height}.png", "lime", (width, height)) for width, height in sizes]
    answer = cnnzoo("predict", averages, *images, "--json")
    assert answer.code == 0, answer.err
    assert [found["top"][0]["class"] for found in predicted(answer)] == ["green"] * 3
    assert all(Path(found["picture"]).is_file() for found in predicted(answer))


def test_many_images_keep_their_order_and_the_first_ten_are_drawn(cnnzoo, averages):
    colours = ["red", "lime", "blue"] * 7
    images = [plain(f"{place:02}.png", colour) for place, colour in enumerate(colours)]
    images[5] = "none.png"
    answer = cnnzoo("predict", averages, *images, "--json")
    assert answer.code == 2
    found = predicted(answer)
    assert [entry["image"] for entry in found] == images
    right = [{"red": "red", "lime": "green", "blue": "blue"}[colour] for colour in colours]
    right[5] = None
    assert [entry["top"][0]["class"] if "top" in entry else None for entry in found] == right
    assert [place for place, entry in enumerate(found) if entry.get("picture")] == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert "Drew only the first 10 of 21 images; --pictures draws all" in answer.err


def test_logits_that_are_not_finite_do_not_stop_other_images(cnnzoo, averages):
    described = metadata.read(averages)
    model = keras.saving.load_model(averages)
    whole = keras.Sequential([model, keras.layers.Rescaling(1e38)])  # finite for a black image alone
    whole.save("model.keras")
    metadata.write(averages, described)
    answer = cnnzoo("predict", averages, plain("a.png", "black"), plain("b.png", "red"), "--json")
    assert answer.code == 2
    assert ["top" in found for found in predicted(answer)] == [True, False]
    assert "Error: b.png: the logits of model.keras are not finite for it." in answer.err


def test_pictures_are_written_to_output_or_left_out(cnnzoo, averages):
    images = [plain("a.png"), plain("b.png")]
    assert cnnzoo("predict", averages, *images, "--no-pictures").code == 0
    assert not Path("model-predictions").exists()
    answer = cnnzoo("predict", averages, *images, "--pictures", "--output", "here/pictures")
    assert answer.code == 0
    assert {path.name for path in Path("here/pictures").iterdir()} == {"a.png", "b.png"}
    assert not Path("model-predictions").exists()
    again = cnnzoo("predict", averages, images[0], "--output", "here/pictures")
    assert (again.code, "exists already" in again.err) == (2, True)
    both = cnnzoo("predict", averages, images[0], "--output", "new", "--no-pictures")
    assert (both.code, "--no-pictures draws none" in both.err) == (2, True)


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--pictures",), 2), (("--output", "file/pictures"), 2)])
def test_images_are_classified_even_if_no_picture_can_be_written(cnnzoo, averages, options, code):
    Path("model-predictions").write_text("")  # in the folder's place, which stops an administrator, too
    Path("file").write_text("")
    answer = cnnzoo("predict", averages, plain("a.png"), plain("b.png", "blue"), *options)
    assert answer.code == code, answer.err
    assert "a.png" in answer.out
    assert "b.png" in answer.out
    assert "Picture: " not in answer.out
    (sentence,) = answer.err.splitlines()
    assert "0 of 2 images drawn: " in sentence
    assert "cannot be written" in sentence


def test_a_run_that_another_process_has_locked_can_predict(cnnzoo, digits_runs):
    zero = np.zeros((28, 28), "uint8")
    zero[6:22, 12:16] = 255
    Image.fromarray(zero).save("one.png")
    with digits_runs[0].locked():
        answer = cnnzoo("predict", digits_runs[0].directory, "one.png", "--output", "pictures")
    assert answer.code == 0, answer.err
    assert "Picture: pictures/one.png" in answer.out


def test_the_images_of_a_folder_are_classified_and_other_files_are_named(cnnzoo, averages):
    Path("photos/more/.thumbnails").mkdir(parents=True)
    Path("empty").mkdir()
    images = [plain(Path("photos") / name) for name in ("a.PNG", "b.jpg", "more/c.gif")]
    plain("photos/more/.thumbnails/c.gif")
    Path("photos/notes.txt").write_text("")
    answer = cnnzoo("predict", averages, "photos", "empty", "--json")
    assert answer.code == 2
    assert [entry["image"] for entry in predicted(answer)] == [*map(str, images), "empty"]
    left_out = "files that are not images: 1 (.txt 1), such as notes.txt; system files and thumbnails: 1, such as more/"
    assert f"photos: 3 images; left out: {left_out}.thumbnails/c.gif\n" in answer.err
    assert "Error: empty is a folder in which no image can be found.\n" in answer.err


def test_the_error_for_a_weight_file_has_the_command_that_imports_it(cnnzoo):
    Path("net.pth").write_bytes(b"PK")
    answer = cnnzoo("predict", "net.pth", "a.png")
    assert answer.code == 2
    assert "cnnzoo weights import NETWORK net.pth --output net.keras" in answer.err


def test_a_run_among_the_images_is_refused(cnnzoo, digits_runs):
    answer = cnnzoo("predict", digits_runs[0].directory, digits_runs[1].directory)
    assert (answer.code, "is a run, not an image" in answer.err) == (2, True)


def test_names_of_any_characters_and_length_are_shown_and_drawn(cnnzoo, averages):
    names = [os.fsdecode(b"bytes\xff.png"), "line\nbreak\x1b[31m.png", "n" * 250 + ".png", "narrow\u202fspace é.png"]
    answer = cnnzoo("predict", averages, *map(plain, names))
    assert answer.code == 0, answer.err
    assert r"bytes\xff.png" in answer.out
    assert r"line\nbreak\x1b[31m.png" in answer.out
    assert "narrow\u202fspace é.png" in answer.out
    assert len(list(Path("model-predictions").iterdir())) == 4
