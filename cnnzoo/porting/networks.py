"""The networks that other libraries have weights for, by the names that people know them by; takes no Keras."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnzoo.errors import UserError

# Our networks, each under its own name.
NETWORKS = (
    "alexnet_owt",
    "googlenet_bn",
    *(f"resnet{depth}" for depth in (18, 34, 50, 101, 152)),
    *(f"vgg{depth}" for depth in (11, 13, 16, 19)),
)

# torchvision's names, where ours are others.
_NAMES = {"alexnet": "alexnet_owt", "googlenet": "googlenet_bn"}


@dataclass(frozen=True)
class Wanted:
    """A network that a name stands for.

    Attributes:
        network: What it is called here.
        options: What the name says beside that.
    """

    network: str
    options: Mapping[str, Any] = field(default_factory=dict)


def find(name: str) -> Wanted:
    """Return the network that a name of ours, torchvision's, keras.applications' or timm's stands for.

    Args:
        name: Such as ``resnet50``, ``ResNet50``, ``alexnet``, ``vgg16_bn``, ``resnet50.tv_in1k``.

    Raises:
        UserError: No other library has weights for it.
    """
    # timm puts a name of the weights behind a dot, and once put "tv_" before torchvision's.
    plain = name.lower().removeprefix("timm/").partition(".")[0].removeprefix("tv_")
    batch_norm = re.fullmatch(r"(vgg\d+)_bn", plain)
    network = batch_norm[1] if batch_norm else _NAMES.get(plain, plain)
    if network not in NETWORKS:
        others = ", ".join(sorted(NETWORKS))
        raise UserError(f"No other library has weights for '{name}'; there are for {others}.")
    return Wanted(network, {"batch_norm": True} if batch_norm else {})
