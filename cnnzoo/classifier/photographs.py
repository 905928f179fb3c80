"""A person's own images, classified by a finished run or by an imported model."""

import os
import warnings
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from cnnzoo import data, runtime
from cnnzoo.classifier import Probabilities, compute_logits, load_classifier, metadata, softmax
from cnnzoo.classifier.metadata import Metadata
from cnnzoo.data import DataSet
from cnnzoo.data.decoding import WHITE, decode, open_upright
from cnnzoo.data.glyphs import Ink, Pixels, fit_glyph
from cnnzoo.errors import UserError
from cnnzoo.pictures.evaluation import draw_prediction
from cnnzoo.pictures.style import try_drawing
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice
from cnnzoo.text import printable

# Pixels of the longer side of the copy of an image that is drawn.
KEPT_SIDE = 1024

# Up to this many times longer than wide, an image is resized whole, as torchvision does it. Of a longer one only the
# part that is used is resized: the whole of 40,000x2 pixels would become 5,120,000x256.
LONGEST_RESIZED = 16

# Images that are computed at once, and threads that decode; a photograph of 50 million pixels takes 150 MB meanwhile.
BATCH, DECODERS = 8, 4

# The bytes of a picture's stem; a file's name has room for 255, and a temporary one is longer.
LONGEST_STEM = 180


@dataclass(frozen=True)
class Seen:
    """An image as the network sees it.

    Attributes:
        pixels: (height, width, channels), the network's size.
        original: What was read, upright, for the picture: (height, width, 3), at most KEPT_SIDE a side; None where
            no picture will be drawn.
        size: Width and height of what was read; None where ``original`` is.
        ink: "dark" where dark strokes on a light ground were turned round, "light" where nothing was,
            None where the data set is not one of glyphs.
    """

    pixels: Pixels
    original: Pixels | None
    size: tuple[int, int] | None
    ink: Literal["dark", "light"] | None


@dataclass(frozen=True)
class _Classifier:
    """A saved model and what it says of its images.

    Attributes:
        data: The data set that it was trained on, or the description of an imported model.
        path: Its file.
        title: Its name on the pictures.
        folder: Where the pictures go by default.
        backend: The backend that it was trained on; None where that is unknown.
        threads: Processor threads of one operation; None for all.
    """

    data: DataSet | Metadata
    path: Path
    title: str
    folder: Path
    backend: str | None = None
    threads: int | None = None


def see(path: Path, known: DataSet | Metadata, ink: Ink = "auto", *, keep_original: bool = True) -> Seen:
    """Read an image of any size and bring it into the form of a data set, or into that of an imported model.

    Glyphs are brought into MNIST's form; see ``glyphs.fit_glyph``. Other images are brought to the size as the data
    set's own were. For an imported model a photograph is resized by its shorter side and its centre is cut out, as
    ImageNet's are.

    Args:
        path: A file that Pillow reads, such as PNG or JPEG.
        known: The data set that the network was trained on, or what an imported model says of itself.
        ink: For glyphs: "dark" for dark strokes on a light ground, "light" for the reverse, "auto" to judge
            by what stands out.
        keep_original: Return a copy of what was read, too.

    Raises:
        UserError: The file is missing, too large or no image, or the image is blank.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder in which no image can be found.")
    glyphs = isinstance(known, DataSet) and known.glyphs
    if isinstance(known, DataSet) and not glyphs:
        pixels = decode(path, known.input_shape, known.resize, known.white)
        if not keep_original:
            return Seen(pixels, None, None, None)
    image = open_upright(path, paper=glyphs, white=known.white if isinstance(known, DataSet) else WHITE)
    size, seen_ink = image.size, None
    if isinstance(known, Metadata):
        pixels = _centre(image, known.shorter_side, known.input_shape[:2])
    if glyphs or keep_original:
        image.thumbnail((KEPT_SIDE, KEPT_SIDE))
    if glyphs:
        pixels, seen_ink = fit_glyph(image, size, known.input_shape, ink, path)
    return Seen(pixels, np.asarray(image), size, seen_ink) if keep_original else Seen(pixels, None, None, seen_ink)


def predict(
    source: Run | Path,
    paths: Sequence[Path],
    ink: Ink = "auto",
    top: int = 3,
    device: DeviceChoice = "auto",
    *,
    pictures: int | None = None,
    folder: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """Classify images, and draw the first ones with their probabilities.

    The results come a few at a time, in the order of the images. Keras is imported only when there is something to
    classify. Nothing is written but the pictures; where they cannot be written, the images are classified all the same.

    Args:
        source: A finished run, or the file of an imported model.
        paths: Image files.
        ink: See ``see``.
        top: Classes to name, the likeliest first.
        device: Where to compute.
        pictures: How many images to draw, from the first on; None for all.
        folder: Where the pictures go; by default into the run, or beside the imported model.

    Returns:
        For each image: image, ink, top (class and probability), probabilities, picture (None without one), and
        picture_error (a sentence) where its picture could not be written, after which no other is drawn; for one that
        cannot be taken: image, error (a sentence).

    Raises:
        UserError: Ink is stated where the data are no glyphs, or a model's file does not say what its
            classes are called.
    """
    classifier = _classifier_of(source)
    known = classifier.data
    if ink != "auto" and not (isinstance(known, DataSet) and known.glyphs):
        raise UserError(f"--ink {ink}: {known.title} has no strokes on a ground; leave the option out.")
    album = _Album(folder or classifier.folder, known.class_names, classifier.title)
    return _classify(classifier, list(paths), ink, top, device, len(paths) if pictures is None else pictures, album)


def _classify(
    classifier: _Classifier,
    paths: list[Path],
    ink: Ink,
    top: int,
    device: DeviceChoice,
    pictures: int,
    album: "_Album",
) -> Iterator[dict[str, Any]]:
    known = classifier.data
    batch_size = min(BATCH, len(paths))
    model: Any = None
    with warnings.catch_warnings(), closing(_read_ahead(paths, known, ink, pictures)) as read:
        warnings.filterwarnings("ignore", module="PIL")  # of metadata in a strange form, and of sizes that are refused
        outcomes = zip(paths, read, strict=True)
        while chunk := list(islice(outcomes, batch_size)):
            pixels = [seen.pixels for _, seen in chunk if isinstance(seen, Seen)]
            if pixels:
                model = model or _load(classifier, device)
                rows = iter(compute_logits(model, np.stack(pixels), batch_size))
            for path, seen in chunk:
                if isinstance(seen, UserError):
                    yield {"image": str(path), "error": str(seen)}
                    continue
                logits = next(rows)
                if not np.isfinite(logits).all():
                    yield {"image": str(path), "error": f"{path}: {classifier.path} gives no finite numbers for it."}
                    continue
                row = softmax(logits[np.newaxis])[0]
                order = row.argsort()[::-1][:top]
                yield {
                    "image": str(path),
                    "ink": seen.ink,
                    "top": [{"class": known.class_names[i], "probability": float(row[i])} for i in order],
                    "probabilities": {name: float(p) for name, p in zip(known.class_names, row, strict=True)},
                    **album.add(path, seen, row),
                }


def _read_ahead(
    paths: Sequence[Path], known: DataSet | Metadata, ink: Ink, pictures: int
) -> Generator[Seen | UserError]:
    """Yield what becomes of each image; threads decode the next few while the last few are computed."""
    pool = ThreadPoolExecutor(min(DECODERS, runtime.available_cores()), thread_name_prefix="decoding")
    futures: deque[Future[Seen]] = deque()
    try:
        for index, path in enumerate(paths):
            futures.append(pool.submit(see, path, known, ink, keep_original=index < pictures))
            if len(futures) > 2 * BATCH:
                yield _outcome(futures.popleft())
        while futures:
            yield _outcome(futures.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _outcome(future: "Future[Seen]") -> Seen | UserError:
    try:
        return future.result()
    except UserError as error:
        return error


def _load(classifier: _Classifier, device: DeviceChoice) -> Any:
    known = classifier.data
    runtime.prepare_for_saved_model(classifier.backend, device, classifier.threads)
    return load_classifier(classifier.path, known.input_shape, len(known.class_names))


def _classifier_of(source: Run | Path) -> _Classifier:
    if isinstance(source, Run):
        config = source.config()
        backend, threads = config.runtime.backend, config.runtime.threads
        folder = source.predictions_folder
        return _Classifier(data.describe(config.data), source.model_path, source.name, folder, backend, threads)
    known = metadata.read(source)
    if known is None:
        raise UserError(
            f"{source} does not say what its classes are called; name a run, or a model of `weights import`."
        )
    return _Classifier(known, source, known.title, source.parent / f"{source.stem}-predictions")


def _centre(image: Image.Image, shorter_side: int, size: tuple[int, int]) -> Pixels:
    """Return the centre of a photograph that was resized by its shorter side, as torchvision does it.

    Args:
        image: In RGB.
        shorter_side: Pixels of that side once it is resized.
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
    """The pictures of predictions in a folder.

    Args:
        folder: Made with the first picture.
        class_names: In the probabilities' order.
        title: Of the network, for the pictures' titles.
    """

    def __init__(self, folder: Path, class_names: Sequence[str], title: str) -> None:
        self._folder = folder
        self._class_names = class_names
        self._title = title
        self._taken: set[str] = set()
        self._is_writable = True

    def add(self, path: Path, seen: Seen, probabilities: Probabilities) -> dict[str, str | None]:
        """Draw an image and return picture, its path or None, and picture_error where it could not be written."""
        if seen.original is None or not self._is_writable:
            return {"picture": None}
        picture = self._free_path(path)
        name = printable(path.name)
        problem = try_drawing(
            picture,
            draw_prediction,
            seen.pixels,
            seen.original,
            probabilities,
            self._class_names,
            size=seen.size,
            title=f"{name}, classified by {printable(self._title)}",
        )
        if problem:
            self._is_writable = False
            return {"picture": None, "picture_error": problem}
        return {"picture": str(picture)}

    def _free_path(self, path: Path) -> Path:
        """Return a path that no other image of this call has."""
        stem = os.fsencode(path.stem)[:LONGEST_STEM].decode(errors="replace")
        free, number = stem, 1
        while free.casefold() in self._taken:  # some disks take capital and small letters for the same
            number += 1
            free = f"{stem}-{number}"
        self._taken.add(free.casefold())
        return self._folder / f"{free}.png"
