"""Pictures of trainings: curves, a comparison of runs, a sweep, and augmented images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from cnnzoo.pictures import style
from cnnzoo.pictures.style import BLUE, GREEN, GREY, PURPLE, VERMILION

COLOURS = [BLUE, VERMILION, GREEN, PURPLE, GREY]

# A row per epoch, as in a run's history.
History = Sequence[Mapping[str, float]]


@style.apply()
def draw_curves(
    history: History, path: style.StrPath, *, best_epoch: int | None = None, title: str = "Training"
) -> None:
    """Draw loss, error and learning rate by epoch.

    Args:
        history: A row per epoch with ``epoch`` from 1, ``learning_rate``, ``loss``, ``accuracy`` and, if there is a
            validation split, ``validation_loss`` and ``validation_accuracy``; accuracies are from 0 to 1.
        path: The picture's file; its suffix chooses the format.
        best_epoch: The epoch whose weights are the model's; it is marked.
        title: Title of the picture.
    """
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    loss, error, rate = figure.subplots(1, 3)
    epochs = [int(row["epoch"]) for row in history]
    best = epochs.index(best_epoch) if best_epoch in epochs else None
    for axes, key in ((loss, "loss"), (error, "accuracy")):
        _plot_column(axes, history, key, color=BLUE, label="training")
        validation = _read_column(history, f"validation_{key}")
        if np.isfinite(validation).any():
            _plot_column(axes, history, f"validation_{key}", color=VERMILION, label="validation")
            if best is not None:
                ring: dict[str, Any] = {"markersize": 11, "fillstyle": "none", "clip_on": False, "color": VERMILION}
                axes.plot(best_epoch, validation[best], "o", label="best epoch", **ring)
        style.scale_by_range(axes)
        axes.legend()
    _plot_column(rate, history, "learning_rate", color=GREEN)
    rate.set_ylim(bottom=0)
    style.show_plain_numbers(rate.yaxis)
    _label_epochs(loss, "Loss", "loss", epochs)
    _label_epochs(error, "Error", "wrong (%)", epochs)
    _label_epochs(rate, "Learning rate", "learning rate at the epoch's start", epochs)
    if best is not None:
        title += f", epoch {best_epoch} is best"
        for axes in figure.axes:
            axes.axvline(epochs[best], color=GREY, linewidth=1, linestyle=":")
    figure.suptitle(title)
    style.save(figure, path)


@style.apply()
def draw_comparison(histories: Mapping[str, History], path: style.StrPath, *, title: str = "Runs") -> None:
    """Draw the validation curves of several runs in the same panels.

    Args:
        histories: The name of each run with its history: a row per epoch with ``epoch`` from 1, ``validation_loss``
            and ``validation_accuracy`` from 0 to 1.
        path: The picture's file.
        title: Title of the picture.
    """
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    loss, error = figure.subplots(1, 2)
    epochs = [1, max(len(rows) for rows in histories.values())]
    for axes, key in ((loss, "validation_loss"), (error, "validation_accuracy")):
        axes.set_prop_cycle(color=4 * COLOURS, linestyle=np.repeat(["-", "--", ":", "-."], len(COLOURS)).tolist())
        for name, rows in histories.items():
            _plot_column(axes, rows, key, label=name)
        style.scale_by_range(axes)
    _label_epochs(loss, "Validation loss", "loss", epochs)
    _label_epochs(error, "Validation error", "wrong (%)", epochs)
    handles, names = loss.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(4, len(names)))
    figure.suptitle(title)
    style.save(figure, path)


@style.apply()
def draw_sweep(
    values: Mapping[str, Sequence[Any]],
    accuracies: Sequence[Sequence[float]],
    path: style.StrPath,
    *,
    title: str = "Sweep",
) -> None:
    """Draw the validation accuracies of a sweep, in one panel for each key.

    Args:
        values: For each key the value at each point: numbers, or anything else as names.
        accuracies: For each point the validation accuracies of its seeds in percent. A dot is their mean, a line
            their range.
        path: The picture's file.
        title: Title of the picture.
    """
    means = [float(np.mean(seeds)) for seeds in accuracies]
    lowest, highest = zip(*((min(seeds), max(seeds)) for seeds in accuracies), strict=True)
    best = int(np.argmax(means))
    columns = min(3, max(1, len(values)))
    rows = max(1, -(-len(values) // columns))
    figure = Figure(figsize=(max(6.0, 4.6 * columns), 4.2 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes, (key, settings) in zip(panels, values.items(), strict=False):
        places = _scale_to_values(axes, settings)
        axes.vlines(places, lowest, highest, color=BLUE)
        axes.plot(places, means, "o", color=BLUE, alpha=0.7, label="points")
        axes.plot(places[best], means[best], "o", color=VERMILION, markersize=9, label=f"best: {means[best]:.2f} %")
        axes.set_xlabel(key)
        axes.grid(visible=True)
    for axes in panels[::columns]:
        axes.set_ylabel("validation accuracy (%)")
    for axes in panels[len(values) :]:
        axes.remove()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(title)
    style.save(figure, path)


@style.apply(**{"figure.titleweight": "normal"})
def draw_preview(
    originals: NDArray[np.uint8],
    augmented: Sequence[ArrayLike],
    names: Sequence[str],
    path: style.StrPath,
    *,
    labels: Sequence[Sequence[str]] = (),
    title: str = "",
) -> None:
    """Draw training images beside their augmented copies, a row per image.

    Args:
        originals: (count, height, width, channels), 0 to 255.
        augmented: For each epoch (count, height, width, channels), 0 to 255; the size may differ.
        names: Class of each image (count,).
        path: The picture's file.
        labels: Text below each copy (count, epochs), if images are mixed.
        title: Title of the picture.
    """
    copies = [np.clip(np.asarray(images), 0, 255).astype("uint8") for images in augmented]
    is_resized = any(images.shape[1] < originals.shape[1] for images in copies)
    sizes = ["\n{}x{}".format(*images.shape[1:3]) if is_resized else "" for images in copies]
    headings = ["original", *(f"epoch {epoch}{size}" for epoch, size in enumerate(sizes, start=1))]
    rows, columns = len(names), len(headings)
    figure = Figure(figsize=(1.25 * columns + 1, (1.65 if labels else 1.35) * rows + 0.6), layout="compressed")
    panels = figure.subplots(rows, columns, squeeze=False)
    for row, name in zip(panels, names, strict=True):
        row[0].set_ylabel(style.shorten(name), rotation=0, ha="right", va="center")
        row[0].spines[:].set(color=BLUE, linewidth=2)
    for column, heading, images in zip(panels.T, headings, [originals, *copies], strict=True):
        column[0].set_title(heading, fontsize=10)
        for axes, pixels in zip(column, images, strict=True):
            style.show_pixels(axes, pixels)
    for row, texts in zip(panels, labels, strict=False):
        for axes, text in zip(row[1:], texts, strict=True):
            axes.set_xlabel(text, fontsize=7)
    figure.suptitle(title)
    style.save(figure, path)


def _read_column(history: History, key: str) -> NDArray[np.float64]:
    """Return a column of a history, with accuracies as errors in percent and NaN for missing values."""
    values = np.array([row.get(key, np.nan) for row in history], float)
    return 100 * (1 - values) if key.endswith("accuracy") else values


def _plot_column(axes: Any, history: History, key: str, **options: Any) -> None:
    marker = "o" if len(history) <= 30 else None
    axes.plot([row["epoch"] for row in history], _read_column(history, key), marker=marker, markersize=4, **options)


def _label_epochs(axes: Any, title: str, label: str, epochs: Sequence[int]) -> None:
    """Label a panel whose horizontal axis is the epoch."""
    axes.set(title=title, xlabel="epoch", ylabel=label, xlim=(epochs[0] - 0.5, epochs[-1] + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.grid(visible=True)


def _scale_to_values(axes: Any, values: Sequence[Any]) -> list[float]:
    """Scale the horizontal axis to values, logarithmically if factors separate them; return their positions."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        texts = [str(value) for value in values]
        names = list(dict.fromkeys(texts))
        axes.set_xticks(range(len(names)), map(style.shorten, names), **style.SLANTED if len(names) > 3 else {})
        axes.set_xlim(-0.5, len(names) - 0.5)
        return [names.index(text) for text in texts]
    ticks = np.unique(values)
    places = ticks
    if ticks[0] > 0 and ticks[-1] >= 4 * ticks[0]:
        steps, factors = np.diff(ticks), np.diff(np.log(ticks))
        if len(ticks) == 2 or np.std(factors) / np.mean(factors) < np.std(steps) / np.mean(steps):
            axes.set_xscale("log")
            style.show_plain_numbers(axes.xaxis)
            places = np.log(ticks)
    labels = [f"{value:g}" for value in ticks]
    # The width of a character is about a fortieth of the axis.
    if len(ticks) == 1 or np.diff(places).min() > max(map(len, labels)) / 40 * np.ptp(places):
        axes.set_xticks(ticks, labels)
        axes.minorticks_off()
    return list(values)
