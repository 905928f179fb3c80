"""Logits of narrow networks under weights and images that depend on their names alone, whatever the backend.

Where a session on TensorFlow has not kept them, the contract's test on JAX runs it in a second process, on TensorFlow:
``python parity.py TARGET.npz NAME:SIDE:CHANNELS:CLASSES ...``.
"""

import sys
import zlib

import keras
import numpy as np
from toys import narrow, outline

import cnnzoo.models  # noqa: F401 - registers

# A copy of LeNet-5 of 1998 cannot be narrower: Table I connects sixteen maps with six.
DIVISORS = {"lenet5_1998": 1}


def build(name: str, input_shape: tuple[int, int, int], num_classes: int | None) -> keras.Model:
    """Build a narrow copy of a registered network."""
    return narrow(outline(name, input_shape, num_classes), DIVISORS.get(name, 8))


def fill(name: str, model: keras.Model) -> np.ndarray:
    """Give a model the weights that are drawn for its name; return two images drawn likewise."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    for weight in model.weights:
        values = 2 * random.random(weight.shape, "float32") - 1
        if len(weight.shape) > 1:  # He's uniform distribution, by which depth neither fades nor blows up
            values *= (6 / np.prod(weight.shape[:-1])) ** 0.5
        else:
            values *= 0.2
            values += weight.name in {"gamma", "moving_variance"}
        weight.assign(values)
    return random.standard_normal((2, *model.input_shape[1:]), "float32")


def logits(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return a model's logits of some images at inference."""
    return np.asarray(keras.ops.convert_to_numpy(model(images, training=False)))


def main(target: str, *cases: str) -> None:
    """Write the logits of each case under its network's name."""
    found = {}
    for name, side, channels, classes in (case.split(":") for case in cases):
        model = build(name, (int(side), int(side), int(channels)), int(classes) if classes else None)
        found[name] = logits(model, fill(name, model))
        keras.backend.clear_session()
    np.savez(target, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
