import io

import numpy as np
import pytest
from PIL import Image

from cnnzoo.data.pictures import decoded, upright
from cnnzoo.errors import UserError

SHAPE = (16, 16, 3)


@pytest.fixture
def halves():
    """An image of 32x32, its left half red, its right half blue."""
    pixels = np.zeros((32, 32, 3), "uint8")
    pixels[:, :16, 0] = pixels[:, 16:, 2] = 255
    return Image.fromarray(pixels)


def saved(tmp_path, image, name="a.png", **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.bmp", "a.tiff"])
def test_every_usual_format_gives_the_same_picture(tmp_path, halves, name):
    seen = decoded(saved(tmp_path, halves, name), SHAPE, "crop").astype(int)
    assert (seen[:, 2] - [255, 0, 0]).max() < 40
    assert (seen[:, -3] - [0, 0, 255]).max() < 40


def test_a_palette_cmyk_and_grey_image_come_in_colour(tmp_path, halves):
    for image, name in ((halves.quantize(4), "p.png"), (halves.convert("CMYK"), "c.jpg")):
        left = decoded(saved(tmp_path, image, name), SHAPE, "crop")[8, 2].astype(int)
        assert left[0] > 200 > 60 > left[2]
    grey = decoded(saved(tmp_path, halves.convert("L"), "g.png"), SHAPE, "crop")
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert decoded(saved(tmp_path, halves), (16, 16, 1), "crop").shape == (16, 16, 1)


@pytest.mark.parametrize(("kind", "largest", "seen"), [("int32", 255, 255), ("int32", 65_535, 255), ("uint16", 255, 0)])
def test_whole_numbers_of_more_bits_are_neither_cut_off_nor_darkened(tmp_path, kind, largest, seen):
    deep = Image.fromarray(np.full((16, 16), largest, kind))
    assert decoded(saved(tmp_path, deep, "a.tiff"), (16, 16, 1), "squash").max() == seen


@pytest.mark.parametrize("pixels", [np.full((4, 4), 0.5, "float32"), np.full((4, 4), 70_000, "int32")])
def test_pixels_of_no_known_range_are_refused(tmp_path, pixels):
    with pytest.raises(UserError, match="of no known range; save it with 8 or 16 bits a channel"):
        upright(saved(tmp_path, Image.fromarray(pixels), "a.tiff"))


def test_16_bits_keep_their_greys_and_a_transparent_ground_does_not_hide_what_is_on_it(tmp_path):
    deep = Image.fromarray((np.arange(256, dtype="uint16") * 257).reshape(16, 16))
    assert decoded(saved(tmp_path, deep), (16, 16, 1), "squash")[3, 4, 0] == 52
    ink = np.zeros((16, 16, 4), "uint8")
    ink[4:12, 4:12, 3] = 255
    seen = decoded(saved(tmp_path, Image.fromarray(ink), "t.png"), (16, 16, 1), "squash")
    assert seen[8, 8, 0] < 30
    assert seen[1, 1, 0] > 225


def test_a_photograph_held_sideways_is_turned_upright(tmp_path, halves):
    orientation = Image.Exif()
    orientation[0x0112] = 6  # turn by 90 degrees clockwise
    seen = decoded(saved(tmp_path, halves, "a.jpg", exif=orientation), SHAPE, "crop").astype(int)
    assert seen[2, 8, 0] > 200
    assert seen[-3, 8, 2] > 200


def test_other_proportions_are_cropped_squashed_or_padded(tmp_path):
    wide = np.zeros((20, 60, 3), "uint8")
    wide[:, :20, 0] = wide[:, 20:40, 1] = wide[:, 40:, 2] = 255
    path = saved(tmp_path, Image.fromarray(wide))
    cropped, squashed, padded = (decoded(path, (30, 30, 3), how).astype(int) for how in ("crop", "squash", "pad"))
    assert (cropped[15, 3:27, 1] > 200).all()
    assert [squashed[15, column].argmax() for column in (3, 15, 27)] == [0, 1, 2]
    assert [padded[15, column].argmax() for column in (3, 15, 27)] == [0, 1, 2]
    assert padded[3].max() == 0
    assert decoded(path, (10, 40, 3), "crop").shape == (10, 40, 3)


def test_a_large_jpeg_is_read_reduced_and_looks_the_same(tmp_path):
    smooth = np.indices((800, 1200)).sum(axis=0) / 2000 * 255
    path = saved(tmp_path, Image.fromarray(smooth.astype("uint8")), "a.jpg")
    assert upright(path, at_least=100).size == (150, 100)
    whole = np.asarray(upright(path).resize((32, 32), Image.Resampling.BOX).convert("L"), "int")
    assert np.abs(decoded(path, (32, 32, 1), "squash")[..., 0] - whole).max() <= 3


@pytest.mark.parametrize("change", [lambda content: content[:300], lambda content: b"", lambda content: b"text"])
@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "tiff"])
def test_a_damaged_file_is_one_sentence(tmp_path, halves, change, kind):
    packed = io.BytesIO()
    Image.effect_noise((64, 64), 60).convert("RGB").save(packed, kind)
    path = tmp_path / f"a.{kind}"
    path.write_bytes(change(packed.getvalue()))
    with pytest.raises(UserError, match=f"^{path} (is not an image|cannot be read as an image: )"):
        decoded(path, SHAPE, "crop")


def test_what_the_system_says_of_a_file_is_said_without_its_number(tmp_path, halves):
    path = saved(tmp_path, halves, "a.png") / "b.png"
    with pytest.raises(UserError, match=f"^{path} cannot be read as an image: Not a directory\\.$"):
        decoded(path, SHAPE, "crop")


def test_a_picture_that_is_a_program_is_not_run(tmp_path, halves):
    path = saved(tmp_path, halves, "a.eps")
    (tmp_path / "b.png").write_bytes(path.read_bytes())
    for name in ("a.eps", "b.png"):
        with pytest.raises(UserError, match="is not an image that can be read"):
            decoded(tmp_path / name, SHAPE, "crop")
