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
@model_options.split_option
@click.option("--images", "most", type=click.IntRange(8, 10_000), default=1000, show_default=True, help="At most.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of t-SNE.")
@data_dir_option
@model_options.folder_option
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
    folder: Path | None,
    unfinished: bool,
    device: DeviceChoice | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Draw images by their features in two dimensions, with t-SNE.

    Images near each other in the picture have similar features; distances between clusters mean nothing. Images of a
    --folder have the class that the model predicts.
    """
    run, classifier = model_options.open_source(source, device, unfinished)
    images = model_options.load_images(run, classifier, split, model_options.make_loader(data_dir), folder, most)
    layers = model_options.open_layers(classifier)
    from cnnzoo.lab.embedding import embed
    from cnnzoo.pictures.lab import draw_embedding

    features = layers.outputs([layer], images.pixels)[0]
    labels = classifier.logits(images.pixels).argmax(axis=1) if images.labels is None else images.labels
    places, trust = embed(features, seed)
    path = common.picture_path(output, "embed")
    names = classifier.images.class_names
    draw_embedding(places, labels, names, path, title=f"{classifier.title}: {layer} of {images.source}")
    count, size = len(places), features[0].size
    if as_json:
        facts = {
            "layer": layer,
            "source": images.source,
            "images": count,
            "note": images.note,
            "features": size,
            "trustworthiness": trust,
        }
        print_json(facts | {"places": places.tolist(), "labels": labels.tolist(), "path": str(path)})
        return
    click.echo(f"{count:,} {images.source}, {size:,} features of layer {layer}")
    if images.note:
        click.echo(f"Note: {images.note}")
    if images.labels is None:
        click.echo("Each image has the class that the model predicts.")
    click.echo(f"Trustworthiness of the picture: {trust:.3f}, of at most 1")
    common.show_picture(path, LECTURE)
