"""``cnnzoo lab dense-to-conv``: a dense layer against a convolution, weight by weight."""

from pathlib import Path

import click
import numpy as np

from cnnzoo.cli.lab import common
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.errors import UserError
from cnnzoo.lab.convolution import convolve
from cnnzoo.lab.matrices import as_matrix
from cnnzoo.lab.windows import Padding
from cnnzoo.text import count

LECTURE = "a dense layer against a 1D convolution: which weights are shared, which are zero"
# More cannot be read.
MOST_INPUTS = 40


@click.command("dense-to-conv")
@click.option("--inputs", type=click.IntRange(1, MOST_INPUTS), default=6, show_default=True, help="Number of inputs.")
@click.option("--kernel-size", type=click.IntRange(1), default=3, show_default=True, help="Weights of the kernel.")
@common.stride_option
@common.padding_option
@common.dilation_option
@common.picture_option("dense-to-conv")
@json_option
def command(
    inputs: int,
    kernel_size: int,
    stride: list[int],
    padding: list[Padding],
    dilation: list[int],
    output: Path | None,
    as_json: bool,
) -> None:
    """Compare a dense layer with a convolution in one dimension, weight by weight.

    Both have the same inputs and outputs. The dense layer has a weight for each pair of them. The convolution connects
    an output with the inputs under its window alone, and uses the same weights at every place.
    """
    if any(len(values) > 1 for values in (stride, dilation, padding)):
        raise UserError("A convolution in one dimension has one stride, one dilation, and one padding or start,end.")
    matrix = as_matrix(convolve(np.zeros(inputs), np.ones(kernel_size), stride, padding, dilation))
    outputs = len(matrix.element)
    path = common.picture_path(output, "dense-to-conv")

    from cnnzoo.pictures.lab import draw_dense_beside  # loads matplotlib

    title = f"{inputs} inputs, {outputs} outputs: dense layer and convolution"
    draw_dense_beside(matrix.element, kernel_size, path, title=title)
    zeros = matrix.dense_weights - matrix.connections
    if as_json:
        print_json(
            {
                "inputs": inputs,
                "outputs": outputs,
                "element": matrix.element.tolist(),
                "dense": {"weights": matrix.dense_weights, "biases": outputs},
                "convolution": {
                    "weights": kernel_size,
                    "unused": matrix.unused_weights,
                    "biases": 1,
                    "connections": matrix.connections,
                    "zeros": zeros,
                },
                "path": str(path),
            }
        )
        return
    width = max(2, len(f"w{kernel_size}"))
    click.echo("Weights of the convolution as a dense layer, a row for each output, a column for each input:")
    for row in matrix.element:
        click.echo("  " + " ".join((f"w{index + 1}" if index >= 0 else "0").rjust(width) for index in row))
    click.echo(
        f"Dense layer: {count(matrix.dense_weights, 'weight')} + {count(outputs, 'bias', 'biases')} = "
        f"{matrix.dense_weights + outputs}"
    )
    click.echo(
        f"Convolution: {count(kernel_size, 'weight')} + 1 bias = {kernel_size + 1}, on "
        f"{count(matrix.connections, 'connection')}; {zeros} of the dense layer's weights are zero"
    )
    if matrix.unused_weights:
        click.echo(f"{count(matrix.unused_weights, 'weight')} of the kernel meet nothing but padding.")
    common.show_picture(path, LECTURE)
