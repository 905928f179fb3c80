"""Several trained networks vote."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnnzoo import data, files, plots, runs
from cnnzoo.config import SEEDS, Config
from cnnzoo.errors import UserError
from cnnzoo.evaluation import Predictions, predict, report
from cnnzoo.runs import Run, Split
from cnnzoo.runtime import Device, resolve_backend
from cnnzoo.training import Listener, resolved, resume, train


def train_members(
    config: Config,
    count: int,
    name: str,
    *,
    data_dir: Path | None = None,
    listener: Listener | None = None,
    announce: Callable[[int, int, Run | None], None] = lambda *_: None,
) -> list[Run]:
    """Return one finished run per seed, training those that are missing under ``runs/``, or what is left of them.

    Args:
        config: The recipe; its seed is the first member's, the next ones follow in sequence.
        count: Number of members.
        name: Ending of the new runs' directories.
        data_dir: Where the data set lies; None to search for it.
        listener: Told of the progress of each training.
        announce: Told of each member: its place from 1 on, its seed, and its run if it is there.

    Raises:
        KeyboardInterrupt: A training was interrupted; the members before it are finished runs.
        UserError: The seeds would pass the last one, or see ``train``.
    """
    if config.seed + count > SEEDS:
        raise UserError(f"{count} members from seed {config.seed} on would pass the last seed, {SEEDS - 1}.")
    config = resolved(config, data_dir)
    voters = []
    for place in range(1, count + 1):
        wanted = config.replaced(seed=config.seed + place - 1)
        run = find_member(wanted)  # only now: another process may have trained it meanwhile
        announce(place, wanted.seed, run)
        if run is None:
            begun = find_unfinished(wanted)
            if begun is None:
                run, metrics = train(wanted, name, data_dir=data_dir, listener=listener)
            else:
                run, metrics = resume(begun, data_dir=data_dir, listener=listener)
            if metrics["status"] != "finished":
                raise KeyboardInterrupt
        voters.append(run)
    return voters


def find_member(config: Config, parent: Path = runs.RUNS, *, any_backend: bool = True) -> Run | None:
    """Return the run of a config's recipe and seed that finished first, or None where one is to be trained.

    Args:
        config: The recipe and the seed.
        parent: Folder of the runs.
        any_backend: Whether it makes no difference where it ran; otherwise it has to be the config's backend.

    Raises:
        UserError: Another process is training it at this moment.
    """
    backend = resolve_backend(config.runtime.backend)
    for run in runs.finished(parent):
        if _is_of(run, config) and (any_backend or run.config().runtime.backend == backend):
            return run
    for run in runs.begun(parent):
        if run.is_in_use() and _is_of(run, config):
            raise UserError(
                f"Seed {config.seed} of this recipe is being trained by another process in {run.directory}; "
                "give the same command again when it has ended."
            )
    return None


def find_unfinished(config: Config, parent: Path = runs.RUNS) -> Run | None:
    """Return the run of a config's recipe and seed that broke off last and can go on on the config's backend, if any.

    Args:
        config: The recipe and the seed.
        parent: Folder of the runs.
    """
    backend = resolve_backend(config.runtime.backend)
    broken_off = [run for run in runs.begun(parent) if run.checkpoints and not run.is_in_use()]
    own = [run for run in broken_off if _is_of(run, config) and run.config().runtime.backend == backend]
    return own[-1] if own else None


def _is_of(run: Run, config: Config) -> bool:
    try:
        other = run.config()
    except UserError:  # of another version, whose config means nothing today
        return False
    return other.seed == config.seed and other.recipe() == config.recipe()


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
        result: data, split, members (run, model, seed, accuracy), mean, standard_deviation, soft_vote,
            hard_vote, gain, standard_error, and the soft vote's report.
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
        title = f"{len(shares)} networks on {known.title}, {split} images"
        names = [f"seed {member['seed']}" for member in result["members"]]
        if len(set(names)) < len(names) or len({member["model"] for member in result["members"]}) > 1:
            names = [Path(member["run"]).name for member in result["members"]]
        plots.ensemble(shares, soft, hard, directory / "ensemble.png", labels=names, title=title)
        confusion, picture = result["report"]["confusion"], directory / f"confusion-{split}.png"
        plots.confusion(confusion, known.class_names, picture, title=f"{title}: soft vote, {soft:.2f} % right")
        files.write_json(directory / "ensemble.json", result)
        return result


def combine_runs(
    members: Sequence[Run], split: Split = "test", data_dir: Path | None = None, device: Device = "auto"
) -> Ensemble:
    """Let finished runs vote; nothing but their own kept predictions is written.

    Args:
        members: Finished runs on one data set.
        split: Which images; "test" is read here and in evaluations alone.
        data_dir: Where the data set lies; None to search for it.
        device: Where to compute, if there is something to compute.

    Raises:
        UserError: The members were trained on different data sets.
    """
    configs = [run.config() for run in members]
    known, *others = [data.describe(config.data) for config in configs]
    if titles := {other.title for other in others} - {known.title}:
        raise UserError(
            f"These runs cannot vote together: they were trained on {' and '.join(sorted({known.title, *titles}))}."
        )
    for run, other in zip(members[1:], others, strict=True):
        if other.class_names != known.class_names:
            raise UserError(
                f"These runs cannot vote together: {members[0].directory} ({len(known.class_names)} classes) and "
                f"{run.directory} ({len(other.class_names)} classes) do not know the same classes."
            )
    combined = combine(list(_predictions(members, split, data_dir, device)))
    vote = Predictions(combined.pop("probabilities"), combined.pop("labels"), remark=combined.pop("remark"))
    accuracies = combined.pop("accuracies")
    result = {
        "data": known.name,
        "split": split,
        "members": [
            {"run": str(run.directory), "model": config.model.name, "seed": config.seed, "accuracy": accuracy}
            for run, config, accuracy in zip(members, configs, accuracies, strict=True)
        ],
        **combined,
        "report": report(vote, known.class_names),
    }
    return Ensemble(known, split, vote, result)


def _predictions(members: Sequence[Run], split: Split, data_dir: Path | None, device: Device) -> Iterator[Predictions]:
    for run in members:
        with run.locked():
            yield predict(run, split, data_dir, device)
