"""Boards of Go on the device."""

import keras
import numpy as np
import pytest
from keras import ops

from cnnzoo.data.augmentation import boards
from cnnzoo.go.symmetries import SYMMETRIES, inverses, permutations

pytestmark = pytest.mark.every_backend


def test_planes_are_unpacked_as_numpy_does():
    packed = np.random.default_rng(0).integers(0, 256, (3, 7, 7, 6), "uint8")
    assert np.array_equal(ops.convert_to_numpy(boards.unpack(packed)), np.unpackbits(packed, axis=-1))


def test_each_board_is_turned_by_one_symmetry_together_with_its_move():
    count, size = 200, 7
    planes = np.random.default_rng(1).integers(0, 256, (count, size, size, 6), "uint8")
    labels = np.arange(count) % size**2
    turned, targets = boards.turn(planes, ops.one_hot(labels, size**2), keras.random.SeedGenerator(3))
    moves = ops.convert_to_numpy(targets).argmax(axis=1)
    found = []
    for number, board in enumerate(ops.convert_to_numpy(turned)):
        rows = board.reshape(size * size, 6)
        original = planes[number].reshape(size * size, 6)
        matching = [s for s in range(SYMMETRIES) if np.array_equal(rows, original[permutations(size)[s]])]
        assert len(matching) == 1
        assert moves[number] == inverses(size)[matching[0]][labels[number]]
        found += matching
    assert set(found) == set(range(SYMMETRIES))
    assert np.bincount(found).min() > count / SYMMETRIES / 3
