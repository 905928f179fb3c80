"""What the commands of the lab share that look into a trained model."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from cnnzoo import runs
from cnnzoo.classifier import Classifier, open_image_classifier
from cnnzoo.classifier.photographs import read_photograph
from cnnzoo.config import Split
from cnnzoo.data.sets.image_files import describe_left_out, find_images
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice
from cnnzoo.text import printable

if TYPE_CHECKING:
    from cnnzoo.evaluation.images import ImageLoader, SplitImages
    from cnnzoo.lab.layers import ModelLayers

image_argument = click.argument("image", metavar="IMAGE|NUMBER")
source_argument = click.argument("source", metavar="RUN|MODEL", type=click.Path(path_type=Path))
split_option = click.option(
    "--split",
    type=click.Choice(["validation", "train"]),
    default="validation",
    show_default=True,
    help="Images of the run.",
)
folder_option = click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Use the images of a folder, such as for an imported model, which has none of its own.",
)
unfinished_option = click.option("--unfinished", is_flag=True, help="Use what an unfinished run has reached.")


def open_source(source: Path, device: DeviceChoice | None, unfinished: bool) -> tuple[Run | None, Classifier]:
    """Open a run, or a model of `weights import`; return the run, if it is one, and the classifier.

    Raises:
        UserError: There is neither, or the run is not finished.
    """
    if source.suffix == ".keras" and source.is_file():
        return None, open_image_classifier(source, device or "auto")
    if source.suffix == ".keras" and not source.exists():
        raise UserError(f"There is no file {source}; cnnzoo weights import makes one.")
    run = runs.open_finished(source, unfinished)
    return run, open_image_classifier(run, device or "auto")


def open_layers(classifier: Classifier) -> "ModelLayers":
    """Load the model of a classifier and open its layers; this imports Keras."""
    model = classifier.model
    from cnnzoo.lab.layers import ModelLayers  # after the runtime has chosen the backend

    return ModelLayers(model)


@dataclass(frozen=True)
class LabImages:
    """Images on which the lab measures a model.

    Attributes:
        pixels: (count, height, width, channels), 0 to 255.
        labels: Their classes (count,); None for images of a folder, which have none.
        source: Where they come from, such as "test images".
        note: What is left out; empty if nothing is.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.integer[Any]] | None
    source: str
    note: str = ""


def load_images(
    run: Run | None, classifier: Classifier, split: Split, loader: "ImageLoader", folder: Path | None, most: int
) -> LabImages:
    """Load up to ``most`` images of a folder, or of a run's split without one; evenly spaced if there are more.

    Raises:
        UserError: There is neither a folder nor a run, or an image cannot be read.
    """
    if folder:
        return _load_folder(folder, classifier, most)
    images = _load_split(run, split, loader)
    subset, note = images.subset, images.subset.note
    if len(subset) > most:
        mask = np.zeros(len(subset), bool)
        mask[spread(len(subset), most)] = True
        subset, note = subset.select(mask), f"{most:,} of {len(mask):,} {split} images, evenly spaced"
    return LabImages(subset.pixels, subset.labels, f"{split} images", note)


def make_loader(data_dir: Path | None) -> "ImageLoader":
    """Return a loader of the images of runs, which loads those that several runs share once."""
    from cnnzoo.evaluation.images import ImageLoader

    return ImageLoader(data_dir)


def _load_split(run: Run | None, split: Split, loader: "ImageLoader") -> "SplitImages":
    if run is None:
        raise UserError("An imported model has no images of its own; name a folder of images: --folder FOLDER")
    return loader.load(run, run.config(), split)


def _load_folder(folder: Path, classifier: Classifier, most: int) -> LabImages:
    paths, left_out = find_images(folder)
    if not paths:
        raise UserError(f"--folder {folder}: there are no images in it.")
    notes = [f"left out: {describe_left_out(left_out, folder)}"] if left_out else []
    if len(paths) > most:
        notes.insert(0, f"{most:,} of {len(paths):,} images, evenly spaced")
    chosen = [paths[place] for place in spread(len(paths), min(most, len(paths)))]
    pixels = [np.asarray(read_photograph(path, classifier, keep_original=False).pixels) for path in chosen]
    return LabImages(np.stack(pixels), None, f"images in {printable(folder.name)}", "; ".join(notes))


def spread(count: int, most: int) -> NDArray[np.integer[Any]]:
    """Return the numbers of ``most`` of ``count`` images, evenly spaced."""
    return np.linspace(0, count - 1, most).round().astype(int)


def read_image(
    run: Run | None, classifier: Classifier, image: str, data_dir: Path | None
) -> tuple[str, NDArray[np.uint8]]:
    """Return the name and the pixels (height, width, channels) of a file, or of a validation image by its number.

    Raises:
        UserError: The file cannot be read, or there is no image of that number.
    """
    if not image.isdecimal() or Path(image).exists():
        photograph = read_photograph(Path(image), classifier, keep_original=False)
        inverted = ", inverted" if photograph.ink == "dark" else ""
        return f"{Path(image).name}{inverted}", np.asarray(photograph.pixels)
    if run is None:
        raise UserError(f"There is no image {image}, and an imported model has no validation images to number.")
    images = _load_split(run, "validation", make_loader(data_dir)).subset
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
