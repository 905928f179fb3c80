"""Style that all pictures share: colours, fonts, axes and files.

Pictures are drawn with figures of their own, never with pyplot, so that nothing global changes.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, NullFormatter

from cnnzoo.files import whole

# Colour-blind readers can tell these apart, too (Okabe and Ito, "Color Universal Design", 2008).
BLUE, VERMILION, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"


@contextmanager
def use_style() -> Iterator[None]:
    """Draw with matplotlib's defaults in place of what a ``matplotlibrc`` or a program has set."""
    with mpl.rc_context():
        mpl.rcdefaults()
        yield


def make_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches whose panels keep their distance."""
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1, wspace=0.03))


def save_figure(figure: Figure, path: Path, *, compress_level: int = 6) -> None:
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


def scale_by_range(axes: Any, values: Sequence[float]) -> None:
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


def shorten(name: str) -> str:
    """Cut a name after twenty letters."""
    return name if len(name) <= 20 else f"{name[:19]}…"
