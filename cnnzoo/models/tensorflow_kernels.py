"""TensorFlow's own kernels, for layers that Keras computes from many small operations.

This is the only module of the models that imports a backend, so import it only where Keras runs on TensorFlow.
"""

from typing import Any

import tensorflow as tf


def normalize_by_batch(maps: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """Normalize each channel by its mean and variance over the batch, in one operation.

    Args:
        maps: (batch, height, width, channels), float32, bfloat16 or float16.
        gamma: Scale (channels,), float32.
        beta: Offset (channels,), float32.
        epsilon: Added to the variance.

    Returns:
        The normalized maps in the maps' type; mean and biased variance (channels,), float32.
    """
    normalized, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=maps, scale=gamma, offset=beta, mean=[], variance=[], epsilon=epsilon, is_training=True
    )
    count = tf.cast(tf.size(maps) // tf.size(mean), "float32")
    # The operation divides by count - 1, or by 1 where that is 0.
    return normalized, mean, variance * ((count - 1.0) / count)


def normalize_by_statistics(maps: Any, gamma: Any, beta: Any, mean: Any, variance: Any, epsilon: float) -> Any:
    """Normalize each channel by the mean and variance passed in.

    Their shape is (channels,) and their type float32; the other arguments are those of ``normalize_by_batch``.
    """
    return tf.raw_ops.FusedBatchNormV3(
        x=maps, scale=gamma, offset=beta, mean=mean, variance=variance, epsilon=epsilon, is_training=False
    ).y
