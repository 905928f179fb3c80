"""``cnnzoo lab saliency``: the pixels that a class depends on."""

from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from cnnzoo.classifier import softmax
from cnnzoo.cli.lab import common, model_options
from cnnzoo.cli.options import data_dir_option, device_option
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.errors import UserError
from cnnzoo.runtime import DeviceChoice

LECTURE = "where the network looks: Grad-CAM, and the probability while a patch is covered"
# Places of the patch along a side.
PLACES = 16


@click.command("saliency")
@model_options.source_argument
@model_options.image_argument
@click.option("--class", "class_name", metavar="NAME", help="The class to explain; by default the likeliest.")
@click.option("--layer", help="Layer of Grad-CAM; by default the last one with a map.")
@click.option(
    "--patch", type=click.IntRange(min=1), help="Side of the covering patch; by default a fifth of the image."
)
@data_dir_option
@model_options.unfinished_option
@device_option
@common.picture_option("saliency")
@json_option
def command(
    source: Path,
    image: str,
    data_dir: Path | None,
    class_name: str | None,
    layer: str | None,
    patch: int | None,
    unfinished: bool,
    device: DeviceChoice | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show which pixels of an image a class depends on, by Grad-CAM and by occlusion.

    IMAGE is a file; a NUMBER is that of a validation image of the run, counted from 0.

    Grad-CAM weighs the maps of a layer by their gradients. Occlusion covers the image with a patch of its mean colour,
    place by place, and measures how much the probability of the class falls.
    """
    run, classifier = model_options.open_source(source, device, unfinished)
    image_name, pixels = model_options.read_image(run, classifier, image, data_dir)
    layers = model_options.open_layers(classifier)
    from cnnzoo.lab.saliency import find_extent, grad_cam, last_map, occlude
    from cnnzoo.pictures.lab import draw_saliency

    logits = classifier.logits(pixels[None])
    index = model_options.find_class(classifier, class_name, logits[0])
    probability = float(softmax(logits)[0, index])
    name = layer or last_map(layers)
    cam = grad_cam(layers, pixels, index, name)
    shortest = min(pixels.shape[:2])
    if patch and patch > shortest:
        raise UserError(f"--patch {patch}: the image has {shortest} pixels on its shorter side; take a smaller patch.")
    side = patch or max(2, shortest // 5)
    stride = max(1, shortest // PLACES)
    drops = occlude(classifier.logits, pixels, index, side, stride, pixels.mean(axis=(0, 1)))
    path = common.picture_path(output, "saliency")
    shown = classifier.images.class_names[index]
    title = f"{classifier.title}, {image_name}: class {shown}, {100 * probability:.1f} %"
    extent = find_extent(layers, name, pixels)
    draw_saliency(pixels, cam, drops, path, cam_extent=extent, layer=name, patch=side, title=title)
    facts = {
        "image": image_name,
        "class": shown,
        "probability": probability,
        "layer": name,
        "grad_cam": cam.tolist(),
        "patch": side,
        "stride": stride,
        "occlusion": drops.tolist(),
        "path": str(path),
    }
    if as_json:
        print_json(facts)
    else:
        _print(facts, cam, drops)
        common.show_picture(path, LECTURE)


def _print(facts: dict[str, Any], cam: NDArray[Any], drops: NDArray[Any]) -> None:
    """Print the class, the size of the Grad-CAM map, and where the occlusion matters most."""
    click.echo(f"Class {facts['class']}: probability {100 * facts['probability']:.2f} %")
    click.echo(f"Grad-CAM of layer {facts['layer']}, {cam.shape[0]}x{cam.shape[1]} places")
    if not cam.any():
        click.echo("No place of this layer supports the class, so the Grad-CAM map is empty.")
    patch, stride = facts["patch"], facts["stride"]
    click.echo(f"Occlusion by {patch}x{patch} pixels every {stride}; rows and columns count from 0:")
    for change, place in (("falls", drops.argmax()), ("rises", drops.argmin())):
        row, column = (int(index) * stride + stride // 2 for index in np.unravel_index(place, drops.shape))
        points = 100 * abs(float(drops.ravel()[place]))
        if points < 0.05 or (drops.ravel()[place] > 0) != (change == "falls"):
            click.echo(f"  the probability {change} nowhere")
        else:
            click.echo(f"  the probability {change} most around row {row}, column {column}, by {points:.1f} points")
