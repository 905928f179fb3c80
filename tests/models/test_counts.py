"""Parameters and MACs of every network at its own size, in one table.

Trainable parameters, but for the rows of keras.applications, whose published counts include the moving statistics of
batch normalization. MACs are rounded as they are published.

Sources: torchvision's documentation of its weights; keras.applications; where neither has the network, the definition,
counted by hand or independently of this code. AlphaGo's 361 (25 48 k + 11 9 k^2 + k) is often told as 640, 2,455 and
5,440 million for k = 128, 256 and 384, which are halves of rounded GFLOPs.
"""

import pytest
from toys import outline

from cnnzoo import catalogue
from cnnzoo.inspection import inspect

# No backend computes here: what Keras knows of a network's layers is all that is read.
pytestmark = pytest.mark.backend("tensorflow")

BN, HEADS, ON_3X3, B = {"batch_norm": True}, {"auxiliary_heads": True}, {"stride_on": "3x3"}, {"shortcut": "B"}

# Network, options, parameters, MACs, whose count it is.
COUNTS = [
    ("lenet5_1998", {}, 60_000, "328.1 k", "LeCun et al. 1998, section II.B"),
    ("lenet5", {}, 61_706, "416.5 k", "definition"),
    ("alexnet", {}, 60_965_224, "0.724 G", "definition"),
    ("alexnet_ungrouped", {}, 62_378_344, "1.135 G", "definition"),
    ("alexnet_owt", {}, 61_100_840, "0.714 G", "torchvision"),
    ("alexnet_small", {}, 7_510_218, "82.75 M", "definition"),
    ("vgg11", {}, 132_863_336, "7.609 G", "torchvision"),
    ("vgg11", BN, 132_868_840, "7.609 G", "torchvision"),
    ("vgg11_lrn", {}, 132_863_336, "7.609 G", "definition"),
    ("vgg13", {}, 133_047_848, "11.308 G", "torchvision"),
    ("vgg13", BN, 133_053_736, "11.308 G", "torchvision"),
    ("vgg16_c", {}, 133_638_952, "11.77 G", "definition"),
    ("vgg16", {}, 138_357_544, "15.470 G", "torchvision, keras.applications"),
    ("vgg16", BN, 138_365_992, "15.470 G", "torchvision"),
    ("vgg19", {}, 143_667_240, "19.632 G", "torchvision, keras.applications"),
    ("vgg19", BN, 143_678_248, "19.632 G", "torchvision"),
    ("vgg11_small", {}, 9_231_114, "153 M", "definition"),
    ("vgg13_small", {}, 9_416_010, "228 M", "definition"),
    ("vgg16_small", {}, 14_728_266, "313 M", "definition"),
    ("vgg19_small", {}, 20_040_522, "398 M", "definition"),
    ("googlenet", {}, 6_998_552, "1.583 G", "definition"),
    ("googlenet", HEADS, 13_378_280, "1.591 G", "definition"),
    ("googlenet_without_reductions", {}, 25_301_784, "4.414 G", "definition"),
    ("googlenet_bn", {}, 6_624_904, "1.498 G", "torchvision"),
    ("googlenet_bn", HEADS, 13_004_888, "1.507 G", "torchvision"),
    ("googlenet_small", {}, 6_166_250, "1522 M", "pytorch-cifar"),
    ("googlenet_small", HEADS, 10_516_990, "1528 M", "definition"),
    ("resnet18", {}, 11_689_512, "1.814 G", "torchvision"),
    ("resnet34", {}, 21_797_672, "3.664 G", "torchvision"),
    ("resnet50", {}, 25_557_032, "3.858 G", "definition"),
    ("resnet101", {}, 44_549_160, "7.570 G", "definition"),
    ("resnet152", {}, 60_192_808, "11.282 G", "definition"),
    ("resnet50", ON_3X3, 25_557_032, "4.089 G", "torchvision"),
    ("resnet101", ON_3X3, 44_549_160, "7.801 G", "torchvision"),
    ("resnet152", ON_3X3, 60_192_808, "11.514 G", "torchvision"),
    ("resnet18_small", {}, 11_173_962, "555 M", "definition"),
    ("resnet34_small", {}, 21_282_122, "1159 M", "definition"),
    ("resnet50_small", {}, 23_520_842, "1298 M", "definition"),
    ("resnet101_small", {}, 42_512_970, "2510 M", "definition"),
    ("resnet152_small", {}, 58_156_618, "3722 M", "definition"),
    ("resnet20", {}, 269_722, "40.55 M", "definition"),
    ("resnet32", {}, 464_154, "68.86 M", "definition"),
    ("resnet44", {}, 658_586, "97.17 M", "definition"),
    ("resnet56", {}, 853_018, "125.49 M", "definition"),
    ("resnet110", {}, 1_727_962, "252.89 M", "definition"),
    ("resnet20", B, 272_474, "", "definition"),
    ("resnet32", B, 466_906, "", "definition"),
    ("resnet44", B, 661_338, "", "definition"),
    ("resnet56", B, 855_770, "", "definition"),
    ("resnet110", B, 1_730_714, "", "definition"),
    ("alphago_policy_128", {}, 1_777_641, "641 M", "definition"),
    ("alphago_policy", {}, 3_882_793, "1401 M", "definition"),
    ("alphago_policy_256", {}, 6_798_953, "2453 M", "definition"),
    ("alphago_policy_384", {}, 15_064_297, "5436 M", "definition"),
    ("alphago_policy_small", {}, 225_001, "81 M", "definition"),
    ("lecture_dense", {}, 62_020, "61.9 k", "definition"),
    ("lecture_keras", {}, 421_642, "4.241 M", "definition"),
    ("lecture_chollet", {}, 104_202, "3.100 M", "definition"),
    ("lecture_tensorflow", {}, 333_526, "4.153 M", "definition"),
]

# With biases before batch normalization, and its moving statistics counted.
KERAS_APPLICATIONS = [
    ("resnet50", 25_636_712, "3.858 G"),
    ("resnet101", 44_707_176, "7.570 G"),
    ("resnet152", 60_419_944, "11.282 G"),
]


def as_published(macs, example):
    """Round MACs to the unit and the decimals of an example."""
    number, unit = example.split()
    decimals = len(number.partition(".")[2])
    return f"{macs / {'k': 1e3, 'M': 1e6, 'G': 1e9}[unit]:.{decimals}f} {unit}"


@pytest.mark.parametrize(
    ("name", "options", "parameters", "macs"),
    [row[:4] for row in COUNTS],
    ids=lambda value: value if isinstance(value, str) else ",".join(value) if isinstance(value, dict) else f"{value:,}",
)
def test_the_counts_are_those_of_the_table(name, options, parameters, macs):
    summary = inspect(outline(name, **options))
    assert summary.trainable_parameters == parameters
    if macs:
        assert as_published(summary.macs, macs) == macs


@pytest.mark.parametrize(("name", "parameters", "macs"), KERAS_APPLICATIONS)
def test_the_form_of_keras_applications_has_its_counts(name, parameters, macs):
    summary = inspect(outline(name, conv_bias=True))
    assert summary.parameters == parameters
    assert as_published(summary.macs, macs) == macs


def test_every_network_is_in_the_table():
    assert {name for name, *_ in COUNTS} == set(catalogue.cards())
