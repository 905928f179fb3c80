"""AlexNet: a deep network with ReLU and dropout, trained on two GPUs, that wins ImageNet 2012."""

from functools import partial
from typing import Any, Literal, NamedTuple

from keras import Input, Model, initializers, layers

from cnnzoo.models.channels_last import Conv2D, Flatten, MaxPooling2D, ZeroPadding2D
from cnnzoo.models.initializers import RandomNormal, VarianceScaling
from cnnzoo.models.layers import GroupedConv2D, LocalResponseNormalization
from cnnzoo.options import check_arguments
from cnnzoo.registry import Paper, check_size, register

PAPER = Paper(
    contribution="AlexNet: a deep network with ReLU and dropout, trained on two GPUs, that wins ImageNet 2012",
    authors="Krizhevsky, Sutskever and Hinton",
    title="ImageNet Classification with Deep Convolutional Neural Networks",
    venue="NeurIPS",
    year=2012,
    link="https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
)
ONE_WEIRD_TRICK = Paper(
    contribution="AlexNet in one tower: eight GPUs share the images of convolutions and the units of dense layers",
    authors="Krizhevsky",
    title="One weird trick for parallelizing convolutional neural networks",
    venue="arXiv",
    year=2014,
    link="https://arxiv.org/abs/1404.5997",
)

Initialization = Literal["paper", "he"]


class Convolution(NamedTuple):
    """A convolution with its ReLU, and what follows it.

    Attributes:
        name: Of the layer.
        filters: Number of output channels.
        kernel_size: Side of the square kernel in pixels.
        strides: Step of the kernel in pixels.
        padding: Zeros around the maps in pixels.
        groups: 2 if each GPU sees only its own half of the channels.
        bias: Initial value of the biases.
        then: Names of the layers that follow, in order: "norm..." for local response normalization and "pool..." for
            3x3 max pooling with stride 2.
    """

    name: str
    filters: int
    kernel_size: int
    strides: int
    padding: int
    groups: int
    bias: int
    then: tuple[str, ...] = ()


DEPARTURES = (
    "images are 227x227, because 224x224 does not lead to maps of 55x55 (and 55x55x96 are 290,400 neurons in conv1, "
    "not the figure's 253,440); both GPUs' halves are in one model, so the normalizations also see across the border "
    "between the halves; dropout doubles what it keeps in training, where the paper halves everything at test time."
)

# Section 3.5 and figure 2; the biases as in section 5.
CONVOLUTIONS_2012 = [
    Convolution("conv1", 96, 11, 4, 0, groups=1, bias=0, then=("norm1", "pool1")),
    Convolution("conv2", 256, 5, 1, 2, groups=2, bias=1, then=("norm2", "pool2")),
    Convolution("conv3", 384, 3, 1, 1, groups=1, bias=0),
    Convolution("conv4", 384, 3, 1, 1, groups=2, bias=1),
    Convolution("conv5", 256, 3, 1, 1, groups=2, bias=1, then=("pool3",)),
]

# One weird trick, as torchvision has it.
CONVOLUTIONS_2014 = [
    Convolution("conv1", 64, 11, 4, 2, groups=1, bias=0, then=("pool1",)),
    Convolution("conv2", 192, 5, 1, 2, groups=1, bias=1, then=("pool2",)),
    Convolution("conv3", 384, 3, 1, 1, groups=1, bias=0),
    Convolution("conv4", 256, 3, 1, 1, groups=1, bias=1),
    Convolution("conv5", 256, 3, 1, 1, groups=1, bias=1, then=("pool3",)),
]

# One of the two GPUs in figure 2, with a first kernel for images that are seven times smaller.
CONVOLUTIONS_SMALL = [
    Convolution("conv1", 48, 5, 1, 2, groups=1, bias=0, then=("norm1", "pool1")),
    Convolution("conv2", 128, 5, 1, 2, groups=2, bias=1, then=("norm2", "pool2")),
    Convolution("conv3", 192, 3, 1, 1, groups=1, bias=0),
    Convolution("conv4", 192, 3, 1, 1, groups=2, bias=1),
    Convolution("conv5", 128, 3, 1, 1, groups=2, bias=1, then=("pool3",)),
]


def smallest_size(convolutions: list[Convolution]) -> tuple[int, int]:
    """Return height and width of the images that the last pooling reduces to one pixel."""
    side = 1
    for row in reversed(convolutions):
        if any(name.startswith("pool") for name in row.then):
            side = 2 * (side - 1) + 3
        side = max(1, row.strides * (side - 1) + row.kernel_size - 2 * row.padding)
    return side, side


@register(
    "alexnet",
    title="AlexNet in two groups, one for each GPU",
    paper=PAPER,
    departures=DEPARTURES,
    smallest=smallest_size(CONVOLUTIONS_2012),
)
def alexnet(
    input_shape: tuple[int, int, int] = (227, 227, 3),
    num_classes: int = 1000,
    *,
    groups: Literal[1, 2] = 2,
    norm_after_pool: bool = False,
    dropout: float = 0.5,
    initialization: Initialization = "paper",
) -> Model:
    """Build AlexNet, the network of 2012: section 3.5 and figure 2.

    It has 60,965,224 parameters in two groups and 62,378,344 in one.

    The constants of the normalizations and of the initialization suit pixels from 0 to 255 minus their mean.

    Args:
        input_shape: Height, width and channels; at least 67 pixels a side.
        num_classes: Number of logits; 0 stops at the 4096 features.
        groups: 2 lets conv2, conv4 and conv5 see only the channels of their own GPU, as the paper does; 1 lets
            them see all.
        norm_after_pool: Whether each normalization follows the pooling, as in Caffe's reference network and many
            lectures, rather than the convolution, as in the paper (section 3.5).
        dropout: Fraction of fc6 and fc7 that training drops.
        initialization: "paper" draws weights from N(0, 0.01^2) and sets the biases of conv2, conv4, conv5, fc6 and
            fc7 to 1 (section 5); "he" draws weights from a normal distribution scaled to the inputs of each layer,
            with biases of 0.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 67x67, or initialization or groups has another value.
    """
    return _build(
        "alexnet", CONVOLUTIONS_2012, 4096, input_shape, num_classes, groups, norm_after_pool, dropout, initialization
    )


alexnet_ungrouped = register(
    "alexnet_ungrouped",
    title="AlexNet without groups",
    paper=PAPER,
    departures=f"no layer is split into two groups; {DEPARTURES}",
    smallest=smallest_size(CONVOLUTIONS_2012),
)(partial(alexnet, groups=1))


@register(
    "alexnet_owt",
    title='AlexNet of "One weird trick", as torchvision has it',
    paper=ONE_WEIRD_TRICK,
    departures="there are no normalizations and conv1 pads its images by 2 pixels, as in torchvision, where "
    "Krizhevsky's own files normalize after conv1 and conv2 and pad nothing. The paper's footnote counts 384 filters "
    "in conv4, where torchvision has 256. Dropout follows fc6 and fc7 as in his files, where torchvision puts it "
    "before them. Torchvision averages larger maps to 6x6 before fc6; here fc6 grows with the image.",
    smallest=smallest_size(CONVOLUTIONS_2014),
)
def alexnet_owt(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    *,
    dropout: float = 0.5,
    initialization: Initialization = "paper",
) -> Model:
    """Build the AlexNet of "One weird trick" as torchvision has it, with 61,100,840 parameters.

    One tower of 64, 192, 384, 256 and 256 filters, which the paper trains across eight GPUs.

    Args:
        input_shape: Height, width and channels; at least 63 pixels a side.
        num_classes: Number of logits; 0 stops at the 4096 features.
        dropout: Fraction of fc6 and fc7 that training drops.
        initialization: "paper" is that of 2012: weights from N(0, 0.01^2), biases of conv2, conv4, conv5, fc6 and fc7
            of 1; "he" draws weights from a normal distribution scaled to the inputs of each layer, with
            biases of 0.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 63x63, or initialization has another value.
    """
    return _build("alexnet_owt", CONVOLUTIONS_2014, 4096, input_shape, num_classes, 1, False, dropout, initialization)


@register(
    "alexnet_small",
    title="AlexNet for small images, at half its width",
    paper=PAPER,
    departures="it has half of each layer, which is one GPU in figure 2 (48, 128, 192, 192 and 128 filters, 2048 units "
    "twice); conv1 has 5x5 kernels without stride, so that the normalizations and the overlapping poolings stay as in "
    "the paper and leave maps of 3x3; the initial weights are scaled to their inputs.",
    smallest=smallest_size(CONVOLUTIONS_SMALL),
)
def alexnet_small(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    *,
    groups: Literal[1, 2] = 1,
    norm_after_pool: bool = False,
    dropout: float = 0.5,
    initialization: Initialization = "he",
) -> Model:
    """Build an AlexNet for small images, such as 32x32x3 or 28x28x1.

    The weights of 2012 suit the 363 inputs of an 11x11 kernel. With 25 inputs and pixels from 0 to 255, only 0.1 % of
    what reaches fc7 differs from image to image; in ``alexnet`` it is 1.2 %. The rest comes from the biases of 1: the
    first steps switch most of fc7 off, and the loss stays at 2.3. On pixels 39 times as large, which
    ``preprocessing.deviation: 0.0001`` makes, with "paper" SGD at 0.001 reaches 91 % after 20,000 digits of MNIST. With
    "he" and the usual deviation SGD learns at 0.003, but not at the paper's 0.01.

    Args:
        input_shape: Height, width and channels; at least 15 pixels a side.
        num_classes: Number of logits; 0 stops at the 2048 features.
        groups: 2 splits conv2, conv4 and conv5 once more.
        norm_after_pool: Whether each normalization follows the pooling rather than the convolution.
        dropout: Fraction of fc6 and fc7 that training drops.
        initialization: "he" draws weights from a normal distribution scaled to the inputs of each layer, with
            biases of 0; "paper" is that of 2012: weights from N(0, 0.01^2), biases of conv2, conv4, conv5, fc6 and fc7
            of 1.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 15x15, or initialization or groups has another value.
    """
    return _build(
        "alexnet_small",
        CONVOLUTIONS_SMALL,
        2048,
        input_shape,
        num_classes,
        groups,
        norm_after_pool,
        dropout,
        initialization,
    )


def _build(
    name: str,
    convolutions: list[Convolution],
    units: int,
    input_shape: tuple[int, int, int],
    num_classes: int,
    groups: int,
    norm_after_pool: bool,
    dropout: float,
    initialization: Initialization,
) -> Model:
    check_size(name, input_shape, smallest_size(convolutions))
    check_arguments(alexnet, groups=groups, initialization=initialization)

    def initializers_of(bias: int) -> dict[str, Any]:
        if initialization == "he":
            return {"kernel_initializer": VarianceScaling(2.0, "fan_in", "untruncated_normal")}
        return {
            "kernel_initializer": RandomNormal(stddev=0.01),
            "bias_initializer": initializers.Constant(bias),
        }

    images = x = Input(input_shape, name="images")
    for row in convolutions:
        if row.padding and row.strides > 1:
            x = ZeroPadding2D(row.padding, name=f"{row.name}_pad")(x)
        convolution = GroupedConv2D if min(groups, row.groups) > 1 else Conv2D
        x = convolution(
            row.filters,
            row.kernel_size,
            row.strides,
            padding="same" if row.strides == 1 else "valid",
            groups=min(groups, row.groups),
            activation="relu",
            **initializers_of(row.bias),
            name=row.name,
        )(x)
        for follower in reversed(row.then) if norm_after_pool else row.then:
            if follower.startswith("norm"):
                x = LocalResponseNormalization(name=follower)(x)
            else:
                x = MaxPooling2D(3, 2, name=follower)(x)
    x = Flatten(name="flatten")(x)
    x = layers.Dense(units, activation="relu", **initializers_of(1), name="fc6")(x)
    x = layers.Dropout(dropout, name="dropout6")(x)
    x = layers.Dense(units, activation="relu", **initializers_of(1), name="fc7")(x)
    x = layers.Dropout(dropout, name="features")(x)
    if num_classes:
        x = layers.Dense(num_classes, **initializers_of(0), dtype="float32", name="logits")(x)
    return Model(images, x, name=name)
