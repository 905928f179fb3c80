"""Bars and lines about the layers of a network."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from cnnzoo.pictures import style
from cnnzoo.pictures.style import BLUE, GREY, VERMILION


@style.apply()
def draw_savings(
    names: Sequence[str], macs: Sequence[float], without: Sequence[float], path: style.StrPath, *, title: str = ""
) -> None:
    """Draw what 1x1 convolutions save, a pair of bars for each module.

    Args:
        names: The modules.
        macs: Millions of MACs of each with its 1x1 convolutions.
        without: Millions of MACs of each if the convolutions behind them read all channels themselves.
        path: The picture's file.
        title: Title of the picture.
    """
    figure = Figure(figsize=(8.5, 1.6 + 0.36 * max(3, len(names))), layout="constrained")
    axes = figure.subplots()
    places = range(len(names))
    bars = axes.barh([place - 0.2 for place in places], without, 0.38, color=GREY, label="without")
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
    bars = axes.barh([place + 0.2 for place in places], macs, 0.38, color=BLUE, label="with 1x1 convolutions")
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="million MACs for one image")
    axes.grid(axis="x")
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(title, fontsize=12)
    style.save(figure, path)


@style.apply()
def draw_channels(
    names: Sequence[str],
    channels_in: Sequence[int],
    channels_out: Sequence[int],
    path: style.StrPath,
    *,
    title: str = "",
) -> None:
    """Draw the channels that 1x1 convolutions read and those that they set, a line for each.

    Args:
        names: The 1x1 convolutions.
        channels_in: Channels that each reads.
        channels_out: Channels that each sets.
        path: The picture's file.
        title: Title of the picture.
    """
    figure = Figure(figsize=(8.5, 1.8 + 0.36 * max(2, len(names))), layout="constrained")
    axes = figure.subplots()
    places = range(len(names))
    axes.hlines(places, channels_in, channels_out, color=GREY)
    axes.plot(channels_in, places, "o", color=GREY, markersize=9, label="channels in")
    axes.plot(channels_out, places, "s", color=BLUE, label="channels out")
    axes.set_yticks(places, names, fontsize=8)
    axes.set(xlabel="channels", xlim=(0, None), ylim=(len(names) - 0.5, -0.5))
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
