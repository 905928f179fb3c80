"""``cnnzoo weights``: to and from torchvision and keras.applications."""

import shlex
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnzoo import runs, runtime
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.errors import UserError

if TYPE_CHECKING:
    from cnnzoo.metadata import Metadata
    from cnnzoo.porting import Imported

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
            self.fail(f"'{value}': pixels are scaled to 0..1, and so are these.", param, ctx)
        return red, green, blue


@click.group()
def command() -> None:
    """Take weights from torchvision and keras.applications, and give them back."""


@command.command("import")
@click.argument("network")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The new model file, .keras.")
@click.option("--classes", "num_classes", type=click.IntRange(min=1), help="How many FILE must tell apart.")
@click.option(
    "--class-names",
    "class_names_file",
    metavar="TEXTFILE",
    type=click.Path(path_type=Path),
    help="What they are called, one a line in the order of the labels; by default ImageNet's, or numbers.",
)
@click.option("--auxiliary-heads", is_flag=True, help="Keep GoogLeNet's heads for training.")
@click.option("--mean", type=PerChannel(), help="Of pixels scaled to 0..1; by default the library's own.")
@click.option("--deviation", type=PerChannel(positive=True), help="Likewise.")
@json_option
def import_(
    network: str,
    file: Path,
    output: Path,
    num_classes: int | None,
    class_names_file: Path | None,
    auxiliary_heads: bool,
    mean: Colour | None,
    deviation: Colour | None,
    as_json: bool,
) -> None:
    """Make a model of NETWORK with the weights in FILE.

    FILE is a state dict of torchvision's network (.pth, .safetensors) or the weights of keras.applications' (.h5).
    The model takes RGB pixels, 0 to 255, and knows its classes: classify with cnnzoo predict.
    """
    if output.suffix != ".keras":
        raise UserError(f"--output {output}: a model file ends in .keras.")
    if output.exists():
        raise UserError(f"--output {output} exists already; name a new file.")
    runtime.prepare()
    from cnnzoo import porting  # noqa: PLC0415 - loads Keras

    class_names = porting.read_class_names(class_names_file) if class_names_file else None
    imported = porting.import_weights(network, file, None, num_classes, auxiliary_heads=auxiliary_heads)
    described = porting.save_model(imported, output, class_names=class_names, mean=mean, deviation=deviation)
    preparation = {"mean": list(mean or imported.form.mean), "deviation": list(deviation or imported.form.deviation)}
    if as_json:
        left_out = {"left_out": list(imported.left_out)}
        print_json({"output": str(output), **asdict(described), **preparation, **left_out})
    else:
        _say_imported(imported, described, preparation, output)


def _say_imported(
    imported: "Imported", described: "Metadata", preparation: dict[str, list[float]], output: Path
) -> None:
    height, width, _ = described.input_shape
    names = described.class_names
    parameters = sum(prod(weight.shape) for weight in imported.network.trainable_weights)
    click.echo(f"{described.title}: {parameters:,} parameters")
    click.echo(f"{len(names)} classes: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}")
    click.echo(
        f"Inside: RGB pixels / 255, less {_numbers(preparation['mean'])}, divided by "
        f"{_numbers(preparation['deviation'])}"
    )
    click.echo(f"Photographs: shorter side to {described.shorter_side} pixels, then the centre, {height}x{width}")
    heads = {name.partition(".")[0] for name in imported.left_out} & {"aux1", "aux2"}
    if heads:
        click.echo("Left out: the auxiliary heads, which --auxiliary-heads keeps")
    click.echo(f"Next: cnnzoo predict {shlex.quote(str(output))} IMAGE...")


@command.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def export(model: Path, file: Path, as_json: bool) -> None:
    """Write the weights of MODEL, a run or a .keras file, into FILE.

    The suffix tells the format: .safetensors or .pth for torchvision's network, .h5 for keras.applications'.
    """
    if file.exists():
        raise UserError(f"{file} exists already; name a new file.")
    path = runs.open_finished(model).model_path if model.is_dir() else model
    if not path.is_file():
        raise UserError(f"There is no model {model}.")
    runtime.prepare()
    from cnnzoo import porting, saved_models  # noqa: PLC0415 - loads Keras

    facts = porting.export_weights(saved_models.load_model(path), file)
    if as_json:
        print_json({"file": str(file), **facts})
        return
    heads = ", with auxiliary heads" if facts["auxiliary_heads"] else ""
    click.echo(f"{file}: {facts['library']}'s {facts['network']}{heads}, {facts['tensors']} tensors")
    size = "x".join(map(str, facts["input_shape"][:2]))
    images = f"Not in it is what prepares the images: {size} pixels, 0 to 255, {facts['channels']}"
    if facts["mean"]:
        images += f", less {_numbers(facts['mean'])}, divided by {_numbers(facts['deviation'])}"
    click.echo(images)
    if facts["usual"] is False:
        click.echo(f"{facts['library']}'s own weights expect other numbers there.")


def _numbers(values: list[float]) -> str:
    return f"({', '.join(f'{value:.4g}' for value in values)})"
