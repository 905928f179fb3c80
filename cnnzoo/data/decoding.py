"""Reads image files of any format, and returns them upright, with 8 bits a channel, in a network's size."""

import stat
import threading
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from cnnzoo.downloads.damage import describe_other_file
from cnnzoo.errors import UserError

Resize = Literal["crop", "squash", "pad"]

# Pixels of the largest image that is read. Phones take photographs of 200 million pixels; a JPEG can be decoded at a
# fraction of its size.
LARGEST, LARGEST_JPEG = 128 * 10**6, 256 * 10**6
# Images with more pixels than this are decoded one at a time, because each needs hundreds of megabytes.
LARGE = 40 * 10**6
# The most bytes of text or of a colour profile in a PNG; Pillow's own limit is one million.
LONGEST_METADATA = 64 * 2**20

# Grey value that counts as white in images of 16 bits.
WHITE = 65_535

# Formats that are not read. Pillow recognizes the first four but does not decode them. EPS is a program, which
# Ghostscript would have to run.
NOT_DECODED = {"BUFR", "GRIB", "HDF5", "MPEG", "EPS"}

# Raw files of cameras, for which Pillow would return a small preview instead of the photograph.
RAW_ENDINGS = {
    *(".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".kdc", ".mef", ".mrw", ".nef", ".nrw", ".orf", ".pef"),
    *(".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
}
HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}

# Formats with unmistakable first bytes: a file that begins so is an image, even with a strange name.
UNMISTAKABLE = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")

_one_large_image = threading.Lock()


@cache
def formats() -> tuple[str, ...]:
    """Raise Pillow's limits to ours, and return Pillow's names of the formats that are read."""
    Image.init()
    if Image.MAX_IMAGE_PIXELS is not None:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, 8 * LARGEST_JPEG)  # above it Pillow warns
    PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, LONGEST_METADATA)
    PngImagePlugin.MAX_TEXT_MEMORY = max(PngImagePlugin.MAX_TEXT_MEMORY, 4 * LONGEST_METADATA)
    return tuple(name for name in Image.OPEN if name not in NOT_DECODED)


@cache
def endings() -> frozenset[str]:
    """Return the endings of file names of these formats, in lower case and with their dots."""
    return frozenset(ending for ending, name in Image.registered_extensions().items() if name in formats())


def begins_like_an_image(path: Path) -> bool:
    """Return whether a file begins like an image.

    Raises:
        OSError: The file cannot be read.
    """
    unmistakable = [name for name in UNMISTAKABLE if name in formats()]  # older versions of Pillow have no AVIF
    with path.open("rb") as file:
        try:
            with Image.open(file, formats=unmistakable):
                return True
        except Exception:  # for a damaged header Pillow may raise any error
            return False


def is_heic(path: Path) -> bool:
    """Return whether a file is a photograph in the format of iPhones, which Pillow does not read.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        beginning = file.read(12)
    return beginning[4:8] == b"ftyp" and beginning[8:] in HEIC_BRANDS


def open_upright(path: Path, *, paper: bool = False, at_least: int | None = None, white: int = WHITE) -> Image.Image:
    """Return an image upright and in RGB.

    Args:
        path: A file that Pillow reads.
        paper: Whether a transparent image may show ink on paper; its transparent part then becomes paper too.
        at_least: Pixels that each side needs. A large JPEG is decoded at a half, a quarter or an eighth of its size if
            both sides still have as many.
        white: Grey value that counts as white in an image of 16 bits.

    Raises:
        UserError: The file is missing, is too large, is not an image or is damaged.
    """
    if path.suffix.lower() in RAW_ENDINGS:
        raise UserError(f"{path} is a raw file of a camera, which cannot be read; export it as JPEG.")
    _check_not_special(path)
    try:
        with Image.open(path, formats=formats()) as image:
            _check_size(image)
            if at_least:
                image.draft(None, (at_least, at_least))
            with _one_large_image if image.width * image.height > LARGE else nullcontext():
                upright = _turn(image)
                if upright.mode.startswith(("I", "F")):
                    upright = _scale_to_eight_bits(upright, white)
                if upright.has_transparency_data:
                    upright = _make_opaque(upright.convert("RGBA"), paper)
                return upright.convert("RGB")
    except FileNotFoundError:
        raise UserError(f"There is no image {path}.") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder; name an image file.") from None
    except UnidentifiedImageError:
        raise UserError(f"{path} {_describe_other_file(path)}.") from None
    except Image.DecompressionBombError:
        most = f"{LARGEST // 10**6} million pixels, or {LARGEST_JPEG // 10**6} million in a JPEG"
        raise UserError(f"{path} has more than {most}; make it smaller.") from None
    except Exception as error:  # for a damaged file Pillow may raise any error
        reason = (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")
        raise UserError(f"{path} cannot be read as an image: {reason}.") from None


def _check_not_special(path: Path) -> None:
    """Refuse a pipe, a socket or a device: reading it could wait for ever."""
    with suppress(OSError):  # the caller says why a file is missing or cannot be read
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UserError(f"{path} is a pipe, a socket or a device; name an image file.")


def resize_to(image: Image.Image, input_shape: tuple[int, int, int], resize: Resize) -> NDArray[np.uint8]:
    """Resize an image for a network.

    Args:
        image: In RGB.
        input_shape: Height, width and channels; 1 channel is grey.
        resize: "crop" cuts the middle out, "squash" changes the proportions, "pad" adds black beside the whole image.

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
            scale = min(width / image.width, height / image.height)
            size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            resized = image.resize(size, Image.Resampling.LANCZOS)
            image = Image.new(image.mode, (width, height))
            image.paste(resized, (round((width - size[0]) / 2), round((height - size[1]) / 2)))
    return np.asarray(image).reshape(input_shape)


def decode(path: Path, input_shape: tuple[int, int, int], resize: Resize, white: int = WHITE) -> NDArray[np.uint8]:
    """Read an image file and resize it for a network, both to train and to predict.

    Args:
        path: A file that Pillow reads.
        input_shape: Height, width and channels.
        resize: See ``resize_to``.
        white: See ``open_upright``.

    Raises:
        UserError: See ``open_upright``.
    """
    # Decode at twice the size or more, so that resampling still halves it.
    return resize_to(open_upright(path, at_least=2 * max(input_shape[:2]), white=white), input_shape, resize)


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > (LARGEST_JPEG if image.format in {"JPEG", "MPO"} else LARGEST):
        raise Image.DecompressionBombError


def _turn(image: Image.Image) -> Image.Image:
    """Turn an image upright, and return it."""
    image.load()
    with suppress(Exception):  # for damaged metadata Pillow may raise any error; the pixels are good
        ImageOps.exif_transpose(image, in_place=True)
    return image


def largest_grey(path: Path) -> int | None:
    """Return the largest grey value of an image with 16 bits; None for other files."""
    try:
        with path.open("rb") as file:
            beginning = file.read(25)
        # The first bytes of most files say that they have 8 bits; these are not decoded.
        if beginning.startswith((b"\xff\xd8", b"GIF8", b"BM", b"RIFF")):
            return None
        if beginning.startswith(b"\x89PNG") and beginning[24:] != b"\x10":
            return None
        with Image.open(path, formats=formats()) as image:
            return int(np.asarray(image).max(initial=0)) if image.mode.startswith("I") else None
    except Exception:  # decoding will report the error
        return None


def _describe_other_file(path: Path) -> str:
    """Return what a file is that Pillow does not recognize as an image, as a clause that follows the file's name."""
    with path.open("rb") as file:
        beginning = file.read(1024)
    text = beginning.lower()
    if is_heic(path):
        return "is a HEIC photograph, which cannot be read; convert it to JPEG"
    if b"<svg" in text and b"<html" not in text:
        return "is an SVG drawing, which has no pixels; export it as PNG"
    other = describe_other_file(beginning, "an image", "; download the image itself")
    return other or "is not an image that can be read; PNG, JPEG, GIF, BMP, WebP and TIFF are"


def _scale_to_eight_bits(image: Image.Image, white: int) -> Image.Image:
    """Scale whole numbers with more than 8 bits to 8 bits; Pillow would set all above 255 to 255.

    Args:
        image: An image with one channel.
        white: Grey value that counts as white; brighter pixels are white as well.

    Raises:
        ValueError: The range of its pixels is unknown.
    """
    pixels = np.asarray(image)
    highest = pixels.max(initial=0)
    if image.mode == "F" or pixels.min(initial=0) < 0 or highest > WHITE:
        raise ValueError(f"its pixels are {pixels.dtype}, whose range is unknown; save it with 8 or 16 bits a channel")
    # A 32-bit image may contain 8-bit values, unless the folder has another grey value of white.
    if not image.mode.startswith("I;16") and highest <= 255 and white == WHITE:
        return Image.fromarray(pixels.astype("uint8"))
    return Image.fromarray((np.minimum(pixels, white).astype("uint32") * 256 // (white + 1)).astype("uint8"))


def _make_opaque(image: Image.Image, paper: bool) -> Image.Image:
    """Put an image with transparency on black or white, whichever contrasts more with it.

    Ink on its own paper, such as a sheet that a scanning app cut out, is put on the paper's colour instead.
    """
    grey, alpha = (np.asarray(channel) for channel in image.convert("LA").split())
    faintest, middle, brightest = np.percentile(grey[alpha >= 0.9 * alpha.max()], [1, 50, 99])
    on_paper = paper and brightest - faintest > 127
    ground = Image.new("RGBA", image.size, "white" if (middle > 127) == on_paper else "black")
    return Image.alpha_composite(ground, image)
