"""Pictures of evaluations: a confusion matrix, a classified photograph, and an ensemble."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from cnnzoo.pictures import style
from cnnzoo.pictures.style import BLUE, GREEN, VERMILION


@style.apply()
def draw_confusion(
    matrix: ArrayLike, class_names: Sequence[str], path: style.StrPath, title: str = "Confusion matrix"
) -> None:
    """Draw a confusion matrix.

    The colours show the errors: each cell off the diagonal is coloured by its share of the true class. The diagonal
    is a blue that stays light even if every image is right, so that it does not outshine the errors.

    Args:
        matrix: Numbers of images (true class, predicted class).
        class_names: Names in the matrix's order. Counts are shown for up to 25 classes.
        path: The picture's file.
        title: Title of the picture.
    """
    counts = np.asarray(matrix)
    classes = len(class_names)
    has_counts = classes <= 25
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    diagonal = np.eye(classes, dtype=bool)
    errors = np.where(diagonal, np.nan, shares)
    highest = max(1.0, float(np.nanmax(errors, initial=0)))  # so that a single mistake does not look like many

    side = min(12.0, max(5.0, 2.5 + 0.55 * classes)) if has_counts else 10.0
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    axes.spines[:].set_visible(True)
    image = axes.imshow(errors, cmap="Oranges", vmin=0, vmax=highest)
    axes.imshow(np.where(diagonal, shares, np.nan), cmap="Blues", vmin=0, vmax=400)
    for true, predicted in np.argwhere(counts) if has_counts else ():
        text = axes.text(predicted, true, f"{counts[true, predicted]:,}", ha="center", va="center")
        text.set_color("white" if errors[true, predicted] > 0.6 * highest else "black")
        text.set_fontsize(11 if classes <= 10 else 8)
    ticks = range(0, classes, -(-classes // 25))
    names = [style.shorten(class_names[index]) for index in ticks]
    axes.set_xticks(ticks, names, rotation=90 if max(map(len, names)) > 4 else 0)
    axes.set_yticks(ticks, names)
    axes.set(xlabel="predicted class", ylabel="true class")
    images, wrong = int(counts.sum()), int(counts.sum() - np.trace(counts))
    axes.set_title(f"{title}\n{wrong:,} of {images:,} images wrong", fontsize=12)
    figure.colorbar(image, ax=axes, shrink=0.8, label="errors (% of the true class)")
    style.save(figure, path)


@style.apply(**{"figure.titleweight": "normal"})
def draw_prediction(
    image: NDArray[np.uint8],
    original: ArrayLike,
    probabilities: ArrayLike,
    class_names: Sequence[str],
    path: style.StrPath,
    *,
    size: tuple[int, int] | None = None,
    title: str = "",
) -> None:
    """Draw an image, the pixels that the network sees, and the probabilities of the classes.

    Args:
        image: The pixels that the network sees (height, width, channels), 0 to 255.
        original: The image itself: (height, width) or (height, width, channels), 0 to 255.
        probabilities: Probability of each class (classes,), 0 to 1.
        class_names: Names in the probabilities' order. Of more than 20 classes the ten likeliest are shown.
        path: The picture's file.
        size: Width and height of the image, if ``original`` is a reduced copy.
        title: Title of the picture.
    """
    # The figure measures one inch, so that positions on it are inches: images of any shape have panels of one height.
    # The file contains everything that is drawn, even outside the figure.
    figure = Figure(figsize=(1, 1))
    height, gap, left = 3.6, 0.4, 0.0
    panels = [("Original image", np.asarray(original), size), ("What the network sees", image, None)]
    for heading, pixels, true_size in panels:
        columns, rows = true_size or pixels.shape[1::-1]
        width = height * min(max(pixels.shape[1] / pixels.shape[0], 0.5), 2.0)
        axes = figure.add_axes((left, 0, width, height), title=f"{heading}\n{columns}x{rows} pixels")
        style.show_pixels(axes, pixels)
        left += width + gap
    left += gap
    _draw_probabilities(figure.add_axes((left, 0, 6.4, height)), np.asarray(probabilities), class_names)
    figure.suptitle(title, x=(left + 6.4) / 2, y=height + 0.8, fontsize=14)
    # A higher level takes a quarter of the whole time, and makes a photograph smaller by only a sixth.
    style.save(figure, path, compress_level=1)


def _draw_probabilities(axes: Any, probabilities: NDArray[Any], class_names: Sequence[str]) -> None:
    """Draw the probability of each class, or of the ten likeliest, with the likeliest in the title."""
    values = 100 * probabilities
    best = int(np.argmax(values))
    shown = np.arange(len(values)) if len(values) <= 20 else np.argsort(-values, kind="stable")[:10]
    heights, colours = values[shown], np.where(shown == best, VERMILION, BLUE)
    axes.vlines(range(len(shown)), 0, heights, colors=colours, linewidth=2)
    axes.scatter(range(len(shown)), heights, 50, colours)
    for place, height in enumerate(heights):
        if height >= 1:
            axes.annotate(_format_percent(height), (place, height), (0, 7), textcoords="offset points", ha="center")
    names = [style.shorten(class_names[index]) for index in shown]
    axes.set_xticks(range(len(shown)), names, **style.SLANTED if max(map(len, names)) > 5 else {})
    axes.set_yticks(range(0, 101, 20))
    axes.set(ylabel="probability (%)", xlabel="class", ylim=(0, 110), xlim=(-0.6, len(shown) - 0.4))
    axes.grid(axis="y")
    answer = f"{class_names[best]}: {_format_percent(values[best])} %"
    axes.set_title(answer, color=VERMILION, fontweight="bold", fontsize=16)


def _format_percent(percent: float) -> str:
    return ">99.9" if percent > 99.9 else f"{percent:.1f}"  # no network is certain


@style.apply()
def draw_ensemble(
    members: Sequence[float],
    soft: float,
    hard: float,
    path: style.StrPath,
    *,
    labels: Sequence[str] = (),
    title: str = "Ensemble",
) -> None:
    """Draw the accuracy of an ensemble beside those of its members.

    Args:
        members: Accuracy of each member in percent.
        soft: Accuracy of the soft vote, the mean of their probabilities, in percent.
        hard: Accuracy of the hard vote, their majority, in percent.
        path: The picture's file.
        labels: Name of each member, such as that of its run or "seed 0"; by default numbers from 1.
        title: Title of the picture.
    """
    mean = float(np.mean(members))
    deviation = f" ± {np.std(members, ddof=1):.2f}" if len(members) > 1 else ""
    figure = Figure(figsize=(8.5, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(len(members)), members, "o", color=BLUE, markersize=8, label="members", zorder=3)
    axes.axhline(soft, color=VERMILION, linestyle="-", linewidth=2, label=f"soft vote: {soft:.2f} %")
    axes.axhline(hard, color=GREEN, linestyle="--", linewidth=2, label=f"hard vote: {hard:.2f} %")
    mean_label = f"mean of the members: {mean:.2f}{deviation} %"
    axes.axhline(mean, color=BLUE, linestyle=":", linewidth=2, label=mean_label)
    ticks = range(0, len(members), -(-len(members) // 25))
    names = [style.shorten(labels[index]) if labels else str(index + 1) for index in ticks]
    is_crowded = len(names) * max(map(len, names)) > 75
    axes.set_xticks(ticks, names, **style.SLANTED if is_crowded else {})
    lowest, highest = min(*members, soft, hard), max(*members, soft, hard)
    room = 0.1 * (highest - lowest) or 0.5
    axes.set(
        xlabel="member", ylabel="accuracy (%)", xlim=(-0.5, len(members) - 0.5), ylim=(lowest - room, highest + room)
    )
    axes.set_title(f"{title}\nsoft vote {soft - mean:+.2f} points over the mean of {len(members)}", fontsize=12)
    axes.yaxis.set_major_formatter("{x:.2f}")
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=4)
    style.save(figure, path)


@style.apply()
def draw_groups(groups: Sequence[Any], path: style.StrPath, title: str = "") -> None:
    """Draw the accuracy on groups of positions of Go, with its interval.

    Args:
        groups: ``evaluation.PositionGroup`` objects, from the top down.
        path: The picture's file.
        title: Title of the picture.
    """
    figure = Figure(figsize=(8, 1.4 + 0.42 * len(groups)), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(groups))
    kinds = (("single", "network", BLUE, -0.12), ("averaged", "averaged over the eight symmetries", VERMILION, 0.12))
    for attribute, label, colour, offset in kinds:
        figures = [getattr(group, attribute) for group in groups]
        shares = np.array([100 * each.accuracy for each in figures])
        limits = np.array([100 * np.array(each.interval or (each.accuracy, each.accuracy)) for each in figures])
        axes.errorbar(
            shares, rows + offset, xerr=np.abs(limits.T - shares), fmt="o", color=colour, label=label, markersize=5
        )
    axes.set_yticks(rows, [f"{group.name}\n{group.positions:,} positions" for group in groups], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("moves predicted (%); bars: 95 % interval over games")
    axes.set_title(title, fontsize=12)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    axes.grid(axis="x", alpha=0.3)
    style.save(figure, path)
