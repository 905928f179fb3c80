"""The names of our layers in the networks of other libraries.

The dictionaries map our name of a layer to theirs. They follow the papers' tables in ``cnnzoo.models``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from cnnzoo.models.alexnet import CONVOLUTIONS_2014
from cnnzoo.models.googlenet import TABLE_1 as GOOGLENET_TABLE_1
from cnnzoo.models.resnet import TABLE_1 as RESNET_TABLE_1
from cnnzoo.models.vgg import CONFIGURATIONS as VGG_CONFIGURATIONS
from cnnzoo.weights.formats.contents import Library


@dataclass(frozen=True)
class Counterpart:
    """A network of another library, and the network of ours with the same layers.

    Attributes:
        library: The library that it comes from.
        title: Its title, such as "ResNet-50".
        network: Name of our network.
        layers: Our layers with weights, and the library's names of them.
        options: Options with which our builder makes this network.
        preprocessing: How the images of the library's own weights were prepared, a key of PREPROCESSINGS.
        momentum: Momentum of batch normalization as Keras counts it: torch's 0.1 is 0.9.
        pooled: Side of the maps that the library's dense layers read for images of any size; ours read maps of any
            size.
        auxiliary: Further layers, if the network has auxiliary heads.
    """

    library: Library
    title: str
    network: str
    layers: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: str = "imagenet"
    momentum: float = 0.9
    pooled: int | None = None
    auxiliary: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_title(self) -> str:
        """The title with the library's name."""
        return f"{self.library}'s {self.title}"


# torchvision's branches of an inception module.
BRANCHES = {
    "1x1": "branch1",
    "3x3_reduce": "branch2.0",
    "3x3": "branch2.1",
    "5x5_reduce": "branch3.0",
    "5x5": "branch3.1",
    "pool_proj": "branch4.1",
}


def torchvision_alexnet() -> dict[str, str]:
    """Number AlexNet's layers as torchvision does: ReLU, pooling and dropout count as well."""
    layers = {}
    place = 0
    for row in CONVOLUTIONS_2014:
        layers[row.name] = f"features.{place}"
        place += 2 + len(row.then)
    return layers | {"fc6": "classifier.1", "fc7": "classifier.4", "logits": "classifier.6"}


def torchvision_vgg(column: str, batch_norm: bool) -> dict[str, str]:
    """Number the layers of a column of VGG's Table 1 as torchvision does: ReLU and pooling count as well."""
    layers = {}
    place = 0
    for stage, row in enumerate(VGG_CONFIGURATIONS[column], start=1):
        for index in range(1, len(row.split()) + 1):
            layers[f"conv{stage}_{index}"] = f"features.{place}"
            if batch_norm:
                layers[f"conv{stage}_{index}_bn"] = f"features.{place + 1}"
            place += 3 if batch_norm else 2
        place += 1
    return layers | {"fc6": "classifier.0", "fc7": "classifier.3", "logits": "classifier.6"}


def keras_vgg(column: str) -> dict[str, str]:
    """Name the layers of a column of VGG's Table 1 as keras.applications does."""
    layers = {
        f"conv{stage}_{index}": f"block{stage}_conv{index}"
        for stage, row in enumerate(VGG_CONFIGURATIONS[column], start=1)
        for index in range(1, len(row.split()) + 1)
    }
    return layers | {"fc6": "fc1", "fc7": "fc2", "logits": "predictions"}


def torchvision_googlenet() -> dict[str, str]:
    """Name GoogLeNet's layers as torchvision does."""
    convolutions = {"conv1": "conv1", "conv2_reduce": "conv2", "conv2": "conv3"}
    for module, (ours, theirs) in product(list(GOOGLENET_TABLE_1)[1:], BRANCHES.items()):
        convolutions[f"inception_{module}_{ours}"] = f"inception{module}.{theirs}"
    return _name_normalized(convolutions) | {"logits": "fc"}


def torchvision_heads() -> dict[str, str]:
    """Name the layers of GoogLeNet's auxiliary heads as torchvision does."""
    layers: dict[str, str] = {}
    for n in (1, 2):
        layers |= _name_normalized({f"auxiliary{n}_conv": f"aux{n}.conv"})
        layers |= {f"auxiliary{n}_fc": f"aux{n}.fc1", f"auxiliary{n}_linear": f"aux{n}.fc2"}
    return layers


def _name_normalized(convolutions: Mapping[str, str]) -> dict[str, str]:
    """Name each convolution and the batch normalization behind it."""
    return {
        f"{ours}{ending}": f"{theirs}.{kind}"
        for ours, theirs in convolutions.items()
        for ending, kind in (("", "conv"), ("_bn", "bn"))
    }


def torchvision_resnet(depth: int) -> dict[str, str]:
    """Name the layers of a column of ResNet's Table 1 as torchvision does."""
    layers = {"conv1": "conv1", "bn1": "bn1"}
    for name, row, block, n, kind in _list_resnet_layers(depth):
        inside = f"{kind}{n}" if n else {"conv": "downsample.0", "bn": "downsample.1"}[kind]
        layers[name] = f"layer{row - 1}.{block - 1}.{inside}"
    return layers | {"logits": "fc"}


def keras_resnet(depth: int) -> dict[str, str]:
    """Name the layers of a column of ResNet's Table 1 as keras.applications does."""
    layers = {"conv1": "conv1_conv", "bn1": "conv1_bn"}
    layers |= {name: f"conv{row}_block{block}_{n}_{kind}" for name, row, block, n, kind in _list_resnet_layers(depth)}
    return layers | {"logits": "predictions"}


def _list_resnet_layers(depth: int) -> Iterator[tuple[str, int, int, int, str]]:
    """Yield the layers of all blocks: our name, row, block, number in the block (0 on its shortcut), and kind."""
    block_kind, *rows = RESNET_TABLE_1[depth]
    bottleneck = block_kind == "bottleneck"
    for row, blocks in enumerate(rows, start=2):
        for block in range(1, blocks + 1):
            projects = block == 1 and (bottleneck or row > 2)
            for n, kind in product(range(0 if projects else 1, 4 if bottleneck else 3), ("conv", "bn")):
                inside = f"{kind}{n}" if n else {"conv": "shortcut", "bn": "shortcut_bn"}[kind]
                yield f"conv{row}_{block}_{inside}", row, block, n, kind


COUNTERPARTS = [
    Counterpart("torchvision", "AlexNet", "alexnet_owt", torchvision_alexnet(), pooled=6),
    *(
        Counterpart(
            "torchvision",
            f"VGG-{depth}{' with batch norm' if batch_norm else ''}",
            f"vgg{depth}",
            torchvision_vgg(column, batch_norm),
            {"batch_norm": batch_norm},
            pooled=7,
        )
        for (depth, column), batch_norm in product(((11, "A"), (13, "B"), (16, "D"), (19, "E")), (False, True))
    ),
    # The weights were trained elsewhere, on pixels from -1 to 1; torchvision's transform_input turns its own
    # normalization into that.
    Counterpart(
        "torchvision",
        "GoogLeNet",
        "googlenet_bn",
        torchvision_googlenet(),
        preprocessing="transform_input",
        auxiliary=torchvision_heads(),
    ),
    *(
        Counterpart("torchvision", f"ResNet-{depth}", f"resnet{depth}", torchvision_resnet(depth), {"stride_on": "3x3"})
        for depth in RESNET_TABLE_1
    ),
    *(
        Counterpart("keras.applications", f"VGG-{depth}", f"vgg{depth}", keras_vgg(column), {}, "caffe")
        for depth, column in ((16, "D"), (19, "E"))
    ),
    *(
        Counterpart(
            "keras.applications",
            f"ResNet-{depth}",
            f"resnet{depth}",
            keras_resnet(depth),
            {"stride_on": "1x1", "conv_bias": True, "epsilon": 1.001e-5},
            "caffe",
            momentum=0.99,
        )
        for depth in (50, 101, 152)
    ),
]
