"""Bars and lines about the layers of a network."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from cnnzoo.pictures import style
from cnnzoo.pictures.style import BLUE, GREY, VERMILION


@style.apply()
def draw_savings(
    names: Sequence[str], macs: Sequence[float], without: Sequence[float], path: style.StrPath, *, title: str = ""
) -> None:
    """Draw what 1x1 convolutions save, a pair of bars for each.

    Args:
        names: The 1x1 convolutions.
        macs: Millions of MACs of each with the convolution behind it.
        without: Millions of MACs of that convolution alone.
        path: The picture's file.
        title: Title of the picture.
    """
    figure = Figure(figsize=(8.5, 1.6 + 0.3 * max(2, len(names))), layout="constrained")
    axes = figure.subplots()
    places = range(len(names))
    axes.barh([place - 0.2 for place in places], without, 0.38, color=GREY, label="next convolution alone")
    axes.barh([place + 0.2 for place in places], macs, 0.38, color=BLUE, label="1x1 and next convolution")
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="million MACs for one image")
    axes.grid(axis="x")
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(title, fontsize=12)
    style.save(figure, path)


@style.apply()
def draw_receptive_fields(
    names: Sequence[str],
    formula: Sequence[int],
    measured: Sequence[int],
    side: int,
    path: style.StrPath,
    *,
    title: str = "",
) -> None:
    """Draw the receptive field of the layers from the first to the last.

    Args:
        names: The layers.
        formula: Pixels a side by formula.
        measured: Pixels a side by gradient.
        side: Pixels a side of the image.
        path: The picture's file.
        title: Title of the picture.
    """
    figure = Figure(figsize=(max(6.0, 2.5 + 0.3 * len(names)), 5), layout="constrained")
    axes = figure.subplots()
    axes.axhline(side, color=GREY, linestyle=":", label=f"image: {side} pixels")
    axes.plot(formula, "o-", color=BLUE, label="by formula, padding included")
    axes.plot(measured, "x--", color=VERMILION, markersize=8, label="measured by gradient")
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set(ylabel="receptive field (pixels a side)", xlabel="layer", ylim=(0, None))
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=3)
    figure.suptitle(title, fontsize=12)
    style.save(figure, path)
