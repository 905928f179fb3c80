"""The order in which a training sees its images."""

from typing import ClassVar

import keras
import numpy as np
import pytest

from cnnzoo.config import AugmentationSection
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.training.trainee import Batches, EpochSeeds, Trainee

pytestmark = pytest.mark.every_backend


def test_every_image_is_seen_once_an_epoch_in_another_order():
    batches = Batches(np.arange(100, 110, dtype="int32"), np.arange(10, dtype="int32"), 3, whole=False)
    batches.shuffle(seed=0, epoch=1)
    pairs = [batches[step] for step in range(len(batches))]
    indices, labels = (np.concatenate(part) for part in zip(*pairs, strict=True))
    assert sorted(indices) == list(range(100, 110))
    assert np.array_equal(indices - 100, labels)
    assert len(Batches(np.arange(10), np.arange(10), 3, whole=True)) == 3


def test_epochs_of_a_few_steps_go_on_where_the_one_before_stopped():
    indices = np.arange(10, dtype="int32")
    passes, short = (Batches(indices, indices, 2, whole=True, count=count) for count in (None, 3))

    def drawn(batches, epochs):
        seen = []
        for epoch in range(epochs):
            batches.shuffle(7, epoch)
            seen += [batches[step][0].tolist() for step in range(len(batches))]
        return seen

    assert drawn(passes, 3) == drawn(short, 5)


class WatchedBatches(Batches):
    """Batches that note what is drawn from them."""

    drawn: ClassVar[list[list[int]]] = []

    def __getitem__(self, step):
        indices, labels = super().__getitem__(step)
        self.drawn.append(indices.tolist())
        return indices, labels


def test_an_epochs_batches_depend_on_seed_and_number_alone():
    images = np.zeros((100, 2, 2, 1), "uint8")
    indices = np.arange(100, dtype="int32")
    batches = WatchedBatches(indices, indices % 3, 16, whole=True)
    network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    trainee = Trainee(network, images, Augmentation(AugmentationSection(), images), label_smoothing=0.0)
    trainee.compile(keras.optimizers.SGD())
    trainee.fit(batches, epochs=2, shuffle=False, verbose=0, callbacks=[EpochSeeds(5, batches)])
    expected = [
        np.random.default_rng((5, epoch)).permutation(100)[step * 16 : (step + 1) * 16].tolist()
        for epoch in range(2)
        for step in range(6)
    ]
    positions = [batches.drawn.index(batch) for batch in expected]
    assert positions == sorted(positions)
