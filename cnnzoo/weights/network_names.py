"""Names of the networks for which other libraries have weights. This module does not load Keras."""

import re
from typing import Any

from cnnzoo.errors import UserError

# Our names of them.
NETWORKS = (
    "alexnet_owt",
    "googlenet_bn",
    *(f"resnet{depth}" for depth in (18, 34, 50, 101, 152)),
    *(f"vgg{depth}" for depth in (11, 13, 16, 19)),
)

# Those that have another name in torchvision.
_NAMES = {"alexnet": "alexnet_owt", "googlenet": "googlenet_bn"}


def find_network(name: str) -> tuple[str, dict[str, Any]]:
    """Return our name of a network, and the options of its builder that the name implies.

    Args:
        name: Ours, torchvision's, keras.applications' or timm's, such as ``resnet50``, ``ResNet50``, ``alexnet``,
            ``vgg16_bn``, ``resnet50.tv_in1k``.

    Raises:
        UserError: There are no weights for it.
    """
    # timm adds a dot and the name of the weights; older versions began torchvision's networks with "tv_".
    plain = name.lower().removeprefix("timm/").partition(".")[0].removeprefix("tv_")
    batch_norm = re.fullmatch(r"(vgg\d+)_bn", plain)
    network = batch_norm[1] if batch_norm else _NAMES.get(plain, plain)
    if network not in NETWORKS:
        names = ", ".join(sorted(NETWORKS))
        raise UserError(f"There are no weights for '{name}' in torchvision or keras.applications. Available: {names}.")
    return network, {"batch_norm": True} if batch_norm else {}
