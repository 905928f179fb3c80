"""Keras's random initializers, drawn by NumPy.

The weights are the same on every backend, and there at once: JAX would compile its generator anew for every shape,
which made GoogLeNet take 20 seconds to build. Seeds are Keras's, so that ``keras.utils.set_random_seed`` decides
them. An instance draws the same numbers again and again, as Keras's own do: each weight needs one of its own.

In a saved model they stand as Keras's own of the same names, so that the file loads where this package is not.
"""

from math import prod, sqrt
from typing import Any

import numpy as np
from keras import initializers, ops

Shape = tuple[int, ...]


class RandomNormal(initializers.RandomNormal):
    """``keras.initializers.RandomNormal``, drawn by NumPy."""

    __module__ = "keras.initializers"

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of a given shape."""
        values = np.random.default_rng(self.seed).standard_normal(shape, "float32")
        values *= self.stddev
        values += self.mean
        return ops.convert_to_tensor(values, dtype)


class VarianceScaling(initializers.VarianceScaling):
    """``keras.initializers.VarianceScaling``, drawn by NumPy; "untruncated_normal" or "uniform"."""

    __module__ = "keras.initializers"

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
            raise ValueError(f"the distribution is 'untruncated_normal' or 'uniform', not {self.distribution!r}.")
        return ops.convert_to_tensor(values, dtype)


def glorot_uniform() -> VarianceScaling:
    """Return the uniform distribution of Glorot and Bengio 2010, equation 16, which is Keras's default."""
    return VarianceScaling(1.0, "fan_avg", "uniform")


def he_normal() -> VarianceScaling:
    """Return the normal distribution of He et al. 2015, equation 10; Keras's own of that name is cut off at 2 sigma."""
    return VarianceScaling(2.0, "fan_in", "untruncated_normal")
