import keras
import numpy as np
import pytest
from toys import subset

from cnnzoo.config import AugmentationSection
from cnnzoo.data.augmentation import Augmentation

pytestmark = [pytest.mark.every_backend, pytest.mark.usefixtures("compile_quickly")]

EVERYTHING = {
    "mirror": True,
    "crop": 2,
    "rotation": 10.0,
    "shift": 1.0,
    "scale": 0.1,
    "squeeze": 0.1,
    "shear": 5.0,
    "elastic": {"alpha": 20.0},
    "brightness": 0.2,
    "contrast": 0.2,
    "saturation": 0.2,
    "hue": 0.1,
    "lighting": 0.1,
    "cutout": 4,
}


def test_without_settings_pixels_and_targets_do_not_change(noise):
    targets = np.eye(len(noise), dtype="float32")
    unchanged = Augmentation(AugmentationSection(), subset(noise))(noise, targets, np.arange(len(noise)))
    assert np.array_equal(unchanged[0], noise)
    assert np.array_equal(unchanged[1], targets)


@pytest.mark.parametrize(
    "settings",
    [
        dict.fromkeys(("rotation", "shift", "scale", "squeeze", "shear"), 1e-5),
        {"elastic": {"alpha": 0.001}},
        dict.fromkeys(("brightness", "contrast", "saturation", "hue", "lighting"), 1e-5),
    ],
    ids=["planar", "elastic", "colour"],
)
def test_the_smallest_settings_hardly_change_images(settings, noise, augmented):
    smooth = np.minimum(np.cumsum(np.cumsum(noise, axis=1), axis=2) / 200, 250)
    assert np.abs(augmented(smooth, **settings) - smooth)[:, 2:-2, 2:-2].max() < 0.5


def test_the_same_seed_draws_the_same_changes_and_another_does_not(noise, augmented):
    first, again, other = (augmented(noise, seed, **EVERYTHING) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_second_call_draws_other_changes(noise):
    augmentation = Augmentation(AugmentationSection(rotation=10.0), subset(noise))
    first, second = (keras.ops.convert_to_numpy(augmentation(noise, None, np.arange(256))[0]) for _ in range(2))
    assert not np.array_equal(first, second)


def test_everything_together_keeps_shape_type_and_range(noise, augmented):
    new = augmented(noise, **EVERYTHING)
    assert (new.shape, new.dtype) == (noise.shape, np.float32)
    assert new.min() >= 0
    assert new.max() <= 255


def test_every_image_of_a_batch_is_changed_in_its_own_way(noise, augmented):
    alike = np.repeat(noise[:1], len(noise), axis=0)
    assert len({image.tobytes() for image in augmented(alike, **EVERYTHING)}) == len(noise)
