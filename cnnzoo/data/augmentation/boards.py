"""Boards of Go on the device: packed planes are unpacked, and turned by a random symmetry together with the move."""

from typing import Any

from keras import ops, random

from cnnzoo.go.symmetries import SYMMETRIES


def turn(boards: Any, targets: Any, generator: random.SeedGenerator) -> tuple[Any, Any]:
    """Turn or mirror each board by one of its eight symmetries, drawn at random, and its move with it.

    Args:
        boards: (batch, size, size, channels); packed planes are the least work.
        targets: Probabilities of the points (batch, size * size).
        generator: Source of the random numbers.

    Returns:
        Both, turned.
    """
    size = boards.shape[1]
    symmetry = random.randint((ops.shape(boards)[0],), 0, SYMMETRIES, seed=generator)
    maps = _turn(ops.reshape(targets, (-1, size, size, 1)), symmetry)
    return _turn(boards, symmetry), ops.reshape(maps, (-1, size * size))


def _turn(maps: Any, symmetry: Any) -> Any:
    """Turn maps (batch, size, size, channels) by symmetries (batch,), numbered as in ``go.symmetries``."""
    maps = _choose(symmetry, 1, maps[:, ::-1], maps)
    maps = _choose(symmetry, 2, maps[:, :, ::-1], maps)
    return _choose(symmetry, 4, ops.transpose(maps, (0, 2, 1, 3)), maps)


def _choose(symmetry: Any, bit: int, turned: Any, maps: Any) -> Any:
    """Return the turned map wherever a bit of the symmetry is set."""
    return ops.where((ops.bitwise_and(symmetry, bit) > 0)[:, None, None, None], turned, maps)


def unpack(packed: Any) -> Any:
    """Return the planes (batch, size, size, 8 * bytes) of packed ones, as ``numpy.unpackbits`` does, as float32."""
    size, bytes_ = packed.shape[1], packed.shape[3]
    shifts = ops.arange(7, -1, -1, dtype="int32")
    bits = ops.bitwise_and(ops.right_shift(ops.cast(packed, "int32")[..., None], shifts), 1)
    return ops.reshape(ops.cast(bits, "float32"), (-1, size, size, 8 * bytes_))
