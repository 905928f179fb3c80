"""Keras's random initializers, computed by NumPy.

The weights are the same on every backend and ready at once: JAX would compile its generator again for every shape,
which made GoogLeNet take 20 seconds to build. The seeds are Keras's, so ``keras.utils.set_random_seed`` determines
them. An instance returns the same numbers at every call, as Keras's own do, so each weight needs its own instance.
"""

from math import prod, sqrt
from typing import Any

import numpy as np
from keras import initializers, ops

from cnnzoo.keras_internals import saved_as_keras

Shape = tuple[int, ...]


@saved_as_keras("keras.initializers")
class RandomNormal(initializers.RandomNormal):
    """``keras.initializers.RandomNormal``, computed by NumPy."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of random numbers."""
        values = np.random.default_rng(self.seed).standard_normal(shape, "float32")
        values *= self.stddev
        values += self.mean
        return ops.convert_to_tensor(values, dtype)


@saved_as_keras("keras.initializers")
class VarianceScaling(initializers.VarianceScaling):
    """``keras.initializers.VarianceScaling``, computed by NumPy; "untruncated_normal" or "uniform"."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a kernel (..., inputs, outputs)."""
        fan_in, fan_out = prod(shape[:-1]), prod(shape[:-2]) * shape[-1]
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        random = np.random.default_rng(self.seed)
        if self.distribution == "untruncated_normal":
            values = random.standard_normal(shape, "float32")
            values *= sqrt(self.scale / fan)
        elif self.distribution == "uniform":
            values = random.random(shape, "float32")
            values -= 0.5
            values *= 2 * sqrt(3 * self.scale / fan)
        else:
            raise ValueError(f"the distribution must be 'untruncated_normal' or 'uniform', not {self.distribution!r}.")
        return ops.convert_to_tensor(values, dtype)


def glorot_uniform() -> VarianceScaling:
    """Return the uniform distribution of Glorot and Bengio 2010, equation 16, which is Keras's default."""
    return VarianceScaling(1.0, "fan_avg", "uniform")


def he_normal() -> VarianceScaling:
    """Return the normal distribution of He et al. 2015, equation 10; Keras's own of that name is cut off at 2 sigma."""
    return VarianceScaling(2.0, "fan_in", "untruncated_normal")
