"""``cnnzoo lab features``: feature maps of an image, layer by layer."""

from pathlib import Path

import click

from cnnzoo.cli.lab import common, model_options
from cnnzoo.cli.options import data_dir_option, device_option
from cnnzoo.cli.output import json_option, numbers_table, print_json, print_table, results
from cnnzoo.errors import UserError
from cnnzoo.runtime import DeviceChoice
from cnnzoo.text import format_size

LECTURE = "feature maps go from low level (edges) to high level (parts of objects)"


@click.command("features")
@model_options.source_argument
@model_options.image_argument
@click.option("--layer", "names", multiple=True, help="A layer to show; repeatable.")
@data_dir_option
@model_options.unfinished_option
@device_option
@common.picture_option("features")
@json_option
def command(
    source: Path,
    image: str,
    data_dir: Path | None,
    names: tuple[str, ...],
    unfinished: bool,
    device: DeviceChoice | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show the feature maps of an image, layer by layer.

    IMAGE is a file; a NUMBER is that of a validation image of the run, counted from 0.

    Without --layer it shows the first convolution and the last layer of each size of the maps. Of each layer the
    picture has the eight maps of the largest mean, each scaled by itself.
    """
    run, classifier = model_options.open_source(source, device, unfinished)
    image_name, pixels = model_options.read_image(run, classifier, image, data_dir)
    layers = model_options.open_layers(classifier)
    from cnnzoo.pictures.lab import draw_features

    spatial = layers.spatial_layers()
    if not spatial:
        raise UserError(f"{classifier.title} has no feature maps (height, width, channels).")
    for name in names:
        layers.find(name)
        if name not in spatial:
            raise UserError(f"--layer {name}: its output is not a map (height, width, channels).")
    shown = names or layers.levels()
    maps = dict(zip(shown, (output[0] for output in layers.outputs(shown, pixels[None])), strict=True))
    path = common.picture_path(output, "features")
    draw_features(pixels, maps, path, title=f"{classifier.title}: feature maps of {image_name}")
    rows = [
        {
            "layer": name,
            "shape": values.shape,
            "mean": float(values.mean()),
            "zeros": float((values == 0).mean()),
        }
        for name, values in maps.items()
    ]
    if as_json:
        print_json({"image": image_name, "layers": rows, "path": str(path)})
        return
    table = numbers_table("layer", "output", "mean", "zeros %")
    for row in rows:
        table.add_row(row["layer"], format_size(row["shape"]), f"{row['mean']:.4f}", f"{100 * row['zeros']:.1f}")
    print_table(results(), table)
    if not names and len(spatial) > len(shown):
        click.echo(f"{len(shown)} of {len(spatial)} layers with maps; name others with --layer.")
    common.show_picture(path, LECTURE)
