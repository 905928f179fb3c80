"""Measure a run on a split of its data set."""

from dataclasses import dataclass, replace
from typing import Any

from cnnzoo import data, files
from cnnzoo.config import Split
from cnnzoo.evaluation.accuracy import Report, measure
from cnnzoo.evaluation.images import ImageLoader
from cnnzoo.evaluation.positions import PositionGroup, measure_positions
from cnnzoo.evaluation.predictions import Predictions, predict
from cnnzoo.pictures.evaluation import draw_confusion, draw_groups
from cnnzoo.pictures.style import try_drawing
from cnnzoo.runs import Run
from cnnzoo.runs.facts import to_dict
from cnnzoo.runtime import DeviceChoice

__all__ = ["Evaluation", "ImageLoader", "PositionGroup", "Predictions", "Report", "evaluate", "measure", "predict"]


@dataclass(frozen=True)
class Evaluation:
    """The figures of a run on a split.

    Attributes:
        run: The run's directory.
        model: Name of the network.
        data: Name of the data set.
        folder: The folder of the user's own images.
        split: Which images.
        seed: Seed of the run.
        computed_on: Backend and device in words.
        report: The figures.
        groups: For positions of Go the figures on groups of them.
        picture_error: Why the confusion matrix could not be drawn, as a clause; None if it was.
    """

    run: str
    model: str
    data: str
    folder: str | None
    split: Split
    seed: int
    computed_on: str
    report: Report
    groups: list[PositionGroup] | None = None
    picture_error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``report-SPLIT.json``: with the keys of the report, without picture_error."""
        values = to_dict(self)
        values.pop("picture_error")
        if self.groups is None:
            values.pop("groups")
        report: dict[str, Any] = values.pop("report")
        return values | report


def evaluate(
    run: Run, split: Split = "test", loader: ImageLoader | None = None, device: DeviceChoice = "auto"
) -> Evaluation:
    """Measure a run on a split; write predictions, report and the picture of the confusion matrix.

    Args:
        run: A run that has a model; it is locked while it is measured.
        split: Which images; only this function and ensembles read "test".
        loader: Loads the images; pass the same one for several runs, so that shared images are loaded once.
        device: Where to compute, if there is something to compute.

    Raises:
        UserError: Another process uses the run, or see ``ImageLoader.load`` and ``predict``.
    """
    with run.locked():
        return _evaluate(run, split, loader or ImageLoader(), device)


def _evaluate(run: Run, split: Split, loader: ImageLoader, device: DeviceChoice) -> Evaluation:
    config = run.config()
    data_set = data.describe(config.data)
    images = loader.load(run, config, split)
    predictions = predict(run, config, images, device)
    report = measure(
        predictions.logits,
        predictions.probabilities,
        predictions.labels,
        data_set.class_names,
        predictions.note,
        by_class=not data_set.is_board,
    )
    groups = None
    if predictions.averaged is not None:
        training = loader.load_training(run, config)
        groups = measure_positions(images.subset, training, predictions.probabilities, predictions.averaged)
    name, model, folder = str(run.directory), config.model.name, images.subset.folder
    where, computed_on = str(folder) if folder else None, predictions.computed_on
    evaluation = Evaluation(name, model, config.data.name, where, split, config.seed, computed_on, report, groups)
    files.write_json(run.report_path(split), evaluation.to_dict())
    title = f"{model} on {data_set.title}, {split} {data_set.noun}s: {100 * report.accuracy:.2f} % right"
    picture = run.confusion_path(split)
    if groups is not None:
        picture = run.groups_path(split)
        error = try_drawing(picture, draw_groups, groups, title=title.replace(", ", "\n", 1))
        return replace(evaluation, picture_error=error)
    error = try_drawing(picture, draw_confusion, report.confusion, data_set.class_names, title=title)
    return replace(evaluation, picture_error=error)
