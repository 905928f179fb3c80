"""Photographs for the lab: a person's own, or one that scikit-learn ships."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_image

from cnnzoo.data.decoding import open_upright

# "China", by Danielle Buma, CC BY; 427x640 pixels.
SAMPLE = "china.jpg"
# Weights of red, green and blue in a grey value, of ITU-R BT.601.
GREY = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Photograph:
    """An image for the lab.

    Attributes:
        name: Of its file.
        pixels: From 0 to 255 (height, width, channels), float32; one channel if it is grey.
        notes: How the file was changed.
    """

    name: str
    pixels: NDArray[np.float32]
    notes: tuple[str, ...] = ()


def load_photograph(path: Path | None = None, *, grey: bool = False) -> Photograph:
    """Read an image of any usual format.

    Args:
        path: Its file; None for scikit-learn's photograph of a Chinese temple.
        grey: Return grey values, one channel.

    Raises:
        UserError: The file is not an image that can be read.
    """
    if path is None:
        name, pixels, notes = f"{SAMPLE} of scikit-learn", load_sample_image(SAMPLE).astype("float32"), []
    else:
        name, pixels, notes = path.name, np.asarray(open_upright(path)).astype("float32"), _describe_changes(path)
    if pixels.ndim == 2 or (pixels == pixels[..., :1]).all():
        pixels = np.atleast_3d(pixels)[..., :1]
    elif grey:
        pixels = (pixels @ GREY)[..., None].astype("float32")
    return Photograph(name, pixels, tuple(notes))


def _describe_changes(path: Path) -> list[str]:
    """Return what ``open_upright`` changes in a file that it can read."""
    with Image.open(path) as image:
        notes = ["transparent pixels are shown on white"] if image.has_transparency_data else []
        if image.mode.startswith(("I", "F")):
            notes.append("values of 16 bits are scaled to 0 to 255")
    return notes
