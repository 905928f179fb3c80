"""GoogLeNet: inception modules, deep and wide at a constant cost, because 1x1 convolutions come first.

Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke and Rabinovich, "Going Deeper with
Convolutions", CVPR 2015. https://arxiv.org/abs/1409.4842
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from keras import Input, Model, initializers, layers

from cnnzoo.models.channels_last import (
    AveragePooling2D,
    Conv2D,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from cnnzoo.models.initializers import VarianceScaling, glorot_uniform
from cnnzoo.models.layers import AuxiliaryLogits, LocalResponseNormalization
from cnnzoo.models.normalization import BatchNormalization
from cnnzoo.registry import register


class Row(NamedTuple):
    """The columns of Table 1 that count filters; 0 where the paper leaves a blank."""

    conv1x1: int  # "#1x1"
    reduce3x3: int  # "#3x3 reduce": the 1x1 convolution before the 3x3
    conv3x3: int  # "#3x3"
    reduce5x5: int  # "#5x5 reduce": the 1x1 convolution before the 5x5
    conv5x5: int  # "#5x5"
    pool_proj: int  # "pool proj": the 1x1 convolution behind the max-pooling


# Table 1. Above conv2 stand conv1 (64 filters of 7x7, stride 2) and a max-pooling, between the other
# stages one max-pooling each.
# fmt: off
TABLE_1 = {
    #            #1x1  #3x3 reduce  #3x3  #5x5 reduce  #5x5  pool proj
    "conv2": Row(   0,          64,  192,           0,    0,         0),
    "3a":    Row(  64,          96,  128,          16,   32,        32),
    "3b":    Row( 128,         128,  192,          32,   96,        64),
    "4a":    Row( 192,          96,  208,          16,   48,        64),
    "4b":    Row( 160,         112,  224,          24,   64,        64),
    "4c":    Row( 128,         128,  256,          24,   64,        64),
    "4d":    Row( 112,         144,  288,          32,   64,        64),
    "4e":    Row( 256,         160,  320,          32,  128,       128),
    "5a":    Row( 256,         160,  320,          32,  128,       128),
    "5b":    Row( 384,         192,  384,          48,  128,       128),
}
# fmt: on

# Section 5: the heads sit on these modules, and each adds its loss with this weight.
AUXILIARY_HEADS = {"4a": "auxiliary1", "4d": "auxiliary2"}
AUXILIARY_LOSS_WEIGHT = 0.3


def _xavier() -> VarianceScaling:
    """Return the released Caffe model's filler of that name: uniform with variance 1 / fan-in."""
    return VarianceScaling(1.0, "fan_in", "uniform")


def _biased(x: Any, filters: int, kernel_size: int, name: str, strides: int = 1) -> Any:
    """Add a convolution with a bias and ReLU, initialized as in the released Caffe model."""
    x, padding = _padded(x, kernel_size, name, strides)
    return Conv2D(
        filters,
        kernel_size,
        strides,
        padding,
        activation="relu",
        kernel_initializer=_xavier(),
        bias_initializer=initializers.Constant(0.2),
        name=name,
    )(x)


def _normalized(
    x: Any, filters: int, kernel_size: int, name: str, strides: int = 1, *, use_bias: bool, epsilon: float
) -> Any:
    """Add a convolution, batch normalization and ReLU."""
    x, padding = _padded(x, kernel_size, name, strides)
    x = Conv2D(
        filters, kernel_size, strides, padding, use_bias=use_bias, kernel_initializer=glorot_uniform(), name=name
    )(x)
    x = BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_bn")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


class _Form(NamedTuple):
    """What the forms of the network differ in.

    Attributes:
        convolve: Adds a convolution and what belongs to it.
        kernel: What the kernels of dense layers are drawn from.
        bias: What the biases of the heads' dense layers with ReLU begin with.
        rows: Table 1.
        kernels_5x5: Sides of the kernels that stand in the place of the 5x5.
        small_images: Whether one 3x3 convolution is all that precedes inception (3a).
        response_normalization: Whether norm1 and norm2 are there.
        pool4_size: Side of the windows of the last max-pooling.
        auxiliary_pool: The pooling that begins an auxiliary head.
    """

    convolve: Callable[..., Any] = _biased
    kernel: Callable[[], VarianceScaling] = _xavier
    bias: float = 0.2
    rows: dict[str, Row] = TABLE_1
    kernels_5x5: tuple[int, ...] = (5,)
    small_images: bool = False
    response_normalization: bool = False
    pool4_size: int = 3
    auxiliary_pool: Callable[..., Any] = partial(AveragePooling2D, 5, 3)


@register("googlenet")
def googlenet(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    *,
    auxiliary_heads: bool = False,
    dropout: float = 0.4,
) -> Model:
    """Build GoogLeNet as Table 1, figure 3 and section 5 have it, with true 5x5 convolutions and biases.

    The auxiliary heads serve training. ``without_auxiliary_heads`` takes them off; a model that is
    built without them is the network for inference.

    Departs from the paper: conv1 is a full 7x7 convolution of 9,408 weights, as in the Caffe model that was released
    with the authors' help, though Table 1 counts only 2.7K for it (what a depthwise one of eight maps per
    channel, followed by a 1x1, would have). What the paper leaves open is that model's: local response
    normalization over 5 channels (alpha 1e-4 divided by 5, beta 0.75, k 1); convolutions padded alike on all sides;
    max-poolings whose last window may reach beyond the edge (ceil mode), by which 112 becomes 56, 28, 14 and 7;
    weights uniform with variance 1 / fan-in ("xavier"; the authors drew from a normal distribution of unknown width),
    biases 0.2, but 0 in the linear layers. The average pooling covers all that is left, which is 7x7 for images of
    224x224 only. Dropout scales up in training rather than down at inference.

    Args:
        input_shape: Height, width and channels; at least 47 pixels a side, below which the window of pool4 is larger
            than its map, and 79 with the auxiliary heads, whose average pooling is 5x5.
        num_classes: Number of logits; 0 stops at the 1024 features, without heads.
        auxiliary_heads: Whether to add the two classifiers of section 5, behind inception (4a) and (4d), whose losses
            count 0.3 each. The model then has three outputs: "logits", "auxiliary1" and "auxiliary2".
        dropout: Rate of the dropout before the logits; that of the heads is 0.7.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes), or to a dict of three
        such, each auxiliary one out of an ``AuxiliaryLogits`` layer that states the weight of its loss.

    Raises:
        ValueError: The images are too small.
    """
    _require(input_shape, 79 if auxiliary_heads and num_classes else 47)
    form = _Form(response_normalization=True)
    return _assemble("googlenet", form, input_shape, num_classes, auxiliary_heads, dropout)


@register("googlenet_without_reductions")
def googlenet_without_reductions(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    *,
    auxiliary_heads: bool = False,
    dropout: float = 0.4,
) -> Model:
    """Build GoogLeNet with naive inception modules, figure 2(a): no 1x1 convolution before a 3x3 or a 5x5.

    It is there to be compared with ``googlenet``, whose layers have the same names and the same outputs: the 1x1
    convolutions before conv2 and in the nine modules save it 18 million of 25 million parameters and 64 % of the
    multiplications.

    Departs from the paper: the columns "#3x3 reduce" and "#5x5 reduce" of Table 1 are left out; the projections
    behind the poolings stay, so that every module has as many filters as in the table, where figure 2(a) has none.
    All the rest, and what it departs in, is as in ``googlenet``.

    Args:
        input_shape: Height, width and channels; at least 47 pixels a side, and 79 with the auxiliary heads.
        num_classes: Number of logits; 0 stops at the 1024 features, without heads.
        auxiliary_heads: Whether to add the two classifiers of section 5, whose losses count 0.3 each. The model then
            has three outputs: "logits", "auxiliary1" and "auxiliary2".
        dropout: Rate of the dropout before the logits; that of the heads is 0.7.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes), or to a dict of three such.

    Raises:
        ValueError: The images are too small.
    """
    _require(input_shape, 79 if auxiliary_heads and num_classes else 47)
    naive = {module: row._replace(reduce3x3=0, reduce5x5=0) for module, row in TABLE_1.items()}
    form = _Form(rows=naive, response_normalization=True)
    return _assemble("googlenet_without_reductions", form, input_shape, num_classes, auxiliary_heads, dropout)


@register("googlenet_bn")
def googlenet_bn(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    *,
    auxiliary_heads: bool = False,
    dropout: float = 0.2,
) -> Model:
    """Build GoogLeNet as torchvision has it, with batch normalization, so that its weights fit.

    Departs from the paper: batch normalization (epsilon 1e-3, momentum 0.9) behind every convolution, and neither
    biases there nor local response normalization; a 3x3 convolution in the place of every 5x5; 2x2 windows in pool4;
    dropout of 0.2; auxiliary heads that begin with an average pooling to 4x4 whatever the size of their input. The
    max-poolings' last window may reach beyond the edge (ceil mode). Weights are drawn from Glorot's uniform
    distribution, where torchvision has a normal one of deviation 0.01. The full 7x7 of conv1 has 9,408 weights, where
    Table 1 counts 2.7K. The average pooling covers all that is left, which is 7x7 for images of 224x224 only.

    Args:
        input_shape: Height, width and channels; at least 31 pixels a side, below which the window of pool4 is larger
            than its map.
        num_classes: Number of logits; 0 stops at the 1024 features, without heads.
        auxiliary_heads: Whether to add the two classifiers of section 5, whose losses count 0.3 each. The model then
            has three outputs: "logits", "auxiliary1" and "auxiliary2".
        dropout: Rate of the dropout before the logits; that of the heads is 0.7.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes), or to a dict of three such.

    Raises:
        ValueError: The images are smaller than 31x31.
    """
    _require(input_shape, 31)
    form = _Form(
        convolve=partial(_normalized, use_bias=False, epsilon=1e-3),
        kernel=glorot_uniform,
        bias=0.0,
        kernels_5x5=(3,),
        pool4_size=2,
        auxiliary_pool=partial(layers.AdaptiveAveragePooling2D, 4),
    )
    return _assemble("googlenet_bn", form, input_shape, num_classes, auxiliary_heads, dropout)


@register("googlenet_small")
def googlenet_small(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    *,
    auxiliary_heads: bool = False,
    dropout: float = 0.4,
) -> Model:
    """Build GoogLeNet for small images: one 3x3 convolution stands before inception (3a), and nothing shrinks there.

    The form in which "GoogLeNet on CIFAR-10" is commonly reported, after kuangliu's pytorch-cifar.

    Departs from the paper: conv1 has 192 filters of 3x3 and stride 1, and conv2, the first two poolings and the local
    response normalization are gone; batch normalization (epsilon 1e-5, momentum 0.9) follows every convolution, whose
    biases it makes idle; two 3x3 convolutions stand in the place of every 5x5; the average pooling covers all that is
    left, 8x8 for images of 32x32. Max-poolings have no padding and a last window that may reach beyond the edge
    (ceil mode), where pytorch-cifar pads by one pixel all around; dropout is the paper's, where it has none. Weights
    are drawn from Glorot's uniform distribution.

    Args:
        input_shape: Height, width and channels; at least 6 pixels a side, below which the window of pool4 is larger
            than its map, and 10 with the auxiliary heads, whose average pooling is 5x5.
        num_classes: Number of logits; 0 stops at the 1024 features, without heads.
        auxiliary_heads: Whether to add the two classifiers of section 5, whose losses count 0.3 each. Images of 32x32
            and 28x28 give them 4x4 pixels, as in the paper. The model then has three outputs: "logits",
            "auxiliary1" and "auxiliary2".
        dropout: Rate of the dropout before the logits; that of the heads is 0.7.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes), or to a dict of three such.

    Raises:
        ValueError: The images are too small.
    """
    _require(input_shape, 10 if auxiliary_heads and num_classes else 6)
    form = _Form(
        convolve=partial(_normalized, use_bias=True, epsilon=1e-5),
        kernel=glorot_uniform,
        bias=0.0,
        kernels_5x5=(3, 3),
        small_images=True,
    )
    return _assemble("googlenet_small", form, input_shape, num_classes, auxiliary_heads, dropout)


def without_auxiliary_heads(model: Model) -> Model:
    """Return the network for inference: the same layers and weights, and the logits as its only output.

    Args:
        model: With auxiliary heads, alone or behind layers that prepare its images. A model with one output is
            returned as it is.
    """
    if not isinstance(getattr(model, "output", None), dict):
        return model
    last = model.layers[-1]
    if isinstance(last, Model):
        logits = without_auxiliary_heads(last)(model.layers[-2].output)
    else:
        logits = model.get_layer("logits").output
    return Model(model.input, logits, name=model.name)


def _assemble(
    name: str,
    form: _Form,
    input_shape: tuple[int, int, int],
    num_classes: int,
    auxiliary_heads: bool,
    dropout: float,
) -> Model:
    """Turn the rows of Table 1 into layers."""
    images = Input(input_shape, name="images")
    x = form.convolve(images, 192, 3, "conv1") if form.small_images else _stem(images, form)
    outputs = {}
    for module, row in form.rows.items():
        if module == "conv2":
            continue
        x = _inception(x, row, f"inception_{module}", form)
        if auxiliary_heads and num_classes and module in AUXILIARY_HEADS:
            head = AUXILIARY_HEADS[module]
            outputs[head] = _auxiliary_head(x, num_classes, head, form)
        if module == "3b":
            x = _max_pool(x, 3, "pool3")
        if module == "4e":
            x = _max_pool(x, form.pool4_size, "pool4")
    x = GlobalAveragePooling2D(name="features")(x)
    if not num_classes:
        return Model(images, x, name=name)
    x = layers.Dropout(dropout, name="dropout")(x)
    logits = layers.Dense(num_classes, kernel_initializer=form.kernel(), dtype="float32", name="logits")(x)
    return Model(images, {"logits": logits, **outputs} if outputs else logits, name=name)


def _stem(images: Any, form: _Form) -> Any:
    """Add what precedes inception (3a), in the order of figure 3."""

    def normalize(x: Any, name: str) -> Any:
        if not form.response_normalization:
            return x
        return LocalResponseNormalization(2, alpha=1e-4, beta=0.75, bias=1.0, scaling="caffe", name=name)(x)

    x = form.convolve(images, 64, 7, "conv1", strides=2)
    x = normalize(_max_pool(x, 3, "pool1"), "norm1")
    row = form.rows["conv2"]
    if row.reduce3x3:
        x = form.convolve(x, row.reduce3x3, 1, "conv2_reduce")
    x = normalize(form.convolve(x, row.conv3x3, 3, "conv2"), "norm2")
    return _max_pool(x, 3, "pool2")


def _inception(x: Any, row: Row, name: str, form: _Form) -> Any:
    """Add an inception module, figure 2(b)."""
    one = form.convolve(x, row.conv1x1, 1, f"{name}_1x1")
    three = form.convolve(x, row.reduce3x3, 1, f"{name}_3x3_reduce") if row.reduce3x3 else x
    three = form.convolve(three, row.conv3x3, 3, f"{name}_3x3")
    five = form.convolve(x, row.reduce5x5, 1, f"{name}_5x5_reduce") if row.reduce5x5 else x
    for index, kernel_size in enumerate(form.kernels_5x5, start=1):
        number = f"_{index}" if len(form.kernels_5x5) > 1 else ""
        five = form.convolve(five, row.conv5x5, kernel_size, f"{name}_5x5{number}")
    pooled = MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    pooled = form.convolve(pooled, row.pool_proj, 1, f"{name}_pool_proj")
    return layers.Concatenate(name=name)([one, three, five, pooled])


def _auxiliary_head(x: Any, num_classes: int, name: str, form: _Form) -> Any:
    """Add a classifier as listed at the end of section 5."""
    x = form.auxiliary_pool(name=f"{name}_pool")(x)
    x = form.convolve(x, 128, 1, f"{name}_conv")
    x = Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(
        1024,
        activation="relu",
        kernel_initializer=form.kernel(),
        bias_initializer=initializers.Constant(form.bias),
        name=f"{name}_fc",
    )(x)
    x = layers.Dropout(0.7, name=f"{name}_dropout")(x)
    x = layers.Dense(num_classes, kernel_initializer=form.kernel(), dtype="float32", name=f"{name}_linear")(x)
    return AuxiliaryLogits(AUXILIARY_LOSS_WEIGHT, dtype="float32", name=name)(x)


def _padded(x: Any, kernel_size: int, name: str, strides: int) -> tuple[Any, str]:
    """Return maps padded alike on all sides, and the padding that is left to the convolution."""
    if strides == 1:
        return x, "same"
    # "same" at stride 2 pads the bottom and the right more, unlike Caffe and torch.
    return ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x), "valid"


def _max_pool(x: Any, size: int, name: str) -> Any:
    """Add max-pooling of stride 2 whose last window may reach beyond the edge (ceil mode in Caffe and torch).

    Without padding at the top and the left, no window of at least the stride's size can begin beyond
    the edge, so that none is to be dropped.
    """
    beyond = [(side - size) % 2 for side in x.shape[1:3]]
    if any(beyond):
        # Zeros are as good as -inf: all maps here come out of a ReLU, and nothing is below them.
        x = ZeroPadding2D([(0, pixels) for pixels in beyond], name=f"{name}_pad")(x)
    return MaxPooling2D(size, strides=2, name=name)(x)


def _require(input_shape: tuple[int, int, int], side: int) -> None:
    if min(input_shape[:2]) < side:
        given = f"{input_shape[0]}x{input_shape[1]}"
        raise ValueError(f"images of {given} pixels are too small; the smallest it can take is {side}x{side}.")
