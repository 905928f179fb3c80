"""``cnnzoo lab embed``: the features of images in two dimensions."""

from pathlib import Path

import click

from cnnzoo.cli.lab import common, model_options
from cnnzoo.cli.options import data_dir_option, device_option
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.config import Split
from cnnzoo.runtime import DeviceChoice

LECTURE = "high-level features: images of a class lie together"


@click.command("embed")
@model_options.source_argument
@click.option("--layer", default="features", show_default=True, help="Layer whose output is embedded.")
@click.option("--split", type=click.Choice(["validation", "test", "train"]), default="validation", show_default=True)
@click.option("--images", "most", type=click.IntRange(8, 10_000), default=1000, show_default=True, help="At most.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of t-SNE.")
@data_dir_option
@model_options.unfinished_option
@device_option
@common.picture_option("embed")
@json_option
def command(
    source: Path,
    layer: str,
    split: Split,
    most: int,
    seed: int,
    data_dir: Path | None,
    unfinished: bool,
    device: DeviceChoice | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Draw a run's images by their features in two dimensions, with t-SNE.

    Neighbours in the picture are neighbours in the features; distances between clusters mean nothing.
    """
    run, classifier = model_options.open_source(source, device, unfinished)
    images = model_options.load_split(run, split, data_dir, most)
    layers = model_options.open_layers(classifier)
    from cnnzoo.lab.embedding import embed
    from cnnzoo.pictures.lab import draw_embedding

    features = layers.outputs([layer], images.subset.pixels)[0]
    places, trust = embed(features, seed)
    path = output or Path("embed.png")
    names = classifier.images.class_names
    draw_embedding(places, images.subset.labels, names, path, title=f"{classifier.title}: {layer} of {split} images")
    count, size = len(places), features[0].size
    if as_json:
        facts = {
            "layer": layer,
            "split": split,
            "images": count,
            "note": images.subset.note,
            "features": size,
            "trustworthiness": trust,
        }
        print_json(facts | {"places": places.tolist(), "labels": images.subset.labels.tolist(), "path": str(path)})
        return
    click.echo(f"{count:,} {split} images, {size:,} features of layer {layer}")
    if images.subset.note:
        click.echo(f"Note: {images.subset.note}")
    click.echo(f"Trustworthiness of the picture: {trust:.3f}, of at most 1")
    if len(names) > 10:
        click.echo(f"The first 10 of {len(names)} classes have colours; the others are grey.")
    common.show_picture(path, LECTURE)
