"""The promises of every registered network, tested at its smallest input size."""

import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import parity
import pytest
import toys

import cnnzoo
from cnnzoo import catalogue, files, inspection, registry
from cnnzoo.errors import UserError
from cnnzoo.keras_internals import CUSTOM_OBJECTS

NAMES = cnnzoo.model_names()
BOARDS = [name for name in NAMES if name.startswith("alphago")]
FAMILIES_FOR_SMALL_IMAGES = ["lenet5", "alexnet_small", "vgg16_small", "googlenet_small", "resnet18_small", "resnet20"]
ROOT = Path(cnnzoo.__file__).parents[1]

# The options that name one of several ways.
CHOICES = [
    (name, option) for name in NAMES for option, schema in catalogue.card(name).options.items() if "enum" in schema
]
# These have the same layers as another network of their builder, only more or wider ones. Their own modules' tests
# compare their layers with the paper, others their counts; the contract of this module runs with --full.
DEEPER_OR_WIDER = [
    name
    for name in NAMES
    if re.fullmatch(r"alphago_policy(_256|_384)?|resnet(34|101|152)(_small)?|resnet(32|44|56|110)", name)
    or re.fullmatch(r"vgg(13|16|19)(_small)?", name)
]
# Together they have every layer and every way of connecting layers.
ONE_OF_EACH_KIND = [
    "alexnet",
    "alphago_policy_small",
    "googlenet",
    "lecture_tensorflow",
    "lenet5_1998",
    "resnet20",
    "vgg11_lrn",
]
# What runs once is not worth compiling. JAX compiles all the same: operation by operation, which later networks
# profit from, or quicker for each network in one piece.
EAGERLY = keras.backend.backend() == "tensorflow"


def marks(name):
    if name in DEEPER_OR_WIDER:
        return [pytest.mark.full]
    return [pytest.mark.every_backend] if name in ONE_OF_EACH_KIND else [pytest.mark.slow]


pytestmark = pytest.mark.usefixtures("compile_quickly")


@cache
def smallest(name):
    """Return the smallest (height, width, channels); a network without one takes its default size alone."""
    default = catalogue.card(name).input_shape
    return (*(registry.entry(name).smallest or default[:2]), default[-1])


def classes(name):
    return None if name in BOARDS else 3


def build(name):
    return parity.build(name, smallest(name), classes(name))


def array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


class Network(NamedTuple):
    name: str
    model: keras.Model
    images: np.ndarray
    logits: np.ndarray


LOGITS = {}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=marks(name)) for name in NAMES])
def network(request, elsewhere):
    keras.utils.set_random_seed(1)
    model = build(request.param)
    images = parity.fill(request.param, model)
    LOGITS[request.param] = parity.logits(model, images)
    yield Network(request.param, model, images, LOGITS[request.param])
    keras.backend.clear_session()


@pytest.fixture(scope="module")
def elsewhere(request, tmp_path_factory):
    """Return how to get TensorFlow's logits: on TensorFlow they are kept, on JAX they are awaited.

    Two sessions that are given the same file in CNNZOO_LOGITS, TensorFlow's first, compute them once; otherwise JAX's
    has another process do it meanwhile.
    """
    kept = Path(os.environ["CNNZOO_LOGITS"]) if os.environ.get("CNNZOO_LOGITS") else None
    if keras.backend.backend() != "jax":  # from either side it is the same comparison, and TensorFlow compiles nothing
        yield None
        if kept and set(LOGITS) >= set(ONE_OF_EACH_KIND):
            with files.whole(kept) as path:
                np.savez(path, **LOGITS)
        return
    compared = NAMES if request.config.getoption("full") else ONE_OF_EACH_KIND
    if kept and kept.is_file() and set(compared) <= set(found := read(kept)):
        yield lambda: found
        return
    target = tmp_path_factory.mktemp("parity") / "logits.npz"
    cases = [f"{name}:{smallest(name)[0]}:{smallest(name)[2]}:{classes(name) or ''}" for name in compared]
    with subprocess.Popen(
        [sys.executable, parity.__file__, target, *cases],
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:

        def logits():
            _, errors = process.communicate()
            assert process.returncode == 0, errors[-2000:]
            return read(target)

        yield logits
        process.kill()


def read(path):
    with np.load(path) as found:
        return dict(found)


def test_images_become_one_finite_logit_per_class(network):
    height, width, _ = smallest(network.name)
    assert network.logits.shape == (2, height * width if network.name in BOARDS else 3)
    assert np.isfinite(network.logits).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_network_without_classes_ends_with_the_features(name):
    whole, features = (toys.outline(name, smallest(name), number) for number in (classes(name), 0))
    assert features.layers[-1].name == "features"
    assert len(features.output_shape) == 2
    assert whole.get_layer("features").output.shape == features.output.shape


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_no_two_layers_draw_the_same_numbers(name):
    layers = toys.outline(name, smallest(name), classes(name)).layers
    drawn = [layer.kernel_initializer for layer in layers if hasattr(layer, "kernel_initializer")]
    assert len({initializer.seed for initializer in drawn}) == len(drawn)


def test_a_saved_model_loads_to_equal_logits(network, tmp_path):
    network.model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", CUSTOM_OBJECTS)
    assert np.array_equal(parity.logits(loaded, network.images), network.logits)


def test_half_precision_gives_finite_logits_in_float32(network):
    outlined = toys.outline_in("mixed_bfloat16", network.name, smallest(network.name), classes(network.name))
    model = toys.narrow(outlined, parity.DIVISORS.get(network.name, 8))
    assert model.get_layer("features").compute_dtype == "bfloat16"
    model.compile(run_eagerly=EAGERLY)
    logits = model.predict_on_batch(network.images)
    assert logits.dtype == "float32"
    assert np.isfinite(logits).all()


def test_a_step_of_training_moves_every_trainable_weight(network):
    model, before = network.model, network.model.get_weights()
    model.compile(
        keras.optimizers.SGD(1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=EAGERLY,
    )
    model.train_on_batch(network.images, np.arange(2))
    # Batch normalization takes any bias away again.
    idle = {f"{layer.name.removesuffix('_bn')}/bias" for layer in model.layers if layer.name.endswith("_bn")}
    moved = {
        weight.path: not np.array_equal(array(weight), old)
        for weight, old in zip(model.weights, before, strict=True)
        if weight.trainable and weight.path not in idle
    }
    model.set_weights(before)
    assert [path for path, has_moved in moved.items() if not has_moved] == []


@pytest.mark.backend("jax")
def test_the_same_weights_give_the_same_logits_on_tensorflow_and_jax(elsewhere, request):
    found = elsewhere()
    for name in NAMES if request.config.getoption("full") else ONE_OF_EACH_KIND:
        if name not in LOGITS:  # this test runs alone
            model = build(name)
            LOGITS[name] = parity.logits(model, parity.fill(name, model))
        assert np.abs(LOGITS[name] - found[name]).max() <= 1e-4 * np.abs(LOGITS[name]).max(), name


@pytest.mark.parametrize("name", NAMES)
def test_every_network_is_registered_with_its_title_its_paper_and_its_departures(name):
    entry = registry.entry(name)
    assert re.search(r"\w", entry.title)
    assert re.search(r"\S, \"\w.*\", \w.*, (19|20)\d\d\.$", entry.paper.citation)
    assert entry.paper.link.startswith("https://")
    assert re.match(r"[\w\"]+ \w+", entry.departures)
    assert entry.departures.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_gives_a_sentence(name):
    with pytest.raises(UserError, match="has no option 'activatoin'"):
        cnnzoo.build(name, activatoin="relu")


@pytest.mark.parametrize(("name", "option"), CHOICES)
def test_a_wrong_choice_gives_the_right_ones_also_in_a_direct_call(name, option):
    with pytest.raises(ValueError, match=rf"{option} must be .* or .*, not 'nonsense'"):
        registry.builder(name)(**{option: "nonsense"})


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_image_one_pixel_smaller_than_the_smallest_is_refused(name):
    height, width, channels = smallest(name)
    with pytest.raises(UserError, match=rf"cannot be built: .*{height - 1}x{width}"):
        inspection.outline(name, (height - 1, width, channels))
    with pytest.raises(ValueError, match=f"{height - 1}x{width}"):
        registry.builder(name)((height - 1, width, channels))


# What Keras and its backend have not imported is taken away. The four have most of the layers that are our own.
EMPTY_PROJECT = """
import sys
import keras
import numpy as np
for name in sys.argv[1:]:
    sys.modules.setdefault(name, None)
bare = set(sys.modules)
from cnnzoo.models import alexnet_small, alphago_policy_small, cifar_resnet, lenet5_1998
for model in (alexnet_small(groups=2), alphago_policy_small(filters=8), lenet5_1998(), cifar_resnet(8, shortcut="A")):
    logits = model(np.ones((2, *model.input_shape[1:]), "float32"))
    assert np.isfinite(keras.ops.convert_to_numpy(logits)).all()
    print(keras.backend.backend(), *logits.shape)
loaded = sorted(name for name in set(sys.modules) - bare if name.startswith("cnnzoo"))
print(*(name for name in loaded if not name.startswith("cnnzoo.models")))
"""
LOGITS_OF_FOUR = "{0} 2 10\n{0} 2 361\n{0} 2 10\n{0} 2 10\n"
LOADED = "cnnzoo cnnzoo.errors cnnzoo.keras_internals cnnzoo.options cnnzoo.registry\n"


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
@pytest.mark.parametrize(
    "backends",
    [["tensorflow", "jax"], pytest.param(["torch"], marks=pytest.mark.full)],
    ids=" and ".join,
)
def test_builders_import_keras_and_nothing_else(backends, tmp_path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.match(r"[\w-]+", requirement).group() for requirement in project["dependencies"]]
    modules = {"pillow": "PIL", "pyyaml": "yaml", "scikit-learn": "sklearn"}
    command = [sys.executable, "-c", EMPTY_PROJECT, *(modules.get(name, name) for name in names)]
    processes = {
        backend: subprocess.Popen(
            command,
            env={
                **os.environ,
                "KERAS_BACKEND": backend,
                "PYTHONPATH": str(ROOT),
                "JAX_DISABLE_MOST_OPTIMIZATIONS": "true",
            },
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for backend in backends
    }
    for backend, process in processes.items():
        output, errors = process.communicate()
        assert output == LOGITS_OF_FOUR.format(backend) + LOADED, errors[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES_FOR_SMALL_IMAGES)
@pytest.mark.parametrize("input_shape", [(28, 28, 1), (32, 32, 3)])
def test_every_family_takes_small_images(name, input_shape):
    assert inspection.outline(name, input_shape, 10).output_shape == (None, 10)
