"""What the commands of the lab share: arguments of numbers, and the lecture's name in the output."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from numpy.typing import NDArray

from cnnzoo.cli.options import NewFile
from cnnzoo.errors import UserError
from cnnzoo.lab.convolution import Convolution
from cnnzoo.lab.numbers import read_numbers
from cnnzoo.lab.pooling import Pooling
from cnnzoo.lab.windows import PADDINGS, Padding, Windows
from cnnzoo.text import count

# More cannot be read in a picture: pixels of padding on a side, cells of an image with its padding, and steps.
MOST_PADDING, MOST_CELLS, MOST_STEPS = 20, 1_000, 400


class Numbers(click.ParamType[NDArray[Any]]):
    """A vector or matrix: as text, rows separated by semicolons, or as a file."""

    name = "NUMBERS|FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> NDArray[Any]:  # noqa: ARG002
        """Return numbers (width,) or (height, width).

        Raises:
            UserError: They are not numbers, or the rows differ in length.
        """
        try:
            return read_numbers(value)
        except UserError as error:
            raise UserError(f"{param.opts[0] if param else value}: {error}") from None


class PerAxis(click.ParamType[list[int]]):
    """One number for all axes, or one for each: ``2`` or ``2,1``."""

    name = "N[,N]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Return the numbers."""
        parts = str(value).split(",")
        if not all(part.strip().isdecimal() for part in parts):
            self.fail(f"'{value}' is not a whole number, or one for each axis such as 2,1.", param, ctx)
        return [int(part) for part in parts]


class PaddingType(click.ParamType[list[Padding]]):
    """A rule, the same number on all sides, or (start, end) of each axis: ``same``, ``1`` or ``1,2``."""

    name = "|".join(PADDINGS) + "|N[,N...]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Padding]:
        """Return the padding of all axes, or one for each axis."""
        rule = str(value).lower()
        if rule in PADDINGS:
            return [rule]
        parts = rule.split(",")
        if len(parts) not in (1, 2, 4) or not all(_is_padding(part.strip()) for part in parts):
            self.fail(
                f"'{value}' is not a padding; write {', '.join(PADDINGS)}, a number for all sides, start,end for both "
                f"axes, or top,bottom,left,right, each from 0 to {MOST_PADDING}.",
                param,
                ctx,
            )
        numbers = [int(part) for part in parts]
        if len(numbers) == 1:
            return [(numbers[0], numbers[0])]
        return [(start, end) for start, end in zip(numbers[::2], numbers[1::2], strict=True)]


def picture_option(name: str, *, animated: bool = False) -> Callable[[Any], Any]:
    """Return the option ``--output`` of a picture that is called NAME.png by default."""
    suffixes = (".png", ".svg", ".gif") if animated else (".png", ".svg")
    return click.option(
        "--output",
        type=NewFile("a picture", suffixes),
        help=f"The picture, {' or '.join(suffixes)}; by default {name}.png in the current directory, or {name}-2.png "
        "if that exists." + (" A .gif is an animation." if animated else ""),
    )


def _is_padding(text: str) -> bool:
    return text.isdecimal() and int(text) <= MOST_PADDING


def picture_path(output: Path | None, name: str) -> Path:
    """Return the file of a picture: ``output``, or else NAME.png, or NAME-2.png and so on if that exists."""
    if output:
        return output
    names = (Path(f"{name}-{number}.png" if number > 1 else f"{name}.png") for number in itertools.count(1))
    return next(path for path in names if not path.exists())


stride_option = click.option(
    "--stride", type=PerAxis(), default="1", show_default=True, help="Step of the window; rows,columns."
)
dilation_option = click.option(
    "--dilation",
    type=PerAxis(),
    default="1",
    show_default=True,
    help="Distance of the kernel's elements; rows,columns.",
)
padding_option = click.option(
    "--padding",
    type=PaddingType(),
    default="valid",
    show_default=True,
    help="valid, same or full; a number for all sides; start,end for both axes; or top,bottom,left,right.",
)


def show_picture(path: Path, lecture: str) -> None:
    """Print where the picture is, and which part of the lectures it shows."""
    click.echo(f"Picture: {path}\nLecture: {lecture}")


def format_matrix(values: NDArray[Any]) -> str:
    """Return numbers (width,) or (height, width) as lines of text with aligned columns."""
    rows = [[f"{value:.6g}" for value in row] for row in (values if values.ndim == 2 else values[None])]
    width = max(len(text) for row in rows for text in row)
    return "\n".join("  " + " ".join(text.rjust(width) for text in row) for row in rows)


def format_shape(shape: tuple[int, ...]) -> str:
    """Return a shape such as ``5x5``."""
    return "x".join(map(str, shape))


def describe_windows(name: str, windows: Windows) -> str:
    """Return a title such as ``3x3 kernel, stride 2, padding 1 and 1, on 5x5 pixels``."""
    settings = []
    for word, values, usual in (
        ("stride", [axis.stride for axis in windows.axes], 1),
        ("dilation", [axis.dilation for axis in windows.axes], 1),
        ("padding", [f"{axis.start} and {axis.end}" for axis in windows.axes], "0 and 0"),
    ):
        if set(values) != {usual}:
            settings.append(f"{word} {' by '.join(map(str, dict.fromkeys(values)))}")
    sizes = [format_shape(tuple(getattr(axis, side) for axis in windows.axes)) for side in ("window", "size")]
    kind = name if len(windows.axes) == 2 else f"{name} in one dimension"
    return ", ".join([f"{sizes[0]} {kind}", *settings, f"on {sizes[1]} pixels"])


def draw_steps(result: Convolution | Pooling, path: Path, title: str, weights: NDArray[Any] | None = None) -> int:
    """Draw the steps of a sliding window; return how many of them the picture shows."""
    from cnnzoo.pictures.lab import draw_windows  # loads matplotlib

    windows = result.windows
    if windows.padded.size > MOST_CELLS or result.output.size > MOST_STEPS:
        raise UserError(
            f"{windows.padded.size:,} pixels with the padding and {result.output.size:,} steps cannot be shown one by "
            f"one; take at most {MOST_CELLS:,} pixels and {MOST_STEPS} steps, or `cnnzoo lab filter` for a photograph."
        )
    positions = [windows.positions(place) for place in windows.places()]
    return draw_windows(
        windows.padded, windows.inside, positions, result.output, result.sentences(), path, weights=weights, title=title
    )


def show_steps(result: Convolution | Pooling, shown: int) -> None:
    """Print the size of an output by formula, each step, and the output.

    Args:
        result: The convolution or pooling.
        shown: How many of the steps the picture shows.
    """
    windows = result.windows
    for name, axis in zip(("rows", "columns")[-len(windows.axes) :], windows.axes, strict=True):
        pixels = count(axis.dropped, "padded pixel" if axis.end else "pixel")
        dropped = f"; the last {pixels} {'is' if axis.dropped == 1 else 'are'} under no window" if axis.dropped else ""
        click.echo(f"Number of {name}: {axis.formula}{dropped}")
    click.echo("Steps:")
    for place, sentence in zip(windows.places(), result.sentences(), strict=True):
        click.echo(f"  {', '.join(str(index + 1) for index in place)}:  {sentence}")
    click.echo(f"Output:\n{format_matrix(result.output)}")
    if shown < result.output.size:
        click.echo(f"The picture shows {shown} of the {result.output.size} steps; a .gif shows all.")
