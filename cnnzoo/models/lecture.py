"""The lectures' networks: two or three small convolutions that read handwritten digits, built in class.

The course's own lab with Keras, its own lab with TensorFlow, and listing 8.1 of Chollet, "Deep
Learning with Python", second edition, Manning, 2021.
https://www.manning.com/books/deep-learning-with-python-second-edition
"""

from keras import Input, Model, layers

from cnnzoo.models.channels_last import Conv2D, Flatten, MaxPooling2D
from cnnzoo.models.initializers import RandomNormal
from cnnzoo.registry import register


@register("lecture_keras")
def lecture_keras(input_shape: tuple[int, int, int] = (28, 28, 1), num_classes: int = 10) -> Model:
    """Build the network of the Keras lab: two 3x3 convolutions, each with pooling, and a dense layer of 128.

    It is the lab's own; no paper describes it.

    Departs from the paper: the lab's network ends in a softmax, which is left here to the loss and to
    prediction. Weights begin as Keras has them unasked: Glorot-uniform, biases zero.

    Args:
        input_shape: Height, width and channels; at least 4 pixels a side, because the two poolings
            divide each side by 4.
        num_classes: Number of logits; 0 stops at the 128 features.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 4x4.
    """
    _require(input_shape, 4)
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


@register("lecture_tensorflow")
def lecture_tensorflow(input_shape: tuple[int, int, int] = (28, 28, 1), num_classes: int = 10) -> Model:
    """Build the network of the TensorFlow lab: as the Keras lab's with a dense layer of 100, begun from N(0, 0.1).

    It is the lab's own; no paper describes it. All weights and biases are drawn from a normal
    distribution of mean 0 and standard deviation 0.1.

    Departs from the paper: the lab turns the logits into ten probabilities, which is left here to the
    loss and to prediction. The lab's 0.1 is read as a standard deviation, not a variance: the first cost
    is then about 2.5, and the lecture shows 2.48; a variance of 0.1 would begin at 60 or more.

    Args:
        input_shape: Height, width and channels; at least 4 pixels a side, because the two poolings
            divide each side by 4.
        num_classes: Number of logits; 0 stops at the 100 features.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 4x4.
    """
    _require(input_shape, 4)

    def drawn() -> dict[str, RandomNormal]:
        # Two of them for each layer, because an instance draws the same numbers again and again.
        return {"kernel_initializer": RandomNormal(stddev=0.1), "bias_initializer": RandomNormal(stddev=0.1)}

    images = Input(input_shape, name="images")
    x = Conv2D(32, 3, padding="same", activation="relu", **drawn(), name="conv1")(images)
    x = MaxPooling2D(2, name="pool1")(x)
    x = Conv2D(64, 3, padding="same", activation="relu", **drawn(), name="conv2")(x)
    x = MaxPooling2D(2, name="pool2")(x)
    x = Flatten(name="flatten")(x)
    x = layers.Dense(100, activation="relu", **drawn(), name="features")(x)
    if num_classes:
        x = layers.Dense(num_classes, **drawn(), dtype="float32", name="logits")(x)
    return Model(images, x, name="lecture_tensorflow")


@register("lecture_chollet")
def lecture_chollet(input_shape: tuple[int, int, int] = (28, 28, 1), num_classes: int = 10) -> Model:
    """Build the small convnet of listing 8.1: three 3x3 convolutions without padding, and one dense layer.

    Departs from the paper: the listing ends in a softmax, which is left here to the loss and to
    prediction. Weights begin as Keras has them unasked, as in the listing: Glorot-uniform, biases zero.

    Args:
        input_shape: Height, width and channels; at least 18 pixels a side, of which the third
            convolution sees 3.
        num_classes: Number of logits; 0 stops at the flattened maps of the third convolution, 1152
            features for images of 28x28.

    Returns:
        A model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        ValueError: The images are smaller than 18x18.
    """
    _require(input_shape, 18)
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


def _require(input_shape: tuple[int, int, int], side: int) -> None:
    if min(input_shape[:2]) < side:
        given = f"{input_shape[0]}x{input_shape[1]}"
        raise ValueError(f"images of {given} pixels are too small; the smallest it can take is {side}x{side}.")
