"""What the commands of the lab share that look into a trained model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from numpy.typing import NDArray

from cnnzoo import runs
from cnnzoo.classifier import Classifier, open_classifier
from cnnzoo.classifier.photographs import read_photograph
from cnnzoo.config import Split
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice

if TYPE_CHECKING:
    from cnnzoo.evaluation.images import SplitImages
    from cnnzoo.lab.layers import ModelLayers

image_argument = click.argument("image", metavar="IMAGE|NUMBER")
source_argument = click.argument("source", metavar="RUN|MODEL", type=click.Path(path_type=Path))
unfinished_option = click.option("--unfinished", is_flag=True, help="Use what an unfinished run has reached.")


def open_source(source: Path, device: DeviceChoice | None, unfinished: bool) -> tuple[Run | None, Classifier]:
    """Open a run, or a model of `weights import`; return the run, if it is one, and the classifier.

    Raises:
        UserError: There is neither, or the run is not finished.
    """
    if source.suffix == ".keras" and source.is_file():
        return None, open_classifier(source, device or "auto")
    run = runs.open_finished(source, unfinished)
    return run, open_classifier(run, device or "auto")


def open_layers(classifier: Classifier) -> "ModelLayers":
    """Load the model of a classifier and open its layers; this imports Keras."""
    model = classifier.model
    from cnnzoo.lab.layers import ModelLayers  # after the runtime has chosen the backend

    return ModelLayers(model)


def load_split(run: Run | None, split: Split, data_dir: Path | None, most: int) -> "SplitImages":
    """Load up to ``most`` images of a run's split, evenly spaced.

    Raises:
        UserError: There is no run, so there are no images.
    """
    if run is None:
        raise UserError("Name a run: an imported model has no images of its own.")
    from cnnzoo.evaluation.images import ImageLoader, SplitImages

    images = ImageLoader(data_dir).load(run, run.config(), split)
    if len(images.subset) <= most:
        return images
    mask = np.zeros(len(images.subset), bool)
    mask[np.linspace(0, len(mask) - 1, most).round().astype(int)] = True
    hashes = tuple(value for value, is_kept in zip(images.hashes, mask, strict=True) if is_kept)
    note = f"{most:,} of {len(mask):,} {split} images, evenly spaced"
    return SplitImages(images.split, images.subset.select(mask).with_note(note), hashes)


def read_image(
    run: Run | None, classifier: Classifier, image: str, data_dir: Path | None
) -> tuple[str, NDArray[np.uint8]]:
    """Return the name and the pixels (height, width, channels) of a file, or of a validation image by its number.

    Raises:
        UserError: The file cannot be read, or there is no image of that number.
    """
    if not image.isdecimal() or Path(image).exists():
        pixels = read_photograph(Path(image), classifier, keep_original=False).pixels
        return Path(image).name, np.asarray(pixels)
    images = load_split(run, "validation", data_dir, sys.maxsize).subset
    number = int(image)
    if number >= len(images):
        raise UserError(f"There is no validation image {number}; this run has 0 to {len(images) - 1:,}.")
    mask = np.arange(len(images)) == number
    class_name = classifier.images.class_names[images.labels[number]]
    return f"validation image {number} ({class_name})", images.select(mask).pixels[0]


def find_class(classifier: Classifier, name: str | None, logits: NDArray[np.float32]) -> int:
    """Return the number of a named class, or of the likeliest one.

    Raises:
        UserError: There is no such class; the nearest name is suggested.
    """
    from cnnzoo.errors import did_you_mean

    names = list(classifier.images.class_names)
    if name is None:
        return int(logits.argmax())
    if name not in names:
        raise UserError(f"--class {name}: {classifier.title} has no such class.{did_you_mean(name, names)}")
    return names.index(name)
