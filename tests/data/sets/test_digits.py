import hashlib

import numpy as np
from sklearn.datasets import load_digits

from cnnzoo import data


def test_the_digits_have_the_shape_and_range_of_mnist():
    for split, count in (("train", 1437), ("test", 360)):
        digits = data.load("digits", split)
        assert digits.images.shape == (count, 28, 28, 1)
        assert digits.pixels.dtype == np.uint8
        assert (digits.pixels.min(), digits.pixels.max()) == (0, 255)
        assert digits.labels.shape == (count,)
        assert digits.labels.dtype == np.int32
        assert set(digits.labels) == set(range(10))


def test_each_digit_fills_a_box_of_20_pixels_in_the_middle():
    images = data.load("digits", "test").pixels
    assert not images[:, :4].any()
    assert not images[:, -4:].any()
    assert not images[:, :, :4].any()
    assert not images[:, :, -4:].any()
    assert images[:, 4].any()
    assert images[:, -5].any()


def test_enlarging_keeps_the_mean_brightness_and_the_orientation():
    stored = load_digits()
    images = np.concatenate([data.load("digits", split).pixels for split in ("train", "test")])
    box = images[:, 4:24, 4:24, 0].astype(float)
    assert abs(box.mean() - stored.images.mean() * 255 / 16) < 0.5
    quarters = box.reshape(-1, 2, 10, 2, 10).mean((0, 2, 4))
    stored_quarters = stored.images.reshape(-1, 2, 4, 2, 4).mean((0, 2, 4)) * 255 / 16
    np.testing.assert_allclose(quarters, stored_quarters, rtol=0.05)


def test_no_image_is_in_both_splits_and_none_is_lost():
    train, test = ({image.tobytes() for image in data.load("digits", split).pixels} for split in ("train", "test"))
    assert not train & test
    assert len(train) + len(test) == 1797


def test_each_class_is_divided_in_proportion():
    train, test = (np.bincount(data.load("digits", split).labels) for split in ("train", "test"))
    np.testing.assert_allclose(test / (train + test), 360 / 1797, atol=0.005)


def test_the_splits_are_those_that_results_were_measured_on():
    labels = data.load("digits", "test").labels
    assert hashlib.sha256(labels.astype("<i4").tobytes()).hexdigest().startswith("9ce5b942abae7d0e")
