import io
import os
import struct
import threading
import time

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from cnnzoo.data import images
from cnnzoo.data.decoding import decode, largest_grey, open_upright, resize_to
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
def test_every_usual_format_gives_the_same_image(tmp_path, halves, name):
    seen = decode(saved(tmp_path, halves, name), SHAPE, "crop").astype(int)
    assert (seen[:, 2] - [255, 0, 0]).max() < 40
    assert (seen[:, -3] - [0, 0, 255]).max() < 40


def test_palette_cmyk_and_grey_images_become_rgb(tmp_path, halves):
    for image, name in ((halves.quantize(4), "p.png"), (halves.convert("CMYK"), "c.jpg")):
        left = decode(saved(tmp_path, image, name), SHAPE, "crop")[8, 2].astype(int)
        assert left[0] > 200 > 60 > left[2]
    grey = decode(saved(tmp_path, halves.convert("L"), "g.png"), SHAPE, "crop")
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert decode(saved(tmp_path, halves), (16, 16, 1), "crop").shape == (16, 16, 1)


@pytest.mark.parametrize(("kind", "largest", "seen"), [("int32", 255, 255), ("int32", 65_535, 255), ("uint16", 255, 0)])
def test_pixels_with_more_bits_are_neither_cut_off_nor_darkened(tmp_path, kind, largest, seen):
    deep = Image.fromarray(np.full((16, 16), largest, kind))
    assert decode(saved(tmp_path, deep, "a.tiff"), (16, 16, 1), "squash").max() == seen


@pytest.mark.parametrize(
    ("kind", "grey", "white", "seen"),
    [("uint16", 4095, 65_535, 15), ("uint16", 4095, 4095, 255), ("uint16", 4095, 2047, 255), ("int32", 200, 4095, 12)],
)
def test_the_grey_value_that_is_white_scales_an_image_of_more_bits(tmp_path, kind, grey, white, seen):
    deep = saved(tmp_path, Image.fromarray(np.full((16, 16), grey, kind)), "a.tiff")
    assert decode(deep, (16, 16, 1), "squash", white).max() == seen


def test_the_largest_grey_is_read_only_from_images_with_16_bits(tmp_path, halves):
    for name in ("a.png", "a.tiff"):
        assert largest_grey(saved(tmp_path, Image.fromarray(np.full((4, 4), 1210, "uint16")), name)) == 1210
    (tmp_path / "c.png").write_bytes(b"nothing")
    for path in (saved(tmp_path, halves), saved(tmp_path, halves, "b.jpg"), tmp_path / "c.png", tmp_path / "none.png"):
        assert largest_grey(path) is None


@pytest.mark.parametrize("size", [(100, 1), (1, 100), (1, 1)])
@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
def test_an_image_of_one_pixel_a_side_is_resized(size, resize):
    assert resize_to(Image.new("RGB", size, "red"), SHAPE, resize)[..., 0].max() == 255


@pytest.mark.parametrize("pixels", [np.full((4, 4), 0.5, "float32"), np.full((4, 4), 70_000, "int32")])
def test_pixels_of_unknown_range_are_refused(tmp_path, pixels):
    with pytest.raises(UserError, match="whose range is unknown; save it with 8 or 16 bits a channel"):
        open_upright(saved(tmp_path, Image.fromarray(pixels), "a.tiff"))


def test_16_bit_images_keep_their_greys(tmp_path):
    deep = Image.fromarray((np.arange(256, dtype="uint16") * 257).reshape(16, 16))
    assert decode(saved(tmp_path, deep), (16, 16, 1), "squash")[3, 4, 0] == 52


def test_ink_on_a_transparent_background_stays_visible(tmp_path):
    ink = np.zeros((16, 16, 4), "uint8")
    ink[4:12, 4:12, 3] = 255
    seen = decode(saved(tmp_path, Image.fromarray(ink), "t.png"), (16, 16, 1), "squash")
    assert seen[8, 8, 0] < 30
    assert seen[1, 1, 0] > 225


def test_a_photograph_held_sideways_is_turned_upright(tmp_path, halves):
    orientation = Image.Exif()
    orientation[0x0112] = 6  # turn by 90 degrees clockwise
    seen = decode(saved(tmp_path, halves, "a.jpg", exif=orientation), SHAPE, "crop").astype(int)
    assert seen[2, 8, 0] > 200
    assert seen[-3, 8, 2] > 200


def test_other_proportions_are_cropped_squashed_or_padded(tmp_path):
    wide = np.zeros((20, 60, 3), "uint8")
    wide[:, :20, 0] = wide[:, 20:40, 1] = wide[:, 40:, 2] = 255
    path = saved(tmp_path, Image.fromarray(wide))
    cropped, squashed, padded = (decode(path, (30, 30, 3), how).astype(int) for how in ("crop", "squash", "pad"))
    assert (cropped[15, 3:27, 1] > 200).all()
    assert [squashed[15, column].argmax() for column in (3, 15, 27)] == [0, 1, 2]
    assert [padded[15, column].argmax() for column in (3, 15, 27)] == [0, 1, 2]
    assert padded[3].max() == 0
    assert decode(path, (10, 40, 3), "crop").shape == (10, 40, 3)


def test_a_large_jpeg_is_read_reduced_and_looks_the_same(tmp_path):
    smooth = np.indices((800, 1200)).sum(axis=0) / 2000 * 255
    path = saved(tmp_path, Image.fromarray(smooth.astype("uint8")), "a.jpg")
    assert open_upright(path, at_least=100).size == (150, 100)
    whole = np.asarray(open_upright(path).resize((32, 32), Image.Resampling.BOX).convert("L"), "int")
    assert np.abs(decode(path, (32, 32, 1), "squash")[..., 0] - whole).max() <= 3


def test_a_photograph_of_ninety_million_pixels_is_read(tmp_path):
    seen = decode(saved(tmp_path, Image.new("L", (10_000, 9000), 200), "a.jpg"), SHAPE, "crop")
    assert (np.abs(seen.astype(int) - 200) <= 1).all()


def test_an_image_of_more_pixels_than_any_camera_takes_is_refused(tmp_path):
    path = saved(tmp_path, Image.new("1", (20_000, 15_000)))
    with pytest.raises(
        UserError, match=rf"^{path} has more than 128 million pixels, or 256 million in a JPEG; make it smaller\.$"
    ):
        open_upright(path)


def test_large_or_broken_metadata_does_not_hide_the_image(tmp_path, halves):
    text = PngInfo()
    text.add_text("workflow", "a" * 2_000_000, zip=True)
    large = saved(tmp_path, halves, "a.png", pnginfo=text, icc_profile=b"a" * 2_000_000)
    # Orientation 6, and a resolution of -72, which the tag's type cannot hold.
    entries = b"".join(
        struct.pack("<HHI", tag, kind, 1) + value
        for tag, kind, value in ((0x112, 3, struct.pack("<H2x", 6)), (0x11A, 5, struct.pack("<I", 38)))
    )
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<Iii", 0, -72, 1)
    broken = saved(tmp_path, halves, "a.jpg", exif=exif)
    assert decode(large, SHAPE, "crop")[8, 2].tolist() == [255, 0, 0]
    seen = decode(broken, SHAPE, "crop").astype(int)
    assert (seen[2, 8, 0], seen[-3, 8, 2]) == pytest.approx((255, 255), abs=9)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\n<!DOCTYPE html><html>404</html>", "is a web page or XML, not an image; download the image itself"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "is only Git LFS's pointer to the file; fetch the file with git lfs pull",
        ),
        (b'<?xml version="1.0"?><svg width="1"/>', "is an SVG drawing, which has no pixels; export it as PNG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "is a HEIC photograph, which cannot be read; convert it to JPEG"),
        (b"", "is empty; download the image itself"),
    ],
)
def test_the_error_about_a_file_that_is_not_an_image_says_what_it_is(tmp_path, content, sentence):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(UserError, match=f"^{tmp_path}/a.jpg {sentence}"):
        decode(tmp_path / "a.jpg", SHAPE, "crop")


@pytest.mark.parametrize("change", [lambda content: content[:300], lambda content: b"", lambda content: b"text"])
@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "tiff"])
def test_a_damaged_file_gives_an_error_of_one_sentence(tmp_path, halves, change, kind):
    packed = io.BytesIO()
    Image.effect_noise((64, 64), 60).convert("RGB").save(packed, kind)
    path = tmp_path / f"a.{kind}"
    path.write_bytes(change(packed.getvalue()))
    with pytest.raises(UserError, match=f"^{path} (is not an image|is empty|cannot be read as an image: )"):
        decode(path, SHAPE, "crop")


def test_a_named_pipe_is_refused_instead_of_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UserError, match=r"pipe.png is a pipe, a socket or a device; name an image file\.$"):
        decode(tmp_path / "pipe.png", SHAPE, "crop")


def test_an_error_of_the_system_is_reported_without_its_number(tmp_path, halves):
    path = saved(tmp_path, halves, "a.png") / "b.png"
    with pytest.raises(UserError, match=f"^{path} cannot be read as an image: Not a directory\\.$"):
        decode(path, SHAPE, "crop")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no processor affinity")
def test_image_files_are_decoded_on_the_cores_that_the_process_may_use(tmp_path):
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        images.decoding_threads.cache_clear()
        with images.decoding_threads() as threads:
            idents = [threads.submit(lambda: time.sleep(0.01) or threading.get_ident()) for _ in range(4)]
            assert len({ident.result() for ident in idents}) == 1
    finally:
        os.sched_setaffinity(0, cores)
        images.decoding_threads.cache_clear()


def test_an_image_that_is_a_program_is_not_run(tmp_path, halves):
    path = saved(tmp_path, halves, "a.eps")
    (tmp_path / "b.png").write_bytes(path.read_bytes())
    for name in ("a.eps", "b.png"):
        with pytest.raises(UserError, match="is not an image that can be read"):
            decode(tmp_path / name, SHAPE, "crop")
