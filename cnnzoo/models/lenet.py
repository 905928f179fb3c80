"""LeNet-5: convolution, subsampling and shared weights, trained end to end by gradient descent."""

from typing import Literal

from keras import Input, Model, layers

from cnnzoo.models.channels_last import AveragePooling2D, Conv2D, Flatten, MaxPooling2D
from cnnzoo.models.layers import EuclideanRBF, SparselyConnectedConv2D, Subsampling2D, fan_in_uniform, scaled_tanh
from cnnzoo.options import check_arguments
from cnnzoo.registry import Paper, check_size, register

PAPER = Paper(
    contribution="LeNet-5: convolution, subsampling and shared weights, trained end to end by gradient descent",
    authors="LeCun, Bottou, Bengio and Haffner",
    title="Gradient-Based Learning Applied to Document Recognition",
    venue="Proceedings of the IEEE 86(11)",
    year=1998,
    link="https://doi.org/10.1109/5.726791",
)

SMALLEST = (16, 16)

# Table I: for each map of C3, the maps of S2 that it sees.
C3_CONNECTIONS = [
    [0, 1, 2],
    [1, 2, 3],
    [2, 3, 4],
    [3, 4, 5],
    [0, 4, 5],
    [0, 1, 5],
    [0, 1, 2, 3],
    [1, 2, 3, 4],
    [2, 3, 4, 5],
    [0, 3, 4, 5],
    [0, 1, 4, 5],
    [0, 1, 2, 5],
    [0, 1, 3, 4],
    [1, 2, 4, 5],
    [0, 2, 3, 5],
    [0, 1, 2, 3, 4, 5],
]

# Figure 3: the ten digits as bitmaps of 7x12 pixels, ink +1 and ground -1.
DIGIT_BITMAPS = """
.#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.
....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###
..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##
.##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###
##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######
##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.
..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
"""


def digit_centres() -> list[list[float]]:
    """Return the RBF centres of the ten digits (10, 84), read from the bitmaps row by row."""
    rows = [line.split() for line in DIGIT_BITMAPS.split("\n") if line]
    return [[1.0 if pixel == "#" else -1.0 for row in rows for pixel in row[digit]] for digit in range(10)]


@register(
    "lenet5",
    title="LeNet-5 as it is usually built today",
    paper=PAPER,
    departures="every map of C3 sees all of S2, pooling has no weights, and the logits are a plain dense layer. C5, "
    "whose maps are 1x1 for 32x32 images, is a dense layer, so that the network takes other sizes too.",
    smallest=SMALLEST,
)
def lenet5(
    input_shape: tuple[int, int, int] = (32, 32, 1),
    num_classes: int = 10,
    *,
    activation: Literal["tanh", "relu"] = "tanh",
    pooling: Literal["average", "max"] = "average",
) -> Model:
    """Build LeNet-5 as it is usually built today.

    Args:
        input_shape: Height, width and channels; at least 16 pixels a side. The paper pads MNIST's 28x28 digits
            to 32x32.
        num_classes: Number of logits; 0 stops at the 84 features.
        activation: Activation after each layer: "tanh" as in 1998, or "relu".
        pooling: Kind of subsampling: "average" as in 1998, or "max".

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: An option has another value, or the images are smaller than 16x16.
    """
    check_size("lenet5", input_shape, SMALLEST)
    check_arguments(lenet5, activation=activation, pooling=pooling)
    pool = AveragePooling2D if pooling == "average" else MaxPooling2D
    images = Input(input_shape, name="images")
    x = Conv2D(6, 5, activation=activation, name="c1")(images)
    x = pool(2, name="s2")(x)
    x = Conv2D(16, 5, activation=activation, name="c3")(x)
    x = pool(2, name="s4")(x)
    x = Flatten(name="flatten")(x)
    x = layers.Dense(120, activation=activation, name="c5")(x)
    x = layers.Dense(84, activation=activation, name="features")(x)
    if num_classes:
        x = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return Model(images, x, name="lenet5")


@register(
    "lenet5_1998",
    title="LeNet-5 of 1998, with trainable subsampling and RBF output",
    paper=PAPER,
    departures="the bitmaps are read off the printed figure 3, because the paper gives no table of them.",
)
def lenet5_1998(input_shape: tuple[int, int, int] = (32, 32, 1), num_classes: int = 10) -> Model:
    """Build LeNet-5 of 1998: section II.B and figure 2, 60,000 trainable parameters.

    It has trainable subsampling, the sparse connections of Table I, the squashing function 1.7159 tanh(2x/3)
    and Euclidean RBF units over fixed bitmaps of the digits. In the paper's images the background is
    -0.1 and the ink 1.175.

    Args:
        input_shape: Height, width and channels; 32x32 pixels, because C5 must leave maps of 1x1.
        num_classes: Number of logits, at most 10 because the centres are the ten digits; 0 stops at the
            84 features.

    Returns:
        A model from images (batch, 32, 32, channels) to logits (batch, num_classes), the negated squared
        distances to the centres.

    Raises:
        ValueError: The images are not 32x32, or there are more than ten classes.
    """
    if tuple(input_shape[:2]) != (32, 32):
        raise ValueError(f"it takes images of 32x32 pixels, not {input_shape[0]}x{input_shape[1]}; pad them to 32x32.")
    if num_classes > 10:
        raise ValueError(f"its output has bitmaps of the ten digits and cannot tell {num_classes} classes apart.")

    def squash(name: str) -> layers.Layer:
        return layers.Activation(scaled_tanh, name=f"{name}_squash")

    def initializers(fan_in: int) -> dict[str, object]:
        return {"kernel_initializer": fan_in_uniform(fan_in), "bias_initializer": fan_in_uniform(fan_in)}

    images = Input(input_shape, name="images")
    x = squash("c1")(Conv2D(6, 5, **initializers(25 * input_shape[2]), name="c1")(images))
    x = squash("s2")(Subsampling2D(name="s2")(x))
    x = squash("c3")(SparselyConnectedConv2D(C3_CONNECTIONS, 5, name="c3")(x))
    x = squash("s4")(Subsampling2D(name="s4")(x))
    x = squash("c5")(Conv2D(120, 5, **initializers(400), name="c5")(x))
    x = Flatten(name="flatten")(x)
    x = layers.Dense(84, **initializers(120), name="f6")(x)
    x = layers.Activation(scaled_tanh, name="features")(x)
    if num_classes:
        x = EuclideanRBF(digit_centres()[:num_classes], dtype="float32", name="logits")(x)
    return Model(images, x, name="lenet5_1998")
