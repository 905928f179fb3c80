"""The pictures: training curves, confusion matrix, one prediction, an ensemble beside its members.

Drawn with figures of their own, never with pyplot, so that nothing global is touched. The colours are
told apart by colour-blind readers too (Okabe and Ito, "Color Universal Design", 2008).
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from cnnzoo.files import whole

BLUE, VERMILION, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"


@contextmanager
def default_settings() -> Iterator[None]:
    """Draw with matplotlib's defaults in place of what a ``matplotlibrc`` or a program has set."""
    with mpl.rc_context():
        mpl.rcdefaults()
        yield


@default_settings()
def curves(
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
    figure = _figure(13, 4.2)
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
        _logarithmic_where_wide(axes, [*training, *validation])
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
    _save(figure, path)


@default_settings()
def confusion(matrix: ArrayLike, class_names: Sequence[str], path: Path, title: str = "Confusion matrix") -> None:
    """Draw which classes are taken for which.

    The colours show the errors, because a good network's diagonal would drown them: each cell beside the diagonal is
    coloured by its share of the true class, and the diagonal by a blue that is light even where all is right.

    Args:
        matrix: Numbers of images (true class, predicted class).
        class_names: In the matrix's order.
        path: Of the picture.
        title: Of the picture.
    """
    counts = np.asarray(matrix)
    classes = len(class_names)
    numbered = classes <= 25
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    errors = np.where(np.eye(classes, dtype=bool), np.nan, shares)
    highest = max(1.0, float(np.nanmax(errors, initial=0)))  # a single mistake shall not look like many

    side = min(12.0, max(5.0, 2.5 + 0.55 * classes)) if numbered else 10.0
    figure = _figure(side + 1, side)
    axes = figure.subplots()
    image = axes.imshow(errors, cmap="Oranges", vmin=0, vmax=highest)
    axes.imshow(np.where(np.eye(classes, dtype=bool), shares, np.nan), cmap="Blues", vmin=0, vmax=400)
    if numbered:
        size = 11 if classes <= 10 else 8
        for true, predicted in zip(*np.nonzero(counts), strict=True):
            dark = true != predicted and errors[true, predicted] > 0.6 * highest
            axes.text(
                predicted,
                true,
                f"{counts[true, predicted]:,}",
                ha="center",
                va="center",
                fontsize=size,
                color="white" if dark else "black",
            )
    every = -(-classes // 25)
    shown = range(0, classes, every)
    names = [_short(class_names[index]) for index in shown]
    axes.set_xticks(shown, names, rotation=90 if max(map(len, names)) > 4 else 0)
    axes.set_yticks(shown, names)
    axes.set(xlabel="predicted class", ylabel="true class")
    wrong = int(counts.sum() - np.trace(counts))
    axes.set_title(f"{title}\n{wrong:,} of {int(counts.sum()):,} images wrong", fontsize=12)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("errors (% of the true class)")
    _save(figure, path)


@default_settings()
def preview(
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
    figure = _figure(1.25 * columns + 1, (1.65 if labels else 1.35) * rows + 0.6)
    panels = figure.subplots(rows, columns, squeeze=False)
    for row, texts in enumerate(labels):
        for axes, text in zip(panels[row, 1:], texts, strict=True):
            axes.set_xlabel(text, fontsize=7)
    for row, name in enumerate(names):
        for axes, pixels in zip(panels[row], [originals[row], *(images[row] for images in copies)], strict=True):
            axes.imshow(pixels.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
            axes.set_xticks([])
            axes.set_yticks([])
        panels[row, 0].set_ylabel(_short(name), rotation=0, ha="right", va="center")
        panels[row, 0].spines[:].set(color=BLUE, linewidth=2)
    shrunk = any(images.shape[1] < originals.shape[1] for images in copies)
    told = [f"\n{images.shape[1]}x{images.shape[2]}" if shrunk else "" for images in copies]
    for column, heading in enumerate(["original", *(f"epoch {n}{size}" for n, size in enumerate(told, start=1))]):
        panels[0, column].set_title(heading, fontsize=10)
    figure.suptitle(title)
    _save(figure, path)


@default_settings()
def prediction(
    image: NDArray[np.uint8],
    original: ArrayLike,
    probabilities: ArrayLike,
    class_names: Sequence[str],
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    title: str = "",
) -> None:
    """Draw one image, what the network sees of it, and the probabilities of its classes.

    Args:
        image: As the network sees it (height, width, channels), 0 to 255.
        original: As it was given: (height, width) or (height, width, channels), 0 to 255.
        probabilities: From 0 to 1 (classes,).
        class_names: In the probabilities' order. Of more than 20 classes the ten likeliest are drawn.
        path: Of the picture.
        size: Width and height to state where ``original`` is a reduced copy.
        title: Of the whole picture.
    """
    values = 100 * np.asarray(probabilities)
    best = int(np.argmax(values))
    shown = np.arange(len(values)) if len(values) <= 20 else np.argsort(-values, kind="stable")[:10]
    names = [_short(class_names[index]) for index in shown]
    wide = max(map(len, names)) > 5
    slanted: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if wide else {}

    def number(percent: float) -> str:
        return ">99.9" if percent > 99.9 else f"{percent:.1f}"  # no network is certain

    # Placed by hand, in inches, so that the panels have one height whatever the shape of the image.
    side, stem_width, gap, above, below = 3.6, 6.4, 0.4, 0.9, 0.7
    pictures = [("The image as given", np.asarray(original)), ("What the network sees", image)]
    widths = [side * min(max(pixels.shape[1] / pixels.shape[0], 0.5), 2.0) for _, pixels in pictures] + [stem_width]
    lefts = [0, widths[0] + gap, widths[0] + widths[1] + 3 * gap]
    width, height = lefts[-1] + stem_width, side + above + below
    figure = Figure(figsize=(width, height))
    *panels, stems = (
        figure.add_axes((left / width, below / height, panel_width / width, side / height))
        for left, panel_width in zip(lefts, widths, strict=True)
    )
    for axes, (heading, pixels), stated in zip(panels, pictures, (size, None), strict=True):
        shown_pixels = pixels[..., 0] if pixels.shape[2:] == (1,) else pixels
        axes.imshow(shown_pixels, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
        columns, rows = stated or pixels.shape[1::-1]
        axes.set_title(f"{heading}\n{columns}x{rows} pixels")
        axes.set_xticks([])
        axes.set_yticks([])
    for place, index in enumerate(shown):
        colour = VERMILION if index == best else BLUE
        stems.vlines(place, 0, values[index], color=colour, linewidth=2)
        stems.plot(place, values[index], "o", color=colour, markersize=7)
        if values[index] >= 1:
            stems.annotate(
                number(values[index]), (place, values[index]), (0, 7), textcoords="offset points", ha="center"
            )
    stems.set_xticks(range(len(shown)), names, **slanted)
    stems.set(ylabel="probability (%)", xlabel="class", ylim=(0, 110), xlim=(-0.6, len(shown) - 0.4))
    stems.set_yticks(range(0, 101, 20))
    stems.grid(axis="y", color="0.9")
    stems.set_axisbelow(True)
    stems.spines[["top", "right"]].set_visible(False)
    stems.set_title(f"{class_names[best]}: {number(values[best])} %", color=VERMILION, fontweight="bold", fontsize=16)
    figure.suptitle(title, fontsize=14)
    # More effort takes a quarter of the time of all, and makes a photograph smaller by a sixth.
    _save(figure, path, compress_level=1)


@default_settings()
def ensemble(
    members: Sequence[float],
    soft: float,
    hard: float,
    path: Path,
    *,
    labels: Sequence[str] | None = None,
    title: str = "Ensemble",
) -> None:
    """Draw the accuracy of an ensemble beside those of its members.

    Args:
        members: Accuracy of each member in percent.
        soft: Accuracy of the mean of their probabilities, in percent.
        hard: Accuracy of their majority, in percent.
        path: Of the picture.
        labels: What each member is called, such as its run's name or "seed 0"; their places from 1 on by default.
        title: Of the picture.
    """
    mean = float(np.mean(members))
    spread = f" ± {np.std(members, ddof=1):.2f}" if len(members) > 1 else ""
    figure = _figure(8.5, 4.8)
    axes = figure.subplots()
    axes.plot(range(1, len(members) + 1), members, "o", color=BLUE, markersize=8, label="members", zorder=3)
    for value, colour, style, label in (
        (soft, VERMILION, "-", f"soft vote: {soft:.2f} %"),
        (hard, GREEN, "--", f"hard vote: {hard:.2f} %"),
        (mean, BLUE, ":", f"mean of the members: {mean:.2f}{spread} %"),
    ):
        axes.axhline(value, color=colour, linestyle=style, linewidth=2, label=label)
    places = range(1, len(members) + 1, -(-len(members) // 25))
    names = [_short(labels[place - 1]) if labels else str(place) for place in places]
    crowded = len(names) * max(map(len, names)) > 75
    slanted: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(places, names, **slanted)
    axes.set(xlabel="member", ylabel="accuracy (%)", xlim=(0.5, len(members) + 0.5))
    axes.set_title(f"{title}\nsoft vote {soft - mean:+.2f} points over the mean of {len(members)}", fontsize=12)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
    values = [*members, soft, hard]
    room = 0.1 * (max(values) - min(values)) or 0.5
    axes.set_ylim(min(values) - room, max(values) + room)
    axes.grid(axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    _save(figure, path)


@default_settings()
def sweep(
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
    figure = _figure(max(6.0, 4.6 * columns), 4.2 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes, (key, chosen) in zip(panels, values.items(), strict=False):
        places = _places(axes, chosen)
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
    _save(figure, path)


@default_settings()
def comparison(histories: Mapping[str, Sequence[Mapping[str, float]]], path: Path, *, title: str = "Runs") -> None:
    """Draw the validation curves of several runs over each other.

    Args:
        histories: By what each run is called, a row per epoch with ``epoch`` from 1, ``validation_loss`` and
            ``validation_accuracy`` from 0 to 1.
        path: Of the picture.
        title: Of the picture.
    """
    figure = _figure(11, 4.6)
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
        _logarithmic_where_wide(axes, [float(value) for line in axes.lines for value in line.get_ydata()])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        axes.grid(color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=min(4, len(histories)), frameon=False)
    figure.suptitle(title, fontweight="bold")
    _save(figure, path)


def _places(axes: Any, values: Sequence[Any]) -> list[float]:
    """Scale the horizontal axis to values, logarithmic where they are spaced like that; return where they lie on it."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        names = [str(value) for value in values]
        known = list(dict.fromkeys(names))
        slanted: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(range(len(known)), [_short(name) for name in known], **slanted if len(known) > 3 else {})
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


def _logarithmic_where_wide(axes: Any, values: Sequence[float]) -> None:
    """Scale the vertical axis by powers of ten where the values span more than one; 0 keeps a place at its foot."""
    finite = [value for value in values if np.isfinite(value)]
    positive = [value for value in finite if value > 0]
    if positive and max(positive) > 10 * min(positive):
        least, most, zero = min(positive), max(positive), min(finite) <= 0
        if zero:
            axes.set_yscale("symlog", linthresh=least, linscale=0.5)
            axes.set_ylim(-0.1 * least, most * 1.3)
        else:
            axes.set_yscale("log")
            axes.set_ylim(least / 1.3, most * 1.3)
        decades = range(int(np.floor(np.log10(least))), int(np.ceil(np.log10(most))) + 1)
        ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
        axes.set_yticks([0.0] * zero + [tick for tick in ticks if least <= tick <= most * 1.3])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    elif positive:
        axes.set_ylim(0, 1.1 * max(positive))


def _short(name: str) -> str:
    return name if len(name) <= 20 else f"{name[:19]}…"


def _figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches whose panels keep their distance."""
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1, wspace=0.03))


def _save(figure: Figure, path: Path, *, compress_level: int = 6) -> None:
    """Write a picture, its title in the file's metadata too.

    Names of files and classes are drawn as they are, never as formulas, and in any script.

    Args:
        figure: The picture.
        path: Its file.
        compress_level: Of a PNG file, from 0 to 9.
    """
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    with whole(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        title = {"Title": figure.get_suptitle() or figure.axes[0].get_title()}
        metadata = title if path.suffix.lower() in {".png", ".svg", ".pdf"} else None  # others take none
        png: dict[str, Any] = (
            {"pil_kwargs": {"compress_level": compress_level}} if path.suffix.lower() == ".png" else {}
        )
        figure.savefig(temporary, dpi=150, bbox_inches="tight", pad_inches=0.15, metadata=metadata, **png)
