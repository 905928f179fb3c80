"""Planes with and without numba."""

import sys

import numpy as np
from boards import play_at_random

from cnnzoo.go import planes
from cnnzoo.go.encoding import choose_encoder


def test_planes_are_the_same_with_and_without_numba_and_their_lack_is_noted(monkeypatch):
    encode, note = choose_encoder()
    assert (encode is not planes.encode, note) == (True, "")
    *_, (board, _) = play_at_random(7, 30, seed=4)
    assert np.array_equal(encode(board), planes.encode(board))
    monkeypatch.setitem(sys.modules, "numba", None)
    encode, note = choose_encoder()
    assert encode is planes.encode
    assert note.startswith("planes are computed slowly: numba ")
