import numpy as np
import pytest
from PIL import Image, ImageDraw

from cnnzoo import data
from cnnzoo.errors import UserError
from cnnzoo.prediction import predict, see

DIGITS = data.describe("digits")


def save(pixels, path):
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def digit():
    """A real digit of the test part, light on dark, 28x28."""
    return data.load("digits", "test").images[3, ..., 0]


def test_an_image_of_the_networks_size_is_taken_as_it_is(digit, tmp_path):
    seen = see(save(digit, tmp_path / "digit.png"), DIGITS)
    assert np.array_equal(seen.pixels[..., 0], digit)
    assert seen.ink == "light"


def test_dark_ink_on_light_paper_is_turned_round_unless_stated(digit, tmp_path):
    path = save(255 - digit, tmp_path / "digit.png")
    assert np.array_equal(see(path, DIGITS).pixels[..., 0], digit)
    assert see(path, DIGITS).ink == "dark"
    assert np.array_equal(see(path, DIGITS, "light").pixels[..., 0], 255 - digit)


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
    pixels = see(path, DIGITS).pixels[..., 0]
    rows, columns = np.flatnonzero(pixels.max(axis=1) > 60), np.flatnonzero(pixels.max(axis=0) > 60)
    assert rows[-1] - rows[0] + 1 == pytest.approx(20, abs=1)
    assert columns[-1] - columns[0] + 1 == pytest.approx(10, abs=1)
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(13.5, abs=1)
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(13.5, abs=1)


def test_a_photograph_is_fitted_whole_where_the_data_are_no_glyphs(tmp_path):
    path = drawn(tmp_path, "a.png")
    seen = see(path, data.describe("fashion_mnist"))
    assert seen.pixels.shape == (28, 28, 1)
    assert seen.ink is None


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n cut"])
def test_a_file_that_is_no_image_is_named(content, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png"):
        see(path, DIGITS)


def test_a_cut_image_a_missing_one_a_folder_and_a_blank_one_are_named(digit, tmp_path):
    whole = save(np.kron(digit, np.ones((9, 9), "uint8")), tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    save(np.full((50, 50), 200, "uint8"), tmp_path / "blank.png")
    for name, message in {
        "cut.png": "cannot be read",
        "none.png": "no image",
        "blank.png": "is blank",
        ".": "read",
    }.items():
        with pytest.raises(UserError, match=message):
            see(tmp_path / name, DIGITS)


def test_predictions_come_with_probabilities_and_a_picture(digits_runs, digit, tmp_path):
    path = save(digit, tmp_path / "digit.png")
    first, second = predict(digits_runs[0], [path, save(255 - digit, tmp_path / "dark.png")], top=2)
    assert len(first["top"]) == 2
    assert first["top"][0]["probability"] >= first["top"][1]["probability"]
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert first["probabilities"] == pytest.approx(second["probabilities"])
    with Image.open(first["picture"]) as picture:
        assert picture.size[0] > 300


@pytest.mark.parametrize(("size", "width"), [(200, 1), (2000, 4), (400, 30)])
def test_a_stroke_of_any_width_is_seen_about_as_wide_as_mnists(size, width, tmp_path):
    image = Image.new("L", (size, size), 255)
    ImageDraw.Draw(image).line([(size // 2, size // 5), (size // 2, 4 * size // 5)], fill=0, width=width)
    image.save(tmp_path / "one.png")
    pixels = see(tmp_path / "one.png", DIGITS).pixels[..., 0]
    assert pixels.max() > 150
    assert 1 <= (pixels[14] > 60).sum() <= 4


def test_dust_does_not_move_the_digit(tmp_path):
    path = drawn(tmp_path, "a.png")
    clean = see(path, DIGITS).pixels
    image = Image.open(path)
    image.putpixel((5, 350), (0, 0, 0))
    image.save(tmp_path / "b.png")
    assert np.array_equal(see(tmp_path / "b.png", DIGITS).pixels, clean)


def test_a_blank_image_of_the_networks_size_and_ink_without_strokes_are_refused(tmp_path):
    with pytest.raises(UserError, match="is blank"):
        see(save(np.zeros((28, 28), "uint8"), tmp_path / "black.png"), DIGITS)
    with pytest.raises(UserError, match="--ink dark: Fashion-MNIST has no strokes"):
        see(drawn(tmp_path, "a.png"), data.describe("fashion_mnist"), "dark")


def test_two_images_of_one_name_get_a_picture_each(digits_runs, digit, tmp_path):
    (tmp_path / "other").mkdir()
    paths = [save(digit, tmp_path / "x.png"), save(digit, tmp_path / "other" / "x.png")]
    pictures = {result["picture"] for result in predict(digits_runs[0], paths)}
    assert len(pictures) == 2
