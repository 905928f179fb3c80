"""``cnnzoo lab equivariance``: how a network's outputs change when its image is shifted."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cnnzoo.classifier import Classifier
from cnnzoo.cli.lab import common, model_options
from cnnzoo.cli.lab.model_options import LabImages
from cnnzoo.cli.options import data_dir_option, device_option
from cnnzoo.cli.output import json_option, numbers_table, print_json, print_table, results
from cnnzoo.config import Split
from cnnzoo.downloads import progress
from cnnzoo.runtime import DeviceChoice

LECTURE = "two aspects of seeing: translation equivariance by shared weights, invariance by pooling"
# Images that are enough for the error of a layer.
FOR_LAYERS = 64


@click.command("equivariance")
@click.argument("sources", metavar="RUN|MODEL...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--shift", "most", type=click.IntRange(1, 32), default=8, show_default=True, help="The largest shift.")
@model_options.split_option
@click.option("--images", "count", type=click.IntRange(min=1), default=1000, show_default=True, help="At most.")
@data_dir_option
@model_options.folder_option
@model_options.unfinished_option
@device_option
@common.picture_option("equivariance")
@json_option
def command(
    sources: tuple[Path, ...],
    most: int,
    split: Split,
    count: int,
    data_dir: Path | None,
    folder: Path | None,
    unfinished: bool,
    device: DeviceChoice | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Measure how layers and classes change when the image is shifted.

    For each layer with maps it compares the output of a shifted image with the shifted output, as a share of the
    output's norm. Accuracy is averaged over shifts to the left, right, top and bottom; the colour of an
    image's first pixel fills what the shift leaves empty. For images of a --folder the class of the image that is not
    shifted counts as the right one.
    """
    from cnnzoo.pictures.lab import draw_invariance

    measure = "same class" if folder else "accuracy"
    loader = model_options.make_loader(data_dir)
    facts: list[dict[str, Any]] = []
    for source, (run, classifier) in [
        (source, model_options.open_source(source, device, unfinished)) for source in sources
    ]:
        images = model_options.load_images(run, classifier, split, loader, folder, count)
        facts.append({"run": str(source)} | _measure(classifier, images, most))
        if not as_json:
            _print(facts[-1], classifier.title)
    path = common.picture_path(output, "equivariance")
    title = f"{measure.capitalize()} on shifted {facts[0]['source']}"
    draw_invariance(
        {f"{each['run']}: {each['network']}": each["accuracy"] for each in facts}, path, title=title, measure=measure
    )
    if not as_json:
        _print_accuracies(facts, measure)
    if as_json:
        print_json({"runs": facts, "path": str(path)})
    else:
        common.show_picture(path, LECTURE)


def _measure(classifier: Classifier, images: LabImages, most: int) -> dict[str, Any]:
    """Return the errors of the layers and the accuracies, as --json prints them."""
    layers = model_options.open_layers(classifier)
    from cnnzoo.lab.equivariance import accuracy_by_shift, measure_layers

    pixels = images.pixels
    labels = classifier.logits(pixels).argmax(axis=1) if images.labels is None else images.labels
    for_layers = layers.preprocess(pixels[model_options.spread(len(pixels), min(FOR_LAYERS, len(pixels)))])
    errors = measure_layers(layers, for_layers, [distance for distance in (1, 2, 4) if distance <= most])
    shifted = accuracy_by_shift(classifier.logits, pixels, labels, most, pixels[:, :1, :1])
    accuracies = []
    with progress.show_count(f"Shifting images of {classifier.title}", most + 1) as advance:
        for accuracy in shifted:
            accuracies.append(accuracy)
            advance(1)
    return {
        "network": layers.network.name,
        "images": len(pixels),
        "source": images.source,
        "note": images.note,
        "images_for_layers": len(for_layers),
        "levels": layers.levels(),
        "layers": {distance: [asdict(row) for row in rows] for distance, rows in errors.items()},
        "accuracy": accuracies,
    }


def _print(facts: dict[str, Any], title: str) -> None:
    """Print the errors of the layers."""
    click.echo(f"{title}: {facts['network']}, {facts['images']:,} {facts['source']}")
    if facts["note"]:
        click.echo(f"Note: {facts['note']}")
    layers = facts["layers"]
    if any(layers.values()):
        table = numbers_table("layer", "step", *(f"shift {distance}" for distance in layers))
        shown = [rows for rows in zip(*layers.values(), strict=True) if rows[0]["layer"] in facts["levels"]]
        for rows in shown:
            table.add_row(rows[0]["layer"], str(rows[0]["step"]), *map(_format_error, rows))
        print_table(results(), table)
        count = len(next(iter(layers.values())))
        if len(shown) < count:
            click.echo(
                f"{len(shown)} of {count} layers: the first convolution, and the last of each size; --json has all."
            )
        click.echo(
            f"Error of a layer: |f(shift(x)) - shift(f(x))| / |f(x)|, on {facts['images_for_layers']} images\n"
            "moved to the right. If the shift is not a multiple of the step, f(x) is interpolated."
        )
        if any(row["includes_border"] for rows in shown for row in rows):
            click.echo("*: with the border, where padding disturbs the shift; all places see some of it.")
    else:
        click.echo("No layer has maps, so none can be equivariant.")


def _print_accuracies(facts: list[dict[str, Any]], measure: str) -> None:
    """Print the accuracies of all models, a row for each shift."""
    table = numbers_table("shift in pixels", *(f"{Path(each['run']).name} {measure} %" for each in facts))
    for distance, values in enumerate(zip(*(each["accuracy"] for each in facts), strict=True)):
        table.add_row(str(distance), *(f"{100 * value:.1f}" for value in values))
    print_table(results(), table)


def _format_error(row: dict[str, Any]) -> str:
    return "" if row["error"] is None else f"{row['error']:.2g}{'*' if row['includes_border'] else ' '}"
