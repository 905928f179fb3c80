"""``cnnzoo lab pool``: a pooling window by window."""

from pathlib import Path
from typing import Any, Literal

import click
from numpy.typing import NDArray

from cnnzoo.cli.lab import common
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.lab import examples
from cnnzoo.lab.pooling import pool
from cnnzoo.lab.windows import Padding

LECTURE = "pooling: the maximum or the average of a window; no parameters, depth unchanged"


@click.command("pool")
@click.option(
    "--image", type=common.Numbers(), help="Numbers in one or two dimensions, such as '1 2 3; 4 5 6', or a file."
)
@click.option("--kind", type=click.Choice(["max", "average"]), default="max", show_default=True)
@click.option("--size", type=common.PerAxis(), default="2", show_default=True, help="Size of the window.")
@click.option("--stride", type=common.PerAxis(), help="Step of the window; by default its size.")
@common.padding_option
@common.picture_option("pooling", animated=True)
@json_option
def command(
    image: NDArray[Any] | None,
    kind: Literal["max", "average"],
    size: list[int],
    stride: list[int] | None,
    padding: list[Padding],
    output: Path | None,
    as_json: bool,
) -> None:
    """Work out a pooling window by window.

    Padding does not count: a window at the border takes the pixels that exist. Without numbers it works out the
    lecture's example.
    """
    pixels = examples.POOLING_IMAGE if image is None else image
    pooling = pool(pixels, kind, size * (pixels.ndim // len(size) or 1), stride, padding)
    path = common.picture_path(output, "pooling")
    shown = common.draw_steps(pooling, path, common.describe_windows(f"{kind} pooling", pooling.windows))
    if as_json:
        axes = [vars(axis) | {"output_size": axis.output_size} for axis in pooling.windows.axes]
        numbers = {"image": pixels.tolist(), "output": pooling.output.tolist(), "steps": pooling.sentences()}
        print_json({"axes": axes, **numbers, "kind": kind, "path": str(path)})
        return
    click.echo(f"Image:\n{common.format_matrix(pixels)}")
    common.show_steps(pooling, shown)
    common.show_picture(path, LECTURE)
