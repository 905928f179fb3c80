"""The same random weights in an independent PyTorch definition and in ours."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from weights.reference_torch import GoogLeNet, ResNet, alexnet, logits, randomize, vgg

from cnnzoo import weights
from cnnzoo.classifier.model_file import load_model
from cnnzoo.inspection import outline
from cnnzoo.weights.conversion import list_conversions
from cnnzoo.weights.layer_names import COUNTERPARTS
from cnnzoo.weights.preprocessing import choose_preprocessing

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compile_quickly")]

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def images(count, side=224):
    return np.random.default_rng(1).normal(size=(count, side, side, 3)).astype("float32")


def pixels(count, side=224):
    return np.random.default_rng(2).integers(0, 256, (count, side, side, 3)).astype("uint8")


def assert_alike(ours, theirs):
    if not isinstance(theirs, dict):
        ours, theirs = {"logits": ours}, {"logits": theirs}
    assert set(ours) == set(theirs)
    for name, expected in theirs.items():
        assert np.abs(ours[name] - expected).max() < 1e-4 * np.abs(expected).max(), name
        assert expected.std() > 0.1, "weights that make everything alike prove nothing"


def saved(net, path):
    torch.save(net.state_dict(), path)
    return path


def same(written, net):
    theirs = net.state_dict()
    assert set(written) == set(theirs)
    for name, values in theirs.items():
        assert written[name].dtype == values.dtype
        assert written[name].shape == values.shape
        assert written[name].numpy().tobytes() == values.numpy().tobytes(), name


FULL_SIZE = {
    "alexnet_owt": lambda: alexnet(1000),
    "vgg11": lambda: vgg(11, 1000, batch_norm=True),
    "googlenet_bn": lambda: GoogLeNet(1000),
    "resnet50": lambda: ResNet(50, 1000),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL_SIZE)
def test_a_network_of_every_family_gives_pytorchs_logits_and_exports_its_weights(name, tmp_path):
    net = randomize(FULL_SIZE[name]())
    heads = name == "googlenet_bn"
    network = weights.import_weights(name, saved(net, tmp_path / "in.pth"), auxiliary_heads=heads).network
    seen = images(2)
    assert_alike(network.predict(seen, verbose=0), logits(net, seen))
    (tmp_path / "in.pth").unlink()
    weights.export_weights(network, tmp_path / "out.pth")
    same(torch.load(tmp_path / "out.pth", weights_only=True), net)


def test_basic_blocks_with_seven_classes_are_imported_and_exported(tmp_path):
    net = randomize(ResNet(18, 7))
    imported = weights.import_weights("resnet18", saved(net, tmp_path / "in.pth"), (96, 96, 3))
    assert imported.left_out == tuple(name for name in net.state_dict() if name.endswith("num_batches_tracked"))
    seen = images(2, 96)
    assert_alike(imported.network.predict(seen, verbose=0), logits(net, seen))
    normalization = imported.network.get_layer("bn1")
    assert (normalization.momentum, normalization.epsilon) == (1 - net.bn1.momentum, net.bn1.eps)

    facts = weights.export_weights(imported.network, tmp_path / "out.safetensors")
    assert (facts["network"], facts["num_classes"], facts["mean"]) == ("ResNet-18", 7, None)
    same(load_file(tmp_path / "out.safetensors"), net)
    again = weights.import_weights("resnet18", tmp_path / "out.safetensors", (96, 96, 3)).network
    for ours, first in zip(again.weights, imported.network.weights, strict=True):
        assert keras.ops.convert_to_numpy(ours).tobytes() == keras.ops.convert_to_numpy(first).tobytes(), ours.path


def test_importing_googlenet_drops_its_heads_and_normalizes_as_transform_input_does(tmp_path):
    net = randomize(GoogLeNet(5))
    imported = weights.import_weights("googlenet_bn", saved(net, tmp_path / "in.pth"), (64, 64, 3))
    assert {name.partition(".")[0] for name in imported.left_out if "num_batches" not in name} == {"aux1", "aux2"}
    weights.save_model(imported, tmp_path / "model.keras")
    seen = pixels(2, 64)
    normalized = (seen / 255 - MEAN) / DEVIATION
    transformed = normalized * (DEVIATION / 0.5) + (MEAN - 0.5) / 0.5
    theirs = logits(net, transformed.astype("float32"))["logits"]
    assert_alike(load_model(tmp_path / "model.keras").predict(seen, verbose=0), theirs)
    images = choose_preprocessing(imported.counterpart, imported.sha256, (64, 64), preprocessing="imagenet")
    weights.save_model(replace(imported, preprocessing=images), tmp_path / "plain.keras")
    theirs = logits(net, normalized.astype("float32"))["logits"]
    assert_alike(load_model(tmp_path / "plain.keras").predict(seen, verbose=0), theirs)

    weights.export_weights(imported.network, tmp_path / "out.pth")
    without = GoogLeNet(5, aux=False)
    without.load_state_dict(torch.load(tmp_path / "out.pth", weights_only=True))
    same(without.state_dict(), without)


def test_a_saved_model_preprocesses_as_torchvision_or_as_stated(tmp_path):
    net = randomize(ResNet(18, 3))
    imported = weights.import_weights("resnet18", saved(net, tmp_path / "in.pth"), (64, 64, 3))
    seen = pixels(2, 64)
    weights.save_model(imported, tmp_path / "usual.keras")
    stated = {"mean": (0.1, 0.2, 0.3), "deviation": (0.4, 0.5, 0.6)}
    images = choose_preprocessing(imported.counterpart, imported.sha256, (64, 64), **stated)
    weights.save_model(replace(imported, preprocessing=images), tmp_path / "other.keras")
    for name, mean, deviation in (("usual", MEAN, DEVIATION), ("other", [0.1, 0.2, 0.3], [0.4, 0.5, 0.6])):
        model = load_model(tmp_path / f"{name}.keras")
        theirs = logits(net, ((seen / 255 - mean) / deviation).astype("float32"))
        assert_alike(model.predict(seen, verbose=0), theirs)
        facts = weights.export_weights(model, tmp_path / f"{name}.pth")
        assert facts["mean"] == pytest.approx(255 * np.array(mean), abs=1e-3)
        assert facts["deviation"] == pytest.approx(255 * np.array(deviation), abs=1e-3)
        assert facts["usual"] is (name == "usual")
        same(torch.load(tmp_path / f"{name}.pth", weights_only=True), net)


def meta(counterpart):
    depth = int("".join(filter(str.isdigit, counterpart.network)) or 0)
    batch_norm = counterpart.options.get("batch_norm", False)
    with torch.device("meta"):
        net = {
            "alexnet_owt": lambda: alexnet(1000),
            f"vgg{depth}": lambda: vgg(depth, 1000, batch_norm=batch_norm),
            "googlenet_bn": lambda: GoogLeNet(1000),
            f"resnet{depth}": lambda: ResNet(depth, 1000),
        }[counterpart.network]()
    return {name: tuple(values.shape) for name, values in net.state_dict().items() if values.ndim}


@pytest.mark.parametrize(
    "counterpart",
    [counterpart for counterpart in COUNTERPARTS if counterpart.library == "torchvision"],
    ids=lambda counterpart: counterpart.title.replace(" ", "-"),
)
def test_every_tensor_of_every_network_matches_a_weight(counterpart):
    heads = {"auxiliary_heads": True} if counterpart.auxiliary else {}
    network = outline(counterpart.network, **counterpart.options, **heads)
    found = list(list_conversions(network, counterpart))
    assert {conversion.name: conversion.shape for conversion in found} == meta(counterpart)
    assert len(found) == len({id(conversion.variable) for conversion in found})
