"""Files that do not fit: one sentence each, before anything is written."""

import h5py
import numpy as np
import pytest

from cnnzoo import weights
from cnnzoo.errors import UserError
from cnnzoo.inspection import outline
from cnnzoo.text import printable
from cnnzoo.weights.conversion import list_conversions
from cnnzoo.weights.formats import keras_h5, safetensors_file
from cnnzoo.weights.layer_names import COUNTERPARTS

pytestmark = pytest.mark.slow


def counterpart_of(network, library="torchvision", **options):
    return next(
        f for f in COUNTERPARTS if (f.network, f.library) == (network, library) and options.items() <= f.options.items()
    )


def zeros(counterpart, num_classes=4):
    """Return a state dict of a counterpart; zeros that share their memory cost nothing until they are written."""
    network = outline(counterpart.network, None, num_classes, **counterpart.options)
    return {
        conversion.name: np.broadcast_to(np.float32(0), conversion.shape)
        for conversion in list_conversions(network, counterpart)
    }


@pytest.fixture(scope="module")
def resnet18():
    return zeros(counterpart_of("resnet18"))


def saved(tmp_path, tensors):
    safetensors_file.write(tmp_path / "a.safetensors", tensors, {})
    return tmp_path / "a.safetensors"


def sentence(*arguments, **options):
    with pytest.raises(UserError) as raised:
        weights.import_weights(*arguments, **options)
    return str(raised.value)


def test_missing_surplus_and_misshapen_tensors_are_named_with_both_shapes(resnet18, tmp_path):
    tensors = dict(resnet18)
    del tensors["layer4.1.bn2.running_var"], tensors["layer3.0.conv1.weight"]
    tensors["fc2.weight"] = np.zeros((3, 2), "float32")
    tensors["conv1.weight"] = np.zeros((64, 3, 3, 3), "float32")
    tensors["bn1.bias"] = np.zeros(64, "int64")
    path = saved(tmp_path, tensors)
    assert sentence("resnet18", path) == (
        f"{path} does not fit torchvision's ResNet-18: it lacks 'layer3.0.conv1.weight' (256x128x3x3) and 1 more; "
        "it has 'fc2.weight' (3x2), which the network does not have; "
        "'conv1.weight' is 64x3x3x3 where the network has 64x3x7x7; 'bn1.bias' holds int64 numbers, "
        "which are not weights."
    )


def test_a_network_without_its_classifier_names_the_layers_beside_it(resnet18, tmp_path):
    """SimCLR's projection of 512 features to 128 is not a classifier of 128 classes."""
    body = {name: values for name, values in resnet18.items() if not name.startswith("fc.")}
    for prefix, beside in (("backbone.", "projector"), ("", "proj\x1b[2J")):
        tensors = {f"{prefix}{name}": values for name, values in body.items()}
        tensors |= {f"{beside}.weight": np.zeros((128, 512), "float32"), f"{beside}.bias": np.zeros(128, "float32")}
        path = saved(tmp_path, tensors)
        assert sentence("resnet18", path) == (
            f"{path} holds torchvision's ResNet-18 without its classifier (fc); beside it is the layer "
            f"'{printable(beside)}', which is not known to be a classifier: if it is one, rename it to 'fc'; "
            "save the whole network, with the classifier that tells your classes apart."
        )
    path = saved(
        tmp_path, body | {"fc.1.weight": np.zeros((8, 512), "float32"), "fc.3.weight": np.zeros((4, 8), "float32")}
    )
    assert "beside it are the layers 'fc.1', 'fc.3', of which a network here can take only one" in sentence(
        "resnet18", path
    )


def test_another_number_of_classes_is_a_sentence(resnet18, tmp_path):
    path = saved(tmp_path, resnet18)
    assert sentence("resnet18", path, num_classes=1000) == f"{path} tells 4 classes apart, not 1000."


def test_a_checkpoint_of_another_network_is_recognized(resnet18, tmp_path):
    path = saved(tmp_path, resnet18)
    told = f"{path} holds torchvision's ResNet-18, which is 'resnet18' here, not"
    assert sentence("resnet34", path) == f"{told} 'resnet34'."
    assert sentence("vgg16", path) == f"{told} 'vgg16'."
    keras_vgg = tmp_path / "b.h5"
    layers = counterpart_of("vgg19", "keras.applications").layers.values()
    keras_h5.write(keras_vgg, {f"{layer}/{kind}": np.zeros(1) for layer in layers for kind in ("kernel", "bias")})
    assert sentence("vgg16", keras_vgg) == (
        f"{keras_vgg} holds keras.applications's VGG-19, which is 'vgg19' here, not 'vgg16'."
    )


def test_a_network_that_no_other_library_has_is_a_sentence(tmp_path):
    assert sentence("lenet5", tmp_path / "none.pth") == (
        "There are no weights for 'lenet5' in torchvision or keras.applications. Available: alexnet_owt, googlenet_bn, "
        "resnet101, resnet152, resnet18, resnet34, resnet50, vgg11, vgg13, vgg16, vgg19."
    )
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        file.create_group("dense").attrs["weight_names"] = [b"kernel:0"]
        file["dense/kernel:0"] = np.ones((2, 2))
    told = sentence("googlenet_bn", path)
    assert told == f"{path} has the format of keras.applications, which has no 'googlenet_bn'."


def test_heads_that_are_not_there_cannot_be_kept(resnet18, tmp_path):
    path = saved(tmp_path, resnet18)
    told = sentence("resnet18", path, auxiliary_heads=True)
    assert told == "torchvision's ResNet-18 has no auxiliary heads that could be kept."
    layers = counterpart_of("googlenet_bn").layers.values()
    path = saved(tmp_path, {f"{layer}.weight": np.zeros(1, "float32") for layer in layers})
    told = sentence("googlenet_bn", path, auxiliary_heads=True)
    assert told == f"{path} has no auxiliary heads that could be kept."


def test_every_form_has_names_that_no_other_has():
    seen = [(counterpart.library, frozenset(counterpart.layers.values())) for counterpart in COUNTERPARTS]
    assert len(set(seen)) == len(seen)
