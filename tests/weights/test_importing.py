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


def test_missing_unknown_and_reshaped_tensors_are_named_with_their_shapes(resnet18, tmp_path):
    tensors = dict(resnet18)
    del tensors["layer4.1.bn2.running_var"], tensors["layer3.0.conv1.weight"]
    tensors["fc2.weight"] = np.zeros((3, 2), "float32")
    tensors["conv1.weight"] = np.zeros((64, 3, 3, 3), "float32")
    tensors["bn1.bias"] = np.zeros(64, "int64")
    path = saved(tmp_path, tensors)
    assert sentence("resnet18", path) == (
        f"{path} does not fit torchvision's ResNet-18: 'layer3.0.conv1.weight' (256x128x3x3) and 1 more are missing in "
        "the file; 'fc2.weight' (3x2) is unknown to the network; 'conv1.weight' is 64x3x3x3, and in the network "
        "64x3x7x7; 'bn1.bias' holds int64 numbers, which cannot be weights."
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
            f"'{printable(beside)}'; if that is the classifier, rename it to 'fc'; save the whole network, "
            "with the classifier for your classes."
        )
    path = saved(
        tmp_path, body | {"fc.1.weight": np.zeros((8, 512), "float32"), "fc.3.weight": np.zeros((4, 8), "float32")}
    )
    assert "beside it are the layers 'fc.1', 'fc.3', and only one of them can be 'fc'" in sentence("resnet18", path)


def test_another_number_of_classes_is_refused(resnet18, tmp_path):
    path = saved(tmp_path, resnet18)
    assert sentence("resnet18", path, num_classes=1000) == f"{path} has 4 classes, not 1000."


def test_a_checkpoint_of_another_network_is_recognized(resnet18, tmp_path):
    path = saved(tmp_path, resnet18)
    message = f"{path} holds torchvision's ResNet-18, which is 'resnet18' here, not"
    assert sentence("resnet34", path) == f"{message} 'resnet34'."
    assert sentence("vgg16", path) == f"{message} 'vgg16'."
    keras_vgg = tmp_path / "b.h5"
    layers = counterpart_of("vgg19", "keras.applications").layers.values()
    keras_h5.write(keras_vgg, {f"{layer}/{kind}": np.zeros(1) for layer in layers for kind in ("kernel", "bias")})
    assert sentence("vgg16", keras_vgg) == (
        f"{keras_vgg} holds keras.applications's VGG-19, which is 'vgg19' here, not 'vgg16'."
    )


def test_a_network_that_no_other_library_has_is_refused(tmp_path):
    assert sentence("lenet5", tmp_path / "none.pth") == (
        "There are no weights for 'lenet5' in torchvision or keras.applications. Available: alexnet_owt, googlenet_bn, "
        "resnet101, resnet152, resnet18, resnet34, resnet50, vgg11, vgg13, vgg16, vgg19."
    )
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        file.create_group("dense").attrs["weight_names"] = [b"kernel:0"]
        file["dense/kernel:0"] = np.ones((2, 2))
    message = sentence("googlenet_bn", path)
    assert message == f"{path} has the format of keras.applications, which has no 'googlenet_bn'."


def test_missing_auxiliary_heads_cannot_be_kept(resnet18, tmp_path):
    path = saved(tmp_path, resnet18)
    message = sentence("resnet18", path, auxiliary_heads=True)
    assert message == "torchvision's ResNet-18 has no auxiliary heads to keep."
    layers = counterpart_of("googlenet_bn").layers.values()
    path = saved(tmp_path, {f"{layer}.weight": np.zeros(1, "float32") for layer in layers})
    message = sentence("googlenet_bn", path, auxiliary_heads=True)
    assert message == f"{path} has no auxiliary heads to keep."


def test_no_two_networks_of_a_library_have_the_same_layers():
    seen = [(counterpart.library, frozenset(counterpart.layers.values())) for counterpart in COUNTERPARTS]
    assert len(set(seen)) == len(seen)
