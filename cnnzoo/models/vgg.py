"""VGG: deep networks from stacks of 3x3 convolutions."""

from functools import partial
from typing import Any, Literal

from keras import Input, Model, layers

from cnnzoo.models.channels_last import Conv2D, Flatten, GlobalAveragePooling2D, MaxPooling2D
from cnnzoo.models.initializers import RandomNormal, VarianceScaling, glorot_uniform, he_normal
from cnnzoo.models.layers import LocalResponseNormalization
from cnnzoo.models.normalization import BatchNormalization
from cnnzoo.options import check_arguments
from cnnzoo.registry import Paper, check_size, register

PAPER = Paper(
    contribution="VGG: deep networks from stacks of 3x3 convolutions",
    authors="Simonyan and Zisserman",
    title="Very Deep Convolutional Networks for Large-Scale Image Recognition",
    venue="ICLR",
    year=2015,
    link="https://arxiv.org/abs/1409.1556",
)

# Table 1, by column, in the paper's words: conv<kernel size>-<filters>. Each stage ends in a 2x2 max pooling.
CONFIGURATIONS = {
    "A": [
        "conv3-64",
        "conv3-128",
        "conv3-256 conv3-256",
        "conv3-512 conv3-512",
        "conv3-512 conv3-512",
    ],
    "A-LRN": [
        "conv3-64 LRN",
        "conv3-128",
        "conv3-256 conv3-256",
        "conv3-512 conv3-512",
        "conv3-512 conv3-512",
    ],
    "B": [
        "conv3-64 conv3-64",
        "conv3-128 conv3-128",
        "conv3-256 conv3-256",
        "conv3-512 conv3-512",
        "conv3-512 conv3-512",
    ],
    "C": [
        "conv3-64 conv3-64",
        "conv3-128 conv3-128",
        "conv3-256 conv3-256 conv1-256",
        "conv3-512 conv3-512 conv1-512",
        "conv3-512 conv3-512 conv1-512",
    ],
    "D": [
        "conv3-64 conv3-64",
        "conv3-128 conv3-128",
        "conv3-256 conv3-256 conv3-256",
        "conv3-512 conv3-512 conv3-512",
        "conv3-512 conv3-512 conv3-512",
    ],
    "E": [
        "conv3-64 conv3-64",
        "conv3-128 conv3-128",
        "conv3-256 conv3-256 conv3-256 conv3-256",
        "conv3-512 conv3-512 conv3-512 conv3-512",
        "conv3-512 conv3-512 conv3-512 conv3-512",
    ],
}

Initialization = Literal["paper", "glorot", "he"]

SMALLEST = (32, 32)  # five poolings halve it
SMALLEST_OF_SMALL = (17, 17)  # the last pooling then sees 2x2


def vgg(
    column: str,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    *,
    batch_norm: bool = False,
    dropout: float = 0.5,
    initialization: Initialization = "glorot",
) -> Model:
    """Build a column of Table 1, a VGG network for ImageNet.

    The "10^-2 variance" of section 3.1 is a deviation of 0.1, with which the first loss of A on pixels from 0 to 255 is
    2e8. "paper" means a deviation of 0.01, as in AlexNet: the logits of two images then differ by 4e-4 in A, by 3e-7 in
    D and by 3e-8 in E, so that A can learn while the deeper networks stall, as the paper says.

    Args:
        column: Of Table 1: "A", "A-LRN", "B", "C", "D" or "E".
        input_shape: Height, width and channels; at least 32 pixels a side, because five poolings halve it.
        num_classes: Number of logits; 0 stops at the 4096 features.
        batch_norm: Whether each convolution, which keeps its bias, is followed by batch normalization.
        dropout: Fraction of fc6 and fc7 that training drops.
        initialization: "glorot" draws weights from Glorot and Bengio's uniform distribution (2010, equation 16),
            "paper" from N(0, 0.01^2), "he" from a normal distribution scaled to the inputs of each layer. Biases are 0.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 32x32, or the column or the initialization does not exist.
    """
    check_size("vgg", input_shape, SMALLEST)
    check_arguments(vgg, initialization=initialization)
    images = Input(input_shape, name="images")
    x = _add_stages(images, column, "valid", batch_norm, initialization)
    x = Flatten(name="flatten")(x)
    x = layers.Dense(4096, activation="relu", kernel_initializer=_choose(initialization), name="fc6")(x)
    x = layers.Dropout(dropout, name="dropout6")(x)
    x = layers.Dense(4096, activation="relu", kernel_initializer=_choose(initialization), name="fc7")(x)
    x = layers.Dropout(dropout, name="features")(x)
    if num_classes:
        x = layers.Dense(num_classes, kernel_initializer=_choose(initialization), dtype="float32", name="logits")(x)
    return Model(images, x, name="vgg")


_register = partial(
    register,
    paper=PAPER,
    departures="the deeper networks do not start from the layers of a trained A, as in section 3.1; the initial "
    "weights follow the remark that closes that paragraph, Glorot and Bengio's distribution, and 'paper' uses 0.01 as "
    "the standard deviation, which the paper calls the variance. The dense layers fit images of one size, where "
    "section 3.2 slides them as convolutions over larger ones. Dropout doubles what it keeps in training; the paper "
    "does not mention it. The normalization of A-LRN has Krizhevsky's constants as he prints them, where Caffe, the "
    "ancestor of the authors' program, divides alpha by 5.",
    smallest=SMALLEST,
)
vgg11 = _register("vgg11", title="VGG-11 (configuration A)")(partial(vgg, "A"))
vgg11_lrn = _register("vgg11_lrn", title="VGG-11 with local response normalization (configuration A-LRN)")(
    partial(vgg, "A-LRN")
)
vgg13 = _register("vgg13", title="VGG-13 (configuration B)")(partial(vgg, "B"))
vgg16_c = _register("vgg16_c", title="VGG-16 with 1x1 convolutions (configuration C)")(partial(vgg, "C"))
vgg16 = _register("vgg16", title="VGG-16 (configuration D)")(partial(vgg, "D"))
vgg19 = _register("vgg19", title="VGG-19 (configuration E)")(partial(vgg, "E"))


def vgg_small(
    column: str,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    *,
    batch_norm: bool = True,
    initialization: Initialization = "he",
) -> Model:
    """Build a VGG network for small images, such as 32x32x3 or 28x28x1: the convolutions and one dense layer.

    This is what "VGG on CIFAR-10" usually means, after kuangliu's pytorch-cifar.

    Args:
        column: Of Table 1: "A", "A-LRN", "B", "C", "D" or "E".
        input_shape: Height, width and channels; at least 17 pixels a side, which leave the last pooling 2x2.
        num_classes: Number of logits; 0 stops at the 512 features.
        batch_norm: Whether each convolution, which keeps its bias, is followed by batch normalization.
        initialization: "he" draws weights from a normal distribution scaled to the inputs of each layer, "glorot" from
            Glorot and Bengio's uniform distribution, "paper" from N(0, 0.01^2), explained at ``vgg``. It learns
            with batch normalization; without, it needs pixels 10,000 times as large as 0 to 255. Biases are 0.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 17x17, or the column or the initialization does not exist.
    """
    check_size("vgg_small", input_shape, SMALLEST_OF_SMALL)
    check_arguments(vgg_small, initialization=initialization)
    images = Input(input_shape, name="images")
    # Poolings round up: 28x28 pixels become 14, 7, 4, 2 and 1. At 32x32 there is nothing to round.
    x = _add_stages(images, column, "same", batch_norm, initialization)
    x = GlobalAveragePooling2D(name="features")(x)
    if num_classes:
        x = layers.Dense(num_classes, kernel_initializer=_choose(initialization), dtype="float32", name="logits")(x)
    return Model(images, x, name="vgg_small")


_register_small = partial(
    register,
    paper=PAPER,
    departures="the mean of each last map goes straight to the logits, without fc6, fc7 and their dropout; batch "
    "normalization follows every convolution; the initial weights are scaled to their inputs, and no network starts "
    "from the layers of a trained A; poolings round up, which 32x32 pixels never need.",
    smallest=SMALLEST_OF_SMALL,
)
vgg11_small = _register_small("vgg11_small", title="VGG-11 for small images")(partial(vgg_small, "A"))
vgg13_small = _register_small("vgg13_small", title="VGG-13 for small images")(partial(vgg_small, "B"))
vgg16_small = _register_small("vgg16_small", title="VGG-16 for small images")(partial(vgg_small, "D"))
vgg19_small = _register_small("vgg19_small", title="VGG-19 for small images")(partial(vgg_small, "E"))


def _add_stages(
    x: Any, column: str, pool_padding: Literal["valid", "same"], batch_norm: bool, initialization: Initialization
) -> Any:
    """Return the maps after the five stages of a column."""
    if column not in CONFIGURATIONS:
        raise ValueError(f"Table 1 has no column {column!r}; it has A, A-LRN, B, C, D and E.")
    for stage, row in enumerate(CONFIGURATIONS[column], start=1):
        for index, word in enumerate(row.split(), start=1):
            if word == "LRN":
                x = LocalResponseNormalization(name=f"norm{stage}")(x)
                continue
            kernel_size, filters = map(int, word.removeprefix("conv").split("-"))
            x = Conv2D(
                filters,
                kernel_size,
                padding="same",
                activation=None if batch_norm else "relu",
                kernel_initializer=_choose(initialization),
                name=f"conv{stage}_{index}",
            )(x)
            if batch_norm:
                x = BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"conv{stage}_{index}_bn")(x)
                x = layers.Activation("relu", name=f"conv{stage}_{index}_relu")(x)
        x = MaxPooling2D(2, padding=pool_padding, name=f"pool{stage}")(x)
    return x


def _choose(initialization: Initialization) -> RandomNormal | VarianceScaling:
    """Return a new initializer: each weight needs its own, because an instance repeats its numbers."""
    if initialization == "paper":
        return RandomNormal(stddev=0.01)
    return glorot_uniform() if initialization == "glorot" else he_normal()
