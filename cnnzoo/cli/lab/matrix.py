"""``cnnzoo lab matrix``: a convolution as a product of matrices."""

from pathlib import Path
from typing import Any

import click
from numpy.typing import NDArray

from cnnzoo.cli.lab import common
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.errors import UserError
from cnnzoo.lab import examples
from cnnzoo.lab.convolution import convolve
from cnnzoo.lab.matrices import as_matrix, as_patches
from cnnzoo.lab.windows import Padding

LECTURE = "from a dense layer to a convolution: local connections, then shared weights"
# A larger matrix is not readable, neither drawn nor printed.
MOST_CELLS = 4_000


@click.command("matrix")
@click.option(
    "--image", type=common.Numbers(), help="Numbers in one or two dimensions, such as '1 2 3; 4 5 6', or a file."
)
@click.option("--kernel", type=common.Numbers(), help="Weights in the same form, with as many dimensions.")
@common.stride_option
@common.padding_option
@common.dilation_option
@click.option("--flip", is_flag=True, help="Flip the kernel, as convolution does in mathematics.")
@common.picture_option("matrix")
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
    """Show a convolution as a product of matrices, both ways.

    The matrix of shared weights has a row for each output and a column for each pixel; times the image it gives the
    output. The matrix of patches (im2col) has a row for each place of the window; times the kernel it gives the same.
    """
    pixels = examples.CONVOLUTION_IMAGE[:4, :4] if image is None else image
    weights = examples.CONVOLUTION_KERNEL if kernel is None else kernel
    convolution = convolve(pixels, weights, stride, padding, dilation, flip=flip)
    if convolution.output.size * max(pixels.size, weights.size) > MOST_CELLS:
        raise UserError(
            f"A matrix of {convolution.output.size}x{pixels.size} is too large to read; take a smaller image."
        )
    matrix, patches = as_matrix(convolution), as_patches(convolution)
    path = common.picture_path(output, "matrix")

    from cnnzoo.pictures.lab import draw_matrix  # loads matplotlib

    title = "A convolution as a product of matrices, both ways"
    draw_matrix(matrix.element, patches, pixels, convolution.kernel, convolution.output, path, title=title)
    if as_json:
        print_json(
            {
                "matrix": matrix.weights.tolist(),
                "patches": patches.tolist(),
                "output": convolution.output.tolist(),
                "connections": matrix.connections,
                "shared_weights": matrix.kernel_size,
                "dense_connections": matrix.dense_weights,
                "dense_weights": matrix.dense_weights,
                "path": str(path),
            }
        )
        return
    click.echo(f"Image:\n{common.format_matrix(pixels)}\nKernel:\n{common.format_matrix(convolution.kernel)}")
    click.echo(f"Matrix of shared weights, {common.format_shape(matrix.weights.shape)}, times the image row by row:")
    click.echo(common.format_matrix(matrix.weights))
    click.echo(f"Matrix of patches (im2col), {common.format_shape(patches.shape)}, times the kernel row by row:")
    click.echo(common.format_matrix(patches))
    click.echo(f"Both products, and the sliding window:\n{common.format_matrix(convolution.output)}")
    click.echo(f"Convolution: {matrix.connections} connections that share {matrix.kernel_size} weights.")
    click.echo(f"Dense layer: {matrix.dense_weights} connections, each with a weight of its own.")
    common.show_picture(path, LECTURE)
