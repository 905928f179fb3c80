"""``cnnzoo lab``: the examples of the lectures, each with its numbers and a picture."""

import click

from cnnzoo.cli.lazy import LazyGroup

SUMMARIES = {
    "convolve": "Work out a convolution step by step.",
    "matrix": "Show a convolution as a product of matrices.",
    "dense-to-conv": "Compare a dense layer with a convolution, weight by weight.",
    "pool": "Work out a pooling window by window.",
    "filter": "Apply a fixed kernel to an image.",
    "one-by-one": "Show what the 1x1 convolutions of a network gain.",
    "receptive": "Show how many pixels a value of each layer depends on.",
    "kernels": "Show the first layer's kernels, initial and learned.",
    "features": "Show an image's feature maps, layer by layer.",
    "excite": "Find images that excite filters.",
    "saliency": "Show which pixels a class depends on.",
    "embed": "Draw images by their features in two dimensions.",
    "equivariance": "Measure what changes when the image is shifted.",
}


@click.group(
    "lab",
    cls=LazyGroup,
    summaries=SUMMARIES,
    package="cnnzoo.cli.lab",
    modules={"dense-to-conv": "dense_to_conv", "one-by-one": "one_by_one"},
)
def command() -> None:
    """Compute and draw the examples of a lecture on convolutional networks.

    Each command prints its numbers and writes a picture. Without numbers of your own it works out the lecture's
    example.
    """
