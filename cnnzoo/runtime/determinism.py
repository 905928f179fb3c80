"""Repeatable results on a GPU: what is set, and a check that the set flags do what they promise.

On a processor every backend computes the same bits again. On a GPU some operations add in an order that changes from
call to call, and libraries choose among algorithms by measuring them.
"""

import os
import re

import numpy as np
from numpy.typing import NDArray

from cnnzoo.errors import UserError
from cnnzoo.runtime.environment import DETERMINISM_FLAGS
from cnnzoo.runtime.gradients import image_gradient

REMEDY = "set runtime.deterministic: false, or install another version of the backend"


def is_repeatable(backend: str, kind: str) -> bool:
    """Return whether a loaded backend is set up to compute the same bits again.

    Args:
        backend: The backend.
        kind: "cpu" or "gpu".
    """
    if kind == "cpu":
        return True
    if backend == "jax":
        flags = os.environ.get("XLA_FLAGS", "").split()
        return any(re.fullmatch(f"({'|'.join(DETERMINISM_FLAGS[:2])})(=(true|1))?", flag) for flag in flags)
    return backend == "tensorflow" and _is_tensorflow_deterministic()


def make_tensorflow_deterministic() -> None:
    """Make TensorFlow, which is loaded, repeatable."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def _is_tensorflow_deterministic() -> bool:
    from tensorflow.python.framework import config  # its public module has no function for it

    return bool(config.is_op_determinism_enabled())


def check(backend: str) -> None:
    """Check that the loaded backend computes right and the same again; flags for it were wrong before (jax#27796).

    Raises:
        UserError: A scatter or a gradient is wrong, or differs from call to call.
    """
    import keras

    random = np.random.default_rng(0)
    places = random.permutation(4096)[:1024]
    values = random.random(1024, "float32")
    scattered = keras.ops.scatter_update(keras.ops.zeros((4096,)), places[:, None].astype("int32"), values)
    expected = np.zeros(4096, "float32")
    expected[places] = values
    if not np.array_equal(keras.ops.convert_to_numpy(scattered), expected):
        raise UserError(f"{backend} computes wrong results here with its setting for repeatable ones; {REMEDY}.")
    images = random.random((8, 33, 33, 4), "float32")
    first, second = (_pooling_gradient(images) for _ in range(2))
    if not np.allclose(first, _expected_pooling_gradient(images), atol=1e-4):
        raise UserError(f"{backend} computes a wrong gradient of max-pooling here; {REMEDY}.")
    if not np.array_equal(first, second):
        raise UserError(f"{backend} computes another gradient of max-pooling at each call; {REMEDY}.")


def _pooling_gradient(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the gradient of the sum of overlapping maxima, each multiplied by its number."""
    from keras import ops

    def total(pixels: object) -> object:
        pooled = ops.max_pool(pixels, 3, 2, data_format="channels_last")
        weights = ops.reshape(
            ops.arange(pooled.shape[1] * pooled.shape[2], dtype="float32"), (1, *pooled.shape[1:3], 1)
        )
        return ops.sum(pooled * weights)

    return image_gradient(total, images)


def _expected_pooling_gradient(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the same, by NumPy."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))[:, ::2, ::2]
    count, rows, columns, channels = windows.shape[:4]
    largest = windows.reshape(count, rows, columns, channels, 9).argmax(axis=-1)
    image, row, column, channel = np.indices(largest.shape)
    gradient = np.zeros_like(images)
    weights = (row * columns + column).astype("float32")
    np.add.at(gradient, (image, 2 * row + largest // 3, 2 * column + largest % 3, channel), weights)
    return gradient
