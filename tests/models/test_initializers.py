"""The initializers drawn by NumPy, against Keras's own of the same name."""

import keras
import numpy as np
import pytest

from cnnzoo.keras_internals import CUSTOM_OBJECTS
from cnnzoo.models import initializers

SHAPES = [(3, 5, 40, 70), (120, 300)]
CASES = [
    ("RandomNormal", {"mean": 0.5, "stddev": 0.1}),
    *(
        ("VarianceScaling", {"scale": 2.0, "mode": mode, "distribution": distribution})
        for mode in ("fan_in", "fan_out", "fan_avg")
        for distribution in ("untruncated_normal", "uniform")
    ),
]


def drawn(initializer, shape=(4, 30)):
    return keras.ops.convert_to_numpy(initializer(shape, "float32"))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_numbers_are_distributed_as_those_of_keras(name, options, shape):
    ours = drawn(getattr(initializers, name)(**options, seed=1), shape)
    theirs = drawn(getattr(keras.initializers, name)(**options, seed=2), shape)
    levels = np.linspace(0.02, 0.98, 13)
    assert ours.shape == shape
    assert np.allclose(np.quantile(ours, levels), np.quantile(theirs, levels), atol=0.04 * theirs.std())
    if options.get("distribution") == "uniform":
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)


@pytest.mark.every_backend
@pytest.mark.parametrize(("name", "options"), CASES)
def test_keras_seed_decides_the_numbers(name, options):
    initializer = getattr(initializers, name)

    def two():
        return [drawn(initializer(**options)) for _ in range(2)]

    keras.utils.set_random_seed(7)
    first, second = two()
    keras.utils.set_random_seed(7)
    assert np.array_equal([first, second], two())
    keras.utils.set_random_seed(8)
    assert not np.array_equal([first, second], two())
    assert np.abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.4


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("initializer", "expected"),
    [
        (initializers.RandomNormal(stddev=0.1, seed=3), [0.2417150, 0.0142763, -0.0512687]),
        (initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal", seed=3), [3.4183662, 0.2018968, -0.7250485]),
        (initializers.VarianceScaling(1.0, "fan_avg", "uniform", seed=3), [0.7630271, -1.0149482, -0.7852068]),
    ],
)
def test_every_backend_draws_the_same_numbers(initializer, expected):
    assert np.allclose(drawn(initializer, (1, 3))[0], expected, atol=1e-6)


@pytest.mark.every_backend
@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_saved_model_has_keras_own_initializers(name, options, tmp_path):
    images = keras.Input((4,))
    layer = keras.layers.Dense(30, kernel_initializer=getattr(initializers, name)(**options))
    keras.Model(images, layer(images)).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[1]
    assert type(loaded.kernel_initializer) is getattr(keras.initializers, name)
    assert loaded.kernel_initializer.get_config() == layer.kernel_initializer.get_config()
    assert np.array_equal(loaded.get_weights()[0], layer.get_weights()[0])
    ours = keras.saving.load_model(tmp_path / "model.keras", CUSTOM_OBJECTS).layers[1]
    assert type(ours.kernel_initializer) is getattr(initializers, name)


def test_an_unknown_distribution_is_refused():
    with pytest.raises(ValueError, match="'untruncated_normal' or 'uniform', not 'truncated_normal'"):
        initializers.VarianceScaling()((3, 3))
