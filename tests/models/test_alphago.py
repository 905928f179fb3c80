"""AlphaGo's policy network against Silver et al. 2016, Methods, "Neural network architecture"."""

import keras
import numpy as np
import pytest
from toys import outline

from cnnzoo import registry
from cnnzoo.errors import UserError
from cnnzoo.models.alphago import alphago_policy, alphago_policy_128, alphago_policy_small
from cnnzoo.models.layers import PositionBias

# Filters and hidden layers.
FORMS = {
    "alphago_policy_128": (128, 12),
    "alphago_policy": (192, 12),
    "alphago_policy_256": (256, 12),
    "alphago_policy_384": (384, 12),
    "alphago_policy_small": (64, 5),
}


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def boards(count, height, width, planes, seed=0):
    return (np.random.default_rng(seed).random((count, height, width, planes)) < 0.25).astype("float32")


@pytest.mark.parametrize("name", FORMS)
def test_the_layers_are_those_of_the_paper(name):
    filters, hidden_layers = FORMS[name]
    model = outline(name)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.name for layer in convolutions] == [f"conv{number}" for number in range(1, hidden_layers + 2)]
    first, *others, last = convolutions
    assert first.input.shape[1:] == (19, 19, 48)
    assert [layer.kernel_size for layer in convolutions] == [(5, 5), *[(3, 3)] * len(others), (1, 1)]
    for layer in (first, *others):
        assert layer.output.shape[1:] == (19, 19, filters)
        assert layer.strides == (1, 1)
        assert layer.activation is keras.activations.relu
    assert last.output.shape[1:] == (19, 19, 1)
    assert not last.use_bias
    assert isinstance(model.get_layer("logits"), PositionBias)
    assert model.output_shape == (None, 361)


@pytest.mark.every_backend
def test_the_board_is_padded_with_zeros_to_23x23_and_then_to_21x21():
    model = alphago_policy_small(filters=3)
    planes = boards(2, 19, 19, 48)
    outputs = keras.Model(model.input, [model.get_layer(name).output for name in ("conv1", "conv2")])(planes)
    maps = planes
    for name, side, ours in zip(("conv1", "conv2"), (23, 21), outputs, strict=True):
        margin = (side - 19) // 2
        padded = np.pad(maps, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
        assert padded.shape[1:3] == (side, side)
        kernel, bias = model.get_layer(name).get_weights()
        maps = np.maximum(numpy(keras.ops.conv(padded, kernel, padding="valid")) + bias, 0)
        assert np.allclose(numpy(ours), maps, atol=1e-4)


def test_a_point_has_the_logit_of_its_row_and_column():
    model = alphago_policy((7, 9, 1), filters=1, hidden_layers=1)
    centre = np.zeros((5, 5, 1, 1))
    centre[2, 2] = 1
    model.get_layer("conv1").set_weights([centre, np.zeros(1)])
    model.get_layer("conv2").set_weights([np.ones((1, 1, 1, 1))])
    stone = np.zeros((1, 7, 9, 1), "float32")
    stone[0, 2, 5] = 1
    assert np.array_equal(numpy(model(stone))[0], np.eye(63)[2 * 9 + 5])


def test_every_position_has_a_bias_of_its_own():
    model = alphago_policy_small((5, 6, 48), filters=2)
    before = numpy(model(boards(2, 5, 6, 48)))
    biases = np.arange(30.0)
    model.get_layer("logits").set_weights([biases])
    assert np.allclose(numpy(model(boards(2, 5, 6, 48))) - before, biases, atol=1e-4)


@pytest.mark.every_backend
@pytest.mark.parametrize("shape", [(4, 4), (5, 5), (5, 6, 7)])
def test_position_biases_take_rows_and_columns_and_survive_saving(shape, tmp_path):
    points = keras.Input(shape)
    model = keras.Model(points, PositionBias()(points))
    model.layers[1].set_weights([np.random.default_rng(1).normal(size=shape)])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    values = np.random.default_rng(2).normal(size=(3, *shape)).astype("float32")
    assert np.array_equal(numpy(loaded(values)), numpy(model(values)))
    assert np.allclose(numpy(model(values)), values + model.layers[1].get_weights()[0])


@pytest.mark.parametrize("board", [(5, 5), (9, 9), (13, 13), (5, 19)])
def test_other_boards_get_one_logit_per_point(board):
    points = board[0] * board[1]
    unasked, asked = (
        alphago_policy_small((*board, 12), filters=2),
        alphago_policy_small((*board, 12), points, filters=2),
    )
    assert unasked.output_shape == asked.output_shape == (None, points)
    assert unasked.get_layer("logits").bias.shape == (points,)


@pytest.mark.parametrize("board", [(4, 4), (4, 19), (19, 4)])
@pytest.mark.parametrize("name", ["alphago_policy_128", "alphago_policy_small"])
def test_a_board_below_5x5_is_too_small(name, board):
    with pytest.raises(
        UserError, match=rf"an input of {board[0]}x{board[1]} is too small; the network needs at least 5x5\.$"
    ):
        registry.build(name, (*board, 48))


@pytest.mark.parametrize("name", ["alphago_policy_256", "alphago_policy_small"])
def test_ten_classes_on_a_board_are_refused_with_the_reason(name):
    with pytest.raises(UserError, match="one logit per point; a board of 28x28 has 784, not 10"):
        registry.build(name, (28, 28, 1), 10)


def test_a_network_without_hidden_layers_is_refused():
    with pytest.raises(ValueError, match="hidden_layers must be 1 or more, not 0"):
        alphago_policy(hidden_layers=0)


def test_the_features_are_the_maps_of_the_last_hidden_layer():
    keras.utils.set_random_seed(3)
    whole = alphago_policy_small((5, 6, 48), filters=4)
    features = alphago_policy_small((5, 6, 48), 0, filters=4)
    assert features.layers[-1].name == "features"
    assert features.output_shape == (None, 5 * 6 * 4)
    assert whole.get_layer("features").output.shape == features.output.shape
    features.set_weights(whole.get_weights()[: len(features.weights)])
    maps = keras.Model(whole.input, [whole.get_layer("conv5").output, whole.output])
    planes = boards(2, 5, 6, 48)
    last, logits = map(numpy, maps(planes))
    assert np.array_equal(numpy(features(planes)), last.reshape(2, -1))
    assert np.allclose(logits, (last @ whole.get_layer("conv6").get_weights()[0][0, 0]).reshape(2, 30), atol=1e-5)


def test_an_option_of_a_variant_can_be_changed():
    model = alphago_policy_128((5, 5, 48), filters=8, hidden_layers=2)
    assert model.get_layer("conv2").output.shape[1:] == (5, 5, 8)
    assert model.get_layer("conv3").output.shape[1:] == (5, 5, 1)


def test_twelve_layers_of_few_filters_neither_fade_nor_explode():
    keras.utils.set_random_seed(4)
    model = alphago_policy((19, 19, 48), filters=32)
    outputs = keras.Model(model.input, [model.get_layer(name).output for name in ("conv1", "conv12")])
    first, last = map(numpy, outputs(boards(4, 19, 19, 48)))
    assert 0.05 < np.square(last).mean() / np.square(first).mean() < 20


def test_every_move_is_about_equally_likely_before_training():
    keras.utils.set_random_seed(5)
    logits = numpy(alphago_policy((19, 19, 48), filters=32)(boards(16, 19, 19, 48)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(np.arange(16) * 20, logits)
    assert float(loss) == pytest.approx(np.log(361), abs=0.1)


def test_a_small_network_learns_a_few_positions_by_heart():
    keras.utils.set_random_seed(6)
    model = alphago_policy_small((5, 5, 48), filters=16, hidden_layers=2)
    planes, moves = boards(16, 5, 5, 48), np.random.default_rng(7).integers(0, 25, 16)
    model.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for _ in range(60):
        model.train_on_batch(planes, moves)
    assert np.array_equal(numpy(model(planes)).argmax(axis=1), moves)


def test_half_precision_does_not_round_the_logits():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        logits = alphago_policy_small((9, 9, 48), filters=16)(boards(2, 9, 9, 48))
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    rounded = numpy(keras.ops.cast(keras.ops.cast(logits, "bfloat16"), "float32"))
    assert (rounded != numpy(logits)).mean() > 0.5
