"""Several trained networks vote."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np

from cnnzoo import data, files
from cnnzoo.config import FolderSection, Split
from cnnzoo.errors import UserError
from cnnzoo.evaluation import Predictions, predict, report
from cnnzoo.pictures.evaluation import draw_confusion, draw_ensemble
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice


def combine(predictions: Sequence[Predictions]) -> dict[str, Any]:
    """Let several networks vote on the same images.

    Soft vote: the class of the largest mean probability. Hard vote: the class that most networks
    choose, and among equals the one of the largest mean probability.

    Args:
        predictions: One per network, on the same images in the same order.

    Returns:
        accuracies of the members, their mean and sample standard deviation (None for one member),
        soft_vote and hard_vote accuracies, all as fractions of 1; gain, the soft vote's accuracy less
        the mean, and standard_error, what so many images leave uncertain of the mean, both in points;
        probabilities, the mean ones (count, num_classes); labels; remark, what is to be said of the images.

    Raises:
        UserError: The networks were asked about different images.
    """
    first = predictions[0]
    for other in predictions[1:]:
        same = first.probabilities.shape == other.probabilities.shape and np.array_equal(first.labels, other.labels)
        if not same:
            raise UserError("These runs cannot vote together: they were trained on different data sets.")
    labels = first.labels
    stacked = np.stack([p.probabilities for p in predictions]).astype("float64")
    choices = stacked.argmax(axis=2)
    mean = stacked.mean(axis=0)
    votes = (choices[..., None] == np.arange(mean.shape[1])).sum(axis=0)
    accuracies = (choices == labels).mean(axis=1)
    soft = float((mean.argmax(axis=1) == labels).mean())
    # A mean probability is at most 1, so half of it decides only between equal counts.
    hard = float(((votes + 0.5 * mean).argmax(axis=1) == labels).mean())
    return {
        "accuracies": accuracies.tolist(),
        "mean": float(accuracies.mean()),
        "standard_deviation": float(accuracies.std(ddof=1)) if len(accuracies) > 1 else None,
        "soft_vote": soft,
        "hard_vote": hard,
        "gain": 100 * (soft - float(accuracies.mean())),
        "standard_error": 100 * float(np.sqrt(accuracies.mean() * (1 - accuracies.mean()) / len(labels))),
        "probabilities": mean.astype("float32"),
        "labels": labels,
        "remark": first.remark,
    }


@dataclass(frozen=True)
class Ensemble:
    """What several runs say together.

    Attributes:
        known: The data set.
        split: Which images were asked about.
        vote: The soft vote's predictions.
        result: data, folder (of a person's own images), split, members (run, model, seed, accuracy), mean,
            standard_deviation, soft_vote, hard_vote, gain, standard_error, and the soft vote's report.
    """

    known: data.DataSet
    split: Split
    vote: Predictions
    result: dict[str, Any]

    def write(self, directory: Path) -> dict[str, Any]:
        """Write report, predictions and pictures into a directory, and return the result."""
        result, known, split = self.result, self.known, self.split
        directory.mkdir(parents=True, exist_ok=True)
        with files.whole(directory / f"predictions-{split}.npz") as path:
            np.savez_compressed(path, probabilities=self.vote.probabilities, labels=self.vote.labels)
        shares = [100 * member["accuracy"] for member in result["members"]]
        soft, hard = 100 * result["soft_vote"], 100 * result["hard_vote"]
        title = f"{len(shares)} {'network' if len(shares) == 1 else 'networks'} on {known.title}, {split} images"
        names = [f"seed {member['seed']}" for member in result["members"]]
        if len(set(names)) < len(names) or len({member["model"] for member in result["members"]}) > 1:
            names = [Path(member["run"]).name for member in result["members"]]
        draw_ensemble(shares, soft, hard, directory / "ensemble.png", labels=names, title=title)
        confusion, picture = result["report"]["confusion"], directory / f"confusion-{split}.png"
        draw_confusion(confusion, known.class_names, picture, title=f"{title}: soft vote, {soft:.2f} % right")
        files.write_json(directory / "ensemble.json", result)
        return result


def combine_runs(
    members: Sequence[Run], split: Split = "test", data_dir: Path | None = None, device: DeviceChoice = "auto"
) -> Ensemble:
    """Let finished runs vote; nothing but their own kept predictions is written.

    Args:
        members: Finished runs on one data set, each once; see ``distinct``.
        split: Which images; "test" is read here and in evaluations alone.
        data_dir: Where the data set lies; None to search for it.
        device: Where to compute, if there is something to compute.

    Raises:
        UserError: The members were trained on different data sets, or call other images by the name of the split.
    """
    configs = [run.config() for run in members]
    known, *others = [data.describe(config.data) for config in configs]
    # Folders may have moved or be copies: their images are compared by their contents.
    own_folder = [isinstance(config.data, FolderSection) for config in configs]
    if (titles := {other.title for other in others} - {known.title}) and not all(own_folder):
        raise UserError(
            f"These runs cannot vote together: they were trained on {' and '.join(sorted({known.title, *titles}))}."
        )
    for run, other in zip(members[1:], others, strict=True):
        if other.class_names != known.class_names:
            raise UserError(
                f"These runs cannot vote together: {members[0].directory} ({len(known.class_names)} classes) and "
                f"{run.directory} ({len(other.class_names)} classes) do not know the same classes."
            )
    combined = combine(_predictions(members, split, data_dir, device))
    vote = Predictions(combined.pop("probabilities"), combined.pop("labels"), remark=combined.pop("remark"))
    accuracies = combined.pop("accuracies")
    section = configs[0].data
    folder = str(data_dir or section.path) if isinstance(section, FolderSection) else None
    result = {
        "data": known.name,
        "folder": folder,
        "split": split,
        "members": [
            {"run": str(run.directory), "model": config.model.name, "seed": config.seed, "accuracy": accuracy}
            for run, config, accuracy in zip(members, configs, accuracies, strict=True)
        ],
        **combined,
        "report": report(vote, known.class_names),
    }
    return Ensemble(known, split, vote, result)


def distinct(members: Sequence[Run]) -> tuple[list[Run], list[tuple[Run, Run]]]:
    """Leave out runs that are given twice, and copies of a run.

    Args:
        members: Finished runs.

    Returns:
        Each network once; and for every run that is left out itself and the run that holds the same network.
    """
    kept: dict[bytes, Run] = {}
    repeated = []
    for run in members:
        with run.model_path.open("rb") as file:
            network = file_digest(file, "sha256").digest()
        if network in kept:
            repeated.append((run, kept[network]))
        else:
            kept[network] = run
    return list(kept.values()), repeated


def _predictions(
    members: Sequence[Run], split: Split, data_dir: Path | None, device: DeviceChoice
) -> list[Predictions]:
    """Return the predictions of every member.

    Raises:
        UserError: A member has other images than the first one.
    """
    found: list[Predictions] = []
    for run in members:
        with run.locked():
            found.append(predict(run, split, data_dir, device, with_hashes=True))
        if found[-1].image_hashes != found[0].image_hashes:
            raise _other_images(members[0], run, found[0], found[-1], split)
    return found


def _other_images(first: Run, other: Run, of_first: Predictions, of_other: Predictions, split: Split) -> UserError:
    """Say in which images two members differ, and how many of them the other one has learnt."""
    ours, theirs = set(of_first.image_hashes), set(of_other.image_hashes)
    if ours == theirs:
        return UserError(
            f"These runs cannot vote together: {first.directory} and {other.directory} have the same {split} images in "
            "another order, under other file names or classes. Train them on one folder."
        )
    sections = [run.config().data.model_dump() for run in (first, other)]
    seeds = [section.get("split_seed") for section in sections]
    because = f" They divide their folder by data.split_seed {seeds[0]} and {seeds[1]}." if seeds[0] != seeds[1] else ""
    return UserError(
        f"These runs cannot vote together: {first.directory} has {len(of_first.labels):,} {split} images and "
        f"{other.directory} has {len(of_other.labels):,}, of which {len(ours & theirs):,} are the same; the others may "
        f"be among those that the other one learnt.{because} Train the members on the same images, divided in the same "
        "way."
    )
