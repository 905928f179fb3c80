"""AlphaGo's policy network: an expert's next move at Go, by convolutions that keep the size of the board.

Silver et al., "Mastering the game of Go with deep neural networks and tree search",
Nature 529, 2016. https://doi.org/10.1038/nature16961
"""

from functools import partial

from keras import Input, Model, layers

from cnnzoo.models.channels_last import Conv2D, Flatten
from cnnzoo.models.initializers import RandomNormal, he_normal
from cnnzoo.models.layers import PositionBias
from cnnzoo.registry import register


@register("alphago_policy")
def alphago_policy(
    input_shape: tuple[int, int, int] = (19, 19, 48),
    num_classes: int | None = None,
    *,
    filters: int = 192,
    hidden_layers: int = 12,
) -> Model:
    """Build AlphaGo's policy network: Methods, "Neural network architecture".

    The board is padded with zeros to 23x23 before the first hidden layer, 5x5, and to 21x21 before each
    of the others, 3x3; the last layer is one 1x1 filter and a bias for each position. The match version
    has 192 filters a layer; figure 2 and Extended Data Table 3 show others. Making the 48 planes of Extended
    Data Table 2 is not the network's part.

    Departs from the paper: softmax is left to the loss and to prediction. The paper does not say how the
    weights begin: here those of the hidden layers are He-normal, those of the last one normal with a
    deviation of 0.01, so that every move begins about equally likely, and the biases are zero. The 1x1
    filter has no bias beside those of the positions, which could tell nothing from it. Other boards and
    other numbers of planes are taken; each size of board has position biases of its own.

    Args:
        input_shape: Height and width of the board, which need not be square, and planes; at least 5x5,
            the first kernel.
        num_classes: Number of logits, one per point, row by row: left out, or height times width. 0 stops
            at the maps of the last hidden layer, flattened to (batch, height * width * filters).
        filters: Filters of each hidden layer, the paper's k.
        hidden_layers: Number of hidden layers, at least 1.

    Returns:
        A model from planes (batch, height, width, planes) to logits (batch, height * width).

    Raises:
        ValueError: The board is smaller than 5x5, num_classes is not its number of points, or there is
            no hidden layer.
    """
    height, width, _ = input_shape
    if min(height, width) < 5:
        raise ValueError(f"a board of {height}x{width} points is too small; the smallest it can take is 5x5.")
    if num_classes not in {None, 0, height * width}:
        raise ValueError(
            "a network for boards has one logit per point; "
            f"a board of {height}x{width} has {height * width}, not {num_classes}."
        )
    if hidden_layers < 1:
        raise ValueError(f"hidden_layers is 1 or more, not {hidden_layers}.")
    images = x = Input(input_shape, name="images")
    for number in range(1, hidden_layers + 1):
        kernel_size = 5 if number == 1 else 3
        x = Conv2D(
            filters,
            kernel_size,
            padding="same",
            activation="relu",
            kernel_initializer=he_normal(),
            name=f"conv{number}",
        )(x)
    # There and back, which costs nothing: `features` is flat in every network of the zoo.
    x = Flatten(name="features")(x)
    if num_classes != 0:
        x = layers.Reshape((height, width, filters), name="maps")(x)
        # Full precision to the end: a flatten of half precision would round the logits.
        x = Conv2D(
            1,
            1,
            use_bias=False,
            kernel_initializer=RandomNormal(stddev=0.01),
            dtype="float32",
            name=f"conv{hidden_layers + 1}",
        )(x)
        x = Flatten(dtype="float32", name="flatten")(x)
        x = PositionBias(dtype="float32", name="logits")(x)
    return Model(images, x, name="alphago_policy")


# Figure 2, and but for 384 Extended Data Table 3, by number of filters; the matches were played with 192.
alphago_policy_128 = register("alphago_policy_128")(partial(alphago_policy, filters=128))
alphago_policy_256 = register("alphago_policy_256")(partial(alphago_policy, filters=256))
alphago_policy_384 = register("alphago_policy_384")(partial(alphago_policy, filters=384))


@register("alphago_policy_small")
def alphago_policy_small(
    input_shape: tuple[int, int, int] = (19, 19, 48),
    num_classes: int | None = None,
    *,
    filters: int = 64,
    hidden_layers: int = 5,
) -> Model:
    """Build a small policy network of AlphaGo's form, which a processor without a GPU can train.

    Departs from the paper: it is not in it. Five hidden layers of 64 filters in place of twelve of 192;
    everything else is as ``alphago_policy`` has it, with that network's departures.

    Args:
        input_shape: Height and width of the board, which need not be square, and planes; at least 5x5,
            the first kernel.
        num_classes: Number of logits, one per point, row by row: left out, or height times width. 0 stops
            at the maps of the last hidden layer, flattened to (batch, height * width * filters).
        filters: Filters of each hidden layer, the paper's k.
        hidden_layers: Number of hidden layers, at least 1.

    Returns:
        A model from planes (batch, height, width, planes) to logits (batch, height * width).

    Raises:
        ValueError: The board is smaller than 5x5, num_classes is not its number of points, or there is
            no hidden layer.
    """
    return alphago_policy(input_shape, num_classes, filters=filters, hidden_layers=hidden_layers)
