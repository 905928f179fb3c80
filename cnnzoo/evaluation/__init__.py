"""A run and a split become a report; predictions are computed once and kept."""

import hashlib
import os
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from cnnzoo import data, files, runtime
from cnnzoo.classifier import Probabilities, load_classifier, probabilities_of
from cnnzoo.config import Config, FolderSection, Split
from cnnzoo.data.sets.folder import folder_of
from cnnzoo.errors import UserError
from cnnzoo.pictures.evaluation import draw_confusion
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice
from cnnzoo.text import normalized, printable

PREDICT_BATCH_SIZE = 500

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Predictions:
    """What a run's model says of a split.

    Attributes:
        probabilities: (count, num_classes), rows summing to 1.
        labels: The true classes (count,).
        computed_on: Backend and device in words; None where they are an ensemble's.
        remark: What is to be said of the images, if anything.
        image_hashes: Of ``Subset.hashes`` (count,); empty unless asked for.
    """

    probabilities: Probabilities
    labels: Labels
    computed_on: str | None = None
    remark: str = ""
    image_hashes: tuple[bytes, ...] = ()


def split_of(
    config: Config, split: Split, data_dir: Path | None = None, division: Mapping[str, str] | None = None
) -> data.Subset:
    """Load the images that a run calls its train, validation or test split.

    Args:
        config: The run's config.
        split: "train" and "validation" divide the training images as in the run; "test" is apart.
        data_dir: Where the data set lies; None to search for it.
        division: The part of each file that the run was trained with; see ``Run.division``.
    """
    if split == "test":
        return data.load(config.data, "test", data_dir)
    classes = len(data.describe(config.data).class_names)
    whole = data.load(config.data, "train", data_dir).as_divided(division or {})
    training, validation = data.hold_out(whole, config.data.validation, classes)
    return training if split == "train" else validation


def _as_divided(run: Run, split: Split, images: data.Subset) -> data.Subset:
    """Leave out the images of a folder that have come to this split since the training, and say so.

    What is drawn moves at its borders when files come or go or get other names, and a test image would be one that the
    network learnt. Say as well which of the images that the run has learnt are gone.

    Raises:
        UserError: None are left.
    """
    if not images.names or images.folder is None:
        return images
    parts = {normalized(name): part for name, part in run.division().items()}
    if not parts:
        unknown = f"which of them the network learnt is not known, as {run.division_path.name} is missing or empty"
        return images.with_note(unknown)
    gone = [name for name in run.division() if not _is_there(images.folder, name)]
    contents = run.division_hashes()
    moved_here = {bytes.fromhex(contents[name]) for name in gone if name in contents}
    hashes = images.hashes() if split == "test" and moved_here else [b""] * len(images.names)
    fits = [
        parts.get(normalized(name)) == (None if split == "test" else split) and found not in moved_here
        for name, found in zip(images.names, hashes, strict=True)
    ]
    if gone:
        images = images.with_note(
            f"{len(gone):,} of the {len(parts):,} images that the run has learnt from and validated on are gone or "
            f"renamed in {images.folder}, such as {printable(gone[0])}",
        )
    moved = fits.count(False)
    if not moved:
        return images
    if moved == len(fits):
        raise UserError(f"All images that would be the {split} split were in another when {run.directory} was trained.")
    note = f"{moved:,} of {len(fits):,} left out: they were no {split} images when the run was trained"
    return images.select(np.array(fits)).with_note(note)


def _is_there(folder: Path, name: str) -> bool:
    """Return whether a file is in a folder, however the folder stores the accents of its name."""
    forms = (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD")))
    return any(os.path.exists(folder / form) for form in forms)  # noqa: PTH110 - pathlib's may raise


def predict(
    run: Run,
    split: Split = "test",
    data_dir: Path | None = None,
    device: DeviceChoice = "auto",
    *,
    with_hashes: bool = False,
) -> Predictions:
    """Return a run's predictions on a split, from its file when that fits model and images.

    Keras is imported only when there is something to compute. The run is to be locked.

    Args:
        run: A finished run.
        split: Which images.
        data_dir: Where the data set lies; None to search for it.
        device: Where to compute, if there is something to compute.
        with_hashes: Return a hash of each image as well, to compare the images of several runs by.
    """
    config = run.config()
    images = _as_divided(run, split, split_of(config, split, data_dir, run.division()))
    hashes = images.hashes() if with_hashes else ()
    contents = (run.model_path.read_bytes(), images.fingerprint(), images.labels.tobytes())
    fingerprint = hashlib.sha256(b"".join(contents)).hexdigest()
    path = run.predictions_path(split)
    kept = _read_predictions(path, fingerprint, device)
    if kept is not None:
        return replace(kept, remark=images.note, image_hashes=hashes)
    used = runtime.prepare_for_saved_model(config.runtime.backend, device, config.runtime.threads)
    known = data.describe(config.data)
    model = load_classifier(run.model_path, known.input_shape, len(known.class_names))
    logits = np.concatenate([model.predict(part, batch_size=PREDICT_BATCH_SIZE, verbose=0) for part in images.chunks()])
    predictions = Predictions(probabilities_of(logits, run.model_path), images.labels, str(used), images.note, hashes)
    with files.whole(path) as temporary:
        np.savez_compressed(
            temporary,
            probabilities=predictions.probabilities,
            labels=predictions.labels,
            computed_on=np.array(str(used)),
            device=np.array(used.kind),
            fingerprint=np.array(fingerprint),
        )
    return predictions


def evaluate(
    run: Run, split: Split = "test", data_dir: Path | None = None, device: DeviceChoice = "auto"
) -> dict[str, Any]:
    """Measure a run on a split; write report, predictions and the picture of the confusion matrix.

    Args:
        run: A finished run.
        split: Which images; "test" is read here and in ensembles alone.
        data_dir: Where the data set lies; None to search for it.
        device: Where to compute, if there is something to compute.

    Returns:
        The report of ``report``, with the run, its seed, the split and where it was computed.
    """
    config = run.config()
    known = data.describe(config.data)
    predictions = predict(run, split, data_dir, device)
    result = {
        "run": str(run.directory),
        "model": config.model.name,
        "data": config.data.name,
        "folder": _folder(config, data_dir),
        "split": split,
        "seed": config.seed,
        "computed_on": predictions.computed_on,
        **report(predictions, known.class_names),
    }
    files.write_json(run.report_path(split), result)
    title = f"{config.model.name} on {known.title}, {split} images: {100 * result['accuracy']:.2f} % right"
    draw_confusion(result["confusion"], known.class_names, run.confusion_path(split), title=title)
    return result


def _folder(config: Config, data_dir: Path | None) -> str | None:
    """Return the folder of a person's own images that is measured; None for other data sets."""
    section = config.data
    return str(folder_of(section, data_dir)) if isinstance(section, FolderSection) else None


def report(predictions: Predictions, class_names: tuple[str, ...]) -> dict[str, Any]:
    """Measure predictions.

    Args:
        predictions: Probabilities and labels of some images.
        class_names: One per class.

    Returns:
        images, remark (a note on them), correct, accuracy, error (fractions of 1), loss (mean cross-entropy in nats),
        per_class (precision, recall and f1, the last two None for a class without images; images) and confusion (rows
        true, columns predicted; counts).
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support  # takes a second

    labels, chosen = predictions.labels, predictions.probabilities.argmax(axis=1)
    classes = list(range(len(class_names)))
    correct = int((chosen == labels).sum())
    likelihood = predictions.probabilities[np.arange(len(labels)), labels].astype("float64")
    columns = precision_recall_fscore_support(labels, chosen, labels=classes, zero_division=0.0)
    return {
        "images": len(labels),
        "remark": predictions.remark,
        "correct": correct,
        "accuracy": correct / len(labels),
        "error": 1 - correct / len(labels),
        "loss": float(-np.log(np.maximum(likelihood, np.finfo("float32").tiny)).mean()),
        "per_class": [
            {
                "class": name,
                "precision": float(p),
                "recall": float(r) if n else None,  # of no images there is none
                "f1": float(f) if n else None,
                "images": int(n),
            }
            for name, p, r, f, n in zip(class_names, *columns, strict=True)
        ],
        "confusion": confusion_matrix(labels, chosen, labels=classes).tolist(),
    }


def _read_predictions(path: Path, fingerprint: str, device: DeviceChoice) -> Predictions | None:
    """Return kept predictions, or None when there are none for this model, these images and the choice of a GPU."""
    try:
        with np.load(path, allow_pickle=False) as file:
            fits = str(file["fingerprint"]) == fingerprint and np.isfinite(file["probabilities"]).all()
            if fits and (device != "gpu" or str(file["device"]) == "gpu"):
                return Predictions(file["probabilities"], file["labels"], str(file["computed_on"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):  # absent or damaged: computed anew
        pass
    return None
