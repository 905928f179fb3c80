import colorsys

import numpy as np
import pytest
from toys import subset

from cnnzoo.data.augmentation import colour

pytestmark = [pytest.mark.every_backend, pytest.mark.usefixtures("compile_quickly")]

LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture
def plain():
    """Return 256 images of one muted colour each, which no change here drives out of 0 to 255."""
    colours = np.random.default_rng(0).uniform(90, 140, (256, 1, 1, 3)).astype("float32")
    return np.tile(colours, (1, 4, 4, 1))


def test_brightness_multiplies_all_pixels_of_an_image_by_one_factor(noise, augmented):
    dim = noise / 2
    factors = augmented(dim, brightness=0.4) / dim
    assert np.allclose(factors, factors[:, :1, :1, :1], rtol=1e-4)
    assert 0.6 <= factors.min() < 0.63
    assert 1.37 < factors.max() <= 1.4001


def test_contrast_keeps_the_mean_grey_and_scales_the_distances_from_it(noise, augmented):
    muted = 100 + noise / 8
    new = augmented(muted, contrast=0.5)
    assert np.allclose((new @ LUMA).mean(axis=(1, 2)), (muted @ LUMA).mean(axis=(1, 2)), atol=0.01)
    ratios = new.std(axis=(1, 2, 3)) / muted.std(axis=(1, 2, 3))
    assert ratios.min() < 0.55
    assert ratios.max() > 1.45


def test_contrast_and_brightness_take_grey_images(noise, augmented):
    grey = noise[..., :1] / 4 + 80
    new = augmented(grey, brightness=0.2, contrast=0.5)
    assert new.shape == grey.shape
    assert not np.allclose(new, grey, atol=1)


def test_saturation_keeps_the_grey_of_each_pixel_and_can_remove_the_colour(plain, augmented):
    new = augmented(plain, saturation=1.0)
    assert np.allclose(new @ LUMA, plain @ LUMA, atol=0.01)
    ratios = new.std(axis=3)[:, 0, 0] / plain.std(axis=3)[:, 0, 0]
    assert 0 <= ratios.min() < 0.05
    assert 1.9 < ratios.max() < 2.001


def test_hue_turns_the_colour_circle_and_keeps_the_luma(plain, augmented):
    new = augmented(plain, hue=0.5)
    assert np.allclose(new @ LUMA, plain @ LUMA, atol=0.01)
    red = np.tile(np.array([150.0, 100, 100], "float32"), (256, 2, 2, 1))
    hues = np.array([colorsys.rgb_to_hsv(*pixel)[0] for pixel in augmented(red, hue=0.5)[:, 0, 0]])
    assert np.histogram(hues, bins=6, range=(0, 1))[0].min() > 10


def test_greys_have_no_colour_to_change(augmented):
    greys = np.tile(np.random.default_rng(0).uniform(0, 255, (64, 4, 4, 1)).astype("float32"), (1, 1, 1, 3))
    assert np.allclose(augmented(greys, saturation=1.0, hue=0.5), greys, atol=0.05)


def test_lighting_adds_one_colour_to_an_image_along_the_components_of_the_training_images(augmented):
    draws = np.random.default_rng(0).normal(0, (30, 10, 4), (4000, 3))
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    images = (128 + draws @ turn.T).reshape(1000, 2, 2, 3).astype("float32")
    added = augmented(images, lighting=0.1) - images
    assert np.allclose(added, added[:, :1, :1], atol=1e-2)
    along = added[:, 0, 0] @ turn
    # Each component by its eigenvalue, the variance of pixels in 0..1, as the paper has it.
    expected = 0.1 * 255 * np.array([30, 10, 4]) ** 2 / 255**2
    assert np.allclose(along.std(axis=0), expected, rtol=0.1)


def test_lighting_looks_at_a_sample_of_many_images(noise):
    whole, sampled = (
        colour.compute_lighting_axes(subset(noise)),
        colour.compute_lighting_axes(subset(noise), sample=128),
    )
    assert np.allclose(np.abs(sampled @ sampled.T), np.abs(whole @ whole.T), rtol=0.1, atol=2)


def test_colours_stay_within_0_and_255(noise, augmented):
    new = augmented(noise, brightness=1.0, contrast=1.0, saturation=1.0, hue=0.5, lighting=1.0)
    assert new.min() == 0
    assert new.max() == 255
