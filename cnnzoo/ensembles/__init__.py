"""Several trained networks vote."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo import data, files
from cnnzoo.config import Config, FolderSection, Split
from cnnzoo.data import DataSet
from cnnzoo.data.duplicates import content_hash
from cnnzoo.errors import UserError
from cnnzoo.evaluation import ImageLoader, PositionGroup, Predictions, Report, measure, predict
from cnnzoo.evaluation.positions import games_of, measure_positions, standard_error_over_games
from cnnzoo.pictures.evaluation import draw_confusion, draw_ensemble
from cnnzoo.pictures.style import try_drawing
from cnnzoo.runs import Run, Vote
from cnnzoo.runs.facts import to_dict
from cnnzoo.runtime import DeviceChoice


@dataclass(frozen=True)
class Figures:
    """Accuracies of a vote and its members, as fractions of 1.

    Attributes:
        mean: Of the members.
        standard_deviation: Sample standard deviation of the members; None for one member.
        soft_vote: Of the class with the largest mean probability.
        hard_vote: Of the class that most members predict; of equal ones, that with the largest mean probability.
        gain: The soft vote minus the mean, in percentage points.
        standard_error: Of the mean, from the number of images alone, in percentage points. For positions of Go it is
            from games, because the moves of one game are not independent; None for a single game.
    """

    mean: float
    standard_deviation: float | None
    soft_vote: float
    hard_vote: float
    gain: float
    standard_error: float | None


@dataclass(frozen=True)
class Member:
    """A member of an ensemble.

    Attributes:
        run: Its directory.
        model: Name of its network.
        seed: Its seed.
        accuracy: As a fraction of 1.
    """

    run: str
    model: str
    seed: int
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class VoteResult(Figures):
    """The result of a vote; see ``Figures`` for its accuracies.

    Attributes:
        data: Name of the data set.
        folder: The folder of the user's own images.
        split: Which images were classified.
        members: In the order of the runs.
        report: Of the soft vote.
        groups: For positions of Go the figures of the soft vote on groups of them.
    """

    data: str
    folder: str | None
    split: Split
    members: list[Member]
    report: Report
    groups: list[PositionGroup] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the content of the vote's file."""
        values = to_dict(self)
        if self.groups is None:
            values.pop("groups")
        return values


def combine(
    predictions: Sequence[Predictions], games: NDArray[np.int64] | None = None
) -> tuple[list[float], Figures, NDArray[np.float64]]:
    """Let several networks vote on the same images.

    Args:
        predictions: One per network, on the same images in the same order.
        games: For positions of Go the number of each position's game (count,).

    Returns:
        The accuracy of each member, the figures of the vote, and the mean probabilities (count, num_classes).

    Raises:
        UserError: The predictions have different labels or numbers of classes.
    """
    first = predictions[0]
    for other in predictions[1:]:
        if first.logits.shape != other.logits.shape or not np.array_equal(first.labels, other.labels):
            raise UserError("These runs cannot vote together: they were trained on different data sets.")
    labels = first.labels
    choices = np.stack([p.logits.argmax(axis=1) for p in predictions])
    mean_probabilities = np.mean([p.probabilities for p in predictions], axis=0, dtype="float64")
    votes = (choices[..., np.newaxis] == np.arange(mean_probabilities.shape[1])).sum(axis=0)
    accuracies = (choices == labels).mean(axis=1)
    mean, deviation = float(accuracies.mean()), float(accuracies.std(ddof=1)) if len(accuracies) > 1 else None
    soft = float((mean_probabilities.argmax(axis=1) == labels).mean())
    # A mean probability is at most 1, so half of it only decides between equal counts.
    hard = float(((votes + 0.5 * mean_probabilities).argmax(axis=1) == labels).mean())
    if games is None:
        error: float | None = float(np.sqrt(mean * (1 - mean) / len(labels)))
    else:
        error = standard_error_over_games((choices == labels).mean(axis=0), games)
    percentage_points = None if error is None else 100 * error
    figures = Figures(mean, deviation, soft, hard, 100 * (soft - mean), percentage_points)
    return accuracies.tolist(), figures, mean_probabilities


@dataclass(frozen=True)
class Ensemble:
    """Several runs and their vote.

    Attributes:
        data_set: Their data set.
        probabilities: Mean probabilities (count, num_classes).
        labels: The true classes (count,).
        result: Figures and report.
    """

    data_set: DataSet
    probabilities: NDArray[np.float32]
    labels: NDArray[np.int32]
    result: VoteResult

    def write(self, directory: Path) -> list[str]:
        """Write predictions, result and pictures into a directory.

        Returns:
            For each picture that could not be drawn, a clause that says why.
        """
        vote, result, split = Vote(directory), self.result, self.result.split
        directory.mkdir(parents=True, exist_ok=True)
        with files.whole(vote.predictions_path(split)) as path:
            np.savez_compressed(path, probabilities=self.probabilities, labels=self.labels)
        files.write_json(vote.result_path, result.to_dict())
        shares = [100 * member.accuracy for member in result.members]
        soft, hard = 100 * result.soft_vote, 100 * result.hard_vote
        networks = "1 network" if len(shares) == 1 else f"{len(shares)} networks"
        title = f"{networks} on {self.data_set.title}, {split} {self.data_set.noun}s"
        names = [f"seed {member.seed}" for member in result.members]
        if len(set(names)) < len(names) or len({member.model for member in result.members}) > 1:
            names = [Path(member.run).name for member in result.members]
        picture, confusion = vote.picture_path, vote.confusion_path(split)
        matrix, classes = result.report.confusion, self.data_set.class_names
        confusion_title = f"{title}: soft vote, {soft:.2f} % right"
        errors = [try_drawing(picture, draw_ensemble, shares, soft, hard, labels=names, title=title)]
        if not self.data_set.is_board:  # hundreds of points are too many classes for a matrix
            errors.append(try_drawing(confusion, draw_confusion, matrix, classes, title=confusion_title))
        return [error for error in errors if error]


def combine_runs(
    members: Sequence[Run], split: Split = "test", loader: ImageLoader | None = None, device: DeviceChoice = "auto"
) -> Ensemble:
    """Let finished runs vote; nothing is written but their own predictions.

    Args:
        members: Finished runs on one data set, each once; see ``distinct``.
        split: Which images; only this function and evaluations read "test".
        loader: Loads the images.
        device: Where to compute, if there is something to compute.

    Raises:
        UserError: The members were trained on different data sets, or their splits have different images.
    """
    configs = [run.config() for run in members]
    data_set = _find_common_data_set(members, configs)
    loader, predictions, folders = loader or ImageLoader(), [], []
    for run, config in zip(members, configs, strict=True):
        with run.locked():
            images = loader.load(run, config, split)
            predictions.append(predict(run, config, images, device))
            folders.append(images.subset.folder)
        if predictions[-1].image_hashes != predictions[0].image_hashes:
            raise _different_images_error(
                (members[0], run), (configs[0], config), (predictions[0], predictions[-1]), split
            )
    averages = [each.averaged for each in predictions if each.averaged is not None]
    games = games_of(images.subset) if averages else None
    accuracies, figures, mean = combine(predictions, games)
    probabilities, labels = mean.astype("float32"), predictions[0].labels
    groups = None
    if averages:
        same_training = all(config.data == configs[0].data for config in configs)
        training = loader.load_training(members[0], configs[0]) if same_training else None
        groups = measure_positions(images.subset, training, probabilities, np.mean(averages, axis=0))
    result = VoteResult(
        data=data_set.name,
        folder=str(folders[0]) if folders[0] else None,
        split=split,
        members=[
            Member(str(run.directory), config.model.name, config.seed, accuracy)
            for run, config, accuracy in zip(members, configs, accuracies, strict=True)
        ],
        **vars(figures),
        report=measure(
            mean, probabilities, labels, data_set.class_names, predictions[0].note, by_class=not data_set.is_board
        ),
        groups=groups,
    )
    return Ensemble(data_set, probabilities, labels, result)


def distinct(members: Sequence[Run]) -> tuple[list[Run], list[tuple[Run, Run]]]:
    """Leave out runs that are named twice, and copies of runs.

    Args:
        members: Finished runs.

    Returns:
        Each network once; and each run that is left out, with the run that has the same network.
    """
    kept: dict[bytes, Run] = {}
    repeated = []
    for run in members:
        network = content_hash(run.model_path)
        if network in kept:
            repeated.append((run, kept[network]))
        else:
            kept[network] = run
    return list(kept.values()), repeated


def _find_common_data_set(members: Sequence[Run], configs: Sequence[Config]) -> DataSet:
    """Return the data set of all members.

    Raises:
        UserError: They have different ones. Folders of images only need the same classes, because they may be moved.
    """
    first, *others = [data.describe(config.data) for config in configs]
    titles = [first.title, *(other.title for other in others)]
    if len(set(titles)) > 1 and not all(isinstance(config.data, FolderSection) for config in configs):
        images = ", ".join(f"{run.directory} on {title}" for run, title in zip(members, titles, strict=True))
        raise UserError(f"These runs cannot vote together, because they were trained on different data: {images}.")
    for run, other in zip(members[1:], others, strict=True):
        if other.class_names != first.class_names:
            raise UserError(
                f"These runs cannot vote together: {members[0].directory} ({len(first.class_names)} classes) and "
                f"{run.directory} ({len(other.class_names)} classes) have different classes."
            )
    return first


def _different_images_error(
    runs: tuple[Run, Run], configs: tuple[Config, Config], predictions: tuple[Predictions, Predictions], split: Split
) -> UserError:
    """Return the error that says how the images of two members differ."""
    first, other = (run.directory for run in runs)
    first_images, other_images = (set(each.image_hashes) for each in predictions)
    if first_images == other_images:
        return UserError(
            f"These runs cannot vote together: {first} and {other} have the same {split} images in another order, "
            "under other file names or classes. Train them on one folder."
        )
    seeds = [config.data.split_seed for config in configs if isinstance(config.data, FolderSection)]
    reason = (
        f" They divide their folder by data.split_seed {' and '.join(map(str, seeds))}." if len(set(seeds)) > 1 else ""
    )
    counts = [len(each.labels) for each in predictions]
    return UserError(
        f"These runs cannot vote together: {first} has {counts[0]:,} {split} images and {other} has {counts[1]:,}, and "
        f"{len(first_images & other_images):,} of them are the same; the others may be training images of the other "
        f"run.{reason} Train the members on the same images, divided in the same way."
    )
