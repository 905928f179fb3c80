import keras
import numpy as np
import pytest
from PIL import Image
from toys import subset

from cnnzoo.config import AugmentationSection, ElasticSection, ResizedCropSection
from cnnzoo.data.augmentation import Augmentation, geometry

pytestmark = [pytest.mark.every_backend, pytest.mark.usefixtures("compile_quickly")]


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


def spreads(images):
    """Return how far mass is spread along rows and columns, as deviations."""
    rows, columns = centres(images)
    mass = images.sum(axis=(1, 2, 3))
    y = np.sqrt((images.sum(axis=(2, 3)) * (np.arange(28) - rows[:, None]) ** 2).sum(axis=1) / mass)
    x = np.sqrt((images.sum(axis=(1, 3)) * (np.arange(28) - columns[:, None]) ** 2).sum(axis=1) / mass)
    return y, x


def crops(image, pad):
    """Yield every crop of the old size out of the padded image."""
    height, width, _ = image.shape
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
    for y in range(2 * pad + 1):
        for x in range(2 * pad + 1):
            yield (y, x), padded[y : y + height, x : x + width]


def test_a_crop_is_a_copy_of_whole_pixels_out_of_the_padded_image(noise, augmented):
    seen = set()
    for image, new in zip(noise, augmented(noise, crop=2), strict=True):
        places = [place for place, crop in crops(image, 2) if np.array_equal(crop, new)]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) == 25  # every place is reached by one of 256 images


def test_half_of_the_images_are_mirrored_and_the_others_are_not_touched(noise, augmented):
    new = augmented(noise, mirror=True)
    mirrored = (new == noise[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (new == noise).all(axis=(1, 2, 3))
    assert (mirrored ^ kept).all()
    assert 96 < mirrored.sum() < 160  # four deviations


def test_crop_and_mirror_together_are_a_mirrored_crop(noise, augmented):
    new = augmented(noise, crop=2, mirror=True)
    mirrored = 0
    for image, found in zip(noise, new, strict=True):
        matches = [
            flip
            for flip in (False, True)
            for _, crop in crops(image, 2)
            if np.array_equal(crop[:, ::-1] if flip else crop, found)
        ]
        assert len(matches) == 1
        mirrored += matches[0]
    assert 96 < mirrored < 160


def test_an_alternating_mirror_mirrors_every_image_once_in_two_epochs(noise):
    augmentation = Augmentation(AugmentationSection(mirror="alternating"), subset(noise))
    indices = np.random.default_rng(1).permutation(len(noise)).astype("int32")
    epochs = []
    for epoch in range(4):
        augmentation.begin_epoch(5, epoch)
        new = keras.ops.convert_to_numpy(augmentation(keras.ops.convert_to_tensor(noise[indices]), None, indices)[0])
        mirrored = (new == noise[indices][:, :, ::-1]).all(axis=(1, 2, 3))
        assert np.array_equal(new[~mirrored], noise[indices][~mirrored])
        epochs.append(mirrored)
    assert np.array_equal(epochs[0], ~epochs[1])
    assert np.array_equal(epochs[0], epochs[2])
    assert np.array_equal(epochs[1], epochs[3])
    assert 96 < epochs[0].sum() < 160


def test_shifts_differ_by_image_and_stay_within_their_bound(blobs, augmented):
    rows, columns = centres(augmented(blobs, shift=3.0))
    for centre in (rows, columns):
        assert np.abs(centre - 13.5).max() <= 3.0 + 1e-3
        assert np.abs(centre - 13.5).max() > 2.0
        assert len(np.unique(centre.round(3))) > 50


def test_rotation_turns_about_the_centre_by_at_most_its_bound(augmented):
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


def test_scaling_is_alike_on_both_axes_and_squeezing_is_opposite(blobs, augmented):
    plain = spreads(blobs)[0][0]
    y, x = (spread / plain for spread in spreads(augmented(blobs, scale=0.5)))
    assert np.allclose(y, x, atol=0.02)
    assert 0.64 < y.min() < 0.8
    assert 1.3 < y.max() < 1.53
    y, x = (spread / plain for spread in spreads(augmented(blobs, squeeze=0.5)))
    assert np.allclose(y * x, 1, atol=0.08)
    assert x.max() > 1.3
    assert x.min() < 0.8


def test_shear_slants_upright_lines_and_leaves_level_ones(augmented):
    bars = np.zeros((64, 28, 28, 1), "float32")
    bars[:, 4:24, 13:15] = 100.0
    slanted = augmented(bars, shear=30.0)[..., 0]
    assert np.allclose(slanted.sum(axis=2), bars[..., 0].sum(axis=2), atol=1e-2)  # each row keeps its mass
    columns = (slanted[:, 4:24] @ np.arange(28)) / slanted[:, 4:24].sum(axis=2)
    slopes = np.degrees(np.arctan((columns[:, -1] - columns[:, 0]) / 19))
    assert np.abs(slopes).max() <= 30.1
    assert slopes.max() > 20
    assert slopes.min() < -20


def coordinates(size, turns):
    """Return where pixels come from when an image is turned by quarters, as rotation means it."""
    angle = turns * np.pi / 2
    y, x = np.meshgrid(*[np.arange(length, dtype="float32") - (length - 1) / 2 for length in size], indexing="ij")
    columns = np.cos(angle) * x - np.sin(angle) * y + (size[1] - 1) / 2
    return columns, np.sin(angle) * x + np.cos(angle) * y + (size[0] - 1) / 2


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_rotation_by_quarters_equals_numpys(turns, noise):
    square = noise[:2, :, :12]
    places = (np.stack([place] * 2).astype("float32") for place in coordinates((12, 12), turns))
    turned = keras.ops.convert_to_numpy(geometry.sample_pixels(keras.ops.convert_to_tensor(square), *places))
    assert np.allclose(turned, np.rot90(square, turns, axes=(1, 2)), atol=1e-2)


def test_reading_between_pixels_is_bilinear_and_fades_out_at_the_border():
    image = keras.ops.convert_to_tensor(np.array([[[[10.0], [20.0]], [[30.0], [60.0]]]], "float32"))
    columns = np.array([[[0.25, 0.5, -0.5, 1.75, -1.0, 5.0]]], "float32")
    rows = np.array([[[0.0, 0.5, 0.0, 1.0, 0.0, -9.0]]], "float32")
    found = keras.ops.convert_to_numpy(geometry.sample_pixels(image, columns, rows))[0, 0, :, 0]
    assert np.allclose(found, [12.5, 30.0, 5.0, 15.0, 0.0, 0.0])


def test_an_elastic_distortion_is_smooth_and_as_strong_in_the_corners_as_in_the_middle():
    generator = keras.random.SeedGenerator(1)
    fields = geometry.draw_displacements(ElasticSection(alpha=34.0, sigma=4.0), 2000, (28, 28), generator)
    fields = keras.ops.convert_to_numpy(fields)
    deviation = fields.std(axis=0)
    expected = 34 / np.sqrt(3) / (2 * np.sqrt(np.pi) * 4)  # of uniform noise, smoothed along two axes
    assert abs(deviation.mean() - expected) < 0.03 * expected
    assert deviation.min() > 0.9 * expected
    assert deviation.max() < 1.1 * expected
    assert np.abs(fields.mean(axis=0)).max() < 0.2
    assert np.abs(np.diff(fields, axis=-1)).mean() < 0.3 * expected
    x, y = fields[:, 0, 14, 14], fields[:, 1, 14, 14]
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.1


def test_a_resized_crop_has_the_configured_area_and_aspect():
    section = ResizedCropSection(area=[0.2, 0.6], aspect=[0.5, 2.0])
    drawn = geometry.draw_crops(section, 4000, (30, 30), keras.random.SeedGenerator(2))
    width, height, x, y = (keras.ops.convert_to_numpy(part) for part in drawn)
    area, aspect = width * height, width / height
    assert area.min() >= 0.2 - 1e-5
    assert area.max() <= 0.6 + 1e-5
    assert aspect.min() >= 0.5 - 1e-4
    assert aspect.max() <= 2.0 + 1e-4
    assert max(width.max(), height.max()) <= 1
    for centre, length in ((x, width), (y, height)):
        assert (np.abs(centre) + length / 2).max() <= 0.5 + 1e-5
    assert abs(np.log(aspect).mean()) < 0.05


def test_a_resized_crop_of_everything_changes_nothing(noise, augmented):
    new = augmented(noise, resized_crop={"area": [1.0, 1.0], "aspect": [4 / 3, 4 / 3]})
    assert np.allclose(new, noise, atol=0.05)


def test_a_resized_crop_shows_nothing_from_outside_the_image(noise, augmented):
    new = augmented(np.full_like(noise, 90.0), resized_crop={"area": [0.1, 0.5]})
    assert np.allclose(new, 90.0, atol=1e-2)


@pytest.mark.parametrize("scale", [0.75, 0.5, 0.3])
def test_shrinking_equals_pillows(scale, noise):
    small = keras.ops.convert_to_numpy(geometry.shrink(noise[:1], scale))
    height, width = small.shape[1:3]
    assert (height, width) == (round(12 * scale), round(16 * scale)) == geometry.shrunk_size((12, 16), scale)
    theirs = Image.fromarray(noise[0, :, :, 0]).resize((width, height), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(small[0, :, :, 0], np.asarray(theirs), atol=1e-3)


def test_pixels_keep_their_range_and_the_outside_is_dark(blobs, augmented):
    images = augmented(np.full_like(blobs, 255.0), shift=5.0)
    assert images.min() >= 0
    assert images.max() <= 255.0 + 1e-3
    assert (images[:, [0, -1]] == 0).any()
