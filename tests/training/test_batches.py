"""The order in which a training sees its images."""

import gc

import numpy as np
import pytest
from toys import subset
from trainings import SMALL_SETTINGS

from cnnzoo.cli.options import load_config
from cnnzoo.training import Listener, train
from cnnzoo.training.batches import Batches
from cnnzoo.training.execution import make_items

pytestmark = pytest.mark.every_backend


@pytest.fixture
def numbered():
    """Ten images that come after a hundred others, with the labels 0 to 9."""
    images = subset(np.zeros((110, 1, 1, 1), "uint8"), np.arange(110, dtype="int32") - 100)
    return images.select(np.arange(110) >= 100)


def test_every_image_is_seen_once_an_epoch_in_another_order(numbered):
    batches = Batches(numbered, 3, full_batches_only=False)
    batches.shuffle(seed=0, epoch=1)
    steps = [batches[step] for step in range(len(batches))]
    indices, own_labels = (np.concatenate(part) for part in zip(*(inputs for inputs, _ in steps), strict=True))
    assert sorted(indices) == list(range(100, 110))
    assert np.array_equal(indices - 100, own_labels)
    assert np.array_equal(np.concatenate([labels for _, labels in steps]), own_labels)
    assert len(Batches(numbered, 3, full_batches_only=True)) == 3


def test_a_short_epoch_continues_where_the_one_before_stopped(numbered):
    passes, short = (Batches(numbered, 2, full_batches_only=True, count=count) for count in (None, 3))

    def drawn(batches, epochs):
        seen = []
        for epoch in range(epochs):
            batches.shuffle(7, epoch)
            seen += [batches[step][1].tolist() for step in range(len(batches))]
        return seen

    assert drawn(passes, 3) == drawn(short, 5)


class Watching(Listener):
    """Notes the order in which each epoch of a training draws its images."""

    def __init__(self):
        self.orders = []

    def epoch(self, row, images_per_second, best):
        (batches,) = (one for one in gc.get_objects() if type(one) is Batches and one.batch_size == 127)
        self.orders.append(batches.order.copy())


def test_the_order_of_a_trainings_epochs_follows_from_seed_and_number(tmp_path):
    watching = Watching()
    config = load_config("digits", (*SMALL_SETTINGS, "training.batch_size=127"), seed=5)
    train(config, directory=tmp_path / "run", listener=watching)
    whole = 127 * (1293 // 127)  # an epoch is of whole batches
    expected = [np.random.default_rng((5, epoch)).permutation(1293)[:whole] for epoch in range(2)]
    assert np.array_equal(watching.orders, expected)


@pytest.mark.backend("tensorflow")
def test_tensorflow_sees_the_batches_of_each_epoch_and_does_not_tune(numbered):
    """The thread that tunes would keep the end of an epoch waiting."""
    import keras

    batches = Batches(numbered, 3, full_batches_only=False)
    dataset = make_items(batches)
    for epoch in range(2):
        batches.shuffle(0, epoch)
        seen = [keras.tree.map_structure(np.asarray, item) for item in dataset]
        expected = [batches[step] for step in range(4)]
        assert all(
            np.array_equal(one, other)
            for one, other in zip(keras.tree.flatten(seen), keras.tree.flatten(expected), strict=True)
        )
    assert len(dataset) == 4
    assert dataset.options().autotune.enabled is False
