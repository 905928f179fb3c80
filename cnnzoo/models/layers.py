"""Layers that a paper needs and Keras does not have."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from keras import backend, initializers, layers, ops, saving

Shape = tuple[int | None, ...]


@saving.register_keras_serializable("cnnzoo")
def scaled_tanh(x: Any) -> Any:
    """Return 1.7159 tanh(2x/3), the squashing function of LeCun et al. 1998, equation 6 and appendix A.

    It maps 1 to 1 and -1 to -1, where its second derivative is largest.
    """
    return 1.7159 * ops.tanh((2.0 / 3.0) * x)


def fan_in_uniform(fan_in: int) -> initializers.Initializer:
    """Return the uniform distribution on (-2.4 / fan_in, 2.4 / fan_in) of LeCun et al. 1998, appendix A."""
    return initializers.RandomUniform(-2.4 / fan_in, 2.4 / fan_in)


@saving.register_keras_serializable("cnnzoo")
class Subsampling2D(layers.Layer):
    """Sum of each 2x2 window times a trainable coefficient plus a trainable bias, both per map.

    LeCun et al. 1998, section II.B (layers S2 and S4).

    Maps (batch, height, width, maps) to (batch, height / 2, width / 2, maps).
    """

    pool_size = (2, 2)
    strides = (2, 2)

    def build(self, input_shape: Shape) -> None:
        """Create one coefficient and one bias per map."""
        maps = (input_shape[-1],)
        self.coefficient = self.add_weight(name="coefficient", shape=maps, initializer=fan_in_uniform(4))
        self.bias = self.add_weight(name="bias", shape=maps, initializer=fan_in_uniform(4))

    def call(self, maps: Any) -> Any:
        """Return the subsampled maps."""
        means = ops.average_pool(maps, self.pool_size, self.strides, data_format="channels_last")
        return means * (4.0 * self.coefficient) + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape with each side halved."""
        batch, height, width, maps = input_shape
        return batch, height and height // 2, width and width // 2, maps

    def macs(self, output_shape: tuple[int, int, int]) -> int:
        """Return one multiplication by the coefficient per output value."""
        return int(np.prod(output_shape))


@saving.register_keras_serializable("cnnzoo")
class SparselyConnectedConv2D(layers.Layer):
    """A convolution in which each output map sees only some of the input maps.

    LeCun et al. 1998, Table I (layer C3). Only the connections that exist have weights.

    Maps (batch, height, width, input maps) to
    (batch, height - kernel_size + 1, width - kernel_size + 1, output maps).

    Args:
        connections: For each output map, the indices of the input maps that it sees.
        kernel_size: Side of the square kernel in pixels.
    """

    strides = (1, 1)

    def __init__(self, connections: Sequence[Sequence[int]], kernel_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connections = [list(inputs) for inputs in connections]
        self.kernel_size = (kernel_size, kernel_size)

    def build(self, input_shape: Shape) -> None:
        """Create one kernel per connection and one bias per output map."""
        input_maps, output_maps = input_shape[-1], len(self.connections)
        assert input_maps is not None
        pairs = [(source, target) for target, inputs in enumerate(self.connections) for source in inputs]
        area = self.kernel_size[0] * self.kernel_size[1]
        limits = np.array([2.4 / (area * len(inputs)) for inputs in self.connections])

        def within(limit: Any) -> Any:
            return lambda shape, dtype=None: (
                initializers.RandomUniform(-1.0, 1.0)(shape, dtype) * ops.cast(limit, dtype)
            )

        targets = [target for _, target in pairs]
        self.kernel = self.add_weight(
            name="kernel", shape=(*self.kernel_size, len(pairs)), initializer=within(limits[targets])
        )
        self.bias = self.add_weight(name="bias", shape=(output_maps,), initializer=within(limits))
        # A product with this 0/1 matrix puts each kernel into its place in the dense one. On every
        # backend it and its gradient are faster than scattering.
        self._places = np.zeros((len(pairs), input_maps * output_maps), "float32")
        for row, (source, target) in enumerate(pairs):
            self._places[row, source * output_maps + target] = 1.0
        self._dense_shape = (*self.kernel_size, input_maps, output_maps)

    def call(self, maps: Any) -> Any:
        """Return the convolved maps."""
        dense = ops.matmul(self.kernel, ops.cast(self._places, self.compute_dtype))
        kernel = ops.reshape(dense, self._dense_shape)
        return ops.conv(maps, kernel, strides=1, padding="valid", data_format="channels_last") + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape that a valid convolution leaves."""
        batch, height, width, _ = input_shape
        shrink = self.kernel_size[0] - 1
        return batch, height and height - shrink, width and width - shrink, len(self.connections)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "connections": self.connections, "kernel_size": self.kernel_size[0]}


@saving.register_keras_serializable("cnnzoo")
class EuclideanRBF(layers.Layer):
    """Negated squared Euclidean distances to fixed centres, as logits.

    LeCun et al. 1998, equation 7. With softmax cross-entropy these logits give the paper's
    discriminative criterion, equation 9, without its constant rubbish class.

    Maps (batch, units) to (batch, classes).

    Args:
        centres: One vector per class; (classes, units), values -1 or +1.
    """

    def __init__(self, centres: Sequence[Sequence[float]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.centres = [list(map(float, centre)) for centre in centres]

    def call(self, units: Any) -> Any:
        """Return the logits."""
        centres = ops.convert_to_tensor(self.centres, dtype=units.dtype)
        # |u - c|^2 as |u|^2 - 2uc + |c|^2 avoids a (batch, classes, units) tensor.
        products = ops.matmul(units, ops.transpose(centres))
        return (
            2.0 * products - ops.sum(ops.square(units), axis=-1, keepdims=True) - ops.sum(ops.square(centres), axis=-1)
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, classes)."""
        return (*input_shape[:-1], len(self.centres))

    def macs(self, output_shape: tuple[int]) -> int:
        """Return one multiplication per unit and centre."""
        return output_shape[0] * len(self.centres[0])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "centres": self.centres}


@saving.register_keras_serializable("cnnzoo")
class LocalResponseNormalization(layers.Layer):
    """Each value divided by the energy of its neighbours across the channels.

    a / (bias + alpha * sum of a^2)^beta, where the sum runs over the value's own channel and ``depth_radius``
    channels on each side, as far as they exist. Krizhevsky et al. 2012, section 3.3, whose constants are
    the defaults. The division is computed in float32 at least, also under mixed precision. It counts
    no MACs.

    Maps (batch, ..., channels) to the same shape.

    Args:
        depth_radius: Neighbouring channels on each side; the window has 2 * depth_radius + 1.
        alpha: Weight of the sum.
        beta: Exponent.
        bias: Added to the weighted sum.
        scaling: "paper" uses alpha unchanged; "caffe" divides it by the size of the window, as Caffe
            and PyTorch do.
    """

    def __init__(
        self,
        depth_radius: int = 2,
        alpha: float = 1e-4,
        beta: float = 0.75,
        bias: float = 2.0,
        scaling: Literal["paper", "caffe"] = "paper",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if scaling not in {"paper", "caffe"}:
            raise ValueError(f"scaling must be 'paper' or 'caffe', not {scaling!r}.")
        self.depth_radius = depth_radius
        self.alpha = alpha
        self.beta = beta
        self.bias = bias
        self.scaling = scaling

    def build(self, input_shape: Shape) -> None:
        """Make the matrix that sums over neighbouring channels; there are no weights."""
        assert input_shape[-1] is not None
        channels = np.arange(input_shape[-1])
        near = np.abs(channels[:, None] - channels[None, :]) <= self.depth_radius
        alpha = self.alpha if self.scaling == "paper" else self.alpha / (2 * self.depth_radius + 1)
        self._band = alpha * near

    def call(self, maps: Any) -> Any:
        """Return the normalized maps."""
        precise = ops.cast(maps, backend.result_type(self.compute_dtype, "float32"))
        # A product with a band matrix is several times faster than adding shifted slices.
        base = self.bias + ops.matmul(ops.square(precise), ops.cast(self._band, precise.dtype))
        # Two square roots are twice as fast as a power.
        scale = ops.rsqrt(base * ops.sqrt(base)) if self.beta == 0.75 else ops.power(base, -self.beta)
        return ops.cast(precise * scale, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("depth_radius", "alpha", "beta", "bias", "scaling")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@saving.register_keras_serializable("cnnzoo")
class GroupedConv2D(layers.Conv2D):
    """A Conv2D that convolves its groups one by one; channels last.

    The same arguments, weights and results as ``keras.layers.Conv2D(groups=...)``, which trains ten
    times slower on a CPU. The kernel is (height, width, input channels / groups, filters).
    """

    def __init__(self, *args: Any, data_format: str = "channels_last", **kwargs: Any) -> None:
        super().__init__(*args, data_format=data_format, **kwargs)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Return the convolutions of each group of channels with its filters, side by side."""
        channels = ops.split(inputs, self.groups, axis=-1)
        filters = ops.split(kernel, self.groups, axis=-1)
        parts = [super(GroupedConv2D, self).convolution_op(*pair) for pair in zip(channels, filters, strict=True)]
        return ops.concatenate(parts, axis=-1)


@saving.register_keras_serializable("cnnzoo")
class PositionBias(layers.Layer):
    """A trainable bias for every point.

    Silver et al. 2016, Methods, "Neural network architecture": "a different bias for each position".

    Maps (batch, height, width) or (batch, points) to the same shape.
    """

    def build(self, input_shape: Shape) -> None:
        """Create one bias per point, initially zero."""
        self.bias = self.add_weight(name="bias", shape=input_shape[1:], initializer="zeros")

    def call(self, points: Any) -> Any:
        """Return the points with their biases added."""
        return points + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape


@saving.register_keras_serializable("cnnzoo")
class AuxiliaryLogits(layers.Layer):
    """Logits of a head that only training needs, with the weight of their loss.

    Szegedy et al. 2015, section 5. The layer does not change its input. It records in the model, and in its
    file, how much this output counts in training.

    Maps (batch, classes) to the same.

    Args:
        loss_weight: Factor of this head's loss in the sum that training minimizes.
    """

    def __init__(self, loss_weight: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loss_weight = loss_weight

    def call(self, logits: Any) -> Any:
        """Return the logits."""
        return logits

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "loss_weight": self.loss_weight}
