"""A person's own images, classified by a finished run."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

from cnnzoo import data, plots, runtime
from cnnzoo.data import DataSet
from cnnzoo.errors import UserError
from cnnzoo.evaluation import load_model, softmax
from cnnzoo.runs import Run
from cnnzoo.runtime import Device

Ink = Literal["auto", "dark", "light"]
Pixels = NDArray[np.uint8]

# MNIST's digits fill a box of 20 pixels in a field of 28 and are centred by their mass (LeCun et al.
# 1998, section III.A).
GLYPH_BOX = 20 / 28

# Spots smaller than this part of the largest one are dust, not ink.
SPECK = 0.02

# Grey values, of 255, by which ink must stand out.
FAINTEST = 16

# Pixels; a photograph has up to 50 million.
LARGEST = 80 * 10**6


@dataclass(frozen=True)
class Seen:
    """An image as the network sees it.

    Attributes:
        pixels: (height, width, channels), the network's size.
        original: What was read, upright, for the picture.
        ink: "dark" where dark strokes on a light ground were turned round, "light" where nothing was,
            None where the data set is not one of glyphs.
    """

    pixels: Pixels
    original: Pixels
    ink: Literal["dark", "light"] | None


def see(path: Path, known: DataSet, ink: Ink = "auto") -> Seen:
    """Read an image of any size and bring it into the form of a data set.

    Glyphs are turned to light on dark, cut to their ink, fitted into MNIST's box and centred by mass,
    unless the image has the network's size already. Other images are fitted whole, centred.

    Args:
        path: A file that Pillow reads, such as PNG or JPEG.
        known: The data set that the network was trained on.
        ink: "dark" for dark strokes on a light ground, "light" for the reverse, "auto" to judge by the border.

    Raises:
        UserError: The file is missing, too large or no image, the image is blank, or ink is stated
            where the data are no glyphs.
    """
    if ink != "auto" and not known.glyphs:
        raise UserError(f"--ink {ink}: {known.title} has no strokes on a ground; leave the option out.")
    image = _open(path)
    height, width, channels = known.input_shape
    original = np.asarray(image.convert("RGB"))
    pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    seen_ink: Literal["dark", "light"] | None = None
    if known.glyphs:
        seen_ink = _ink(pixels) if ink == "auto" else ink
        if seen_ink == "dark":
            pixels = 255 - pixels
        if int(pixels.max()) - int(pixels.min()) < FAINTEST:
            raise UserError(f"{path} is blank: nothing stands out from its ground.")
        if pixels.shape[:2] != (height, width):
            pixels = _centred(_strokes(path, pixels), (height, width))
    elif pixels.shape[:2] != (height, width):
        pixels = np.asarray(ImageOps.pad(Image.fromarray(pixels), (width, height), Image.Resampling.LANCZOS))
    return Seen(pixels.reshape(height, width, channels), original, seen_ink)


def predict(
    run: Run, paths: Sequence[Path], ink: Ink = "auto", top: int = 3, device: Device = "auto"
) -> list[dict[str, Any]]:
    """Classify images and draw each with its probabilities. The run is to be locked.

    Args:
        run: A finished run.
        paths: Image files.
        ink: See ``see``.
        top: Classes to name, the likeliest first.
        device: Where to compute.

    Returns:
        For each image: image, ink, top (class and probability), probabilities, picture.

    Raises:
        UserError: A file is missing or is no image; nothing is classified then.
    """
    config = run.config()
    known = data.describe(config.data.name)
    seen = [see(path, known, ink) for path in paths]
    runtime.prepare_for_saved_model(config.runtime.backend, device, config.runtime.threads)
    logits = load_model(run.model_path).predict(np.stack([s.pixels for s in seen]), verbose=0)
    results = []
    taken: set[Path] = set()
    for path, image, probabilities in zip(paths, seen, softmax(logits), strict=True):
        picture = _free(run.predictions_folder / f"{path.name}.png", taken)
        plots.prediction(image.pixels, image.original, probabilities, known.class_names, picture)
        order = probabilities.argsort()[::-1][:top]
        results.append(
            {
                "image": str(path),
                "ink": image.ink,
                "top": [{"class": known.class_names[i], "probability": float(probabilities[i])} for i in order],
                "probabilities": {name: float(p) for name, p in zip(known.class_names, probabilities, strict=True)},
                "picture": str(picture),
            }
        )
    return results


def _free(picture: Path, taken: set[Path]) -> Path:
    """Return a name that no other image of this call has."""
    free, number = picture, 1
    while free in taken:
        number += 1
        free = picture.with_stem(f"{picture.stem}-{number}")
    taken.add(free)
    return free


def _open(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            _check_size(image)
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:  # ink on a transparent ground would vanish into black
                upright = upright.convert("RGBA")
                ground = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(ground, upright)
            upright.load()
            return upright
    except FileNotFoundError:
        raise UserError(f"There is no image {path}.") from None
    except UnidentifiedImageError:
        raise UserError(f"{path} is not an image that can be read; PNG and JPEG are.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UserError(f"{path} has more than {LARGEST // 10**6} million pixels; make it smaller.") from None
    except (OSError, SyntaxError) as error:
        raise UserError(f"{path} cannot be read as an image: {error}.") from None


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > LARGEST:
        raise Image.DecompressionBombError


def _ink(pixels: Pixels) -> Literal["dark", "light"]:
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return "dark" if np.median(border) > 127 else "light"


def _strokes(path: Path, pixels: Pixels) -> Pixels:
    """Return the part of a light-on-dark image that holds ink, its ground brought to 0."""
    ground, brightest = float(np.median(pixels)), float(pixels.max())
    if brightest - ground < FAINTEST:
        raise UserError(f"{path} is blank: nothing stands out from its ground.")
    clean = np.clip((pixels - ground) / (brightest - ground), 0, 1)
    clean[clean < 0.25] = 0  # paper is never even
    regions, count = ndimage.label(clean > 0, structure=np.ones((3, 3)))
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    specks = sizes < SPECK * sizes[1:].max()
    clean[specks[regions]] = 0
    rows, columns = np.flatnonzero(clean.any(axis=1)), np.flatnonzero(clean.any(axis=0))
    cut = clean[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(np.round(255 * cut), dtype="uint8")


def _centred(glyph: Pixels, size: tuple[int, int]) -> Pixels:
    """Return a glyph scaled into the middle box of a dark field, its centre of mass in the centre."""
    height, width = size
    scale = GLYPH_BOX * min(size) / max(glyph.shape)
    # A stroke thinner than a pixel of the small image would fade away; MNIST's are two to three wide.
    width_now = 2.0 * float(ndimage.distance_transform_cdt(np.pad(glyph > 127, 1), "chessboard").max())
    missing = (2.0 / scale - width_now) / 2
    if missing >= 1:
        reach = int(np.ceil(missing))
        glyph = ndimage.grey_dilation(np.pad(glyph, reach), size=(2 * reach + 1, 2 * reach + 1))
        scale = GLYPH_BOX * min(size) / max(glyph.shape)
    small = (max(1, round(glyph.shape[1] * scale)), max(1, round(glyph.shape[0] * scale)))
    scaled = np.asarray(Image.fromarray(glyph).resize(small, Image.Resampling.LANCZOS))
    mass = scaled.astype("float64")
    row = (mass.sum(axis=1) @ np.arange(small[1])) / mass.sum()
    column = (mass.sum(axis=0) @ np.arange(small[0])) / mass.sum()
    top = int(np.clip(round((height - 1) / 2 - row), 0, height - small[1]))
    left = int(np.clip(round((width - 1) / 2 - column), 0, width - small[0]))
    field = np.zeros(size, "uint8")
    field[top : top + small[1], left : left + small[0]] = scaled
    return field
