"""The lectures' networks, built in class: small ones that read handwritten digits."""

from functools import partial

from keras import Input, Model, layers

from cnnzoo.models.channels_last import Conv2D, Flatten, MaxPooling2D
from cnnzoo.models.initializers import RandomNormal
from cnnzoo.registry import Paper, check_size, register

PAPER = Paper(
    contribution="The lectures' networks, built in class: small ones that read handwritten digits",
    authors="The course's own labs with Keras and TensorFlow, and listing 8.1 of Chollet",
    title="Deep Learning with Python",
    venue="second edition, Manning",
    year=2021,
    link="https://www.manning.com/books/deep-learning-with-python-second-edition",
)

SMALLEST_OF_THE_LABS = (4, 4)
SMALLEST_OF_CHOLLET = (18, 18)
SMALLEST_OF_DENSE = (2, 2)

_register = partial(register, paper=PAPER)


@_register(
    "lecture_keras",
    title="the Keras lab's network, with a dense layer of 128",
    departures="the lab's network ends in a softmax, which is left here to the loss and to prediction. The weights "
    "start from Keras's defaults: Glorot-uniform, biases zero.",
    smallest=SMALLEST_OF_THE_LABS,
)
def lecture_keras(input_shape: tuple[int, int, int] = (28, 28, 1), num_classes: int = 10) -> Model:
    """Build the network of the Keras lab: two 3x3 convolutions, each with pooling, and a dense layer of 128.

    It is the lab's own; no paper describes it.

    Args:
        input_shape: Height, width and channels; at least 4 pixels a side, because the two poolings
            divide each side by 4.
        num_classes: Number of logits; 0 stops at the 128 features.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 4x4.
    """
    check_size("lecture_keras", input_shape, SMALLEST_OF_THE_LABS)
    images = Input(input_shape, name="images")
    x = Conv2D(32, 3, padding="same", activation="relu", name="conv1")(images)
    x = MaxPooling2D(2, name="pool1")(x)
    x = Conv2D(64, 3, padding="same", activation="relu", name="conv2")(x)
    x = MaxPooling2D(2, name="pool2")(x)
    x = Flatten(name="flatten")(x)
    x = layers.Dense(128, activation="relu", name="features")(x)
    if num_classes:
        x = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return Model(images, x, name="lecture_keras")


@_register(
    "lecture_tensorflow",
    title="the TensorFlow lab's network, with a dense layer of 100",
    departures="the lab turns the logits into ten probabilities, which is left here to the loss and to prediction. "
    "The lab's 0.1 is read as a standard deviation, not a variance: the first cost is then about 2.5, and the lecture "
    "shows 2.48; with a variance of 0.1 it would be 60 or more.",
    smallest=SMALLEST_OF_THE_LABS,
)
def lecture_tensorflow(input_shape: tuple[int, int, int] = (28, 28, 1), num_classes: int = 10) -> Model:
    """Build the network of the TensorFlow lab: the Keras lab's, with a dense layer of 100.

    It is the lab's own; no paper describes it. All weights and biases start from a normal
    distribution of mean 0 and standard deviation 0.1.

    Args:
        input_shape: Height, width and channels; at least 4 pixels a side, because the two poolings
            divide each side by 4.
        num_classes: Number of logits; 0 stops at the 100 features.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 4x4.
    """
    check_size("lecture_tensorflow", input_shape, SMALLEST_OF_THE_LABS)

    def initializers() -> dict[str, RandomNormal]:
        # Each weight needs an instance of its own, because an instance returns the same numbers at every call.
        return {"kernel_initializer": RandomNormal(stddev=0.1), "bias_initializer": RandomNormal(stddev=0.1)}

    images = Input(input_shape, name="images")
    x = Conv2D(32, 3, padding="same", activation="relu", **initializers(), name="conv1")(images)
    x = MaxPooling2D(2, name="pool1")(x)
    x = Conv2D(64, 3, padding="same", activation="relu", **initializers(), name="conv2")(x)
    x = MaxPooling2D(2, name="pool2")(x)
    x = Flatten(name="flatten")(x)
    x = layers.Dense(100, activation="relu", **initializers(), name="features")(x)
    if num_classes:
        x = layers.Dense(num_classes, **initializers(), dtype="float32", name="logits")(x)
    return Model(images, x, name="lecture_tensorflow")


@_register(
    "lecture_chollet",
    title="Chollet's small convnet (listing 8.1)",
    departures="the listing ends in a softmax, which is left here to the loss and to prediction. The weights start "
    "from Keras's defaults, as in the listing: Glorot-uniform, biases zero.",
    smallest=SMALLEST_OF_CHOLLET,
)
def lecture_chollet(input_shape: tuple[int, int, int] = (28, 28, 1), num_classes: int = 10) -> Model:
    """Build the small convnet of listing 8.1: three 3x3 convolutions without padding, and one dense layer.

    Args:
        input_shape: Height, width and channels; at least 18 pixels a side, which leave 3 to
            the third convolution.
        num_classes: Number of logits; 0 stops at the flattened maps of the third convolution, 1152
            features for images of 28x28.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 18x18.
    """
    check_size("lecture_chollet", input_shape, SMALLEST_OF_CHOLLET)
    images = Input(input_shape, name="images")
    x = Conv2D(32, 3, activation="relu", name="conv1")(images)
    x = MaxPooling2D(2, name="pool1")(x)
    x = Conv2D(64, 3, activation="relu", name="conv2")(x)
    x = MaxPooling2D(2, name="pool2")(x)
    x = Conv2D(128, 3, activation="relu", name="conv3")(x)
    x = Flatten(name="features")(x)
    if num_classes:
        x = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return Model(images, x, name="lecture_chollet")


@_register(
    "lecture_dense",
    title="a dense network without convolutions, as large as LeNet-5",
    departures="the lectures speak of a plain dense network without giving its size. Ours has one hidden layer of 78, "
    "with which it has 62,020 parameters for images of 28x28; LeNet-5, which sees them padded to 32x32, has 61,706.",
    smallest=SMALLEST_OF_DENSE,
)
def lecture_dense(input_shape: tuple[int, int, int] = (28, 28, 1), num_classes: int = 10) -> Model:
    """Build a plain dense network: what a convolutional network of its size is compared with in the lectures.

    It has no shared weights and no pooling, so it neither follows a shift of its image nor ignores it.

    Args:
        input_shape: Height, width and channels; at least 2 pixels a side.
        num_classes: Number of logits; 0 stops at the 78 features.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 2x2.
    """
    check_size("lecture_dense", input_shape, SMALLEST_OF_DENSE)
    images = Input(input_shape, name="images")
    x = Flatten(name="flatten")(images)
    x = layers.Dense(78, activation="relu", name="features")(x)
    if num_classes:
        x = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return Model(images, x, name="lecture_dense")
