"""Image files of any kind, brought upright, to 8 bits a channel and to a network's size."""

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from cnnzoo.errors import UserError

Resize = Literal["crop", "squash", "pad"]

# Pixels; a photograph has up to 50 million.
LARGEST = 80 * 10**6


@cache
def kinds() -> tuple[str, ...]:
    """Return the kinds of image that are read: all of Pillow's but EPS, which Ghostscript would have to run."""
    Image.init()
    return tuple(kind for kind in Image.OPEN if kind != "EPS")


@cache
def endings() -> frozenset[str]:
    """Return the endings of the names of such files, in lower case and with their dots."""
    return frozenset(ending for ending, kind in Image.registered_extensions().items() if kind in kinds())


def upright(path: Path, *, paper: bool = False, at_least: int | None = None) -> Image.Image:
    """Return an image upright and in RGB, whatever the file holds.

    Args:
        path: A file that Pillow reads.
        paper: A transparent image may be ink that brings its own paper, and is laid on more of it then.
        at_least: Pixels a side that will do; a large JPEG is decoded at a half, a quarter or an eighth of its size
            while both sides keep as many.

    Raises:
        UserError: The file is missing, too large or no image, or is damaged.
    """
    try:
        with Image.open(path, formats=kinds()) as image:
            _check_size(image)
            if at_least:
                image.draft(None, (at_least, at_least))
            turned = ImageOps.exif_transpose(image)
            if turned.mode.startswith(("I", "F")):
                turned = _of_eight_bits(turned)
            if turned.has_transparency_data:
                turned = _opaque(turned.convert("RGBA"), paper)
            return turned.convert("RGB")
    except FileNotFoundError:
        raise UserError(f"There is no image {path}.") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder; name an image.") from None
    except UnidentifiedImageError:
        raise UserError(f"{path} is not an image that can be read; PNG, JPEG, GIF, BMP, WebP and TIFF are.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UserError(f"{path} has more than {LARGEST // 10**6} million pixels; make it smaller.") from None
    except Exception as error:  # a damaged file may bring up anything in Pillow's decoders
        reason = (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")
        raise UserError(f"{path} cannot be read as an image: {reason}.") from None


def fitted(image: Image.Image, input_shape: tuple[int, int, int], resize: Resize) -> NDArray[np.uint8]:
    """Return an image in a network's size.

    Args:
        image: In RGB.
        input_shape: Height, width and channels; 1 channel is grey.
        resize: "crop" cuts away what sticks out of the middle, "squash" changes the proportions, "pad" puts black
            beside the whole image.

    Returns:
        Pixels of that shape.
    """
    height, width, channels = input_shape
    image = image.convert("L" if channels == 1 else "RGB")
    match resize:
        case "crop":
            image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
        case "squash":
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        case "pad":
            image = ImageOps.pad(image, (width, height), Image.Resampling.LANCZOS)
    return np.asarray(image).reshape(input_shape)


def decoded(path: Path, input_shape: tuple[int, int, int], resize: Resize) -> NDArray[np.uint8]:
    """Read an image file in a network's size, in training and in prediction alike.

    Raises:
        UserError: See ``upright``.
    """
    # Twice the size, because what is then left to the resampling must still be more than a halving.
    return fitted(upright(path, at_least=2 * max(input_shape[:2])), input_shape, resize)


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > LARGEST:
        raise Image.DecompressionBombError


def _of_eight_bits(image: Image.Image) -> Image.Image:
    """Bring whole numbers of more bits to 8, where Pillow would cut them off at 255.

    Raises:
        ValueError: Its pixels have no range that is known.
    """
    pixels = np.asarray(image)
    highest = pixels.max(initial=0)
    if image.mode == "F" or pixels.min(initial=0) < 0 or highest > 65_535:
        raise ValueError(f"its pixels are {pixels.dtype}, of no known range; save it with 8 or 16 bits a channel")
    sixteen = image.mode.startswith("I;16") or highest > 255
    return Image.fromarray((pixels // 256 if sixteen else pixels).astype("uint8"))


def _opaque(image: Image.Image, paper: bool) -> Image.Image:
    """Lay an image with transparency on black or white, whichever its opaque part stands out from.

    Only ink that brings its own paper, such as a sheet cut out by a scanning app, is laid on more of it.
    """
    grey, alpha = (np.asarray(channel) for channel in image.convert("LA").split())
    faintest, middle, brightest = np.percentile(grey[alpha >= 0.9 * alpha.max()], [1, 50, 99])
    on_paper = paper and brightest - faintest > 127
    ground = Image.new("RGBA", image.size, "white" if (middle > 127) == on_paper else "black")
    return Image.alpha_composite(ground, image)
