"""The logits of a run's model on a split, computed once and saved."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo import data, files
from cnnzoo.classifier import Logits, Probabilities, open_classifier, softmax
from cnnzoo.config import Config
from cnnzoo.errors import DamagedFileError, UserError
from cnnzoo.evaluation.images import SplitImages
from cnnzoo.evaluation.positions import average_over_symmetries
from cnnzoo.runs import Run
from cnnzoo.runtime import Device, DeviceChoice


@dataclass(frozen=True)
class Predictions:
    """The logits of a model on the images of a split.

    Attributes:
        logits: (count, num_classes), float32.
        averaged: For positions of Go the probabilities averaged over the eight symmetries (count, num_classes).
        labels: The true classes (count,).
        computed_on: Backend and device in words.
        note: A caveat about the images.
        image_hashes: A hash of each image (count,); see ``Subset.hashes``.
    """

    logits: Logits
    labels: NDArray[np.int32]
    computed_on: str = ""
    note: str = ""
    image_hashes: tuple[bytes, ...] = ()
    averaged: Probabilities | None = None

    @cached_property
    def probabilities(self) -> Probabilities:
        """(count, num_classes), rows summing to 1."""
        return softmax(self.logits)


def predict(run: Run, config: Config, images: SplitImages, device: DeviceChoice = "auto") -> Predictions:
    """Return a run's predictions, from its file if they are of this model and these images.

    Keras is imported only when there is something to compute. The caller has locked the run.

    Args:
        run: A run that has a model.
        config: The run's config.
        images: From an ``ImageLoader``.
        device: Where to compute; with "gpu", saved predictions that were computed without a GPU are not used.

    Raises:
        UserError: See ``Classifier.model``, or logits are not finite.
    """
    subset, path = images.subset, run.predictions_path(images.split)
    fingerprint = sha256(run.model_path.read_bytes() + images.fingerprint).hexdigest()
    kept = _read(path, fingerprint, gpu=device == "gpu")
    if kept is None:
        logits, averaged, used = _compute(run, config, images, device)
        kept = logits, averaged, str(used)
        arrays: dict[str, Any] = {
            "logits": logits,
            "labels": subset.labels,
            "computed_on": np.array(str(used)),
            "gpu": np.array(used.kind == "gpu"),
            "fingerprint": np.array(fingerprint),
        }
        if averaged is not None:
            arrays["averaged"] = averaged
        with files.whole(path) as temporary:
            np.savez_compressed(temporary, **arrays)
    logits, averaged, computed_on = kept
    return Predictions(logits, subset.labels, computed_on, subset.note, images.hashes, averaged)


def _compute(
    run: Run, config: Config, images: SplitImages, device: DeviceChoice
) -> tuple[Logits, Probabilities | None, Device]:
    classifier = open_classifier(run, device, config)
    parts, averages = [], []
    for chunk in images.subset.chunks():
        parts.append(classifier.logits(chunk))
        if data.describe(config.data).is_board:
            averages.append(average_over_symmetries(classifier, chunk, parts[-1]))
    logits = np.concatenate(parts)
    bad = int((~np.isfinite(logits).all(axis=1)).sum())
    if bad:
        raise UserError(
            f"The logits of {run.model_path} are not finite for {bad:,} of {len(logits):,} images; its training "
            "diverged or its weights are damaged: train it again, or take an earlier epoch."
        )
    return logits, np.concatenate(averages) if averages else None, classifier.computed_on


def _read(path: Path, fingerprint: str, *, gpu: bool) -> tuple[Logits, Probabilities | None, str] | None:
    """Return kept logits, averaged probabilities and where they were computed.

    None if they are missing, damaged or of something else.
    """
    try:
        kept = files.read_npz(path)
        fits = str(kept["fingerprint"]) == fingerprint and (kept["gpu"] or not gpu)
        if fits and np.isfinite(kept["logits"]).all():
            return kept["logits"], kept.get("averaged"), str(kept["computed_on"])
    except (OSError, DamagedFileError, KeyError):
        pass
    return None
