"""``cnnzoo lab excite``: the images that excite filters most."""

from pathlib import Path

import click

from cnnzoo.cli.lab import common, model_options
from cnnzoo.cli.options import device_option
from cnnzoo.cli.output import json_option, numbers_table, print_json, print_table, results
from cnnzoo.runtime import DeviceChoice

LECTURE = "what a filter finds: an image that excites it"
MOST = 16


@click.command("excite")
@model_options.source_argument
@click.argument("layer")
@click.argument("filters", metavar="[FILTER]...", nargs=-1, type=click.IntRange(min=0))
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of the first image.")
@model_options.unfinished_option
@device_option
@common.picture_option("excite")
@json_option
def command(
    source: Path,
    layer: str,
    filters: tuple[int, ...],
    seed: int,
    unfinished: bool,
    device: DeviceChoice | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Find images that excite filters of a layer.

    LAYER is a layer's name, as `cnnzoo show` lists them; FILTERs count from 0, by default the first ten. For the
    layer `logits` a filter is a class. The image starts as grey noise and climbs the gradient of the filter's mean.
    """
    _, classifier = model_options.open_source(source, device, unfinished)
    layers = model_options.open_layers(classifier)
    from cnnzoo.lab.excitation import excite
    from cnnzoo.pictures.lab import draw_excitations

    channels = layers.find(layer).output.shape[-1]
    chosen = filters[:MOST] or tuple(range(min(10, channels)))
    found = dict(zip(chosen, excite(layers, layer, chosen, seed), strict=True))
    path = common.picture_path(output, "excite")
    classes = classifier.images.class_names if layer == "logits" else None
    captions = {
        channel: (f"{classes[channel]}: " if classes else f"filter {channel}: ") + f"{each.after:.3g}"
        for channel, each in found.items()
    }
    draw_excitations(
        {captions[channel]: each.image for channel, each in found.items()},
        path,
        title=f"{classifier.title}: images that excite {layer}",
    )
    if as_json:
        rows = [{"filter": channel, "before": each.before, "after": each.after} for channel, each in found.items()]
        print_json({"layer": layer, "filters": rows, "path": str(path)})
        return
    table = numbers_table("filter", "mean at the start", "mean after the ascent")
    for channel, each in found.items():
        table.add_row(str(channel), f"{each.before:.4g}", f"{each.after:.4g}")
    print_table(results(), table)
    silent = [str(channel) for channel, each in found.items() if each.after == each.before == 0]
    if silent:
        click.echo(f"Silent on every first image, so that there was no gradient to climb: filter {', '.join(silent)}.")
    if len(chosen) < (len(filters) or channels):
        click.echo(f"{len(chosen)} of {len(filters) or channels} filters; name others, at most {MOST} at once.")
    common.show_picture(path, LECTURE)
