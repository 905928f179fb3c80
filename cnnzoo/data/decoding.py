"""Reads image files of any format: upright, with 8 bits a channel, and resized for a network."""

import threading
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from cnnzoo.downloads.damage import describe_other_file
from cnnzoo.errors import UserError

Resize = Literal["crop", "squash", "pad"]

# Pixels of the largest image that is read. Phones take photographs of 200 million, and a JPEG of that size can be
# decoded at a fraction of it.
LARGEST, LARGEST_JPEG = 128 * 10**6, 256 * 10**6
# Larger images than this are decoded one at a time, because each takes hundreds of megabytes.
LARGE = 40 * 10**6
# Bytes of text or of a colour profile in a PNG; Pillow's own limit is one million.
LONGEST_METADATA = 64 * 2**20

# Grey value that counts as white in images of 16 bits.
WHITE = 65_535

# Pillow only recognizes the first four and decodes none of them; EPS is a program that Ghostscript would have to run.
NOT_DECODED = {"BUFR", "GRIB", "HDF5", "MPEG", "EPS"}

# Files of cameras, in which Pillow would take a small preview for the photograph.
RAW_ENDINGS = {
    *(".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".kdc", ".mef", ".mrw", ".nef", ".nrw", ".orf", ".pef"),
    *(".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
}
HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}

# Formats whose first bytes are unmistakable: a file that begins so is an image, whatever its name.
UNMISTAKABLE = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")

# The EXIF tag that says how to turn an image upright, and the turn for each of its values.
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_one_large_image = threading.Lock()


@cache
def formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats that are read, and raise Pillow's limits to ours."""
    Image.init()
    if Image.MAX_IMAGE_PIXELS is not None:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, 8 * LARGEST_JPEG)  # where it would only warn
    PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, LONGEST_METADATA)
    PngImagePlugin.MAX_TEXT_MEMORY = max(PngImagePlugin.MAX_TEXT_MEMORY, 4 * LONGEST_METADATA)
    return tuple(name for name in Image.OPEN if name not in NOT_DECODED)


@cache
def endings() -> frozenset[str]:
    """Return the endings of these formats' file names, in lower case and with their dots."""
    return frozenset(ending for ending, name in Image.registered_extensions().items() if name in formats())


def begins_like_an_image(path: Path) -> bool:
    """Return whether a file is an image by its first bytes.

    Raises:
        OSError: The file cannot be read.
    """
    unmistakable = [name for name in UNMISTAKABLE if name in formats()]  # older versions of Pillow have no AVIF
    with path.open("rb") as file:
        try:
            with Image.open(file, formats=unmistakable):
                return True
        except Exception:  # a damaged header may raise anything in Pillow's decoders
            return False


def is_heic(path: Path) -> bool:
    """Return whether a file is a photograph in the format of iPhones, which Pillow does not read.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return _begins_like_heic(file.read(12))


def open_upright(path: Path, *, paper: bool = False, at_least: int | None = None, white: int = WHITE) -> Image.Image:
    """Return an image upright and in RGB, whatever the file holds.

    Args:
        path: A file that Pillow reads.
        paper: A transparent image may be ink that brings its own paper, and is laid on more of it then.
        at_least: Pixels that each side needs; a large JPEG is decoded at a half, a quarter or an eighth of its size
            while both sides keep as many.
        white: Grey value that counts as white in an image of 16 bits.

    Raises:
        UserError: The file is missing, too large or no image, or is damaged.
    """
    if path.suffix.lower() in RAW_ENDINGS:
        raise UserError(f"{path} is a camera's raw file, which is not read here; export it as JPEG.")
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
        raise UserError(f"{path} is a folder; name an image.") from None
    except UnidentifiedImageError:
        raise UserError(f"{path} {_describe_other_file(path)}.") from None
    except Image.DecompressionBombError:
        most = f"{LARGEST // 10**6} million pixels, or {LARGEST_JPEG // 10**6} million in a JPEG"
        raise UserError(f"{path} has more than {most}; make it smaller.") from None
    except Exception as error:  # a damaged file may bring up anything in Pillow's decoders
        reason = (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")
        raise UserError(f"{path} cannot be read as an image: {reason}.") from None


def resize_to(image: Image.Image, input_shape: tuple[int, int, int], resize: Resize) -> NDArray[np.uint8]:
    """Return an image in a network's size.

    Args:
        image: In RGB.
        input_shape: Height, width and channels; 1 channel is grey.
        resize: "crop" cuts the middle out, "squash" changes the proportions, "pad" puts black beside the whole image.

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
            whole = image.resize(size, Image.Resampling.LANCZOS)
            image = Image.new(image.mode, (width, height))
            image.paste(whole, (round((width - size[0]) / 2), round((height - size[1]) / 2)))
    return np.asarray(image).reshape(input_shape)


def decode(path: Path, input_shape: tuple[int, int, int], resize: Resize, white: int = WHITE) -> NDArray[np.uint8]:
    """Read an image file in a network's size, in training and in prediction alike.

    Args:
        path: A file that Pillow reads.
        input_shape: Height, width and channels.
        resize: See ``resize_to``.
        white: See ``open_upright``.

    Raises:
        UserError: See ``open_upright``.
    """
    # Twice the size, so that the resampling still makes a half of it or less.
    return resize_to(open_upright(path, at_least=2 * max(input_shape[:2]), white=white), input_shape, resize)


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > (LARGEST_JPEG if image.format in {"JPEG", "MPO"} else LARGEST):
        raise Image.DecompressionBombError


def largest_grey(path: Path) -> int | None:
    """Return the largest grey value of an image of 16 bits; None for every other file."""
    try:
        with path.open("rb") as file:
            beginning = file.read(25)
        # The first bytes show that most files have 8 bits, and these are not opened.
        if beginning.startswith((b"\xff\xd8", b"GIF8", b"BM", b"RIFF")):
            return None
        if beginning.startswith(b"\x89PNG") and beginning[24:] != b"\x10":
            return None
        with Image.open(path, formats=formats()) as image:
            return int(np.asarray(image).max(initial=0)) if image.mode.startswith("I") else None
    except Exception:  # decoding will report the error
        return None


def _turn(image: Image.Image) -> Image.Image:
    image.load()
    try:
        orientation = image.getexif().get(ORIENTATION)
    except Exception:  # damaged metadata may raise anything, and the pixels are good
        orientation = None
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _begins_like_heic(beginning: bytes) -> bool:
    return beginning[4:8] == b"ftyp" and beginning[8:12] in HEIC_BRANDS


def _describe_other_file(path: Path) -> str:
    """Return what a file is that Pillow does not recognize as an image, as a clause that follows the file's name."""
    with path.open("rb") as file:
        beginning = file.read(1024)
    text = beginning.lower()
    if _begins_like_heic(beginning):
        return "is a HEIC photograph, which is not read here; convert it to JPEG"
    if b"<svg" in text and b"<html" not in text:
        return "is an SVG drawing, which has no pixels; export it as PNG"
    other = describe_other_file(beginning, "an image", "; download the image itself")
    return other or "is not an image that can be read; PNG, JPEG, GIF, BMP, WebP and TIFF are"


def _scale_to_eight_bits(image: Image.Image, white: int) -> Image.Image:
    """Bring whole numbers of more bits to 8, where Pillow would cut them off at 255.

    Args:
        image: Of one channel.
        white: Grey value that counts as white; brighter pixels are white as well.

    Raises:
        ValueError: The range of its pixels is unknown.
    """
    pixels = np.asarray(image)
    highest = pixels.max(initial=0)
    if image.mode == "F" or pixels.min(initial=0) < 0 or highest > WHITE:
        raise ValueError(f"its pixels are {pixels.dtype}, whose range is unknown; save it with 8 or 16 bits a channel")
    # An image of 32 bits may hold grey values of 8, unless the other images of its folder set another white.
    if not image.mode.startswith("I;16") and highest <= 255 and white == WHITE:
        return Image.fromarray(pixels.astype("uint8"))
    return Image.fromarray((np.minimum(pixels, white).astype("uint32") * 256 // (white + 1)).astype("uint8"))


def _make_opaque(image: Image.Image, paper: bool) -> Image.Image:
    """Lay an image with transparency on black or white, whichever its opaque part stands out from.

    Ink with its own paper, such as a sheet cut out by a scanning app, is laid on the paper's colour instead.
    """
    grey, alpha = (np.asarray(channel) for channel in image.convert("LA").split())
    faintest, middle, brightest = np.percentile(grey[alpha >= 0.9 * alpha.max()], [1, 50, 99])
    on_paper = paper and brightest - faintest > 127
    ground = Image.new("RGBA", image.size, "white" if (middle > 127) == on_paper else "black")
    return Image.alpha_composite(ground, image)
