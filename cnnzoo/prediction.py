"""A person's own images, classified by a finished run or by an imported model."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage

from cnnzoo import data, metadata, plots, runtime
from cnnzoo.data import DataSet
from cnnzoo.data.pictures import decoded, upright
from cnnzoo.errors import UserError
from cnnzoo.evaluation import load_classifier, softmax
from cnnzoo.metadata import Metadata
from cnnzoo.runs import Run
from cnnzoo.runtime import Device

Ink = Literal["auto", "dark", "light"]
Pixels = NDArray[np.uint8]

# MNIST's digits fill a box of 20 pixels in a field of 28 and are centred by their mass (LeCun et al.
# 1998, section III.A).
GLYPH_BOX = 20 / 28

# Pixels of the longer side of three copies: the one that is drawn, the one in which ink is looked for, and
# the one that shows little but the light. Photographs have ten times as many, and noise in them.
KEPT_SIDE, INK_SIDE, LIGHT_SIDE = 1024, 512, 48

# No stroke is wider than this part of the longer side; what is wider is paper in another light.
WIDEST_STROKE = 1 / 3

# Of the darkest ink; what is fainter is a ruling, dirt or blur.
INK_THRESHOLD = 0.4

# Spots smaller than this part of the largest one are dust, not ink.
SPECK = 0.02

# Tables, thumbs and rulings come in from the border. What touches none is the glyph if it has this part of
# their size.
INNER = 0.05

# Ink must stand out by so many grey values, of 255, and by so many standard deviations of the noise; of
# a million pixels of noise alone some reach half of that.
FAINTEST, ABOVE_NOISE = 16, 10


@dataclass(frozen=True)
class Seen:
    """An image as the network sees it.

    Attributes:
        pixels: (height, width, channels), the network's size.
        original: What was read, upright, for the picture: (height, width, 3), at most KEPT_SIDE a side.
        size: Width and height of what was read.
        ink: "dark" where dark strokes on a light ground were turned round, "light" where nothing was,
            None where the data set is not one of glyphs.
    """

    pixels: Pixels
    original: Pixels
    size: tuple[int, int]
    ink: Literal["dark", "light"] | None


def see(path: Path, known: DataSet | Metadata, ink: Ink = "auto") -> Seen:
    """Read an image of any size and bring it into the form of a data set, or into that of an imported model.

    Glyphs are turned to light on dark, freed from their ground however it is lit, cut to their ink,
    fitted into MNIST's box and centred by mass; with the network's size already they are only turned.
    Other images are brought to the size as the data set's own were. For an imported model a photograph is
    resized by its shorter side and its centre is cut out, as ImageNet's are.

    Args:
        path: A file that Pillow reads, such as PNG or JPEG.
        known: The data set that the network was trained on, or what an imported model says of itself.
        ink: For glyphs: "dark" for dark strokes on a light ground, "light" for the reverse, "auto" to judge
            by what stands out.

    Raises:
        UserError: The file is missing, too large or no image, or the image is blank.
    """
    glyphs = isinstance(known, DataSet) and known.glyphs
    image = _open(path, glyphs)
    given = image.size
    height, width, channels = known.input_shape
    if isinstance(known, Metadata):
        pixels = _centre(image, known.shorter_side, (height, width))
        image.thumbnail((KEPT_SIDE, KEPT_SIDE))
        return Seen(pixels, np.asarray(image), given, None)
    image.thumbnail((KEPT_SIDE, KEPT_SIDE))
    if not glyphs:
        return Seen(decoded(path, known.input_shape, known.resize), np.asarray(image), given, None)
    grey = image.convert("L" if channels == 1 else "RGB")
    seen_ink = _ink(grey) if ink == "auto" else ink
    light_on_dark = ImageOps.invert(grey) if seen_ink == "dark" else grey
    pixels = np.asarray(light_on_dark)
    if pixels.max() - pixels.min() < FAINTEST:
        raise _blank(path)
    if given != (width, height):
        pixels = _centred(_strokes(path, light_on_dark), (height, width))
    return Seen(pixels.reshape(height, width, channels), np.asarray(image), given, seen_ink)


def predict(
    source: Run | Path, paths: Sequence[Path], ink: Ink = "auto", top: int = 3, device: Device = "auto"
) -> list[dict[str, Any]]:
    """Classify images and draw each with its probabilities. A run is to be locked.

    Keras is imported only when there is something to classify.

    Args:
        source: A finished run, or the file of an imported model.
        paths: Image files.
        ink: See ``see``.
        top: Classes to name, the likeliest first.
        device: Where to compute.

    Returns:
        For each image: image, ink, top (class and probability), probabilities, picture; for one that
        cannot be taken: image, error (a sentence).

    Raises:
        UserError: Ink is stated where the data are no glyphs, or a model's file does not say what its
            classes are called.
    """
    known: DataSet | Metadata
    if isinstance(source, Run):
        config = source.config()
        known, path, folder = data.describe(config.data), source.model_path, source.predictions_folder
        backend, threads, by = config.runtime.backend, config.runtime.threads, source.directory.resolve().name
    else:
        known, path, folder = _described(source), source, source.parent / f"{source.stem}-predictions"
        backend, threads, by = None, None, known.title
    if ink != "auto" and not (isinstance(known, DataSet) and known.glyphs):
        raise UserError(f"--ink {ink}: {known.title} has no strokes on a ground; leave the option out.")
    results: list[dict[str, Any]] = [{"image": str(path)} for path in paths]
    good: list[tuple[dict[str, Any], Seen]] = []
    for image, result in zip(paths, results, strict=True):
        try:
            good.append((result, see(image, known, ink)))
        except UserError as error:
            result["error"] = str(error)
    if not good:
        return results
    runtime.prepare_for_saved_model(backend, device, threads)
    model = load_classifier(path, known.input_shape, len(known.class_names))
    logits = model.predict(np.stack([seen.pixels for _, seen in good]), verbose=0)
    taken: set[Path] = set()
    for (result, seen), probabilities in zip(good, softmax(logits), strict=True):
        name = Path(result["image"]).name
        picture = _free(folder / f"{Path(name).stem}.png", taken)
        plots.prediction(
            seen.pixels,
            seen.original,
            probabilities,
            known.class_names,
            picture,
            size=seen.size,
            title=f"{name}, classified by {by}",
        )
        order = probabilities.argsort()[::-1][:top]
        result |= {
            "ink": seen.ink,
            "top": [{"class": known.class_names[i], "probability": float(probabilities[i])} for i in order],
            "probabilities": {name: float(p) for name, p in zip(known.class_names, probabilities, strict=True)},
            "picture": str(picture),
        }
    return results


def _described(path: Path) -> Metadata:
    described = metadata.read(path)
    if described is None:
        raise UserError(f"{path} does not say what its classes are called; name a run, or a model of `weights import`.")
    return described


def _centre(image: Image.Image, shorter_side: int, size: tuple[int, int]) -> Pixels:
    """Return the centre of a photograph that was resized by its shorter side, as torchvision does it."""
    shorter = min(image.size)
    resized = image.resize(
        (shorter_side * image.width // shorter, shorter_side * image.height // shorter), Image.Resampling.BILINEAR
    )
    left, top = round((resized.width - size[1]) / 2), round((resized.height - size[0]) / 2)
    return np.asarray(resized.crop((left, top, left + size[1], top + size[0])))


def _free(picture: Path, taken: set[Path]) -> Path:
    """Return a name that no other image of this call has."""
    free, number = picture, 1
    while free in taken:
        number += 1
        free = picture.with_stem(f"{picture.stem}-{number}")
    taken.add(free)
    return free


def _open(path: Path, glyphs: bool) -> Image.Image:
    """Return an image upright and in RGB, whatever the file holds."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return upright(path, paper=glyphs)


def _ink(grey: Image.Image) -> Literal["dark", "light"]:
    """Judge by what stands out most, to either side, from a running median as wide as half the image."""
    light = np.asarray(_reduced(grey, LIGHT_SIDE))
    light = ndimage.median_filter(light, max(light.shape) // 2 + 1, mode="nearest")
    pixels = _reduced(grey, INK_SIDE)
    ground = Image.fromarray(light).resize(pixels.size, Image.Resampling.BILINEAR)
    return "dark" if ((np.asarray(pixels, "float64") - np.asarray(ground)) ** 5).sum() < 0 else "light"


def _strokes(path: Path, light_on_dark: Image.Image) -> Pixels:
    """Return the part of an image that holds ink, its ground brought to 0 and its ink to 255."""
    paper = 255 - np.asarray(_reduced(light_on_dark, INK_SIDE), "float64")
    ground = _ground(paper)
    contrast = ground - paper
    density = contrast / np.maximum(ground, 1)
    darkest = _strongest(density)
    noise = float(np.median(np.abs(np.diff(density.ravel())))) / 0.95  # of normal noise 0.95 standard deviations
    if _strongest(contrast) < FAINTEST or darkest < ABOVE_NOISE * noise:
        raise _blank(path)
    regions, count = ndimage.label(density >= INK_THRESHOLD * darkest, structure=np.ones((3, 3)))
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    sizes[0] = 0
    inner = sizes.copy()
    inner[np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])] = 0
    if inner.max() >= INNER * sizes.max():
        sizes = inner
    glyph = (sizes >= SPECK * sizes.max())[regions] & (regions > 0)
    rows, columns = np.flatnonzero(glyph.any(axis=1)), np.flatnonzero(glyph.any(axis=0))
    cut = np.where(glyph, density / darkest, 0)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(np.round(255 * np.clip(cut, 0, 1)), dtype="uint8")


def _ground(paper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the grey values that light paper would have without its dark strokes.

    A closing by a square wider than any stroke: it leaves gradients, vignettes and edges of shadows
    exactly as they are, because the square may stick out over the border.
    """
    side = int(WIDEST_STROKE * max(paper.shape)) + 1
    smooth = ndimage.gaussian_filter(paper, 1.5 * max(paper.shape) / INK_SIDE, mode="nearest")
    closed = ndimage.grey_closing(np.pad(smooth, side, constant_values=-1), side)
    return np.asarray(closed[side:-side, side:-side])


def _strongest(values: NDArray[np.float64]) -> float:
    """Return the largest value that is not a single pixel's."""
    return float(np.sort(values, axis=None)[-max(3, values.size // 10**4) :][0])


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """Return a copy of at most so many pixels a side; each is the mean of what it covers."""
    copy = image.copy()
    copy.thumbnail((side, side), Image.Resampling.BOX)
    return copy


def _blank(path: Path) -> UserError:
    return UserError(f"{path} is blank: nothing stands out from its ground.")


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
