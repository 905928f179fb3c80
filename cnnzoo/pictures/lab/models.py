"""Pictures of what is inside a trained model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from cnnzoo.pictures import style
from cnnzoo.pictures.style import BLUE, GREEN, GREY, PURPLE, VERMILION

# Line colours and markers of several runs, which differ in both.
# A name would cover the points of a smaller class.
FEWEST_LABELLED = 4
LINES = ((BLUE, "o", "-"), (VERMILION, "s", "--"), (GREEN, "^", "-."), (PURPLE, "D", ":"), (GREY, "v", "-"))


def _tile(axes: Any, tiles: Sequence[NDArray[Any]], columns: int, limits: tuple[float, float], colours: str) -> None:
    """Draw arrays of one shape, (height, width) or (height, width, 3), side by side with a gap."""
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, *tiles[0].shape[2:]), np.nan)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet[row * (height + 1) :, column * (width + 1) :][:height, :width] = tile
    if sheet.ndim == 3:
        sheet = np.where(np.isnan(sheet), 1, (sheet - limits[0]) / (limits[1] - limits[0])).clip(0, 1)
    axes.imshow(sheet, cmap=colours, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    axes.axis("off")


@style.apply()
def draw_kernels(learned: NDArray[Any], initial: NDArray[Any] | None, path: style.StrPath, *, title: str = "") -> None:
    """Draw kernels before and after the training.

    Args:
        learned: (height, width, channels, filters). Kernels of three channels are shown in colour, others by the mean
            of their channels.
        initial: Before the training, or None.
        path: The picture's file.
        title: Title of the picture.
    """
    sheets = [("learned", learned)] if initial is None else [("initial", initial), ("learned", learned)]
    filters = learned.shape[-1]
    columns = min(16, filters, max(4, int(np.ceil(filters**0.5))))
    rows = -(-filters // columns)
    side = min(0.55, 6 / columns)
    figure = Figure(figsize=(len(sheets) * (side * columns + 0.8), side * rows + 1.4), layout="constrained")
    limit = max(float(np.abs(kernels).max()) for _, kernels in sheets) or 1.0
    for axes, (heading, kernels) in zip(np.atleast_1d(figure.subplots(1, len(sheets))), sheets, strict=True):
        shown = kernels if kernels.shape[2] == 3 else kernels.mean(axis=2)
        _tile(axes, [shown[..., n] for n in range(filters)], columns, (-limit, limit), "PuOr")
        axes.set_title(heading, fontsize=10)
    if learned.shape[2] == 3:
        figure.supxlabel(f"grey: 0; light: up to {limit:.2f}; dark: down to -{limit:.2f}", fontsize=9)
    else:
        figure.colorbar(axes.images[0], ax=figure.axes, shrink=0.8, label="weight")
    figure.suptitle(title, fontsize=12)
    style.save(figure, path)


@style.apply()
def draw_features(
    pixels: NDArray[np.uint8], maps: Mapping[str, NDArray[Any]], path: style.StrPath, *, title: str = "", most: int = 8
) -> None:
    """Draw an image and the strongest feature maps of some layers, a row for each layer.

    Args:
        pixels: The image (height, width, channels), 0 to 255.
        maps: The output of each layer (height, width, channels), from the first layer to the last.
        path: The picture's file.
        title: Title of the picture.
        most: How many maps of a layer are shown; those of the largest mean.
    """
    figure = Figure(figsize=(2.6 + 1.1 * most, 1.35 * len(maps) + 0.8), layout="constrained")
    grid = figure.add_gridspec(len(maps), 2, width_ratios=(2.2, 1.1 * most))
    image_axes = figure.add_subplot(grid[:, 0])
    style.show_pixels(image_axes, pixels)
    image_axes.set_title("what the network sees", fontsize=10)
    for row, (name, values) in enumerate(maps.items()):
        axes = figure.add_subplot(grid[row, 1])
        order = np.argsort(-values.mean(axis=(0, 1)), kind="stable")[:most]
        scaled = [_scale(values[..., index]) for index in order]
        scaled += [np.full(values.shape[:2], np.nan)] * (most - len(scaled))
        _tile(axes, scaled, most, (0, 1), "viridis")
        height, width, channels = values.shape
        numbers = ", ".join(map(str, order))
        axes.set_title(f"{name}: maps {numbers} of {channels}, {height}x{width}", fontsize=9, loc="left")
    figure.suptitle(title, fontsize=12)
    style.save(figure, path)


def _scale(values: NDArray[Any]) -> NDArray[Any]:
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


@style.apply()
def draw_excitations(images: Mapping[str, NDArray[Any]], path: style.StrPath, *, title: str = "") -> None:
    """Draw images that excite filters, each with its caption.

    Args:
        images: The images (height, width, channels), 0 to 255, by caption.
        path: The picture's file.
        title: Title of the picture.
    """
    columns = min(4, len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.9 * rows + 0.6), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(images) :]:
        axes.axis("off")
    for axes, (caption, image) in zip(grid, images.items(), strict=False):
        style.show_pixels(axes, np.rint(image).astype("uint8"))
        axes.set_title(caption, fontsize=9)
    figure.suptitle(title, fontsize=12)
    style.save(figure, path)


@style.apply()
def draw_saliency(
    pixels: NDArray[np.uint8],
    cam: NDArray[Any],
    drops: NDArray[Any],
    path: style.StrPath,
    *,
    layer: str,
    cam_extent: tuple[float, float, float, float],
    patch: int,
    title: str = "",
) -> None:
    """Draw an image, its Grad-CAM map and its occlusion map.

    Args:
        pixels: The image (height, width, channels), 0 to 255.
        cam: Grad-CAM, from 0 to 1 (rows, columns).
        drops: How much the probability falls (rows, columns), as a fraction of 1.
        path: The picture's file.
        layer: The layer of the Grad-CAM map.
        cam_extent: Left, right, lower and upper edge of the Grad-CAM map on the image, in pixels.
        patch: Side of the patch in pixels.
        title: Title of the picture.
    """
    height, width = pixels.shape[:2]
    figure = Figure(figsize=(12, 4.4), layout="constrained")
    axes = figure.subplots(1, 3)
    for each in axes:
        style.show_pixels(each, pixels)
    axes[0].set_title("image")
    whole = (-0.5, width - 0.5, height - 0.5, -0.5)
    cam, cam_extent = _fill_image(cam, cam_extent, whole)
    shown = axes[1].imshow(cam, cmap="magma", alpha=0.6, extent=cam_extent, interpolation="bilinear", vmin=0, vmax=1)
    axes[1].set(xlim=whole[:2], ylim=whole[2:])
    axes[1].set_title(f"Grad-CAM of layer {layer}")
    figure.colorbar(shown, ax=axes[1], shrink=0.8, label="share of the largest value")
    limit = max(0.1, float(np.abs(drops).max()) * 100)  # less is rounding
    shown = axes[2].imshow(100 * drops, cmap="PuOr_r", alpha=0.7, extent=whole, vmin=-limit, vmax=limit)
    axes[2].set(xlim=whole[:2], ylim=whole[2:])
    axes[2].set_title(f"occlusion by {patch}x{patch} pixels")
    figure.colorbar(shown, ax=axes[2], shrink=0.8, label="fall of the probability (points)")
    figure.suptitle(title, fontsize=12)
    style.save(figure, path)


def _fill_image(
    cam: NDArray[Any], extent: tuple[float, float, float, float], whole: tuple[float, float, float, float]
) -> tuple[NDArray[Any], tuple[float, float, float, float]]:
    """Return a map that goes on to the edges of the image with its outermost values, and its new extent."""
    left, right, bottom, top = extent
    steps = np.array([(bottom - top) / cam.shape[0], (right - left) / cam.shape[1]])
    gaps = [(top - whole[3], whole[2] - bottom), (left - whole[0], whole[1] - right)]
    margins = [tuple(max(0, int(np.ceil(gap / step))) for gap in pair) for pair, step in zip(gaps, steps, strict=True)]
    (above, below), (before, behind) = margins
    down, across = steps
    filled = (left - before * across, right + behind * across, bottom + below * down, top - above * down)
    return np.pad(cam, margins, mode="edge"), filled


@style.apply()
def draw_embedding(
    places: NDArray[Any],
    labels: NDArray[np.integer[Any]],
    class_names: Sequence[str],
    path: style.StrPath,
    *,
    title: str,
) -> None:
    """Draw images as points in two dimensions, by class.

    Args:
        places: (count, 2).
        labels: Class numbers (count,).
        class_names: In the order of the labels. Of more than ten classes the ten most frequent are coloured.
        path: The picture's file.
        title: Title of the picture.
    """
    figure = Figure(figsize=(8.5, 6.5), layout="constrained")
    axes = figure.subplots()
    colours = (BLUE, VERMILION, GREEN, PURPLE, "#E69F00", "#56B4E9", "#F0E442", "black")
    markers = "os^Dv"
    counts = np.bincount(labels, minlength=len(class_names))
    coloured = np.sort(np.argsort(-counts, kind="stable")[:10])
    rest = ~np.isin(labels, coloured)
    others = np.count_nonzero(counts) - np.count_nonzero(counts[coloured])
    if others:
        axes.plot(*places[rest].T, ".", color="0.7", markersize=4, label=f"{others} other classes")
    for number, class_number in enumerate(coloured):
        chosen = labels == class_number
        if not chosen.any():
            continue
        name = style.shorten(class_names[class_number])
        marker, colour = markers[number % len(markers)], colours[number % len(colours)]
        edge: dict[str, Any] = {"markeredgecolor": "0.3", "markeredgewidth": 0.3}
        axes.plot(*places[chosen].T, marker, color=colour, markersize=4.5, label=name, **edge)
        middle = np.median(places[chosen], axis=0)
        if chosen.sum() < FEWEST_LABELLED:
            continue
        outline = [withStroke(linewidth=3, foreground="white")]
        axes.annotate(name, middle, fontsize=12, fontweight="bold", ha="center", path_effects=outline)
    axes.set(xticks=[], yticks=[], xlabel="first dimension of t-SNE", ylabel="second dimension of t-SNE")
    figure.legend(loc="outside right center", markerscale=1.5)
    figure.suptitle(title, fontsize=12)
    style.save(figure, path)


@style.apply()
def draw_invariance(
    accuracies: Mapping[str, Sequence[float]], path: style.StrPath, *, title: str = "", measure: str = "accuracy"
) -> None:
    """Draw the accuracy of several models against the shift of their images.

    Args:
        accuracies: Of each model, for shifts by 0, 1, 2 ... pixels, as fractions of 1.
        path: The picture's file.
        title: Title of the picture.
        measure: What the fractions are.
    """
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for index, (name, values) in enumerate(accuracies.items()):
        colour, marker, line = LINES[index % len(LINES)]
        axes.plot(100 * np.asarray(values), line, marker=marker, color=colour, label=name)
    axes.set(xlabel="shift (pixels)", ylabel=f"{measure} (%)", ylim=(0, 102))
    axes.set_xticks(range(max(map(len, accuracies.values()))))
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(title, fontsize=12)
    style.save(figure, path)
