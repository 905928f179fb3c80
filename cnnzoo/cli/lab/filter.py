"""``cnnzoo lab filter``: a fixed kernel on a photograph."""

import os
from pathlib import Path
from typing import Any, Literal, get_args

import click
import numpy as np
from numpy.typing import NDArray

from cnnzoo.cli.lab import common
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.errors import UserError, did_you_mean
from cnnzoo.lab.kernels import FILTERS, NOTES
from cnnzoo.lab.numbers import read_numbers

Shown = Literal["clipped", "absolute", "signed"]
SHOWN = get_args(Shown)
LECTURE = "filters: edge, sharpen, smooth, Gaussian and vertical edge, with symmetric borders"


def find_kernel(text: str) -> tuple[str, NDArray[Any]]:
    """Return the title and the weights (height, width) of a named kernel, or of numbers as text or in a file.

    Raises:
        UserError: There is no such kernel.
    """
    if text in FILTERS:
        return text, FILTERS[text]
    if text[:1].isalpha() and not os.path.exists(text):  # noqa: PTH110 - pathlib's may raise
        raise UserError(f"--kernel {text}: there is no such kernel, and no such file.{did_you_mean(text, FILTERS)}")
    try:
        title = Path(text).name if os.path.exists(text) else "your kernel"  # noqa: PTH110 - pathlib's may raise
        return title, np.atleast_2d(read_numbers(text))
    except UserError as error:
        raise UserError(f"--kernel: {error}") from None


@click.command("filter")
@click.argument("image", type=click.Path(path_type=Path), required=False)
@click.option(
    "--kernel",
    "kernel_name",
    default="edge",
    show_default=True,
    metavar="NAME|NUMBERS|FILE",
    help=f"{', '.join(FILTERS)}; or numbers such as '0 1; 1 0'; or a file of numbers.",
)
@click.option("--grey", is_flag=True, help="Filter the grey image, rather than red, green and blue one by one.")
@click.option("--flip", is_flag=True, help="Flip the kernel, as convolution does in mathematics.")
@click.option(
    "--show",
    type=click.Choice(SHOWN),
    default="clipped",
    show_default=True,
    help="The output in the picture: clipped to 0 to 255; without signs, then clipped; or half of it plus 127.5.",
)
@common.picture_option("filter")
@json_option
def command(
    image: Path | None, kernel_name: str, grey: bool, flip: bool, show: Shown, output: Path | None, as_json: bool
) -> None:
    """Apply a fixed kernel to an image.

    IMAGE is a file of any usual format; without it a photograph that scikit-learn ships is filtered. The border is
    mirrored, and the output has the image's size.
    """
    title, kernel = find_kernel(kernel_name)
    path = common.picture_path(output, "filter")

    from cnnzoo import runtime  # decides the backend before Keras is imported

    runtime.prepare()
    from cnnzoo.lab.filters import apply_filter
    from cnnzoo.lab.photographs import load_photograph
    from cnnzoo.pictures.lab import draw_filter

    photograph = load_photograph(image, grey=grey)
    pixels = photograph.pixels
    filtered = apply_filter(pixels, kernel, flip=flip)
    applied = np.flip(kernel) if flip else kernel
    draw_filter(pixels, applied, filtered, path, show=show, title=f"{title} on {photograph.name}")
    low, high = float(filtered.min()), float(filtered.max())
    outside = float(((filtered < 0) | (filtered > 255)).mean())
    if as_json:
        print_json(
            {
                "image": photograph.name,
                "shape": pixels.shape,
                "notes": photograph.notes,
                "kernel": applied.tolist(),
                "flipped": flip,
                "minimum": low,
                "maximum": high,
                "outside": outside,
                "path": str(path),
            }
        )
        return
    click.echo(f"Image: {photograph.name}, {common.format_shape(pixels.shape)} (height, width, channels)")
    for note in photograph.notes:
        click.echo(f"Note: {note}")
    click.echo("Convolution, the kernel flipped." if flip else "Cross-correlation, as in networks.")
    click.echo(f"Kernel: {title}, {common.format_shape(applied.shape)}, sum {applied.sum():.6g}")
    if title in NOTES:
        click.echo(f"Note: {NOTES[title]}")
    if applied.size <= 49:
        click.echo(common.format_matrix(applied))
    click.echo(f"Output: from {low:.1f} to {high:.1f}; {100 * outside:.1f} % are outside 0 to 255")
    common.show_picture(path, LECTURE)
