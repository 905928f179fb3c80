"""Gradients with respect to images, on every backend."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo.runtime.environment import keras_backend


def image_gradient(function: Callable[[Any], Any], images: NDArray[Any]) -> NDArray[Any]:
    """Return the gradient of a function with respect to images.

    Args:
        function: From a tensor of images to one number, by Keras's operations.
        images: (count, height, width, channels), float32.

    Returns:
        An array of the images' shape.
    """
    backend = keras_backend()
    if backend == "jax":
        import jax

        return np.asarray(jax.grad(function)(images))
    if backend == "torch":
        import torch

        tensor = torch.tensor(images, requires_grad=True)
        function(tensor).backward()
        gradient: NDArray[Any] = tensor.grad.numpy()
        return gradient
    import tensorflow as tf

    tensor = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = function(tensor)
    return np.asarray(tape.gradient(value, tensor))
