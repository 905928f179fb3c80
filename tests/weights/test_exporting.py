"""Networks that another library does not have are not written as if it had them."""

import pytest
from keras import Model

from cnnzoo import models, weights
from cnnzoo.errors import UserError
from cnnzoo.inspection import outline

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "options", "file", "message"),
    [
        ("lenet5", {}, "a.pth", "torchvision has no network like 'lenet5'; it has alexnet_owt, vgg11, vgg13,"),
        ("vgg16", {"batch_norm": True}, "a.h5", "keras.applications has no network like 'vgg'; it has vgg16, vgg19,"),
        ("resnet50", {}, "a.pth", r"the strides of 'conv3_1_conv1' is \(2, 2\), not \(1, 1\)"),
        ("resnet50", {"conv_bias": True}, "a.h5", "the epsilon of 'bn1' is 1e-05, not 1.001e-05"),
        ("alexnet_ungrouped", {}, "a.safetensors", "'alexnet' is not torchvision's AlexNet"),
        ("vgg16_c", {}, "a.pth", r"the kernel_size of 'conv3_3' is \(1, 1\), not \(3, 3\)"),
        ("vgg11_lrn", {}, "a.pth", "that network has no layer 'norm1'"),
        ("resnet18_small", {}, "a.pth", "that network cannot take images as small as 32x32"),
        ("resnet18_small", {"input_shape": (40, 40, 3)}, "a.pth", "is not torchvision's ResNet-18"),
        ("vgg11", {"input_shape": (96, 96, 3)}, "a.pth", "fc6 reads maps of 3x3, not 7x7"),
        (
            "resnet18",
            {},
            "a.npz",
            "a.npz: name a file that ends in .pth, .pt, .safetensors or .h5.",
        ),
        ("resnet18", {}, "a.weights.h5", "Keras expects another layout in .weights.h5; name the file a.h5"),
    ],
)
def test_a_network_of_another_architecture_is_refused_with_the_difference(name, options, file, message, tmp_path):
    with pytest.raises(UserError, match=message):
        weights.export_weights(outline(name, **options), tmp_path / file)
    assert not list(tmp_path.iterdir())


def test_training_options_make_no_difference(tmp_path):
    network = models.resnet18((40, 40, 3), 2, stride_on="3x3", epsilon=1e-5)
    facts = weights.export_weights(Model(network.inputs, network.outputs, name="mine"), tmp_path / "a.pth")
    assert (facts["network"], facts["tensors"], facts["channels"]) == ("ResNet-18", 122, "RGB")


def test_weights_that_are_not_finite_are_not_written(tmp_path):
    network = models.resnet18((40, 40, 3), 2, stride_on="3x3", epsilon=1e-5)
    network.get_layer("logits").bias.assign([1, float("nan")])
    with pytest.raises(
        UserError, match=r"1 of the 2 values of 'fc\.bias' are not finite as float32; its training diverged"
    ):
        weights.export_weights(network, tmp_path / "a.pth")
    assert not list(tmp_path.iterdir())
