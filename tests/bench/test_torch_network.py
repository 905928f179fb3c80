"""A network that was translated into PyTorch computes the same as the network."""

import keras
import numpy as np
import parity
import pytest
import torch
from keras import layers
from torch import nn
from toys import narrow, outline

import cnnzoo
from cnnzoo.bench.torch_network import translate
from cnnzoo.errors import UserError
from cnnzoo.models.layers import GroupedConv2D, LocalResponseNormalization
from cnnzoo.models.normalization import BatchNormalization

pytestmark = pytest.mark.backend("tensorflow")

NETWORKS = [
    ("lenet5", (32, 32, 1), {"pooling": "max", "activation": "relu"}),
    ("lenet5", (28, 28, 1), {}),
    ("lenet5_1998", (32, 32, 1), {}),
    ("alexnet_small", (32, 32, 3), {"groups": 2}),
    ("alexnet_small", (28, 28, 1), {"norm_after_pool": True}),
    ("vgg11_small", (28, 28, 1), {}),
    ("googlenet_small", (28, 28, 1), {"auxiliary_heads": True}),
    ("googlenet", (65, 80, 3), {}),
    ("resnet20", (32, 32, 3), {}),
    ("resnet18", (48, 65, 3), {}),
    ("resnet50_small", (16, 16, 3), {}),
    ("alphago_policy_small", (19, 19, 48), {}),
    ("alphago_policy_small", (9, 7, 48), {}),
    ("lecture_keras", (28, 28, 1), {}),
    ("lecture_tensorflow", (28, 28, 1), {}),
    ("lecture_chollet", (28, 28, 1), {}),
    ("lecture_dense", (28, 28, 1), {}),
]


def transpose(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def assert_same(model: keras.Model, name: str = "toy") -> nn.Module:
    """Give the model random weights, and compare the outputs for two random images."""
    images = parity.fill(name, model)
    expected = parity.logits(cnnzoo.models.without_auxiliary_heads(model), images)
    module = translate(model).eval()
    with torch.no_grad():
        outputs = module(transpose(images)).numpy()
    if outputs.ndim == 4:
        outputs = outputs.transpose(0, 2, 3, 1)
    assert outputs.shape == expected.shape
    assert np.ptp(expected) > 1e-3
    assert np.abs(outputs - expected).max() <= 1e-5 * np.abs(expected).max()
    return module


def toy(*stack: keras.Layer, side: int = 8) -> keras.Model:
    """Return a model of a few layers, which are applied to images of two channels, not square."""
    images = x = keras.Input((side, side + 1, 2), name="images")
    for layer in stack:
        x = layer(x)
    return keras.Model(images, x, name="toy")


@pytest.mark.parametrize(("name", "shape", "options"), NETWORKS, ids=str)
def test_the_logits_and_the_number_of_parameters_are_the_same(name, shape, options):
    model = narrow(outline(name, shape, **options), parity.DIVISORS.get(name, 4))
    module = assert_same(model, name)
    model = cnnzoo.models.without_auxiliary_heads(model)
    count = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert sum(parameter.numel() for parameter in module.parameters()) == count


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("alexnet_small", (15, 15, 3)),
        ("resnet20", (9, 9, 3)),
        ("resnet50_small", (9, 9, 3)),
    ],
)
def test_overwriting_does_not_hinder_or_change_the_gradients(name, shape):
    model = narrow(outline(name, shape), parity.DIVISORS.get(name, 4))
    images = transpose(parity.fill(name, model))

    def gradients(module: nn.Module) -> list[torch.Tensor]:
        module(images).logsumexp(1).sum().backward()
        return [parameter.grad for parameter in module.parameters()]

    module, plain = translate(model).eval(), translate(model).eval()
    found = gradients(module)
    for node in plain.graph.nodes:
        if getattr(node.target, "__name__", "") == "iadd":
            node.target = torch.add
    plain.recompile()
    relus = [part for part in plain.modules() if isinstance(part, nn.ReLU)]
    assert any(relu.inplace for relu in relus)
    for relu in relus:
        relu.inplace = False
    for one, other in zip(found, gradients(plain), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("side", [7, 8])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3, 4])
@pytest.mark.parametrize("layer", [layers.Conv2D, layers.MaxPooling2D, layers.AveragePooling2D])
def test_same_padding_is_where_keras_puts_it(layer, size, strides, side):
    first = (3,) if layer is layers.Conv2D else ()
    assert_same(toy(layer(*first, size, strides=strides, padding="same"), side=side))


@pytest.mark.parametrize("pads", [1, ((0, 1), (0, 1)), ((2, 1), (0, 3)), 3])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda padding: layers.MaxPooling2D(3, 2, padding=padding),
        lambda padding: layers.MaxPooling2D(2, 2, padding=padding),
        lambda padding: layers.AveragePooling2D(3, 2, padding=padding),
        lambda padding: layers.Conv2D(3, 3, strides=2, padding=padding),
        lambda padding: layers.Conv2D(3, 3, dilation_rate=2, padding=padding),
    ],
    ids=["max3", "max2", "average", "conv", "dilated"],
)
def test_zeros_before_a_layer_count_as_pixels(layer, padding, relu, pads):
    stack = [layers.ReLU()] if relu else []
    assert_same(toy(*stack, layers.ZeroPadding2D(pads), layer(padding)))


def test_zeros_are_left_to_the_layers_that_add_them_quickly():
    module = assert_same(
        toy(
            layers.ZeroPadding2D(1, name="pad1"),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.ZeroPadding2D(1, name="pad2"),
            layers.MaxPooling2D(3, 2, name="pool"),
        )
    )
    assert module.conv.padding == (1, 1)
    assert module.pool.padding == (1, 1)
    assert [node.op for node in module.graph.nodes] == ["placeholder", *["call_module"] * 3, "output"]


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Flatten(), layers.Dense(5, activation="sigmoid")],
        [layers.Flatten(), layers.Dropout(0.5), layers.Dense(5, use_bias=False), layers.BatchNormalization()],
        [layers.Conv2D(3, 3), layers.Flatten()],
        [layers.Conv2D(4, 3, groups=2), layers.GlobalMaxPooling2D()],
        [GroupedConv2D(4, 3, groups=2), layers.GlobalAveragePooling2D(keepdims=True), layers.Flatten()],
        [BatchNormalization(epsilon=0.1), layers.Activation("tanh"), layers.GlobalAveragePooling2D()],
        [BatchNormalization(scale=False, center=False), layers.Activation("linear")],
        [layers.Conv2D(8, 1), LocalResponseNormalization(2, 0.5, scaling="caffe")],
        [layers.Conv2D(8, 1), LocalResponseNormalization(1, 0.5, beta=0.5, bias=1.0)],
        [layers.ZeroPadding2D(((1, 2), (3, 4)))],
    ],
    ids=lambda stack: "-".join(type(layer).__name__ for layer in stack),
)
def test_a_few_layers_compute_the_same(stack):
    assert_same(toy(*stack))


def test_branches_and_models_inside_a_model_compute_the_same():
    inner = toy(layers.Conv2D(3, 3, padding="same", name="conv"), layers.Activation("relu", name="relu"))
    images = keras.Input((8, 9, 2))
    maps = layers.Conv2D(3, 1, name="conv")(images)
    inside = inner(images)
    total = layers.Add()([maps, inside, maps])
    x = layers.Concatenate()([layers.ReLU()(total), total, inside])
    assert_same(keras.Model(images, x))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (layers.LayerNormalization(name="norm"), "its layer 'norm' (LayerNormalization)"),
        (layers.Conv2D(2, 1, activation="gelu", name="conv"), "the activation of its layer 'conv' (Conv2D)"),
        (layers.ReLU(6.0, name="relu6"), "its layer 'relu6' (ReLU)"),
        (BatchNormalization(scale=False, name="bn"), "its layer 'bn' (BatchNormalization)"),
        (layers.Dense(2, name="dense"), "its layer 'dense' (Dense)"),
        (layers.Reshape((-1,), name="flat"), "its layer 'flat' (Reshape)"),
        (layers.MaxPooling2D(data_format="channels_first", name="pool"), "the data_format of its layer 'pool'"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_layer_without_a_form_is_named(layer, words):
    with pytest.raises(
        UserError, match=r"^toy cannot be translated to PyTorch, because .* has no translation\.$"
    ) as error:
        translate(toy(layer))
    assert words in str(error.value)


def test_a_layer_with_weights_is_not_used_twice():
    conv = layers.Conv2D(2, 3, padding="same", name="conv")
    with pytest.raises(UserError, match="the second use of its layer 'conv'"):
        translate(toy(conv, layers.ReLU(), conv))


def test_images_of_any_size_are_refused():
    images = keras.Input((None, None, 3))
    model = keras.Model(images, layers.Conv2D(2, 3)(images), name="any")
    with pytest.raises(UserError, match=r"^any cannot be translated to PyTorch, because it takes no images of a fixed"):
        translate(model)
