"""The style of all pictures: colours, fonts, axes and files.

Each picture has its own figure and none uses pyplot, so that nothing global changes.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from cnnzoo.files import whole

StrPath = str | Path

# Colour-blind readers can tell these apart, too (Okabe and Ito, "Color Universal Design", 2008).
BLUE, VERMILION, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"

# Settings as in a ``matplotlibrc``.
STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.wspace": 0.03,
    "figure.titleweight": "bold",
    "grid.color": "0.9",
    "legend.frameon": False,
    "savefig.bbox": "tight",
    "savefig.dpi": 150,
    "savefig.pad_inches": 0.15,
    "svg.hashsalt": "cnnzoo",  # the same picture gives the same bytes
    "text.parse_math": False,  # names of files and classes are not formulas
}
SLANTED: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}  # for long tick labels

# For each format with metadata, the entries to leave out, so that a file does not contain the time.
_UNDATED: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


@contextmanager
def apply(**changes: Any) -> Iterator[None]:
    """Draw in this style, independent of a ``matplotlibrc`` and of settings in the program.

    Args:
        changes: Settings that differ, such as ``**{"figure.titleweight": "normal"}``.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE | changes)
        yield


def save(figure: Figure, path: StrPath, *, compress_level: int = 6, **options: Any) -> None:
    """Write a picture, whole or not at all, with its title in the file's metadata.

    Args:
        figure: The picture.
        path: Its file; the suffix chooses the format.
        compress_level: Compression of a PNG file, from 0 to 9.
        options: Options of matplotlib's ``savefig``.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in _UNDATED:
        title = figure.get_suptitle() or figure.axes[0].get_title()
        options["metadata"] = {"Title": title, **_UNDATED[suffix]}
    if suffix == ".png":
        options["pil_kwargs"] = {"compress_level": compress_level}
    with whole(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a name may be in any script
        figure.savefig(temporary, **options)


def try_drawing(path: StrPath, draw: Callable[..., None], *arguments: Any, **options: Any) -> str | None:
    """Draw a picture; if that fails, the result is kept without it.

    Args:
        path: The picture's file.
        draw: A function that draws to ``path``, such as ``draw_curves``.
        arguments: Arguments of the function, without its path.
        options: Options of the function.

    Returns:
        Why there is no picture, as a sentence without a full stop, or None if there is one.
    """
    try:
        draw(*arguments, path=path, **options)
    except OSError as error:
        return f"{error.filename or path} cannot be written: {error.strerror or error}"
    except Exception as error:
        return f"{path} could not be drawn: {' '.join(str(error).split()) or type(error).__name__}"
    return None


def show_pixels(axes: Any, pixels: NDArray[np.uint8]) -> None:
    """Show an image (height, width) or (height, width, channels) in a frame, without ticks."""
    shown = pixels[..., 0] if pixels.shape[2:] == (1,) else pixels
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)


def show_plain_numbers(axis: Any) -> None:
    """Label an axis with numbers such as 0.001, even if it is logarithmic."""
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def scale_by_range(axes: Any) -> None:
    """Scale the vertical axis to its lines: logarithmically if they span more than a factor of ten, or else from 0.

    On a logarithmic scale 0 is at the bottom.
    """
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
    positive = values[np.isfinite(values) & (values > 0)]
    if not positive.size:
        return
    least, most = float(positive.min()), float(positive.max())
    if most <= 10 * least:
        axes.set_ylim(0, 1.1 * most)
        return
    foot = [0.0] if np.nanmin(values) <= 0 else []
    symmetric = {"value": "symlog", "linthresh": least, "linscale": 0.5}
    axes.set_yscale(**symmetric if foot else {"value": "log"})
    axes.set_ylim(-0.1 * least if foot else least / 1.3, 1.3 * most)
    decades = range(int(np.floor(np.log10(least))), int(np.ceil(np.log10(most))) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
    axes.set_yticks(foot + [tick for tick in ticks if least <= tick <= 1.3 * most])
    show_plain_numbers(axes.yaxis)


def shorten(name: str) -> str:
    """Shorten a name to at most twenty letters."""
    return name if len(name) <= 20 else f"{name[:19]}…"
