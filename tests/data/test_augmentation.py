import keras
import numpy as np
import pytest

from cnnzoo.config import AugmentationSection
from cnnzoo.data.augmentation import Augmentation


def augmented(images, seed=0, **section):
    augmentation = Augmentation(AugmentationSection(**section))
    augmentation.generator.state.assign(np.array([seed, 0], augmentation.generator.state.dtype))
    return keras.ops.convert_to_numpy(augmentation(keras.ops.convert_to_tensor(images)))


@pytest.fixture
def blobs():
    """Sixty-four images of one bright square in the middle."""
    images = np.zeros((64, 28, 28, 1), "float32")
    images[:, 10:18, 10:18] = 200.0
    return images


def centres(images):
    mass = images.sum(axis=(1, 2, 3))
    rows = (images.sum(axis=(2, 3)) @ np.arange(28)) / mass
    columns = (images.sum(axis=(1, 3)) @ np.arange(28)) / mass
    return rows, columns


def test_no_change_is_asked_for_by_default():
    assert not Augmentation(AugmentationSection())
    assert Augmentation(AugmentationSection(shift=1.0))


def test_shifts_differ_by_image_and_stay_within_their_bound(blobs):
    rows, columns = centres(augmented(blobs, shift=3.0))
    for centre in (rows, columns):
        assert np.abs(centre - 13.5).max() <= 3.0 + 1e-3
        assert np.abs(centre - 13.5).max() > 2.0
        assert len(np.unique(centre.round(3))) > 50


def test_rotation_turns_about_the_centre_by_at_most_its_bound():
    bars = np.zeros((64, 28, 28, 1), "float32")
    bars[:, 13:15, 4:24] = 100.0
    turned = augmented(bars, rotation=20.0)
    rows, columns = centres(turned)
    assert np.allclose(rows, 13.5, atol=0.05)
    assert np.allclose(columns, 13.5, atol=0.05)
    y, x = np.meshgrid(np.arange(28) - 13.5, np.arange(28) - 13.5, indexing="ij")
    weights = turned[..., 0]
    angles = 0.5 * np.degrees(
        np.arctan2(2 * (weights * x * y).sum((1, 2)), (weights * x**2).sum((1, 2)) - (weights * y**2).sum((1, 2)))
    )
    assert np.abs(angles).max() <= 20.5
    assert angles.max() > 12
    assert angles.min() < -12


def test_pixels_keep_their_range_and_the_outside_is_dark(blobs):
    images = augmented(np.full_like(blobs, 255.0), shift=5.0)
    assert images.min() >= 0
    assert images.max() <= 255.0 + 1e-3
    assert (images[:, [0, -1]] == 0).any()


def test_the_same_seed_draws_the_same_changes_and_another_does_not(blobs):
    first, again, other = (augmented(blobs, seed, rotation=10.0, shift=2.0) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
