"""Photographs for the lab: a person's own, or one that scikit-learn ships."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

from cnnzoo.data.decoding import open_upright

# "China", by Danielle Buma, CC BY; 427x640 pixels.
SAMPLE = "china.jpg"
# Weights of red, green and blue in a grey value, of ITU-R BT.601.
GREY = np.array([0.299, 0.587, 0.114])


def load_photograph(path: Path | None = None, *, grey: bool = False) -> tuple[str, NDArray[Any]]:
    """Return the name and the pixels of an image.

    Args:
        path: Its file; None for scikit-learn's photograph of a Chinese temple.
        grey: Return grey values, one channel.

    Returns:
        The file's name, and numbers from 0 to 255 (height, width, channels), float32.

    Raises:
        UserError: The file is not an image that can be read.
    """
    image = load_sample_image(SAMPLE) if path is None else np.asarray(open_upright(path))
    pixels = image.astype("float32")
    return path.name if path else f"{SAMPLE} of scikit-learn", (pixels @ GREY)[..., None].astype(
        "float32"
    ) if grey else pixels
