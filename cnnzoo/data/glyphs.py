"""Makes images like MNIST's from photographs of handwritten digits: light on dark, in a box, centred by mass."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage

from cnnzoo.errors import UserError

Ink = Literal["auto", "dark", "light"]
Pixels = NDArray[np.uint8]

# MNIST's digits fill a box of 20 pixels in an image of 28 and are centred by their mass (LeCun et al.
# 1998, section III.A).
GLYPH_BOX = 20 / 28

# Longer side, in pixels, of two reduced copies: ink is searched in the first, and the smaller one shows the lighting.
# Photographs have ten times as many pixels, and noise.
INK_SIDE, LIGHT_SIDE = 512, 48

# Widest stroke, as a fraction of the longer side; anything wider is paper in shadow or light.
WIDEST_STROKE = 1 / 3

# Least density of ink, as a fraction of the darkest; anything fainter is a ruled line, dirt or blur.
INK_THRESHOLD = 0.4

# Least size of a spot of ink, as a fraction of the largest one; anything smaller is dust.
SPECK = 0.02

# Tables, thumbs and ruled lines touch the border. If a region that does not touch it has at least this fraction of the
# largest region's size, those that touch it are not the glyph.
INNER = 0.05

# Least contrast of ink: in grey values of 255, and in standard deviations of the noise. In a million pixels noise alone
# reaches 5 deviations.
FAINTEST, ABOVE_NOISE = 16, 10


def fit_glyph(
    image: Image.Image, size: tuple[int, int], input_shape: tuple[int, int, int], ink: Ink, path: Path
) -> tuple[Pixels, Literal["dark", "light"]]:
    """Return a glyph in a network's size, and whether its ink was dark or light.

    The image is made light on dark, its background is removed even if the light is uneven, and the ink is cut out,
    fitted into MNIST's box and centred by mass. An image of the network's size is only made light on dark.

    Args:
        image: In RGB, possibly a reduced copy.
        size: Width and height of the image that was read.
        input_shape: Height, width and channels of the network.
        ink: "dark" for dark strokes on a light background, "light" for the reverse, "auto" to find out.
        path: The file, for the message of an error.

    Returns:
        Pixels of ``input_shape``; and "dark" where dark strokes on a light background were inverted, "light" where not.

    Raises:
        UserError: The image is blank.
    """
    height, width, channels = input_shape
    grey = image.convert("L" if channels == 1 else "RGB")
    found_ink = _find_ink(grey) if ink == "auto" else ink
    light_on_dark = ImageOps.invert(grey) if found_ink == "dark" else grey
    pixels = np.asarray(light_on_dark)
    if pixels.max() - pixels.min() < FAINTEST:
        raise _blank_error(path)
    if size != (width, height):
        pixels = _center(_cut_out_strokes(path, light_on_dark), (height, width))
    return pixels.reshape(input_shape), found_ink


def _find_ink(grey: Image.Image) -> Literal["dark", "light"]:
    """Return whether darker or lighter pixels differ more from a running median as wide as half the image."""
    light = np.asarray(_reduce(grey, LIGHT_SIDE))
    light = ndimage.median_filter(light, max(light.shape) // 2 + 1, mode="nearest")
    pixels = _reduce(grey, INK_SIDE)
    background = Image.fromarray(light).resize(pixels.size, Image.Resampling.BILINEAR)
    return "dark" if ((np.asarray(pixels, "float64") - np.asarray(background)) ** 5).sum() < 0 else "light"


def _cut_out_strokes(path: Path, light_on_dark: Image.Image) -> Pixels:
    """Return the part of an image with ink, its background as 0 and its darkest ink as 255."""
    paper = 255 - np.asarray(_reduce(light_on_dark, INK_SIDE), "float64")
    background = _find_background(paper)
    contrast = background - paper
    density = contrast / np.maximum(background, 1)
    darkest = _find_strongest(density)
    noise = (
        float(np.median(np.abs(np.diff(density.ravel())))) / 0.95
    )  # for normal noise this median is 0.95 standard deviations
    if _find_strongest(contrast) < FAINTEST or darkest < ABOVE_NOISE * noise:
        raise _blank_error(path)
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


def _find_background(paper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the grey values of light paper without its dark strokes.

    This is a morphological closing with a square that is wider than any stroke. It keeps gradients, vignettes and edges
    of shadows, because the square may extend beyond the border.
    """
    side = int(WIDEST_STROKE * max(paper.shape)) + 1
    smooth = ndimage.gaussian_filter(paper, 1.5 * max(paper.shape) / INK_SIDE, mode="nearest")
    closed = ndimage.grey_closing(np.pad(smooth, side, constant_values=-1), side)
    return np.asarray(closed[side:-side, side:-side])


def _find_strongest(values: NDArray[np.float64]) -> float:
    """Return the largest value that at least three pixels, and at least one pixel of 10,000, have."""
    return float(np.sort(values, axis=None)[-max(3, values.size // 10**4) :][0])


def _reduce(image: Image.Image, side: int) -> Image.Image:
    """Return a copy with at most ``side`` pixels a side; each is the mean of the pixels that it replaces."""
    copy = image.copy()
    copy.thumbnail((side, side), Image.Resampling.BOX)
    return copy


def _blank_error(path: Path) -> UserError:
    return UserError(f"{path} is blank: nothing differs from its background.")


def _center(glyph: Pixels, size: tuple[int, int]) -> Pixels:
    """Return a dark image with a glyph in the size of MNIST's box, whose centre of mass is in the middle."""
    height, width = size
    scale = GLYPH_BOX * min(size) / max(glyph.shape)
    # MNIST's strokes are two to three pixels wide. A stroke thinner than a pixel of the small image would disappear.
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
