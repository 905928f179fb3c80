"""``cnnzoo lab convolve``: a convolution step by step."""

from pathlib import Path
from typing import Any

import click
from numpy.typing import NDArray

from cnnzoo.cli.lab import common
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.lab import examples
from cnnzoo.lab.convolution import convolve
from cnnzoo.lab.windows import Padding

LECTURE = "convolution, worked: element-wise product and sum under a sliding window"


@click.command("convolve")
@click.option(
    "--image", type=common.Numbers(), help="Numbers in one or two dimensions, such as '1 2 3; 4 5 6', or a file."
)
@click.option("--kernel", type=common.Numbers(), help="Weights in the same form, with as many dimensions.")
@common.stride_option
@common.padding_option
@common.dilation_option
@click.option("--flip", is_flag=True, help="Flip the kernel, as convolution does in mathematics.")
@common.picture_option("convolution", animated=True)
@json_option
def command(
    image: NDArray[Any] | None,
    kernel: NDArray[Any] | None,
    stride: list[int],
    padding: list[Padding],
    dilation: list[int],
    flip: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Work out a convolution step by step, in one or two dimensions.

    A network's convolution is cross-correlation: the kernel is not flipped; --flip flips it. Without numbers it
    works out the lecture's example.
    """
    pixels = examples.CONVOLUTION_IMAGE if image is None else image
    weights = examples.CONVOLUTION_KERNEL if kernel is None else kernel
    convolution = convolve(pixels, weights, stride, padding, dilation, flip=flip)
    path = common.picture_path(output, "convolution")

    title = common.describe_windows("kernel", convolution.windows)
    shown = common.draw_steps(convolution, path, title, convolution.kernel)
    if as_json:
        axes = [vars(axis) | {"output_size": axis.output_size} for axis in convolution.windows.axes]
        numbers = {
            "image": pixels.tolist(),
            "kernel": convolution.kernel.tolist(),
            "output": convolution.output.tolist(),
        }
        print_json({"axes": axes, **numbers, "steps": convolution.sentences(), "flipped": flip, "path": str(path)})
        return
    click.echo("Convolution, the kernel flipped." if flip else "Cross-correlation, as in networks.")
    click.echo(f"Image:\n{common.format_matrix(pixels)}\nKernel:\n{common.format_matrix(convolution.kernel)}")
    common.show_steps(convolution, shown)
    common.show_picture(path, LECTURE)
