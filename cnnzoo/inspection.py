"""The layers of a built model: shapes, parameters, MACs and receptive fields."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import keras

from cnnzoo import registry
from cnnzoo.keras_internals import build_without_weights, layer_calls
from cnnzoo.text import format_size


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One call of a layer.

    Attributes:
        name: The layer's name; inside a nested model ``model/layer``.
        kind: The layer's class.
        output_shape: Without the batch axis.
        parameters: Number of weights, including those that training does not change; 0 if an earlier row has
            counted them.
        trainable_parameters: Number of weights that training changes.
        macs: Multiply-accumulates for one image: one multiplication and one addition count 1.
        receptive_field: Input pixels that one output value depends on, per spatial axis. It may
            exceed the input, because it includes padding.
        step: Input pixels between two neighbouring values, per spatial axis; 0 if every value depends on the whole
            input.
        start: The first input pixel that the first value depends on, per spatial axis; negative in the padding.
        window: Side of the kernel or of the pooled region, and the stride if it is not 1, such as ``11x11 /4``; empty
            for other layers.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    trainable_parameters: int
    macs: int
    receptive_field: tuple[int, ...]
    step: tuple[int, ...]
    start: tuple[int, ...]
    window: str = ""

    @property
    def activation_bytes(self) -> int:
        """Memory of the output for one image in float32, which training keeps until the backward pass."""
        return 4 * prod(self.output_shape)


@dataclass(frozen=True, slots=True)
class NetworkSummary:
    """A network call by call, one branch after the other.

    Attributes:
        name: The model's name.
        rows: The inputs, then the layers.
    """

    name: str
    rows: tuple[LayerRow, ...]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable_parameters(self) -> int:
        """Number of weights that training changes."""
        return sum(row.trainable_parameters for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return sum(row.macs for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """Memory of all outputs for one image in float32, the image included."""
        return sum(row.activation_bytes for row in self.rows)


def inspect(model: keras.Model) -> NetworkSummary:
    """Describe a built model.

    MACs: every weight of a layer's ``kernel`` is used once per output position. A layer that uses its weights
    otherwise has a method ``macs(output_shape) -> int``. Everything else counts 0.

    Receptive fields follow ``kernel_size`` or ``pool_size``, ``strides``, ``dilation_rate`` and ``padding`` along the
    graph; the pixels of all branches count. A value that is pooled or computed from all positions depends on at least
    the whole input; flattening changes no receptive field.

    Args:
        model: Functional or Sequential, with inputs of fixed size.

    Raises:
        ValueError: The model has no graph to follow, or an input without a fixed size.
    """
    images = getattr(model, "inputs", None)
    if not images or any(None in image.shape[1:] for image in images):
        raise ValueError(f"'{model.name}' must be a functional or Sequential model with inputs of fixed size.")
    walk = _Walk(input_size=max(tuple(image.shape[1:-1]) for image in images))
    pixel, origin = (1,) * len(walk.input_size), (0,) * len(walk.input_size)
    walk.rows += [
        LayerRow(image.name, "Input", tuple(image.shape[1:]), 0, 0, 0, pixel, pixel, origin) for image in images
    ]
    walk.follow(model, [_View(pixel, pixel, origin)] * len(images))
    return NetworkSummary(model.name, tuple(walk.rows))


def outline(
    name: str, input_shape: tuple[int, int, int] | None = None, num_classes: int | None = None, **options: Any
) -> keras.Model:
    """Build a registered network without values for its weights: it takes no memory, but cannot compute.

    Args:
        name: Name of the network.
        input_shape: (height, width, channels); by default the builder's own.
        num_classes: Number of logits; by default the builder's own.
        **options: Options of the builder.
    """
    import cnnzoo.models  # noqa: F401 - registers the zoo

    return build_without_weights(lambda: registry.build(name, input_shape, num_classes, **options))


# Settings that do not change what a trained layer computes.
_WITHOUT_EFFECT = re.compile(
    "name|trainable|dtype|momentum|rate|seed|noise_shape|loss_weight|batch_shape|.*(constraint|initializer|regularizer)"
)


def compare_settings(layer: keras.Layer, other: keras.Layer) -> dict[str, tuple[Any, Any]]:
    """Return the settings that make two layers compute differently, by name with both values; "class" is the first."""
    ours, theirs = ({"class": type(one).__name__, **one.get_config()} for one in (layer, other))
    pairs = {key: (ours.get(key), theirs.get(key)) for key in {**ours, **theirs} if not _WITHOUT_EFFECT.fullmatch(key)}
    return {key: (value, other_value) for key, (value, other_value) in pairs.items() if value != other_value}


@dataclass(frozen=True, slots=True)
class _View:
    """The receptive field of a tensor's values, per spatial axis.

    Attributes:
        size: Pixels that one value depends on.
        step: Pixels between two neighbouring values; 0 if every value depends on the whole input.
        start: The first pixel that the first value depends on; negative in the padding.
    """

    size: tuple[int, ...]
    step: tuple[int, ...]
    start: tuple[int, ...]


_GRAPHS = (keras.Function, keras.Sequential)
# Layers that mix no positions of an image.
_ELEMENTWISE = (
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.Dropout,
    keras.layers.BatchNormalization,
)
_GLOBAL_POOLING = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)


class _Walk:
    """The rows of a model and of the models nested in it.

    Args:
        input_size: Sides of the input in pixels.
    """

    def __init__(self, input_size: tuple[int, ...]) -> None:
        self.input_size = input_size
        self.rows: list[LayerRow] = []
        self.counted: set[int] = set()

    def follow(self, model: keras.Model, views: list[_View], prefix: str = "") -> list[_View]:
        """Add the rows of a model whose inputs have these views; return the views of its outputs."""
        seen = dict(zip(map(id, model.inputs), views, strict=True))
        for call in _list_calls(model):
            layer, inputs = call.operation, [seen[id(tensor)] for tensor in call.input_tensors]
            if isinstance(layer, _GRAPHS):
                outputs = self.follow(layer, inputs, f"{prefix}{layer.name}/")
            else:
                output_shape = tuple(call.output_tensors[0].shape[1:])
                input_shape = tuple(call.input_tensors[0].shape[1:])
                view = self.output_view(layer, inputs, input_shape[:-1], len(output_shape) - 1)
                self.rows.append(self.row(layer, output_shape, view, prefix))
                outputs = [view] * len(call.output_tensors)
            seen.update(zip(map(id, call.output_tensors), outputs, strict=True))
        return [seen[id(tensor)] for tensor in model.outputs]

    def output_view(
        self, layer: keras.Operation, inputs: list[_View], input_sides: tuple[int, ...], axes: int
    ) -> _View:
        """Return the view of a layer's outputs, which have this number of spatial axes."""
        step = _combine_per_axis(lambda steps: max(steps) if all(steps) else 0, (view.step for view in inputs))
        start = _combine_per_axis(min, (view.start for view in inputs))
        size = _combine_per_axis(max, (view.size for view in inputs))
        if all(step):  # otherwise one of them sees the whole input already
            ends = ([first + count for first, count in zip(view.start, view.size, strict=True)] for view in inputs)
            size = tuple(end - first for end, first in zip(_combine_per_axis(max, ends), start, strict=True))
        if isinstance(layer, _ELEMENTWISE):
            return _View(size, step, start)
        if axes < len(size) or isinstance(layer, _GLOBAL_POOLING):
            return _View(_combine_per_axis(max, (self.input_size, size)), *[(0,) * len(self.input_size)] * 2)
        window = _read_attribute(layer, ("kernel_size", "pool_size"), axes)
        strides = _read_attribute(layer, ("strides",), axes)
        dilation = _read_attribute(layer, ("dilation_rate",), axes)
        extents = tuple(d * (w - 1) + 1 for w, d in zip(window, dilation, strict=True))
        padding = _count_padding(layer, input_sides, extents, strides)
        return _View(
            tuple(s + (extent - 1) * j for s, extent, j in zip(size, extents, step, strict=True)),
            tuple(j * s for j, s in zip(step, strides, strict=True)),
            tuple(first - p * j for first, p, j in zip(start, padding, step, strict=True)),
        )

    def row(self, layer: keras.Operation, output_shape: tuple[int, ...], view: _View, prefix: str) -> LayerRow:
        """Return the row of one call of a layer, and count its weights."""
        uncounted = [weight for weight in getattr(layer, "weights", ()) if id(weight) not in self.counted]
        self.counted.update(map(id, uncounted))
        return LayerRow(
            name=prefix + layer.name,
            kind=type(layer).__name__,
            output_shape=output_shape,
            parameters=sum(prod(weight.shape) for weight in uncounted),
            trainable_parameters=sum(prod(weight.shape) for weight in uncounted if weight.trainable),
            macs=_count_macs(layer, output_shape),
            receptive_field=view.size,
            step=view.step,
            start=view.start,
            window=window_of(layer),
        )


def window_of(layer: keras.Operation) -> str:
    """Return the window of a convolution or pooling with its stride, such as ``3x3 /2``; empty for other layers."""
    window: Any = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", ())
    strides: Any = getattr(layer, "strides", 1)
    strides = {strides} if isinstance(strides, int) else set(strides)
    if not window:
        return ""
    step = f" /{format_size(strides)}" if strides != {1} else ""
    return format_size((window,) * 2 if isinstance(window, int) else window) + step


def _list_calls(model: keras.Model) -> list[Any]:
    """Return the calls of a model's layers, each with ``operation``, ``input_tensors`` and ``output_tensors``.

    A call comes after those that it depends on, and branches come one after the other.
    """
    calls = {id(tensor): call for call in layer_calls(model) if not call.is_input for tensor in call.output_tensors}
    ordered: dict[Any, None] = {}
    pending = [calls[id(tensor)] for tensor in reversed(model.outputs) if id(tensor) in calls]
    while pending:
        needed = [calls[id(tensor)] for tensor in pending[-1].input_tensors if id(tensor) in calls]
        missing = [call for call in needed if call not in ordered]
        if missing:
            pending.append(missing[0])
        else:
            ordered[pending.pop()] = None
    return list(ordered)


def _count_padding(
    layer: keras.Operation, sides: tuple[int, ...], extents: tuple[int, ...], strides: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the rows and columns that a layer adds before its input."""
    padding: Any = getattr(layer, "padding", "valid")
    if padding == "same":
        totals = (
            ((side - 1) // s) * s + extent - side for side, s, extent in zip(sides, strides, extents, strict=True)
        )
        return tuple(max(0, total) // 2 for total in totals)
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return tuple(before for before, _ in padding)
    return (0,) * len(extents)


def _combine_per_axis(combine: Callable[[tuple[int, ...]], int], rows: Iterable[Sequence[int]]) -> tuple[int, ...]:
    return tuple(combine(values) for values in zip(*rows, strict=True))


def _read_attribute(layer: keras.Operation, names: tuple[str, ...], axes: int) -> tuple[int, ...]:
    """Return the first of these attributes that a layer has, for every spatial axis; 1 if it has none of them."""
    value = next((getattr(layer, name) for name in names if hasattr(layer, name)), 1)
    return (value,) * axes if isinstance(value, int) else tuple(value)


def _count_macs(layer: keras.Operation, output_shape: tuple[int, ...]) -> int:
    if hasattr(layer, "macs"):
        return int(layer.macs(output_shape))
    kernel = getattr(layer, "kernel", None)
    return 0 if kernel is None else prod(kernel.shape) * prod(output_shape[:-1])
