"""AlphaGo's policy network: predicts an expert's next move with convolutions that keep the size of the board."""

from functools import partial

from keras import Input, Model, layers

from cnnzoo.models.channels_last import Conv2D, Flatten
from cnnzoo.models.initializers import RandomNormal, he_normal
from cnnzoo.models.layers import PositionBias
from cnnzoo.registry import Paper, check_size, register

PAPER = Paper(
    contribution="AlphaGo's policy network: predicts an expert's next move with convolutions that keep the size of the "
    "board",
    authors="Silver et al.",
    title="Mastering the game of Go with deep neural networks and tree search",
    venue="Nature 529",
    year=2016,
    link="https://doi.org/10.1038/nature16961",
)

DEPARTURES = (
    "softmax is left to the loss and to prediction. The paper does not say how the weights start: here those of the "
    "hidden layers are He-normal, those of the last one normal with a deviation of 0.01, so that every move is about "
    "equally likely at first, and the biases are zero. The 1x1 filter has no bias, because the position biases include "
    "it. The network takes other boards and other numbers of planes; each size of board has position biases of its own."
)

SMALLEST = (5, 5)  # the first kernel

_register = partial(register, paper=PAPER, departures=DEPARTURES, smallest=SMALLEST)


@_register("alphago_policy", title="AlphaGo's policy network (192 filters)")
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
    has 192 filters a layer; figure 2 and Extended Data Table 3 show others. The network
    does not compute the 48 planes of Extended Data Table 2.

    Args:
        input_shape: Height and width of the board, which need not be square, and planes; at least 5x5,
            the first kernel.
        num_classes: Number of logits, one per point, row by row: None or height times width. 0 stops
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
    check_size("alphago_policy", input_shape, SMALLEST)
    if num_classes not in {None, 0, height * width}:
        raise ValueError(
            "a network for boards has one logit per point; "
            f"a board of {height}x{width} has {height * width}, not {num_classes}."
        )
    if hidden_layers < 1:
        raise ValueError(f"hidden_layers must be 1 or more, not {hidden_layers}.")
    images = x = Input(input_shape, name="images")
    for number in range(1, hidden_layers + 1):
        kernel_size = 5 if number == 1 else 3
        weights = he_normal()
        x = Conv2D(
            filters, kernel_size, padding="same", activation="relu", kernel_initializer=weights, name=f"conv{number}"
        )(x)
    # Flattened here and reshaped below, at no cost, because `features` is flat in every network of the zoo.
    x = Flatten(name="features")(x)
    if num_classes != 0:
        x = layers.Reshape((height, width, filters), name="maps")(x)
        # Full precision from here on: a flatten in half precision would round the logits.
        weights, last = RandomNormal(stddev=0.01), f"conv{hidden_layers + 1}"
        x = Conv2D(1, 1, use_bias=False, kernel_initializer=weights, dtype="float32", name=last)(x)
        x = Flatten(dtype="float32", name="flatten")(x)
        x = PositionBias(dtype="float32", name="logits")(x)
    return Model(images, x, name="alphago_policy")


# Figure 2 and, except for 384, Extended Data Table 3, by number of filters; the matches were played with 192.
alphago_policy_128 = _register("alphago_policy_128", title="AlphaGo's policy network (128 filters)")(
    partial(alphago_policy, filters=128)
)
alphago_policy_256 = _register("alphago_policy_256", title="AlphaGo's policy network (256 filters)")(
    partial(alphago_policy, filters=256)
)
alphago_policy_384 = _register("alphago_policy_384", title="AlphaGo's policy network (384 filters)")(
    partial(alphago_policy, filters=384)
)
alphago_policy_small = _register(
    "alphago_policy_small",
    title="small policy network in AlphaGo's form (5 layers of 64 filters)",
    departures="it is not in the paper: it has five hidden layers of 64 filters instead of twelve of 192, so that a "
    "processor without a GPU can train it. In everything else it departs as alphago_policy does.",
)(partial(alphago_policy, filters=64, hidden_layers=5))
