"""ResNet: shortcuts around every two or three layers, so that networks of a hundred layers learn."""

from functools import partial
from typing import Any, Literal, NamedTuple

from keras import Input, Model, layers

from cnnzoo.models.channels_last import AveragePooling2D, Conv2D, GlobalAveragePooling2D, MaxPooling2D, ZeroPadding2D
from cnnzoo.models.initializers import he_normal
from cnnzoo.models.normalization import BatchNormalization
from cnnzoo.options import check_arguments
from cnnzoo.registry import Paper, check_size, register

PAPER = Paper(
    contribution="ResNet: shortcuts around every two or three layers, so that networks of a hundred layers learn",
    authors="He, Zhang, Ren and Sun",
    title="Deep Residual Learning for Image Recognition",
    venue="CVPR",
    year=2016,
    link="https://arxiv.org/abs/1512.03385",
)


class Column(NamedTuple):
    """A column of Table 1: the kind of block, and how many of them each row has."""

    block: Literal["basic", "bottleneck"]
    conv2_x: int
    conv3_x: int
    conv4_x: int
    conv5_x: int


# Table 1, by the number of layers. A basic block is two 3x3 convolutions, a bottleneck a 1x1, a 3x3 and a 1x1.
TABLE_1 = {
    18: Column("basic", 2, 2, 2, 2),
    34: Column("basic", 3, 4, 6, 3),
    50: Column("bottleneck", 3, 4, 6, 3),
    101: Column("bottleneck", 3, 4, 23, 3),
    152: Column("bottleneck", 3, 8, 36, 3),
}

# Filters of the 3x3 convolutions: of the rows from conv2_x on in Table 1, and of the three sizes of map in section 4.2.
TABLE_1_FILTERS = (64, 128, 256, 512)
SECTION_4_2_FILTERS = (16, 32, 64)

# The strides of 2 then leave 2x2 pixels, so that every weight of a 3x3 kernel sees a pixel and not just padding.
SMALLEST = (33, 33)
SMALLEST_OF_SMALL = (9, 9)
SMALLEST_OF_SECTION_4_2 = (5, 5)

# The departures of every form.
_AVERAGES = (
    "the moving statistics of batch normalization ({}momentum 0.9) replace the exact averages that the authors took "
    "after training. The paper leaves open, and these are our reading: "
)
_WEIGHTS = (
    "and which of the two normal distributions of its reference, He et al. 2015, the weights start from: He et al.'s "
    "own initialization, variance 2 / fan-in, also for the dense layer."
)


class _Options(NamedTuple):
    stride_on: Literal["1x1", "3x3"] = "1x1"
    shortcut: Literal["A", "B"] = "B"
    conv_bias: bool = False
    epsilon: float = 1e-5


def resnet(
    depth: int,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    *,
    stride_on: Literal["1x1", "3x3"] = "1x1",
    conv_bias: bool = False,
    epsilon: float = 1e-5,
) -> Model:
    """Build a column of Table 1, the networks for ImageNet, with projection shortcuts (option B).

    Each block's last layer has the block's name, from ``conv2_1`` on; within it are ``conv2_1_conv1``,
    ``conv2_1_bn1``, ``conv2_1_relu1`` and so on, and ``conv2_1_shortcut`` where dimensions grow.

    Args:
        depth: 18, 34, 50, 101 or 152 layers.
        input_shape: Height, width and channels; at least 33 pixels a side.
        num_classes: Number of logits; 0 stops at the features.
        stride_on: The convolution of a bottleneck that halves the maps: the first "1x1", as in the paper and in
            keras.applications, or the "3x3", as in torchvision. It changes nothing in 18 and 34 layers,
            whose basic blocks have only one place for it.
        conv_bias: Whether convolutions have biases, as in keras.applications.
        epsilon: Added to the variance in batch normalization; 1.001e-5 in keras.applications.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: Table 1 has no such depth, stride_on has another value, or the images are smaller than 33x33.
    """
    column = _find_column(depth)
    check_size(f"resnet{depth}", input_shape, SMALLEST)
    check_arguments(resnet, stride_on=stride_on)
    options = _Options(stride_on, "B", conv_bias, epsilon)
    images = Input(input_shape, name="images")
    x = _add_convolution(images, 64, 7, 2, "conv1", "bn1", options)
    x = layers.Activation("relu", name="relu1")(x)
    x = ZeroPadding2D(1, name="pool1_pad")(x)  # Zeros act like -inf: after the ReLU nothing is below them.
    x = MaxPooling2D(3, strides=2, name="pool1")(x)
    x = _add_rows(x, column.block, TABLE_1_FILTERS, column[1:], options)
    return _make_model(images, x, num_classes, f"resnet{depth}")


def small_resnet(
    depth: int,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    *,
    stride_on: Literal["1x1", "3x3"] = "3x3",
    conv_bias: bool = False,
    epsilon: float = 1e-5,
) -> Model:
    """Build a column of Table 1 for small images: conv1 is a 3x3 convolution of stride 1, and no pooling follows.

    This is what "ResNet-18 on CIFAR-10" usually means, though the paper has other networks for
    CIFAR-10: ``cifar_resnet``. The layers are named as in ``resnet``.

    Args:
        depth: 18, 34, 50, 101 or 152 layers.
        input_shape: Height, width and channels; at least 9 pixels a side.
        num_classes: Number of logits; 0 stops at the features.
        stride_on: The convolution of a bottleneck that halves the maps: the "3x3", or the first "1x1", as in the
            paper. It changes nothing in 18 and 34 layers, whose basic blocks have only one place for it.
        conv_bias: Whether convolutions have biases.
        epsilon: Added to the variance in batch normalization.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: Table 1 has no such depth, stride_on has another value, or the images are smaller than 9x9.
    """
    column = _find_column(depth)
    check_size(f"resnet{depth}_small", input_shape, SMALLEST_OF_SMALL)
    check_arguments(small_resnet, stride_on=stride_on)
    options = _Options(stride_on, "B", conv_bias, epsilon)
    images = Input(input_shape, name="images")
    x = _add_convolution(images, 64, 3, 1, "conv1", "bn1", options)
    x = layers.Activation("relu", name="relu1")(x)
    x = _add_rows(x, column.block, TABLE_1_FILTERS, column[1:], options)
    return _make_model(images, x, num_classes, f"resnet{depth}_small")


def cifar_resnet(
    depth: int,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    *,
    shortcut: Literal["A", "B"] = "A",
) -> Model:
    """Build a network of section 4.2, for CIFAR-10: 6n + 2 layers, 2n of them on maps of each size, and no bottlenecks.

    The three sizes of map are conv2_x (16 maps of 32x32 pixels), conv3_x (32 of 16x16) and conv4_x (64 of 8x8), as
    Table 1 would number them; the layers are named as in ``resnet``.

    Args:
        depth: Number of layers with weights, 6n + 2: the paper has 20, 32, 44, 56, 110 and 1202.
        input_shape: Height, width and channels; at least 5 pixels a side.
        num_classes: Number of logits; 0 stops at the features.
        shortcut: Kind of shortcut where dimensions grow: "A", identity with zeros for the new maps, as in the paper,
            or "B", projection by a 1x1 convolution.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The depth is not 6n + 2, shortcut has another value, or the images are smaller than 5x5.
    """
    n, rest = divmod(depth - 2, 6)
    if rest or n < 1:
        nearest = sorted({max(6 * n + 2, 8), max(6 * n + 8, 8)})
        raise ValueError(f"the depth must be 6n + 2, such as {' or '.join(map(str, nearest))}, not {depth}.")
    check_size(f"resnet{depth}", input_shape, SMALLEST_OF_SECTION_4_2)
    check_arguments(cifar_resnet, shortcut=shortcut)
    options = _Options(shortcut=shortcut)
    images = Input(input_shape, name="images")
    x = _add_convolution(images, 16, 3, 1, "conv1", "bn1", options)
    x = layers.Activation("relu", name="relu1")(x)
    x = _add_rows(x, "basic", SECTION_4_2_FILTERS, (n, n, n), options)
    return _make_model(images, x, num_classes, f"resnet{depth}")


_register = partial(
    register,
    paper=PAPER,
    departures="pool1 is padded by a pixel on all sides, as everywhere today, where the authors' Caffe files let it "
    "overhang at the bottom and on the right; "
    + _AVERAGES.format("")
    + "which convolution of a bottleneck has the stride (the first, as in the authors' files; only this gives the "
    "FLOPs of Table 1), biases before batch normalization (none; the authors' ResNet-50 has one in conv1), " + _WEIGHTS,
    smallest=SMALLEST,
)
resnet18 = _register("resnet18", title="ResNet-18")(partial(resnet, 18))
resnet34 = _register("resnet34", title="ResNet-34")(partial(resnet, 34))
resnet50 = _register("resnet50", title="ResNet-50")(partial(resnet, 50))
resnet101 = _register("resnet101", title="ResNet-101")(partial(resnet, 101))
resnet152 = _register("resnet152", title="ResNet-152")(partial(resnet, 152))

_register_small = partial(
    register,
    paper=PAPER,
    departures="conv1 and the missing pool1 are not the paper's, nor is the stride on the 3x3 convolution of a "
    "bottleneck; " + _AVERAGES.format("") + "biases before batch normalization (none), " + _WEIGHTS,
    smallest=SMALLEST_OF_SMALL,
)
resnet18_small = _register_small("resnet18_small", title="ResNet-18 for small images")(partial(small_resnet, 18))
resnet34_small = _register_small("resnet34_small", title="ResNet-34 for small images")(partial(small_resnet, 34))
resnet50_small = _register_small("resnet50_small", title="ResNet-50 for small images")(partial(small_resnet, 50))
resnet101_small = _register_small("resnet101_small", title="ResNet-101 for small images")(partial(small_resnet, 101))
resnet152_small = _register_small("resnet152_small", title="ResNet-152 for small images")(partial(small_resnet, 152))

_register_cifar = partial(
    register,
    paper=PAPER,
    departures=_AVERAGES.format("epsilon 1e-5, ")
    + "where the zeros of an option A shortcut are (behind the maps), biases before batch normalization (none), "
    + _WEIGHTS,
    smallest=SMALLEST_OF_SECTION_4_2,
)
resnet20 = _register_cifar("resnet20", title="ResNet-20 for CIFAR-10")(partial(cifar_resnet, 20))
resnet32 = _register_cifar("resnet32", title="ResNet-32 for CIFAR-10")(partial(cifar_resnet, 32))
resnet44 = _register_cifar("resnet44", title="ResNet-44 for CIFAR-10")(partial(cifar_resnet, 44))
resnet56 = _register_cifar("resnet56", title="ResNet-56 for CIFAR-10")(partial(cifar_resnet, 56))
resnet110 = _register_cifar("resnet110", title="ResNet-110 for CIFAR-10")(partial(cifar_resnet, 110))


def _add_rows(x: Any, kind: str, row_filters: tuple[int, ...], row_blocks: tuple[int, ...], options: _Options) -> Any:
    """Add the rows from conv2_x on; the first block of every row except the first halves the maps."""
    for row, (filters, blocks) in enumerate(zip(row_filters, row_blocks, strict=True), start=2):
        for index in range(1, blocks + 1):
            strides = 2 if row > 2 and index == 1 else 1
            x = _add_block(x, kind, filters, strides, f"conv{row}_{index}", options)
    return x


def _add_block(x: Any, kind: str, filters: int, strides: int, name: str, options: _Options) -> Any:
    """Add y = relu(F(x) + x), equation 1, or equation 2, where the shortcut changes the dimensions of x."""
    on_1x1, on_3x3 = (strides, 1) if options.stride_on == "1x1" else (1, strides)
    # (filters, kernel size, strides) of each convolution, figure 5.
    convolutions = {
        "basic": [(filters, 3, strides), (filters, 3, 1)],
        "bottleneck": [(filters, 1, on_1x1), (filters, 3, on_3x3), (4 * filters, 1, 1)],
    }[kind]
    y = x
    for number, (maps, kernel_size, step) in enumerate(convolutions, start=1):
        if number > 1:
            y = layers.Activation("relu", name=f"{name}_relu{number - 1}")(y)
        y = _add_convolution(y, maps, kernel_size, step, f"{name}_conv{number}", f"{name}_bn{number}", options)
    if x.shape != y.shape:
        name_of_shortcut, maps = f"{name}_shortcut", y.shape[-1]
        if options.shortcut == "A":
            x = _add_padded_identity(x, maps, strides, name_of_shortcut)
        else:
            x = _add_convolution(x, maps, 1, strides, name_of_shortcut, f"{name_of_shortcut}_bn", options)
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.Activation("relu", name=name)(x)


def _add_padded_identity(x: Any, maps: int, strides: int, name: str) -> Any:
    """Add an option A shortcut: every second pixel unchanged, and zeros for the maps that x does not have."""
    x = AveragePooling2D(1, strides=strides, name=f"{name}_subsample")(x)
    # With channels first, the last two axes count as height and width. Here they are width and maps, so maps are added.
    return layers.ZeroPadding2D(((0, 0), (0, maps - x.shape[-1])), data_format="channels_first", name=name)(x)


def _add_convolution(
    x: Any, filters: int, kernel_size: int, strides: int, name: str, bn_name: str, options: _Options
) -> Any:
    """Add a convolution, padded equally on all sides, and batch normalization."""
    if strides > 1 and kernel_size > 1:
        # "same" at stride 2 pads more at the bottom and on the right, unlike Caffe and torch.
        x = ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
    x = Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=options.conv_bias,
        kernel_initializer=he_normal(),
        name=name,
    )(x)
    return BatchNormalization(momentum=0.9, epsilon=options.epsilon, name=bn_name)(x)


def _make_model(images: Any, x: Any, num_classes: int, name: str) -> Model:
    """Return the model that averages each map and classifies the averages."""
    x = GlobalAveragePooling2D(name="features")(x)
    if num_classes:
        x = layers.Dense(num_classes, kernel_initializer=he_normal(), dtype="float32", name="logits")(x)
    return Model(images, x, name=name)


def _find_column(depth: int) -> Column:
    if depth not in TABLE_1:
        raise ValueError(f"Table 1 has 18, 34, 50, 101 and 152 layers, not {depth}.")
    return TABLE_1[depth]
