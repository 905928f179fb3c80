"""Small policy networks in files."""

from pathlib import Path

import keras

from cnnzoo.classifier import metadata
from cnnzoo.classifier.metadata import BoardMetadata
from cnnzoo.go.planes import SPECIFICATION
from cnnzoo.models import alphago_policy_small


def save_policy(path: Path, size: int = 9, *, planes: str = SPECIFICATION) -> Path:
    """Write a network with weights at random, whose moves are not all about equally likely as at a training's start."""
    keras.utils.set_random_seed(0)  # the same weights whichever tests came before
    model = alphago_policy_small((size, size, 48), filters=4)
    last = model.get_layer("conv6")
    last.set_weights([1_000 * weights for weights in last.get_weights()])
    model.save(path)
    described = BoardMetadata(title="toy", network="alphago_policy_small", size=size, planes=planes, source="nothing")
    metadata.write(path, described)
    return path
