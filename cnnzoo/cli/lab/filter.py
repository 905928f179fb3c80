"""``cnnzoo lab filter``: a fixed kernel on a photograph."""

import os
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from cnnzoo.cli.lab import common
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.errors import UserError, did_you_mean
from cnnzoo.lab.kernels import FILTERS
from cnnzoo.lab.numbers import read_numbers

LECTURE = "filters: edge, sharpen, smooth, Gaussian and vertical edge, with symmetric borders"


def find_kernel(text: str) -> tuple[str, NDArray[Any]]:
    """Return the title and the weights (height, width) of a named kernel, or of numbers as text or in a file.

    Raises:
        UserError: There is no such kernel.
    """
    if text in FILTERS:
        return text, FILTERS[text]
    if text[:1].isalpha() and not os.path.exists(text):  # noqa: PTH110 - pathlib's may raise
        raise UserError(
            f"--kernel {text}: there is no such kernel, and no such file.{did_you_mean(text, FILTERS)} "
            f"The kernels are {', '.join(FILTERS)}."
        )
    try:
        return "kernel", np.atleast_2d(read_numbers(text))
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
@common.picture_option("filter")
@json_option
def command(image: Path | None, kernel_name: str, grey: bool, flip: bool, output: Path | None, as_json: bool) -> None:
    """Apply a fixed kernel to an image.

    IMAGE is a file of any usual format; without it a photograph that scikit-learn ships is filtered. The border is
    mirrored, and the output has the image's size. The picture shows values from 0 to 255; others are clipped.
    """
    title, kernel = find_kernel(kernel_name)
    path = common.picture_path(output, "filter")

    from cnnzoo import runtime  # decides the backend before Keras is imported

    runtime.prepare()
    from cnnzoo.lab.filters import apply_filter
    from cnnzoo.lab.photographs import load_photograph
    from cnnzoo.pictures.lab import draw_filter

    name, pixels = load_photograph(image, grey=grey)
    filtered = apply_filter(pixels, kernel, flip=flip)
    draw_filter(pixels, kernel, filtered, path, title=f"{title} on {name}")
    low, high = float(filtered.min()), float(filtered.max())
    clipped = float(((filtered < 0) | (filtered > 255)).mean())
    if as_json:
        print_json(
            {
                "image": name,
                "shape": pixels.shape,
                "kernel": kernel.tolist(),
                "flipped": flip,
                "minimum": low,
                "maximum": high,
                "clipped": clipped,
                "path": str(path),
            }
        )
        return
    click.echo(f"Image: {name}, {common.format_shape(pixels.shape)} (height, width, channels)")
    click.echo(f"Kernel: {title}, {common.format_shape(kernel.shape)}, sum {kernel.sum():.6g}")
    if kernel.size <= 49:
        click.echo(common.format_matrix(kernel))
    click.echo("Convolution, the kernel flipped." if flip else "Cross-correlation, as in networks.")
    click.echo(
        f"Output: from {low:.1f} to {high:.1f}; {100 * clipped:.1f} % are outside 0 to 255 and clipped in the picture."
    )
    common.show_picture(path, LECTURE)
