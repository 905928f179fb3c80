"""Batch normalization in one operation of TensorFlow, where Keras takes many."""

from typing import Any

from keras import backend, layers, ops

from cnnzoo.keras_internals import saved_as_keras


@saved_as_keras("keras.layers")
class BatchNormalization(layers.BatchNormalization):
    """``keras.layers.BatchNormalization``, one operation instead of many on TensorFlow.

    Ioffe and Szegedy 2015. It has the same arguments, weights and results; on other backends it is Keras's own.
    Keras computes it from a dozen operations, and under mixed precision casts the maps to float32 and back. Here maps
    (batch, height, width, channels) pass through memory once and stay in half precision, while mean and variance
    are float32. Keras computes what the operation cannot: other axes and ranks, float64, masks,
    renormalization, statistics of several devices.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the normalized inputs, and update the moving statistics in training."""
        if mask is not None or not self._can_be_fused(inputs):
            return super().call(inputs, training=training, mask=mask)
        from cnnzoo.models import tensorflow_kernels  # imports TensorFlow

        channels = inputs.shape[-1]
        gamma = ops.cast(self.gamma, "float32") if self.scale else ops.ones(channels, "float32")
        beta = ops.cast(self.beta, "float32") if self.center else ops.zeros(channels, "float32")
        moving_mean = ops.cast(self.moving_mean, "float32")
        moving_variance = ops.cast(self.moving_variance, "float32")
        if training and self.trainable:
            outputs, mean, variance = tensorflow_kernels.normalize_by_batch(inputs, gamma, beta, self.epsilon)
            self.moving_mean.assign(moving_mean * self.momentum + mean * (1.0 - self.momentum))
            self.moving_variance.assign(moving_variance * self.momentum + variance * (1.0 - self.momentum))
        else:
            outputs = tensorflow_kernels.normalize_by_statistics(
                inputs, gamma, beta, moving_mean, moving_variance, self.epsilon
            )
        return ops.cast(outputs, self.compute_dtype)

    def _can_be_fused(self, inputs: Any) -> bool:
        return (
            backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in {-1, 3}
            and backend.standardize_dtype(inputs.dtype) in {"float32", "bfloat16", "float16"}
            and not (self.renorm or self.synchronized)
        )
