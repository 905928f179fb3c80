"""Repeatable results on a GPU: what is set, and a check that the set flags do what they promise.

On a processor TensorFlow and JAX compute the same bits again. On a GPU some operations add in an order that changes
from call to call, and libraries choose among algorithms by measuring them.
"""

import os
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cnnzoo.errors import UserError
from cnnzoo.runtime.environment import DETERMINISTIC_FLAG, EXCLUDING_FLAG
from cnnzoo.runtime.gradients import image_gradient

# Of the vector of the scatter that is checked.
LENGTH = 4096

Scatter = Callable[[NDArray[np.int32], NDArray[np.float32]], NDArray[np.float32]]
Gradient = Callable[[NDArray[np.float32]], NDArray[np.float32]]

REMEDY = "set runtime.deterministic: false, or install another version of the backend"


def is_repeatable(backend: str, kind: str) -> bool:
    """Return whether a loaded backend is set up to compute the same bits again.

    Args:
        backend: The backend.
        kind: "cpu" or "gpu".
    """
    if kind == "cpu":
        return backend != "torch"  # of which nothing is tested
    if backend == "jax":
        flags = os.environ.get("XLA_FLAGS", "")
        is_measuring = "--xla_gpu_autotune_level=0" not in flags.split()
        return _is_on(DETERMINISTIC_FLAG, flags) or (_is_on(EXCLUDING_FLAG, flags) and not is_measuring)
    return backend == "tensorflow" and _is_tensorflow_deterministic()


def _is_on(flag: str, flags: str) -> bool:
    """Return whether a switch is on in XLA_FLAGS."""
    return any(re.fullmatch(f"{flag}(=(true|1))?", each) for each in flags.split())


def make_tensorflow_deterministic() -> None:
    """Make TensorFlow, which is loaded, repeatable."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def _is_tensorflow_deterministic() -> bool:
    from tensorflow.python.framework import config  # its public module has no function for it

    return bool(config.is_op_determinism_enabled())


def check(backend: str, scatter: Scatter | None = None, gradient: Gradient | None = None) -> None:
    """Check that the loaded backend is correct and repeatable; flags for that made scatters wrong before (jax#27796).

    Args:
        backend: Its name, for the message.
        scatter: Puts values (count,) at places (count,) of a vector of zeros; None for that of the backend.
        gradient: Of max-pooling, see ``_pooling_gradient``; None for that of the backend.

    Raises:
        UserError: A scatter or a gradient is wrong, or differs from call to call.
    """
    scatter, gradient = scatter or _scatter, gradient or _pooling_gradient
    random = np.random.default_rng(0)
    places, values = random.permutation(LENGTH)[:1024].astype("int32"), random.random(1024, "float32")
    expected = np.zeros(LENGTH, "float32")
    expected[places] = values
    if not np.array_equal(scatter(places, values), expected):
        raise UserError(f"{backend} puts values into wrong places here with its settings for repeatability; {REMEDY}.")
    images = random.random((8, 33, 33, 4), "float32")
    first, second = (gradient(images) for _ in range(2))
    if not np.allclose(first, _expected_pooling_gradient(images), atol=1e-4):
        raise UserError(f"{backend} computes a wrong gradient of max-pooling here; {REMEDY}.")
    if not np.array_equal(first, second):
        raise UserError(f"{backend}'s gradient of max-pooling changes from call to call here; {REMEDY}.")


def _scatter(places: NDArray[np.int32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(ops.scatter_update(ops.zeros((LENGTH,)), places[:, None], values)))


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
