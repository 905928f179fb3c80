"""The user's own images: read, classified and drawn."""

import os
import warnings
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from cnnzoo import runtime
from cnnzoo.classifier import Classifier, Pixels, Probabilities, open_image_classifier, softmax
from cnnzoo.classifier.metadata import Metadata
from cnnzoo.data import DataSet
from cnnzoo.data.decoding import decode, open_upright
from cnnzoo.data.glyphs import Ink, fit_glyph
from cnnzoo.errors import UserError
from cnnzoo.pictures.evaluation import draw_prediction
from cnnzoo.pictures.style import try_drawing
from cnnzoo.runs import Run
from cnnzoo.runs.facts import to_dict
from cnnzoo.runtime import DeviceChoice
from cnnzoo.text import printable

# Pixels of the longer side of the copy of an image that is drawn.
KEPT_SIDE = 1024

# An image up to this many times longer than wide is resized as a whole, as in torchvision. Of a longer one only the
# centre is resized: 40,000x2 pixels would become 5,120,000x256.
LONGEST_RESIZED = 16

# Images per batch, and threads that decode; each thread needs 150 MB for a photograph of 50 million pixels.
BATCH, DECODERS = 8, 4

# Most bytes of a picture's stem; a file's name can have 255, and the temporary name is longer.
LONGEST_STEM = 180


@dataclass(frozen=True)
class Photograph:
    """An image of any size, and what a network sees of it.

    Attributes:
        pixels: (height, width, channels), the network's size.
        original: The upright image (height, width, 3), each side at most KEPT_SIDE; None if no picture will be drawn.
        size: Width and height of the image; None if no picture will be drawn.
        ink: "dark" if dark strokes on a light background were inverted, "light" if they were light already, None if
            the classifier is not for glyphs.
    """

    pixels: Pixels
    original: Pixels | None
    size: tuple[int, int] | None
    ink: Literal["dark", "light"] | None


@dataclass(frozen=True)
class ClassProbability:
    """A class and its probability."""

    class_name: str
    probability: float


@dataclass(frozen=True)
class Classification:
    """The classes of an image, or why it has none.

    Attributes:
        image: Its file.
        error: Why it could not be classified, as a sentence; the other attributes are empty then.
        ink: See ``Photograph``.
        top: The likeliest classes, the likeliest first.
        probabilities: The probability of each class, by name.
        picture: The file of its picture; None without one.
        picture_error: Why its picture could not be drawn; later ones are not tried then.
    """

    image: str
    error: str | None = None
    ink: Literal["dark", "light"] | None = None
    top: Sequence[ClassProbability] = ()
    probabilities: Mapping[str, float] = field(default_factory=dict)
    picture: str | None = None
    picture_error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the keys of --json: image and error, or the classes."""
        if self.error:
            return {"image": self.image, "error": self.error}
        optional = ("error", "picture_error")
        return {key: value for key, value in to_dict(self).items() if value or key not in optional}


def read_photograph(path: Path, classifier: Classifier, ink: Ink = "auto", *, keep_original: bool = True) -> Photograph:
    """Read an image of any size and bring it to a classifier's size.

    Glyphs are brought into MNIST's form; see ``glyphs.fit_glyph``. Other images are resized as the classifier's data
    set was. For an imported model a photograph is resized by its shorter side and its centre is cut out, as for
    ImageNet.

    Args:
        path: A file that Pillow reads, such as PNG or JPEG.
        classifier: Its ``images`` say how the image is resized.
        ink: For glyphs: "dark" for dark strokes on a light background, "light" for the reverse, "auto" to recognize
            which.
        keep_original: Also return a copy of the image.

    Raises:
        UserError: The file is missing, too large or not an image, or the image is blank.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder in which no image can be found.")
    if not os.path.lexists(path):
        raise UserError(f"There is no file or folder {path}.")
    images, detected_ink = classifier.images, None
    if isinstance(images, DataSet) and not images.glyphs:
        pixels = decode(path, images.input_shape, images.resize, images.white)
        if not keep_original:
            return Photograph(pixels, None, None, None)
    image = open_upright(path, paper=images.glyphs, white=images.white)
    size = image.size
    if isinstance(images, Metadata):
        pixels = _cut_out_centre(image, images.shorter_side, images.input_shape[:2])
    if images.glyphs or keep_original:
        image.thumbnail((KEPT_SIDE, KEPT_SIDE))
    if images.glyphs:
        pixels, detected_ink = fit_glyph(image, size, images.input_shape, ink, path)
    return Photograph(pixels, np.asarray(image) if keep_original else None, size, detected_ink)


def predict(
    source: Run | Path,
    paths: Sequence[Path],
    ink: Ink = "auto",
    top: int = 3,
    device: DeviceChoice = "auto",
    *,
    pictures: int | None = None,
    folder: Path | None = None,
) -> Iterator[Classification]:
    """Classify images, and draw the first ones with their probabilities.

    The results come a few at a time, in the order of the images. Keras is imported only when there is something to
    classify. Only the pictures are written; if that fails, the images are still classified.

    Args:
        source: A finished run, or the file of an imported model.
        paths: Image files.
        ink: See ``read_photograph``.
        top: How many of the likeliest classes to list.
        device: Where to compute.
        pictures: How many images to draw, from the first on; None for all.
        folder: Where the pictures go; by default into the run, or beside the imported model.

    Raises:
        UserError: ``ink`` is set for images that are not glyphs, or a model file has no names of classes.
    """
    classifier = open_image_classifier(source, device)
    images = classifier.images
    if ink != "auto" and not images.glyphs:
        raise UserError(f"--ink {ink} is for handwritten digits, and {images.title} has none; leave it out.")
    default = source.predictions_folder if isinstance(source, Run) else source.parent / f"{source.stem}-predictions"
    album = _Album(folder or default, classifier, paths)
    return _classify(classifier, list(paths), ink, top, len(paths) if pictures is None else pictures, album)


def _classify(
    classifier: Classifier, paths: list[Path], ink: Ink, top: int, pictures: int, album: "_Album"
) -> Iterator[Classification]:
    names, batch_size = classifier.images.class_names, min(BATCH, len(paths))
    with warnings.catch_warnings(), closing(_read_ahead(paths, classifier, ink, pictures)) as read:
        warnings.filterwarnings("ignore", module="PIL")  # about unusual metadata, and sizes that are refused
        outcomes = zip(paths, read, strict=True)
        while chunk := list(islice(outcomes, batch_size)):
            pixels = [photograph.pixels for _, photograph in chunk if isinstance(photograph, Photograph)]
            rows: Iterator[Any] = iter(classifier.batch_logits(np.stack(pixels), batch_size) if pixels else ())
            for path, photograph in chunk:
                if isinstance(photograph, UserError):
                    yield Classification(str(path), str(photograph))
                    continue
                logits = next(rows)
                if not np.isfinite(logits).all():
                    yield Classification(str(path), f"{path}: the logits of {classifier.path} are not finite for it.")
                    continue
                row = softmax(logits[np.newaxis])[0]
                best = [ClassProbability(names[i], float(row[i])) for i in row.argsort()[::-1][:top]]
                probabilities = {name: float(p) for name, p in zip(names, row, strict=True)}
                picture, error = album.add(path, photograph, row)
                yield Classification(str(path), None, photograph.ink, best, probabilities, picture, error)


def _read_ahead(
    paths: Sequence[Path], classifier: Classifier, ink: Ink, pictures: int
) -> Generator[Photograph | UserError]:
    """Yield each image or its error; threads decode the next few while others are classified."""
    pool = ThreadPoolExecutor(min(DECODERS, runtime.available_cores()), thread_name_prefix="decoding")
    futures: deque[Future[Photograph]] = deque()
    try:
        for index, path in enumerate(paths):
            futures.append(pool.submit(read_photograph, path, classifier, ink, keep_original=index < pictures))
            if len(futures) > 2 * BATCH:
                yield _get_result(futures.popleft())
        while futures:
            yield _get_result(futures.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _get_result(future: "Future[Photograph]") -> Photograph | UserError:
    try:
        return future.result()
    except UserError as error:
        return error


def _cut_out_centre(image: Image.Image, shorter_side: int, size: tuple[int, int]) -> Pixels:
    """Resize a photograph by its shorter side and return its centre, as torchvision does it.

    Args:
        image: The photograph, in RGB.
        shorter_side: Length of that side after resizing, in pixels.
        size: Height and width of the centre.
    """
    shorter = min(image.size)
    width, height = shorter_side * image.width // shorter, shorter_side * image.height // shorter
    left, top = round((width - size[1]) / 2), round((height - size[0]) / 2)
    right, bottom = left + size[1], top + size[0]
    if max(image.size) <= LONGEST_RESIZED * shorter:
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized.crop((left, top, right, bottom)))
    across, down = image.width / width, image.height / height
    box = (left * across, top * down, right * across, bottom * down)
    # Pillow rounds the box to single precision, so a pixel may differ by one grey value.
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=box))


class _Album:
    """Draws the predictions of a call, and names their files in one folder.

    Args:
        folder: Created with the first picture.
        classifier: Its title and classes are on the pictures.
        paths: The images of the call; pictures do not overwrite those in the folder.
    """

    def __init__(self, folder: Path, classifier: Classifier, paths: Sequence[Path]) -> None:
        self._folder = folder
        self._classifier = classifier
        real_folder = os.path.realpath(folder)
        inputs = (path for path in paths if os.path.realpath(path.parent) == real_folder)
        self._taken = {path.stem.casefold() for path in inputs if path.suffix.casefold() == ".png"}
        self._failed = False

    def add(self, path: Path, photograph: Photograph, probabilities: Probabilities) -> tuple[str | None, str | None]:
        """Draw an image; return its picture, and why it could not be drawn."""
        pixels, original, size = photograph.pixels, photograph.original, photograph.size
        if original is None or self._failed:
            return None, None
        picture, names = self._find_free_path(path), self._classifier.images.class_names
        title = f"{printable(path.name)}, classified by {printable(self._classifier.title)}"
        error = try_drawing(
            picture,
            draw_prediction,
            pixels,
            original,
            probabilities,
            names,
            size=size,
            title=title,
        )
        self._failed = error is not None
        return (None, error) if error else (str(picture), None)

    def _find_free_path(self, path: Path) -> Path:
        """Return the path of a new picture, different from all images and pictures of this call."""
        stem = printable(path.stem).encode()[:LONGEST_STEM].decode(errors="ignore")
        free, number = stem, 1
        while free.casefold() in self._taken:  # some disks do not distinguish upper and lower case
            number += 1
            free = f"{stem}-{number}"
        self._taken.add(free.casefold())
        return self._folder / f"{free}.png"
