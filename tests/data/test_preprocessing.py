import keras
import numpy as np
import pytest
from toys import subset

from cnnzoo.config import PreprocessingSection
from cnnzoo.data.preprocessing import padded_shape, resolve, with_preprocessing
from cnnzoo.errors import UserError

pytestmark = pytest.mark.every_backend


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (50, 6, 6, 3)).astype("uint8")


def test_mean_and_deviation_are_the_training_images_own(images):
    resolved = resolve(PreprocessingSection(), subset(images))
    assert resolved.mean == pytest.approx((images / 255).mean(axis=(0, 1, 2)), abs=1e-6)
    assert resolved.deviation == pytest.approx((images / 255).std(axis=(0, 1, 2)), abs=1e-6)


def test_images_of_one_value_do_not_divide_by_zero():
    for value in range(256):
        resolved = resolve(PreprocessingSection(), subset(np.full((1, 6, 6, 1), value, "uint8")))
        assert resolved.deviation[0] > 0


def test_one_value_serves_all_channels_and_another_number_of_values_is_refused(images):
    assert resolve(PreprocessingSection(mean=0.5), subset(images)).mean == [0.5, 0.5, 0.5]
    with pytest.raises(UserError, match=r"mean has 2 values, but the images have 3 channels"):
        resolve(PreprocessingSection(mean=[0.5, 0.4]), subset(images))


def test_a_model_with_preprocessing_takes_raw_pixels(images):
    section = resolve(PreprocessingSection(pad=2, mean=0.5, deviation=0.25), subset(images))
    shape = padded_shape(section, (6, 6, 3))
    assert shape == (10, 10, 3)
    network = keras.Sequential([keras.Input(shape), keras.layers.Flatten()])
    seen = keras.ops.convert_to_numpy(with_preprocessing(network, section, (6, 6, 3))(images)).reshape(50, *shape)
    assert np.allclose(seen[:, 2:-2, 2:-2], (images / 255 - 0.5) / 0.25, atol=1e-5)
    assert np.allclose(seen[:, :2], (0 - 0.5) / 0.25)
