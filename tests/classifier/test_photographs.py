import json
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw

from cnnzoo import data, files
from cnnzoo.classifier import LARGEST_UNCOMPILED_BATCH, Classifier, metadata
from cnnzoo.classifier.metadata import Metadata
from cnnzoo.classifier.photographs import _Album, predict, read_photograph
from cnnzoo.errors import UserError
from cnnzoo.runs import Run

pytestmark = pytest.mark.slow


def classifier(images):
    return Classifier(Path(), "nobody", images)


DIGITS = classifier(data.describe("digits"))


def save(pixels, path):
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def digit():
    """A real digit of the test images, light on dark, 28x28."""
    return data.load("digits", "test").pixels[3, ..., 0]


def test_an_image_of_the_networks_size_is_not_changed(digit, tmp_path):
    seen = read_photograph(save(digit, tmp_path / "digit.png"), DIGITS)
    assert np.array_equal(seen.pixels[..., 0], digit)
    assert seen.ink == "light"


def test_dark_ink_on_light_paper_is_inverted_unless_stated(digit, tmp_path):
    path = save(255 - digit, tmp_path / "digit.png")
    assert np.array_equal(read_photograph(path, DIGITS).pixels[..., 0], digit)
    assert read_photograph(path, DIGITS).ink == "dark"
    assert np.array_equal(read_photograph(path, DIGITS, "light").pixels[..., 0], 255 - digit)


def drawn(tmp_path, name, mode="RGB", ground="white", ink="black", box=(400, 20, 520, 260)):
    image = Image.new(mode, (640, 360), ground)
    ImageDraw.Draw(image).rectangle(box, fill=ink)
    path = tmp_path / name
    image.save(path)
    return path


@pytest.mark.parametrize(
    ("name", "mode", "ground", "ink"),
    [
        ("a.png", "RGB", "white", "black"),
        ("a.jpg", "RGB", "#e8e4d8", "#1a2a66"),
        ("a.png", "L", 20, 250),
        ("a.png", "RGBA", (0, 0, 0, 0), (0, 0, 0, 255)),
        ("a.png", "P", 0, 1),
        ("a.png", "1", 1, 0),
    ],
)
def test_a_stroke_anywhere_in_a_large_image_is_centred_in_mnists_box(name, mode, ground, ink, tmp_path):
    if mode == "P":
        path = tmp_path / name
        image = Image.new("P", (640, 360), 0)
        image.putpalette([255, 255, 255, 0, 0, 0] + [0] * 762)
        ImageDraw.Draw(image).rectangle((400, 20, 520, 260), fill=1)
        image.save(path)
    else:
        path = drawn(tmp_path, name, mode, ground, ink)
    pixels = read_photograph(path, DIGITS).pixels[..., 0]
    rows, columns = np.flatnonzero(pixels.max(axis=1) > 60), np.flatnonzero(pixels.max(axis=0) > 60)
    assert rows[-1] - rows[0] + 1 == pytest.approx(20, abs=1)
    assert columns[-1] - columns[0] + 1 == pytest.approx(10, abs=1)
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(13.5, abs=1)
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(13.5, abs=1)


@pytest.mark.parametrize("ink", [(0, 0, 0, 255), (255, 255, 255, 255), (250, 240, 40, 255)])
def test_ink_of_any_colour_shows_on_a_transparent_ground(ink, tmp_path):
    clear = drawn(tmp_path, "clear.png", "RGBA", (*ink[:3], 0), ink)
    assert np.array_equal(
        read_photograph(clear, DIGITS).pixels, read_photograph(drawn(tmp_path, "a.png"), DIGITS).pixels
    )


@pytest.mark.parametrize(("paper", "ink"), [(240, 20), (30, 220)])
def test_a_sheet_with_a_transparent_surrounding_is_not_a_glyph(paper, ink, tmp_path):
    sheet = Image.new("LA", (640, 360), (paper, 255))
    ImageDraw.Draw(sheet).rectangle((400, 60, 520, 300), fill=(ink, 255))
    sheet.rotate(90, expand=True).rotate(10, expand=True).rotate(-100, expand=True).save(tmp_path / "cut.png")
    even = read_photograph(drawn(tmp_path, "a.png", box=(400, 60, 520, 300)), DIGITS)
    assert differ(even, read_photograph(tmp_path / "cut.png", DIGITS)) < 0.2


def test_an_image_of_16_bits_keeps_its_greys(digit, tmp_path):
    see_16 = read_photograph(save(digit.astype("uint16") * 257, tmp_path / "a.png"), DIGITS)
    assert np.array_equal(see_16.pixels[..., 0], digit)


HEIGHT, WIDTH = 450, 600
ACROSS, DOWN = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
LIGHTS = {
    "even": np.ones((HEIGHT, WIDTH)),
    "dim": np.full((HEIGHT, WIDTH), 0.35),
    "from one side": 1 - 0.8 * ACROSS,
    "from a corner": 1 - 0.35 * (ACROSS + DOWN),
    "vignette": 1 - 1.4 * ((ACROSS - 0.5) ** 2 + (DOWN - 0.5) ** 2),
    "shadow edge across the digit": np.where(ACROSS + 0.3 * DOWN > 0.6, 0.5, 1.0),
}


def photographed(digit, path, light="even", ground=0.9, ink=0.1, place=(150, 220), scale=8, lines=None):
    """Save a digit as one drawn on paper (or with chalk) and photographed in a light, with noise, as JPEG."""
    large = np.asarray(Image.fromarray(digit).resize((28 * scale, 28 * scale), Image.Resampling.BICUBIC))
    cover = np.zeros((HEIGHT, WIDTH))
    cover[place[0] : place[0] + len(large), place[1] : place[1] + len(large)] = large > 127
    paper = np.full((HEIGHT, WIDTH), ground)
    if lines is not None:
        paper[::50] = paper[1::50] = paper[:, ::50] = paper[:, 1::50] = lines
    grey = 255 * (paper * (1 - cover) + ink * cover) * LIGHTS[light]
    grey += np.random.default_rng(0).normal(0, 3, grey.shape)
    Image.fromarray(np.clip(grey, 0, 255).astype("uint8")).save(path, quality=85)
    return path


def differ(one, other):
    """Return by how much two images differ, as a part of the ink of the first."""
    return np.abs(one.pixels.astype(float) - other.pixels).sum() / one.pixels.sum()


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("number", [0, 3, 8])
def test_the_light_on_the_paper_does_not_matter(light, number, tmp_path):
    digit = data.load("digits", "test").pixels[number, ..., 0]
    even = read_photograph(photographed(digit, tmp_path / "even.jpg"), DIGITS)
    lit = read_photograph(photographed(digit, tmp_path / "lit.jpg", light), DIGITS)
    assert lit.ink == "dark"
    assert differ(even, lit) < 0.15


def test_chalk_on_an_unevenly_lit_board_is_light(digit, tmp_path):
    even = read_photograph(photographed(digit, tmp_path / "even.jpg"), DIGITS)
    chalk = read_photograph(photographed(digit, tmp_path / "chalk.jpg", "from one side", ground=0.15, ink=0.9), DIGITS)
    assert chalk.ink == "light"
    assert differ(even, chalk) < 0.25


def test_a_small_digit_in_a_corner_is_found_in_a_dark_corner(digit, tmp_path):
    even = read_photograph(photographed(digit, tmp_path / "even.jpg"), DIGITS)
    small = read_photograph(photographed(digit, tmp_path / "small.jpg", "vignette", place=(370, 520), scale=2), DIGITS)
    assert small.ink == "dark"
    assert differ(even, small) < 0.5


def test_squared_paper_and_strokes_from_the_border_are_not_the_digit(digit, tmp_path):
    even = read_photograph(photographed(digit, tmp_path / "even.jpg"), DIGITS)
    squared = read_photograph(photographed(digit, tmp_path / "squared.jpg", "from one side", lines=0.65), DIGITS)
    assert differ(even, squared) < 0.15
    image = Image.open(tmp_path / "even.jpg")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, WIDTH, 40), fill=50)  # the table
    pen.ellipse((-60, 300, 90, 500), fill=80)  # a thumb
    pen.line((0, 430, WIDTH, 425), fill=30, width=3)  # a ruling as dark as ink
    image.save(tmp_path / "table.png")
    assert differ(even, read_photograph(tmp_path / "table.png", DIGITS)) < 0.15


def test_a_digit_that_touches_the_border_stays_whole(digit, tmp_path):
    even = read_photograph(photographed(digit, tmp_path / "even.jpg"), DIGITS)
    image = Image.open(tmp_path / "even.jpg")
    box = Image.fromarray(np.asarray(image) < 128).getbbox()
    image.crop(box).save(tmp_path / "cut.png")
    assert differ(even, read_photograph(tmp_path / "cut.png", DIGITS)) < 0.15


@pytest.mark.parametrize("light", ["even", "from one side", "vignette"])
def test_a_photograph_of_an_empty_sheet_is_blank(light, tmp_path):
    with pytest.raises(UserError, match="is blank"):
        read_photograph(photographed(np.zeros((28, 28), "uint8"), tmp_path / "sheet.jpg", light), DIGITS)


def test_a_large_photograph_is_kept_small_and_states_its_size(tmp_path):
    image = Image.new("L", (3000, 4000), 220)
    ImageDraw.Draw(image).line([(1500, 800), (1500, 3200)], fill=20, width=200)
    image.save(tmp_path / "a.jpg")
    seen = read_photograph(tmp_path / "a.jpg", DIGITS)
    assert seen.size == (3000, 4000)
    assert max(seen.original.shape) <= 1024


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (1, 400), (400, 3)])
def test_an_image_too_small_to_hold_anything_is_blank(size, tmp_path):
    image = Image.new("L", size, 255)
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "a.png")
    with pytest.raises(UserError, match="is blank"):
        read_photograph(tmp_path / "a.png", DIGITS)


def test_a_photograph_is_fitted_whole_if_the_images_are_not_glyphs(tmp_path):
    path = drawn(tmp_path, "a.png")
    seen = read_photograph(path, classifier(data.describe("fashion_mnist")))
    assert seen.pixels.shape == (28, 28, 1)
    assert seen.ink is None


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n cut"])
def test_the_error_names_a_file_that_is_not_an_image(content, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png"):
        read_photograph(path, DIGITS)


def test_the_error_names_a_cut_image_a_missing_one_a_folder_and_a_blank_one(digit, tmp_path):
    whole = save(np.kron(digit, np.ones((9, 9), "uint8")), tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    save(np.full((50, 50), 200, "uint8"), tmp_path / "blank.png")
    for name, message in {
        "cut.png": "cannot be read",
        "none.png": "no file or folder",
        "blank.png": "is blank",
        ".": "is a folder",
    }.items():
        with pytest.raises(UserError, match=message):
            read_photograph(tmp_path / name, DIGITS)


def test_predictions_come_with_probabilities_and_a_picture(digits_runs, digit, tmp_path):
    path = save(digit, tmp_path / "digit.png")
    first, second = predict(digits_runs[0], [path, save(255 - digit, tmp_path / "dark.png")], top=2)
    assert len(first.top) == 2
    assert first.top[0].probability >= first.top[1].probability
    assert sum(first.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert first.probabilities == pytest.approx(second.probabilities)
    with Image.open(first.picture) as picture:
        assert picture.size[0] > 300


@pytest.mark.parametrize(("size", "width"), [(200, 1), (2000, 4), (400, 30)])
def test_a_stroke_of_any_width_is_seen_about_as_wide_as_mnists(size, width, tmp_path):
    image = Image.new("L", (size, size), 255)
    ImageDraw.Draw(image).line([(size // 2, size // 5), (size // 2, 4 * size // 5)], fill=0, width=width)
    image.save(tmp_path / "one.png")
    pixels = read_photograph(tmp_path / "one.png", DIGITS).pixels[..., 0]
    assert pixels.max() > 150
    assert 1 <= (pixels[14] > 60).sum() <= 4


def test_dust_does_not_move_the_digit(tmp_path):
    path = drawn(tmp_path, "a.png")
    clean = read_photograph(path, DIGITS).pixels
    image = Image.open(path)
    image.putpixel((5, 350), (0, 0, 0))
    image.save(tmp_path / "b.png")
    assert np.array_equal(read_photograph(tmp_path / "b.png", DIGITS).pixels, clean)


def test_a_blank_image_of_the_networks_size_is_refused(tmp_path):
    with pytest.raises(UserError, match="is blank"):
        read_photograph(save(np.zeros((28, 28), "uint8"), tmp_path / "black.png"), DIGITS)


def test_ink_is_refused_if_the_images_have_no_strokes(digits_runs, tmp_path):
    fashion = tmp_path / "fashion"
    fashion.mkdir()
    config = digits_runs[0].config_path.read_text().replace("name: digits", "name: fashion_mnist")
    (fashion / "config.yaml").write_text(config)
    with pytest.raises(UserError, match="--ink dark is for handwritten digits, and Fashion-MNIST has none"):
        predict(Run(fashion), [drawn(tmp_path, "a.png")], "dark")


def test_a_picture_never_has_the_name_of_an_input(tmp_path):
    paths = [tmp_path / "mine.png", tmp_path / "other" / "mine.png", tmp_path / "mine-2.jpg"]
    album = _Album(tmp_path / "other" / "..", DIGITS, paths)
    assert [album._find_free_path(path).name for path in paths] == ["mine-2.png", "mine-3.png", "mine-2-2.png"]


def test_a_long_name_of_any_bytes_leaves_room_for_a_temporary_name(tmp_path):
    picture = _Album(tmp_path, DIGITS, [])._find_free_path(Path(os.fsdecode(b"\xe9" * 100 + b".png")))
    with files.whole(picture) as path:
        path.touch()
    assert picture.is_file()


def test_two_images_of_one_name_get_a_picture_each(digits_runs, digit, tmp_path):
    (tmp_path / "other").mkdir()
    paths = [save(digit, tmp_path / "x.png"), save(digit, tmp_path / "other" / "x.png")]
    pictures = {result.picture for result in predict(digits_runs[0], paths)}
    assert len(pictures) == 2


@pytest.fixture
def some_bad(digit, tmp_path):
    """Alternately two good images and two bad ones."""
    (tmp_path / "text.png").write_text("no image")
    first, second = save(digit, tmp_path / "first.png"), save(255 - digit, tmp_path / "second.png")
    return [first, tmp_path / "text.png", second, tmp_path / "none.png"]


def test_the_error_names_a_bad_image_and_the_others_are_classified(cnnzoo, digits_runs, some_bad):
    answer = cnnzoo("predict", digits_runs[0].directory, *some_bad)
    assert answer.code == 2
    assert "first.png" in answer.out
    assert "second.png" in answer.out
    assert answer.out.count("Picture: ") == 2
    assert "text.png" not in answer.out
    assert re.findall(r"^Error: .*?(\w+\.png)", answer.err, re.MULTILINE) == ["text.png", "none.png"]


def test_a_bad_image_has_an_error_in_the_json(cnnzoo, digits_runs, some_bad):
    answer = cnnzoo("predict", digits_runs[0].directory, *some_bad, "--json")
    assert answer.code == 2
    entries = json.loads(answer.out)["predictions"]
    assert [entry["image"] for entry in entries] == [str(path) for path in some_bad]
    assert ["error" in entry for entry in entries] == [False, True, False, True]
    assert "There is no file or folder" in entries[3]["error"]
    assert answer.err.count("Error: ") == 2


def test_keras_is_not_loaded_when_no_image_is_good(digits_runs, some_bad):
    code = (
        "import sys; from pathlib import Path; from cnnzoo.classifier.photographs import predict\n"
        "from cnnzoo.runs import Run\n"
        "found = predict(Run(Path(sys.argv[1])), [Path(sys.argv[2]), Path(sys.argv[3])])\n"
        "sys.exit(not all(entry.error for entry in found) or 'keras' in sys.modules)"
    )
    arguments = [digits_runs[0].directory, some_bad[1], some_bad[3]]
    assert subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=False).returncode == 0


def test_the_table_keeps_a_file_name_in_one_piece_at_80_columns(cnnzoo, digits_runs, digit, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("COLUMNS", "80")
    name = "Screenshot_2025-03-14_at_10.22.33.png"
    save(digit, tmp_path / name)
    answer = cnnzoo("predict", digits_runs[0].directory, name)
    table = re.sub(r"\x1b\[[0-9;]*m", "", answer.out.split("Picture:")[0])
    assert name in table
    assert max(map(len, table.splitlines())) <= 80


def described(side, class_names):
    """Return the metadata of an imported model."""
    return Metadata(
        title="averages",
        network="none",
        input_shape=(side, side, 3),
        class_names=class_names,
        shorter_side=side * 8 // 7,
        source="nowhere",
        sha256="",
    )


def test_no_probability_is_rounded_up_to_certainty(cnnzoo, digit, tmp_path):
    save(digit, tmp_path / "digit.png")
    model = keras.Sequential(
        [keras.Input((7, 7, 3)), keras.layers.Flatten(), keras.layers.Dense(2, kernel_initializer="zeros")]
    )
    model.layers[-1].bias.assign([np.log(0.99998), np.log(0.00002)])
    model.save(tmp_path / "model.keras")
    metadata.write(tmp_path / "model.keras", described(7, ("sure", "unsure")))
    assert ">99.99" in cnnzoo("predict", "model.keras", "digit.png").out


def test_an_imported_model_sees_the_centre_of_a_photograph_and_names_its_own_classes(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 401, 3)).astype("uint8")
    photograph = save(pixels, tmp_path / "photograph.png")
    model = keras.Sequential([keras.Input((224, 224, 3)), keras.layers.AveragePooling2D(224), keras.layers.Flatten()])
    model.save(tmp_path / "model.keras")
    with pytest.raises(UserError, match=r"model\.keras has no names of classes"):
        predict(tmp_path / "model.keras", [photograph])
    colours = described(224, ("red", "green", "blue"))
    metadata.write(tmp_path / "model.keras", colours)
    resized = Image.fromarray(pixels).resize((342, 256), Image.Resampling.BILINEAR)
    cut = np.asarray(resized.crop((59, 16, 283, 240)))
    assert np.array_equal(read_photograph(photograph, classifier(colours)).pixels, cut)
    (found,) = predict(tmp_path / "model.keras", [photograph])
    powers = np.exp(cut.mean(axis=(0, 1)))
    assert list(found.probabilities.values()) == pytest.approx(powers / powers.sum(), rel=1e-2)
    assert set(found.probabilities) == {"red", "green", "blue"}
    assert found.picture == str(tmp_path / "model-predictions" / "photograph.png")


@pytest.mark.parametrize("size", [(3000, 20), (33, 900), (600, 1)])
def test_a_strip_is_seen_as_if_it_were_resized_whole(size, tmp_path):
    width, height = size
    strip = Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype("uint8"))
    strip.save(tmp_path / "strip.png")
    resized = (256 * width // min(size), 256 * height // min(size))
    left, top = round((resized[0] - 224) / 2), round((resized[1] - 224) / 2)
    cut = strip.resize(resized, Image.Resampling.BILINEAR).crop((left, top, left + 224, top + 224))
    seen = read_photograph(tmp_path / "strip.png", classifier(described(224, ("a",))))
    assert np.abs(np.asarray(cut, int) - seen.pixels).max() <= 1


@pytest.mark.every_backend
@pytest.mark.parametrize("batch_size", [LARGEST_UNCOMPILED_BATCH, LARGEST_UNCOMPILED_BATCH + 3])
def test_logits_are_those_of_keras_whether_or_not_they_are_compiled(batch_size, tmp_path):
    layers = [keras.Input((5, 5, 3)), keras.layers.Conv2D(2, 3), keras.layers.Dropout(0.5), keras.layers.Flatten()]
    model = keras.Sequential(layers)
    model.save(tmp_path / "model.keras")
    saved = Classifier(tmp_path / "model.keras", "saved", described(5, tuple("abcdefghijklmnopqr")))
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 5, 3)).astype("uint8")
    logits = saved.batch_logits(images, batch_size)
    assert logits.shape == (3, 18)
    assert logits == pytest.approx(model.predict(images, verbose=0), rel=1e-5, abs=1e-3)
    assert saved.logits(images) == pytest.approx(logits, rel=1e-5, abs=1e-3)
    assert saved.model is saved.model
