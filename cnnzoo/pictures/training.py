"""Pictures of trainings: curves, augmented images, a comparison of runs, and a sweep."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from cnnzoo.pictures.style import (
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    VERMILION,
    make_figure,
    save_figure,
    scale_by_range,
    shorten,
    use_style,
)


@use_style()
def draw_curves(
    history: Sequence[Mapping[str, float]], path: Path, *, best_epoch: int | None = None, title: str = "Training"
) -> None:
    """Draw loss, error and learning rate by epoch.

    Args:
        history: A row per epoch with ``epoch`` from 1, ``learning_rate``, ``loss``, ``accuracy`` and, where
            there was a validation split, ``validation_loss`` and ``validation_accuracy``; accuracies
            from 0 to 1.
        path: Of the picture; its suffix chooses the format.
        best_epoch: The epoch whose weights were chosen; marked.
        title: Of the whole picture.
    """
    epochs = [int(row["epoch"]) for row in history]
    figure = make_figure(13, 4.2)
    loss, error, rate = figure.subplots(1, 3)
    marker = "o" if len(epochs) <= 30 else None

    def column(key: str) -> list[float]:
        return [row.get(key, np.nan) for row in history]

    def lines(axes: Any, training: Sequence[float], validation: Sequence[float]) -> None:
        axes.plot(epochs, training, color=BLUE, marker=marker, markersize=4, label="training")
        if np.isfinite(validation).any():
            axes.plot(epochs, validation, color=VERMILION, marker=marker, markersize=4, label="validation")
            if best_epoch in epochs:
                best = validation[epochs.index(best_epoch)]
                axes.plot(
                    best_epoch,
                    best,
                    "o",
                    color=VERMILION,
                    markersize=11,
                    fillstyle="none",
                    label="chosen",
                    clip_on=False,
                )
        scale_by_range(axes, [*training, *validation])
        axes.legend(frameon=False)

    lines(loss, column("loss"), column("validation_loss"))
    lines(error, *([100 * (1 - value) for value in column(key)] for key in ("accuracy", "validation_accuracy")))
    rate.plot(epochs, column("learning_rate"), color=GREEN, marker=marker, markersize=4)
    rate.set_ylim(bottom=0)
    rate.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    for axes, heading, label in (
        (loss, "Loss", "loss"),
        (error, "Error", "wrong images (%)"),
        (rate, "Learning rate", "learning rate at the epoch's start"),
    ):
        axes.set(title=heading, xlabel="epoch", ylabel=label, xlim=(epochs[0] - 0.5, epochs[-1] + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        axes.grid(color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
        if best_epoch in epochs:
            axes.axvline(best_epoch, color=GREY, linewidth=1, linestyle=":")
    chosen = f", epoch {best_epoch} chosen" if best_epoch in epochs else ""
    figure.suptitle(title + chosen, fontweight="bold")
    save_figure(figure, path)


@use_style()
def draw_comparison(histories: Mapping[str, Sequence[Mapping[str, float]]], path: Path, *, title: str = "Runs") -> None:
    """Draw the validation curves of several runs over each other.

    Args:
        histories: By what each run is called, a row per epoch with ``epoch`` from 1, ``validation_loss`` and
            ``validation_accuracy`` from 0 to 1.
        path: Of the picture.
        title: Of the picture.
    """
    figure = make_figure(11, 4.6)
    loss, error = figure.subplots(1, 2)
    styles = [(colour, line) for line in ("-", "--", ":", "-.") for colour in (BLUE, VERMILION, GREEN, PURPLE, GREY)]
    longest = max(len(rows) for rows in histories.values())
    for place, (name, rows) in enumerate(histories.items()):
        colour, line = styles[place % len(styles)]
        drawn: dict[str, Any] = {"color": colour, "linestyle": line, "marker": "o" if len(rows) <= 30 else None}
        epochs = [row["epoch"] for row in rows]
        loss.plot(epochs, [row["validation_loss"] for row in rows], markersize=3, label=name, **drawn)
        error.plot(epochs, [100 * (1 - row["validation_accuracy"]) for row in rows], markersize=3, **drawn)
    for axes, heading, label in ((loss, "Validation loss", "loss"), (error, "Validation error", "wrong images (%)")):
        axes.set(title=heading, xlabel="epoch", ylabel=label, xlim=(0.5, longest + 0.5))
        scale_by_range(axes, [float(value) for line in axes.lines for value in line.get_ydata()])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        axes.grid(color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=min(4, len(histories)), frameon=False)
    figure.suptitle(title, fontweight="bold")
    save_figure(figure, path)


@use_style()
def draw_preview(
    originals: NDArray[np.uint8],
    augmented: Sequence[ArrayLike],
    names: Sequence[str],
    path: Path,
    *,
    labels: Sequence[Sequence[str]] = (),
    title: str = "",
) -> None:
    """Draw training images beside what becomes of them, a row per image.

    Args:
        originals: (count, height, width, channels), 0 to 255.
        augmented: For each epoch (count, height, width, channels), 0 to 255; the size may be another one.
        names: Of the images' classes (count,).
        path: Of the picture.
        labels: What each of the others is (count, epochs), where images are mixed.
        title: Of the whole picture.
    """
    copies = [np.clip(np.asarray(images), 0, 255).astype("uint8") for images in augmented]
    rows, columns = len(names), 1 + len(copies)
    figure = make_figure(1.25 * columns + 1, (1.65 if labels else 1.35) * rows + 0.6)
    panels = figure.subplots(rows, columns, squeeze=False)
    for row, texts in enumerate(labels):
        for axes, text in zip(panels[row, 1:], texts, strict=True):
            axes.set_xlabel(text, fontsize=7)
    for row, name in enumerate(names):
        for axes, pixels in zip(panels[row], [originals[row], *(images[row] for images in copies)], strict=True):
            axes.imshow(pixels.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
            axes.set_xticks([])
            axes.set_yticks([])
        panels[row, 0].set_ylabel(shorten(name), rotation=0, ha="right", va="center")
        panels[row, 0].spines[:].set(color=BLUE, linewidth=2)
    shrunk = any(images.shape[1] < originals.shape[1] for images in copies)
    told = [f"\n{images.shape[1]}x{images.shape[2]}" if shrunk else "" for images in copies]
    for column, heading in enumerate(["original", *(f"epoch {n}{size}" for n, size in enumerate(told, start=1))]):
        panels[0, column].set_title(heading, fontsize=10)
    figure.suptitle(title)
    save_figure(figure, path)


@use_style()
def draw_sweep(
    values: Mapping[str, Sequence[Any]], accuracies: Sequence[Sequence[float]], path: Path, *, title: str = "Sweep"
) -> None:
    """Draw validation accuracy by each key of a sweep.

    Args:
        values: By key, the value of each point: numbers, or anything else, which is then taken for a name.
        accuracies: Of each point, the validation accuracies of its seeds in percent. Their mean is drawn, and a line
            over their range.
        path: Of the picture.
        title: Of the picture.
    """
    means = [float(np.mean(seeds)) for seeds in accuracies]
    best = int(np.argmax(means))
    columns = min(3, max(1, len(values)))
    rows = max(1, -(-len(values) // columns))
    figure = make_figure(max(6.0, 4.6 * columns), 4.2 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes, (key, chosen) in zip(panels, values.items(), strict=False):
        places = _scale_to_values(axes, chosen)
        axes.vlines(places, [min(seeds) for seeds in accuracies], [max(seeds) for seeds in accuracies], color=BLUE)
        axes.plot(places, means, "o", color=BLUE, alpha=0.7, label="points")
        axes.plot(places[best], means[best], "o", color=VERMILION, markersize=9, label=f"best: {means[best]:.2f} %")
        axes.set_xlabel(key)
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[::columns]:
        axes.set_ylabel("validation accuracy (%)")
    for axes in panels[len(values) :]:
        axes.remove()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(title, fontweight="bold")
    save_figure(figure, path)


def _scale_to_values(axes: Any, values: Sequence[Any]) -> list[float]:
    """Scale the horizontal axis to values, logarithmic where they are spaced like that; return where they lie on it."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        names = [str(value) for value in values]
        known = list(dict.fromkeys(names))
        slanted: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(range(len(known)), [shorten(name) for name in known], **slanted if len(known) > 3 else {})
        axes.set_xlim(-0.5, len(known) - 0.5)
        return [known.index(name) for name in names]
    different = np.unique(values)
    if different[0] > 0 and different[-1] >= 4 * different[0]:
        steps, factors = np.diff(different), np.diff(np.log(different))
        if len(different) == 2 or np.std(factors) / np.mean(factors) < np.std(steps) / np.mean(steps):
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
    places = np.log(different) if axes.get_xscale() == "log" else different
    labels = [f"{value:g}" for value in different]
    # A character is about a fortieth of the axis wide.
    if len(different) == 1 or np.diff(places).min() > max(map(len, labels)) / 40 * np.ptp(places):
        axes.set_xticks(different, labels)
        axes.minorticks_off()
    return list(values)
