"""Pictures of evaluations: a confusion matrix, a classified photograph, and an ensemble."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike, NDArray

from cnnzoo.pictures.style import BLUE, GREEN, VERMILION, make_figure, save_figure, shorten, use_style


@use_style()
def draw_confusion(matrix: ArrayLike, class_names: Sequence[str], path: Path, title: str = "Confusion matrix") -> None:
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
    figure = make_figure(side + 1, side)
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
    names = [shorten(class_names[index]) for index in shown]
    axes.set_xticks(shown, names, rotation=90 if max(map(len, names)) > 4 else 0)
    axes.set_yticks(shown, names)
    axes.set(xlabel="predicted class", ylabel="true class")
    wrong = int(counts.sum() - np.trace(counts))
    axes.set_title(f"{title}\n{wrong:,} of {int(counts.sum()):,} images wrong", fontsize=12)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("errors (% of the true class)")
    save_figure(figure, path)


@use_style()
def draw_prediction(
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
    names = [shorten(class_names[index]) for index in shown]
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
    save_figure(figure, path, compress_level=1)


@use_style()
def draw_ensemble(
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
    figure = make_figure(8.5, 4.8)
    axes = figure.subplots()
    axes.plot(range(1, len(members) + 1), members, "o", color=BLUE, markersize=8, label="members", zorder=3)
    for value, colour, style, label in (
        (soft, VERMILION, "-", f"soft vote: {soft:.2f} %"),
        (hard, GREEN, "--", f"hard vote: {hard:.2f} %"),
        (mean, BLUE, ":", f"mean of the members: {mean:.2f}{spread} %"),
    ):
        axes.axhline(value, color=colour, linestyle=style, linewidth=2, label=label)
    places = range(1, len(members) + 1, -(-len(members) // 25))
    names = [shorten(labels[place - 1]) if labels else str(place) for place in places]
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
    save_figure(figure, path)
