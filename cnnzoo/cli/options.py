"""Options that several commands share."""

from pathlib import Path
from typing import Any

import click

from cnnzoo.config import SEEDS, Config, load
from cnnzoo.errors import UserError
from cnnzoo.runtime import DeviceChoice


class NewFile(click.ParamType[Path]):
    """The path of a file that a command writes and that does not exist yet.

    Args:
        kind: What the file is, for messages: "a picture".
        suffixes: The endings that its name can have, such as ".svg"; none for any ending.
    """

    name = "file"

    def __init__(self, kind: str = "a file", suffixes: tuple[str, ...] = ()) -> None:
        self.kind, self.suffixes = kind, suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ARG002
        """Return the path.

        Raises:
            UserError: Its name has another ending, or it exists.
        """
        path = Path(value)
        where = f"{param.opts[0]} {path}" if isinstance(param, click.Option) else str(path)
        if self.suffixes and path.suffix not in self.suffixes:
            suffixes = dict.fromkeys(map(str.lower, self.suffixes))
            raise UserError(f"{where}: {self.kind}'s name must end in {' or '.join(suffixes)}.")
        if path.exists():
            raise UserError(f"{where} exists already; name a new {self.name}.")
        return path


class NewDirectory(NewFile):
    """The path of a directory that a command makes."""

    name = "directory"


PICTURE = NewFile("a picture", (".svg", ".png", ".SVG", ".PNG"))

config_option = click.option(
    "--config", "config_name", metavar="FILE", help="Path of a config, or name of a shipped one."
)
settings_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a value, such as optimizer.learning_rate=0.01; repeatable.",
)
_DATA_DIR_HELP = "The directory of the data sets; by default CNNZOO_DATA_DIR, the cache or Keras's cache."
published_data_dir_option = click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), help=_DATA_DIR_HELP
)
data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"{_DATA_DIR_HELP} For a folder of your own images, that folder.",
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    help="Where to compute; auto, the default unless a config says otherwise, takes a GPU if there is one.",
)
split_option = click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    default="test",
    show_default=True,
    help="Which images to measure on.",
)


def load_config(
    name: str, settings: tuple[str, ...], device: DeviceChoice | None = None, seed: int | None = None
) -> Config:
    """Load a config with the options that override it."""
    config = load(name, settings)
    if device:
        config = config.replaced(runtime=config.runtime.model_copy(update={"device": device}))
    if seed is None:
        return config
    if not 0 <= seed < SEEDS:
        raise UserError(f"--seed {seed}: a seed is a whole number from 0 to {SEEDS - 1}.")
    return config.replaced(seed=seed)
