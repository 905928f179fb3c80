"""The kernels of a network's first convolution, at the start and after the training."""

from typing import Any

import keras
from numpy.typing import NDArray

import cnnzoo
from cnnzoo import runtime
from cnnzoo.config import Config
from cnnzoo.lab.layers import ModelLayers, first_convolution


def learned_kernels(layers: ModelLayers) -> tuple[str, NDArray[Any]]:
    """Return the name of the first convolution and its kernels (height, width, channels, filters).

    Raises:
        UserError: The network has no convolution.
    """
    layer = first_convolution(layers.network)
    kernels: NDArray[Any] = keras.ops.convert_to_numpy(layer.kernel)
    return layer.name, kernels


def initial_kernels(config: Config, layers: ModelLayers) -> NDArray[Any]:
    """Return the kernels (height, width, channels, filters) that a training of a config started from.

    They are drawn again, so Keras's backend must be that of the training: each draws other numbers from a seed.

    Args:
        config: The run's config, whose seed determines the numbers.
        layers: The trained model, for its sizes.
    """
    runtime.seed_everything(config.seed)
    network = cnnzoo.build(
        config.model.name, layers.network.input_shape[1:], layers.network.output_shape[-1], **config.model.options
    )
    kernels: NDArray[Any] = keras.ops.convert_to_numpy(first_convolution(network).kernel)
    return kernels
