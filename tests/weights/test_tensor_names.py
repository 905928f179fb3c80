"""What people's programs put before the names of tensors, and people's names for networks."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cnnzoo.errors import UserError
from cnnzoo.inspection import outline
from cnnzoo.weights import network_names
from cnnzoo.weights.conversion import list_conversions
from cnnzoo.weights.formats.contents import Tensor, WeightFile
from cnnzoo.weights.layer_names import COUNTERPARTS
from cnnzoo.weights.tensor_names import rename_tensors

pytestmark = pytest.mark.slow

KERAS = "keras.applications"


@cache
def names(network, library="torchvision"):
    counterpart = next(
        counterpart for counterpart in COUNTERPARTS if (counterpart.network, counterpart.library) == (network, library)
    )
    return tuple(
        (conversion.name, conversion.shape)
        for conversion in list_conversions(outline(network, None, 4, **counterpart.options), counterpart)
    )


def weight_file(tensors, library="torchvision"):
    def tensor(shape):
        return Tensor(shape, "float32", lambda: np.zeros(shape, "float32"))

    return WeightFile(library, {name: tensor(shape) for name, shape in dict(tensors).items()}, path=Path("a.pth"))


def prefixed(prefix, tensors):
    return [(f"{prefix}{name}", shape) for name, shape in tensors]


@pytest.mark.parametrize("network", ["alexnet_owt", "vgg16", "googlenet_bn", "resnet18", "resnet50"])
@pytest.mark.parametrize(
    "prefix", ["model.", "net.", "backbone.", "module._orig_mod.", "_orig_mod.module.", "a.b.c.", "layer1.0."]
)
def test_a_prefix_of_all_names_is_removed(network, prefix):
    tensors = names(network)
    assert list(rename_tensors(weight_file(prefixed(prefix, tensors))).tensors) == [name for name, _ in tensors]
    assert list(rename_tensors(weight_file(tensors)).tensors) == [name for name, _ in tensors]


def test_tensors_beside_the_network_are_left_out_and_listed():
    beside = [("n_averaged", ()), ("criterion.weight", (4,)), ("ema_model.conv1.weight", (64, 3, 7, 7))]
    found = rename_tensors(weight_file([*prefixed("module.", names("resnet18")), *beside]))
    assert list(found.tensors) == [name for name, _ in names("resnet18")]
    assert found.left_out == ("n_averaged", "criterion.weight", "ema_model.conv1.weight")


def test_wrappers_of_single_layers_are_removed_from_names():
    tensors = [(name.replace("layer2.", "layer2._orig_mod."), shape) for name, shape in names("resnet18")]
    assert list(rename_tensors(weight_file(tensors)).tensors) == [name for name, _ in names("resnet18")]


def test_of_two_prefixes_the_first_in_order_is_taken_or_both_are_refused():
    twice = prefixed("ema.", names("resnet18")) + prefixed("model.", names("resnet18"))
    assert rename_tensors(weight_file(twice)).prefix == "model."
    with pytest.raises(UserError, match=r"a\.pth holds several networks, under 'student\.', 'teacher\.'"):
        rename_tensors(weight_file(prefixed("student.", names("resnet18")) + prefixed("teacher.", names("resnet18"))))


def test_a_single_dense_layer_beside_a_network_is_its_classifier():
    body = [pair for pair in names("resnet18") if not pair[0].startswith("fc.")]
    head = [("head.fc.weight", (4, 512)), ("head.fc.bias", (4,))]
    found = rename_tensors(weight_file([*prefixed("backbone.", body), *head]))
    assert (found.classifier, found.left_out) == ("head.fc", ())
    assert set(found.tensors) == {name for name, _ in names("resnet18")}
    more = rename_tensors(weight_file([*prefixed("backbone.", body), *head, ("neck.weight", (512,))]))
    assert (more.classifier, more.left_out) == ("", ("head.fc.weight", "head.fc.bias", "neck.weight"))

    for name, taken in {
        "classifier": True,
        "last_linear": True,
        "fc2": True,
        "model_head.0": True,
        "clsHead": True,
        "projector": False,
        "projection_head": False,
        "embedding": False,
        "1": False,
        "g": False,
    }.items():
        head = [(f"{name}.weight", (128, 512)), (f"{name}.bias", (128,))]
        found = rename_tensors(weight_file([*prefixed("backbone.", body), *head]))
        assert (found.classifier, found.unused_dense_layers) == ((name, ()) if taken else ("", (name,)))
        assert found.left_out == (() if taken else (f"{name}.weight", f"{name}.bias"))

    for prefix in ("", "model."):
        dropout = [(name.replace("fc.", "fc.1."), shape) for name, shape in names("resnet18")]
        found = rename_tensors(weight_file(prefixed(prefix, dropout)))
        assert (found.classifier, set(found.tensors)) == (f"{prefix}fc.1", {name for name, _ in names("resnet18")})
        hidden = [*dropout, ("fc.3.weight", (4, 4)), ("fc.3.bias", (4,))]
        assert rename_tensors(weight_file(prefixed(prefix, hidden))).classifier == ""

    body = [pair for pair in names("resnet50", KERAS) if not pair[0].startswith("predictions/")]
    head = [("dense/kernel", (2048, 4)), ("dense/bias", (4,))]
    found = rename_tensors(weight_file([*prefixed("resnet50/", body), *head], KERAS))
    assert (found.classifier, list(found.tensors)) == ("dense", [name for name, _ in names("resnet50", KERAS)])


def test_a_network_of_another_kind_keeps_its_names():
    tensors = [("module.features.0.0.weight", (32, 3, 3, 3)), ("module.classifier.1.weight", (4, 1280))]
    assert list(rename_tensors(weight_file(tensors)).tensors) == [name for name, _ in tensors]


@pytest.mark.parametrize(
    ("name", "network", "options"),
    [
        ("alexnet", "alexnet_owt", {}),
        ("AlexNet", "alexnet_owt", {}),
        ("googlenet", "googlenet_bn", {}),
        ("vgg16", "vgg16", {}),
        ("vgg16_bn", "vgg16", {"batch_norm": True}),
        ("vgg19_bn.tv_in1k", "vgg19", {"batch_norm": True}),
        ("ResNet50", "resnet50", {}),
        ("tv_resnet50", "resnet50", {}),
        ("timm/resnet50.tv2_in1k", "resnet50", {}),
    ],
)
def test_a_network_is_found_by_its_names_in_other_libraries(name, network, options):
    assert network_names.find_network(name) == (network, options)


def test_every_network_with_a_counterpart_can_be_found_by_name():
    assert set(network_names.NETWORKS) == {counterpart.network for counterpart in COUNTERPARTS}
