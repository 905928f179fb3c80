"""GoogLeNet: inception modules, deep and wide at a constant cost, because 1x1 convolutions come first."""

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
from cnnzoo.registry import Paper, check_size, register

PAPER = Paper(
    contribution="GoogLeNet: inception modules, deep and wide at a constant cost, because 1x1 convolutions come first",
    authors="Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke and Rabinovich",
    title="Going Deeper with Convolutions",
    venue="CVPR",
    year=2015,
    link="https://arxiv.org/abs/1409.4842",
)


class Row(NamedTuple):
    """The columns of Table 1 that count filters; 0 where the paper has a blank."""

    conv1x1: int  # "#1x1"
    reduce3x3: int  # "#3x3 reduce": the 1x1 convolution before the 3x3
    conv3x3: int  # "#3x3"
    reduce5x5: int  # "#5x5 reduce": the 1x1 convolution before the 5x5
    conv5x5: int  # "#5x5"
    pool_proj: int  # "pool proj": the 1x1 convolution behind the max-pooling


# Table 1. Before conv2 come conv1 (64 filters of 7x7, stride 2) and a max-pooling; more of them separate the stages.
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


_xavier = partial(VarianceScaling, 1.0, "fan_in", "uniform")  # the released Caffe model's filler of that name


class Form(NamedTuple):
    """A form of the network.

    Attributes:
        smallest: Height and width of the smallest images; in smaller ones the window of pool4 is larger than its map.
        smallest_with_heads: The same with auxiliary heads, because of the window of their average pooling.
        epsilon: Of the batch normalization after every convolution; None for no batch normalization.
        conv_bias: Whether convolutions have biases.
        bias: Initial biases of layers with ReLU.
        kernel: Makes the initializer of a kernel.
        rows: Table 1.
        kernels_5x5: Sides of the kernels in place of the 5x5.
        small_images: Whether one 3x3 convolution replaces everything before inception (3a).
        response_normalization: Whether norm1 and norm2 exist.
        pool4_size: Side of the windows of the last max-pooling.
        auxiliary_pool: The pooling at the start of an auxiliary head.
    """

    smallest: tuple[int, int]
    smallest_with_heads: tuple[int, int]
    epsilon: float | None = None
    conv_bias: bool = True
    bias: float = 0.2
    kernel: Callable[[], VarianceScaling] = _xavier
    rows: dict[str, Row] = TABLE_1
    kernels_5x5: tuple[int, ...] = (5,)
    small_images: bool = False
    response_normalization: bool = False
    pool4_size: int = 3
    auxiliary_pool: Callable[..., Any] = partial(AveragePooling2D, 5, 3)


# By name of the network.
FORMS = {
    "googlenet": Form((47, 47), (79, 79), response_normalization=True),
    "googlenet_without_reductions": Form(
        (47, 47),
        (79, 79),
        rows={module: row._replace(reduce3x3=0, reduce5x5=0) for module, row in TABLE_1.items()},
        response_normalization=True,
    ),
    "googlenet_bn": Form(
        (31, 31),
        (31, 31),
        epsilon=1e-3,
        conv_bias=False,
        bias=0.0,
        kernel=glorot_uniform,
        kernels_5x5=(3,),
        pool4_size=2,
        auxiliary_pool=partial(layers.AdaptiveAveragePooling2D, 4),
    ),
    "googlenet_small": Form(
        (6, 6),
        (10, 10),
        epsilon=1e-5,
        bias=0.0,
        kernel=glorot_uniform,
        kernels_5x5=(3, 3),
        small_images=True,
    ),
}


def inception_net(
    name: str,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    *,
    auxiliary_heads: bool = False,
    dropout: float = 0.4,
) -> Model:
    """Build GoogLeNet in one of its forms: Table 1, figure 3 and section 5.

    The auxiliary heads are for training; ``without_auxiliary_heads`` takes them off for inference.

    Args:
        name: "googlenet", "googlenet_without_reductions", "googlenet_bn" or "googlenet_small".
        input_shape: Height, width and channels. A side has at least 47 pixels, and 79 with the auxiliary heads, whose
            average pooling is 5x5; at least 31 in "googlenet_bn"; at least 6, and 10 with heads, in "googlenet_small".
        num_classes: Number of logits; 0 stops at the 1024 features, without heads.
        auxiliary_heads: Whether to add the two classifiers of section 5, behind inception (4a) and (4d), whose losses
            count 0.3 each. The model then has three outputs: "logits", "auxiliary1" and "auxiliary2".
        dropout: Rate of the dropout before the logits; that of the heads is 0.7.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes), or to a dict of three
        such outputs. Those of the heads come from ``AuxiliaryLogits`` layers, which state the weights of their losses.

    Raises:
        ValueError: The images are too small.
    """
    heads = AUXILIARY_HEADS if auxiliary_heads and num_classes else {}
    form = FORMS[name]
    check_size(name, input_shape, form.smallest_with_heads if heads else form.smallest)
    images = Input(input_shape, name="images")
    x = _add_convolution(images, 192, 3, "conv1", form) if form.small_images else _add_stem(images, form)
    outputs = {}
    for module, row in form.rows.items():
        if module == "conv2":
            continue
        x = _add_inception(x, row, f"inception_{module}", form)
        if module in heads:
            outputs[heads[module]] = _add_auxiliary_head(x, num_classes, heads[module], form)
        if module == "3b":
            x = _add_max_pool(x, 3, "pool3")
        if module == "4e":
            x = _add_max_pool(x, form.pool4_size, "pool4")
    x = GlobalAveragePooling2D(name="features")(x)
    if not num_classes:
        return Model(images, x, name=name)
    x = layers.Dropout(dropout, name="dropout")(x)
    logits = layers.Dense(num_classes, kernel_initializer=form.kernel(), dtype="float32", name="logits")(x)
    return Model(images, {"logits": logits, **outputs} if outputs else logits, name=name)


_register = partial(register, paper=PAPER)
googlenet = _register(
    "googlenet",
    title="GoogLeNet (Inception v1), with true 5x5 convolutions and biases",
    departures="conv1 is a full 7x7 convolution of 9,408 weights, as in the Caffe model that was released with the "
    "authors' help, though Table 1 counts only 2.7K for it (what a depthwise one of eight maps per channel, followed "
    "by a 1x1, would have). That model also settles what the paper leaves open: local response normalization over 5 "
    "channels (alpha 1e-4 divided by 5, beta 0.75, k 1); convolutions padded equally on all sides; max-poolings whose "
    "last window may reach beyond the edge (ceil mode), by which 112 becomes 56, 28, 14 and 7; weights uniform with "
    'variance 1 / fan-in ("xavier"; the authors used a normal distribution of unknown width), biases 0.2, but 0 in '
    "the linear layers. The average pooling covers everything that is left, which is 7x7 for images of 224x224 only. "
    "Dropout scales up in training instead of down at inference.",
    smallest=FORMS["googlenet"].smallest,
)(partial(inception_net, "googlenet"))

# For comparison with googlenet, whose layers have the same names and the same outputs: the 1x1 convolutions before
# conv2 and in the nine modules save it 18 million of 25 million parameters and 64 % of the multiplications.
googlenet_without_reductions = _register(
    "googlenet_without_reductions",
    title="GoogLeNet without its 1x1 reductions (naive modules, figure 2a)",
    departures='the columns "#3x3 reduce" and "#5x5 reduce" of Table 1 are left out; the projections behind the '
    "poolings stay, so that every module has as many filters as in the table, where figure 2(a) has none. In "
    "everything else it departs as googlenet does.",
    smallest=FORMS["googlenet_without_reductions"].smallest,
)(partial(inception_net, "googlenet_without_reductions"))

googlenet_bn = _register(
    "googlenet_bn",
    title="GoogLeNet with batch normalization, as torchvision has it",
    departures="so that torchvision's weights fit, batch normalization (epsilon 1e-3, momentum 0.9) follows every "
    "convolution, which has no bias, and there is no local response normalization; a 3x3 convolution replaces every "
    "5x5; 2x2 windows in pool4; dropout of 0.2; auxiliary heads start with an average pooling to 4x4 from any size. "
    "The last window of the max-poolings may reach beyond the edge (ceil mode). The initial weights follow Glorot's "
    "uniform distribution, where torchvision has a normal one of deviation 0.01. The full 7x7 of conv1 has 9,408 "
    "weights, where Table 1 counts 2.7K. The average pooling covers everything that is left, which is 7x7 for images "
    "of 224x224 only.",
    smallest=FORMS["googlenet_bn"].smallest,
)(partial(inception_net, "googlenet_bn", dropout=0.2))


@_register(
    "googlenet_small",
    title="GoogLeNet for small images",
    departures="conv1 has 192 filters of 3x3 and stride 1, and conv2, the first two poolings and the local response "
    "normalization are gone; batch normalization (epsilon 1e-5, momentum 0.9) follows every convolution, whose biases "
    "become redundant; two 3x3 convolutions replace every 5x5; the average pooling covers everything that is left, 8x8 "
    "for images of 32x32. Max-poolings have no padding and a last window that may reach beyond the edge (ceil mode), "
    "where pytorch-cifar pads by one pixel all around; dropout is the paper's, where pytorch-cifar has none. The "
    "initial weights follow Glorot's uniform distribution.",
    smallest=FORMS["googlenet_small"].smallest,
)
def googlenet_small(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    *,
    auxiliary_heads: bool = False,
    dropout: float = 0.4,
) -> Model:
    """Build GoogLeNet for small images: one 3x3 convolution precedes inception (3a), at full size.

    This is what "GoogLeNet on CIFAR-10" usually means, after kuangliu's pytorch-cifar. Images of 32x32 and 28x28 give
    the auxiliary heads 4x4 pixels, as in the paper.

    Args:
        input_shape: Height, width and channels; at least 6 pixels a side, and 10 with the auxiliary heads.
        num_classes: Number of logits; 0 stops at the 1024 features, without heads.
        auxiliary_heads: Whether to add the two classifiers of section 5, whose losses count 0.3 each. The model then
            has three outputs: "logits", "auxiliary1" and "auxiliary2".
        dropout: Rate of the dropout before the logits; that of the heads is 0.7.
    """
    return inception_net("googlenet_small", input_shape, num_classes, auxiliary_heads=auxiliary_heads, dropout=dropout)


def without_auxiliary_heads(model: Model) -> Model:
    """Return the network for inference: the same layers and weights, and the logits as its only output.

    Args:
        model: With auxiliary heads, alone or behind layers that prepare its images. A model with one output is
            returned unchanged.
    """
    if not isinstance(getattr(model, "output", None), dict):
        return model
    last = model.layers[-1]
    if isinstance(last, Model):
        logits = without_auxiliary_heads(last)(model.layers[-2].output)
    else:
        logits = model.get_layer("logits").output
    return Model(model.input, logits, name=model.name)


def _add_stem(images: Any, form: Form) -> Any:
    """Add the layers before inception (3a), in the order of figure 3."""
    normalization = partial(LocalResponseNormalization, 2, alpha=1e-4, beta=0.75, bias=1.0, scaling="caffe")
    row = form.rows["conv2"]
    x = _add_max_pool(_add_convolution(images, 64, 7, "conv1", form, strides=2), 3, "pool1")
    x = normalization(name="norm1")(x) if form.response_normalization else x
    if row.reduce3x3:
        x = _add_convolution(x, row.reduce3x3, 1, "conv2_reduce", form)
    x = _add_convolution(x, row.conv3x3, 3, "conv2", form)
    x = normalization(name="norm2")(x) if form.response_normalization else x
    return _add_max_pool(x, 3, "pool2")


def _add_inception(x: Any, row: Row, name: str, form: Form) -> Any:
    """Add an inception module, figure 2(b)."""
    one = _add_convolution(x, row.conv1x1, 1, f"{name}_1x1", form)
    three = _add_convolution(x, row.reduce3x3, 1, f"{name}_3x3_reduce", form) if row.reduce3x3 else x
    three = _add_convolution(three, row.conv3x3, 3, f"{name}_3x3", form)
    five = _add_convolution(x, row.reduce5x5, 1, f"{name}_5x5_reduce", form) if row.reduce5x5 else x
    for index, kernel_size in enumerate(form.kernels_5x5, start=1):
        number = f"_{index}" if len(form.kernels_5x5) > 1 else ""
        five = _add_convolution(five, row.conv5x5, kernel_size, f"{name}_5x5{number}", form)
    pooled = MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    pooled = _add_convolution(pooled, row.pool_proj, 1, f"{name}_pool_proj", form)
    return layers.Concatenate(name=name)([one, three, five, pooled])


def _add_auxiliary_head(x: Any, num_classes: int, name: str, form: Form) -> Any:
    """Add a classifier as listed at the end of section 5."""
    x = form.auxiliary_pool(name=f"{name}_pool")(x)
    x = _add_convolution(x, 128, 1, f"{name}_conv", form)
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


def _add_convolution(x: Any, filters: int, kernel_size: int, name: str, form: Form, strides: int = 1) -> Any:
    """Add a convolution, padded equally on all sides, the form's batch normalization and ReLU."""
    if strides > 1:
        # "same" at stride 2 pads the bottom and the right more, unlike Caffe and torch.
        x = ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
    x = Conv2D(
        filters,
        kernel_size,
        strides,
        padding="same" if strides == 1 else "valid",
        activation="relu" if form.epsilon is None else None,
        use_bias=form.conv_bias,
        kernel_initializer=form.kernel(),
        bias_initializer=initializers.Constant(form.bias) if form.epsilon is None else "zeros",
        name=name,
    )(x)
    if form.epsilon is None:
        return x
    x = BatchNormalization(momentum=0.9, epsilon=form.epsilon, name=f"{name}_bn")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def _add_max_pool(x: Any, size: int, name: str) -> Any:
    """Add max-pooling of stride 2 whose last window may reach beyond the edge (ceil mode in Caffe and torch).

    Without padding at the top and the left, no window of at least the stride's size can start beyond
    the edge, so none has to be dropped.
    """
    beyond = [(side - size) % 2 for side in x.shape[1:3]]
    if any(beyond):
        # Zeros act like -inf: all maps here come from a ReLU, so nothing is below them.
        x = ZeroPadding2D([(0, pixels) for pixels in beyond], name=f"{name}_pad")(x)
    return MaxPooling2D(size, strides=2, name=name)(x)
