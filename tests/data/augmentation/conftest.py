import keras
import numpy as np
import pytest
from toys import subset

from cnnzoo.config import AugmentationSection
from cnnzoo.data.augmentation import Augmentation


def seeded(augmentation, seed):
    augmentation.generator.state.assign(np.array([seed, 0], augmentation.generator.state.dtype))
    return augmentation


@pytest.fixture
def augmented():
    """Return a function that augments images as training would, and gives NumPy's arrays back."""

    def augmented(images, seed=0, **section):
        augmentation = seeded(Augmentation(AugmentationSection.model_validate(section), subset(images)), seed)
        tensor = keras.ops.convert_to_tensor(images.astype("float32"))
        targets = keras.ops.zeros((len(images), 1))
        new, _ = augmentation(tensor, targets, np.arange(len(images), dtype="int32"))
        return keras.ops.convert_to_numpy(new)

    return augmented


@pytest.fixture
def mixed():
    """Return a function that mixes images, and gives them and the shares of their own labels back."""

    def mixed(images, seed=0, **section):
        augmentation = seeded(Augmentation(AugmentationSection.model_validate(section), subset(images)), seed)
        targets = keras.ops.eye(len(images))  # each image has its own class, so the diagonal holds what its label keeps
        new, targets = augmentation(keras.ops.convert_to_tensor(images), targets, np.arange(len(images), dtype="int32"))
        return keras.ops.convert_to_numpy(new), np.diag(keras.ops.convert_to_numpy(targets))

    return mixed


@pytest.fixture
def noise():
    """Return 256 colour images in which no two pixels are alike but by chance."""
    return np.random.default_rng(0).integers(1, 256, (256, 12, 16, 3)).astype("float32")
