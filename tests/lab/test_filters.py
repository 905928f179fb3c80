"""The lectures' kernels on an image, as scipy applies them."""

import numpy as np
import pytest
from PIL import Image
from scipy.signal import convolve2d, correlate2d

from cnnzoo.errors import UserError
from cnnzoo.lab.filters import apply_filter
from cnnzoo.lab.kernels import FILTERS, enlarge
from cnnzoo.lab.photographs import load_photograph

pytestmark = pytest.mark.every_backend


def image(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype("float32")


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("flip", [False, True])
def test_a_filter_is_scipys_with_a_mirrored_border(name, flip):
    pixels, kernel = image(20, 17), FILTERS[name]
    expected = (convolve2d if flip else correlate2d)(pixels, kernel, "same", "symm")
    assert np.allclose(apply_filter(pixels, kernel, flip=flip), expected, atol=1e-3)


@pytest.mark.parametrize("shape", [(2, 2), (4, 3), (1, 6)])
@pytest.mark.parametrize("flip", [False, True])
def test_an_even_kernel_has_its_centre_where_scipy_has_it(shape, flip):
    pixels, kernel = image(9, 11), image(*shape)
    expected = (convolve2d if flip else correlate2d)(pixels, kernel, "same", "symm")
    assert np.allclose(apply_filter(pixels, kernel, flip=flip), expected, rtol=1e-4)


def test_the_channels_of_a_colour_image_are_filtered_one_by_one():
    pixels = image(8, 9, 3)
    filtered = apply_filter(pixels, FILTERS["edge"])
    assert filtered.shape == pixels.shape
    for channel in range(3):
        assert np.array_equal(filtered[..., channel], apply_filter(pixels[..., channel], FILTERS["edge"]))


def test_the_kernels_have_the_sums_of_the_lecture():
    assert {name: round(float(kernel.sum()), 6) for name, kernel in FILTERS.items()} == {
        "edge": 0,
        "sharpen": 1,
        "smooth": 1,
        "gaussian": 1,
        "gaussian15": 1,
        "vertical": 0,
        "horizontal": 0,
    }
    assert FILTERS["gaussian"][2, 2] == 41 / 273
    assert FILTERS["gaussian15"].shape == (15, 15)
    assert enlarge([[9]], 3).tolist() == [[1, 1, 1]] * 3


def test_a_photograph_says_how_its_file_was_changed(tmp_path):
    half = np.full((4, 5, 2), (100, 128), "uint8")
    Image.fromarray(half, "LA").save(tmp_path / "half.png")
    Image.fromarray(np.full((4, 5), 40_000, "uint16")).save(tmp_path / "deep.png")
    Image.fromarray(np.full((4, 5, 3), (9, 9, 200), "uint8")).save(tmp_path / "blue.png")
    transparent, deep, blue = (load_photograph(tmp_path / f"{name}.png") for name in ("half", "deep", "blue"))
    assert (transparent.notes, transparent.pixels[0, 0].tolist()) == (("transparent pixels are shown on white",), [177])
    assert (deep.notes, deep.pixels.shape) == (("values of 16 bits are scaled to 0 to 255",), (4, 5, 1))
    assert (blue.notes, blue.pixels.shape) == ((), (4, 5, 3))
    assert load_photograph(tmp_path / "blue.png", grey=True).pixels[0, 0, 0] == pytest.approx(0.886 * 9 + 0.114 * 200)


@pytest.mark.parametrize(
    ("pixels", "kernel", "sentence"),
    [
        (image(4), FILTERS["edge"], r"An image has the axes .*, not \(4,\)"),
        (image(4, 4), image(3), r"A kernel has the axes \(height, width\), not \(3,\)"),
        (image(2, 4), FILTERS["edge"], "A kernel of 3x3 is larger than the image of 2x4"),
    ],
)
def test_what_cannot_be_filtered_is_refused_with_a_sentence(pixels, kernel, sentence):
    with pytest.raises(UserError, match=sentence):
        apply_filter(pixels, kernel)
