"""``cnnzoo weights``: import from and export to torchvision and keras.applications."""

import shlex
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnzoo import runs, runtime, weights
from cnnzoo.cli.options import NewFile
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.errors import UserError
from cnnzoo.text import format_size, printable
from cnnzoo.weights.network_names import find_network
from cnnzoo.weights.preprocessing import PREPROCESSINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnzoo.classifier.metadata import Metadata
    from cnnzoo.weights import ImportedNetwork
    from cnnzoo.weights.preprocessing import Preprocessing

SHOWN_ITEMS = 12

Colour = tuple[float, float, float]


class PerChannel(click.ParamType[Colour]):
    """Three numbers such as ``0.485,0.456,0.406``: red, green, blue."""

    name = "R,G,B"

    def __init__(self, *, positive: bool = False) -> None:
        self.positive = positive

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Colour:
        """Return the three numbers."""
        try:
            red, green, blue = map(float, value.split(","))
        except ValueError:
            self.fail(f"'{value}' is not three numbers such as 0.485,0.456,0.406.", param, ctx)
        least = 0 if self.positive else -10
        if not all(least < number <= 10 for number in (red, green, blue)):
            self.fail(f"'{value}': these numbers must be for pixels scaled to 0..1.", param, ctx)
        return red, green, blue


@click.group()
def command() -> None:
    """Import weights of torchvision and keras.applications, and export them."""


@command.command("import")
@click.argument("network")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--output", type=NewFile("a model file", (".keras",)), required=True, help="The new model file, .keras.")
@click.option("--classes", "num_classes", type=click.IntRange(min=1), help="Expected number of classes in FILE.")
@click.option(
    "--class-names",
    "class_names_file",
    metavar="TEXTFILE",
    type=click.Path(path_type=Path),
    help="Names of the classes, one per line in the order of the labels; by default ImageNet's, or numbers.",
)
@click.option("--auxiliary-heads", is_flag=True, help="Keep GoogLeNet's auxiliary heads, which only training uses.")
@click.option(
    "--state-dict",
    metavar="KEY",
    help="Which state dict to import if FILE has several; by default the network's, not that of averaged weights.",
)
@click.option(
    "--preprocessing",
    type=click.Choice([*PREPROCESSINGS]),
    help="How the images of FILE's training were prepared. imagenet: pixels from 0 to 1, minus ImageNet's mean, "
    "divided by its standard deviation; transform_input: -1 to 1, as torchvision's GoogLeNet with "
    "transform_input=True; caffe: 0 to 255, minus the mean; unit: 0 to 1. By default as the library prepares them.",
)
@click.option("--mean", type=PerChannel(), help="Mean of pixels scaled to 0..1, instead of that of --preprocessing.")
@click.option(
    "--deviation",
    type=PerChannel(positive=True),
    help="Standard deviation of these pixels, instead of that of --preprocessing.",
)
@click.option(
    "--resize",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Shorter side of a photograph before its centre is cut out; by default 232 for torchvision's IMAGENET1K_V2, "
    "otherwise 256.",
)
@json_option
def import_(
    network: str, file: Path, output: Path, class_names_file: Path | None, as_json: bool, **options: Any
) -> None:
    """Make a model of NETWORK with the weights in FILE.

    FILE is a state dict of a torchvision network, alone or in the checkpoint of a training (.pth, .safetensors), or a
    weight file of keras.applications (.h5, .keras). The model takes RGB pixels from 0 to 255, and contains the names
    of its classes: classify with cnnzoo predict.
    """
    find_network(network)
    if not file.exists():
        raise UserError(f"There is no file {file}.")
    names = weights.read_class_names(class_names_file) if class_names_file else weights.ClassNames((), ())
    runtime.prepare()
    imported = weights.import_weights(network, file, **options)
    if names.notes and len(names.names) != imported.num_classes:
        raise UserError(
            f"{class_names_file} names {len(names.names)} classes ({'; '.join(names.notes)}), and {file} has "
            f"{imported.num_classes} classes."
        )
    metadata = weights.save_model(imported, output, class_names=names.names or None)
    notes = [f"{class_names_file}: {note}" for note in names.notes]
    if as_json:
        print_json({"output": str(output), **asdict(metadata), **_list_facts(imported), "notes": notes})
        return
    _print_imported(imported, metadata, output)
    if metadata.network != network:
        click.echo(f"Note: '{network}' is '{metadata.network}' here")
    for note in notes:
        click.echo(f"Note: {printable(note)}")


def _list_facts(imported: "ImportedNetwork") -> dict[str, Any]:
    images = imported.preprocessing
    return {
        "mean": list(images.mean),
        "deviation": list(images.deviation),
        "assumed": list(images.assumed),
        "recognized": images.recognized or None,
        "channels": images.channels,
        "state_dict": imported.state_dict or None,
        "other_state_dicts": list(imported.other_state_dicts),
        "classifier": imported.classifier or None,
        "left_out": list(imported.left_out),
    }


def _print_imported(imported: "ImportedNetwork", metadata: "Metadata", output: Path) -> None:
    height, width, _ = metadata.input_shape
    names, images = metadata.class_names, imported.preprocessing
    parameters = sum(prod(weight.shape) for weight in imported.network.trainable_weights)
    for line in (
        f"{metadata.title}: {parameters:,} parameters",
        f"{len(names)} classes: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}",
        f"The model normalizes RGB pixels itself: / 255, minus {_format(images.mean)}, divided by "
        f"{_format(images.deviation)}",
        f"Photographs: shorter side to {metadata.shorter_side} pixels, then the centre, {height}x{width}",
        *_describe_preprocessing(imported),
        *_describe_choices(imported),
    ):
        click.echo(printable(line))
    click.echo(f"Next: cnnzoo predict {shlex.quote(str(output))} IMAGE...")


def _describe_preprocessing(imported: "ImportedNetwork") -> list[str]:
    """Return lines on what was assumed about the images, and which options change it."""
    counterpart, images = imported.counterpart, imported.preprocessing
    if images.recognized:
        return _describe_recognized(images)
    sentences = []
    numbers = [name for name in ("mean", "deviation") if name in images.assumed]
    if numbers:
        options = "--preprocessing, or --mean and --deviation" if len(numbers) > 1 else f"--{numbers[0]}"
        sentences.append(
            f"Assumed: {' and '.join(numbers)} as for {counterpart.library}'s own weights, since the file does not "
            f"say; if your training prepared its images differently, pass {options}"
        )
        if counterpart.network == "googlenet_bn":
            sentences.append(
                "         (that is transform_input=True; a GoogLeNet that you built without pretrained weights has "
                "False: then pass --preprocessing imagenet, or the model classifies wrongly)"
            )
    if "channels" in images.assumed:
        sentences.append(
            "Assumed: channels in the order blue, green, red, as keras.applications' preprocess_input gives them; if "
            "your training used red, green, blue, pass --preprocessing imagenet, unit or transform_input, and also "
            "--mean and --deviation if yours differ"
        )
    if "resize" in images.assumed:
        has_v2 = counterpart.library == "torchvision" and counterpart.network in {"resnet50", "resnet101", "resnet152"}
        v2 = " (IMAGENET1K_V2: 232)" if has_v2 else ""
        sentences.append(f"Assumed: shorter side {images.shorter_side}; to change it, pass --resize PIXELS{v2}")
    return sentences


def _describe_recognized(images: "Preprocessing") -> list[str]:
    """Return lines about a file that torchvision publishes, and about the preprocessing that no option states."""
    parts = [{"resize": "shorter side"}.get(name, name) for name in images.unstated]
    if len(parts) == 3:
        return [f"Recognized: torchvision's {images.recognized}; the images are prepared as torchvision does for it"]
    if parts:
        return [f"Recognized: torchvision's {images.recognized}; {' and '.join(parts)} as torchvision uses for it"]
    return []


def _describe_choices(imported: "ImportedNetwork") -> list[str]:
    """Return lines on which of several parts of the file were imported, and what was left out."""
    sentences = []
    if imported.other_state_dicts:
        others = ", ".join(f"'{key}'" for key in imported.other_state_dicts)
        taken = f"'{imported.state_dict}'" if imported.state_dict else "the file itself"
        sentences.append(f"State dict: {taken}; the file also has {others}; to import one of these, pass --state-dict")
    if imported.classifier:
        sentences.append(f"Classifier: '{imported.classifier}', the only other layer in the file")
    heads = {name for name in imported.left_out if name.startswith(("aux1.", "aux2."))}
    if heads:
        sentences.append("Left out: the auxiliary heads, which --auxiliary-heads keeps")
    steps = ".num_batches_tracked"  # PyTorch's counters of steps, in every file of a network with batch norm
    items = [name for name in imported.left_out if name not in heads and not name.endswith(steps)]
    if items:
        more = f" and {len(items) - SHOWN_ITEMS} more (all of them with --json)" if len(items) > SHOWN_ITEMS else ""
        sentences.append(f"Left out of the file: {', '.join(items[:SHOWN_ITEMS])}{more}")
    return sentences


@command.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("file", type=NewFile())
@json_option
def export(model: Path, file: Path, as_json: bool) -> None:
    """Write the weights of MODEL, a run or a .keras file, into FILE.

    The suffix chooses the format: .safetensors, .pth or .pt for torchvision's network, .h5 for keras.applications'.
    """
    path = runs.open_finished(model).model_path if model.is_dir() else model
    if not path.is_file():
        raise UserError(f"There is no model {model}.")
    runtime.prepare()
    from cnnzoo.classifier.model_file import load_model  # loads NumPy and HDF5

    facts = weights.export_weights(load_model(path), file)
    if as_json:
        print_json({"file": str(file), **facts})
        return
    heads = ", with auxiliary heads" if facts["auxiliary_heads"] else ""
    click.echo(f"{file}: {facts['library']}'s {facts['network']}{heads}, {facts['tensors']} tensors")
    size = format_size(facts["input_shape"][:2])
    images = f"The file contains only weights. Prepare images yourself: {size} {facts['channels']} pixels, 0 to 255"
    if facts["mean"]:
        images += f", minus {_format(facts['mean'])}, divided by {_format(facts['deviation'])}"
    click.echo(images)
    if facts["usual"] is False:
        click.echo(f"{facts['library']}'s own weights need another mean and deviation.")


def _format(values: "Sequence[float]") -> str:
    return f"({', '.join(f'{value:.4g}' for value in values)})"
