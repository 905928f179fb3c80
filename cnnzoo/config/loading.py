"""Find, read and check config files."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from cnnzoo.catalogue import cards
from cnnzoo.config.errors import explain
from cnnzoo.config.sections import Config
from cnnzoo.config.yaml_file import override, read
from cnnzoo.errors import UserError, did_you_mean


def list_shipped() -> dict[str, Path]:
    """Return the config files that come with the package, by name without suffix."""
    package = Path(__file__).parents[1]
    folders = (package / "configs", package.parent / "configs")  # in a wheel, in a checkout
    folder = next(folder for folder in folders if folder.is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(name: str) -> Path:
    """Return the file of a config: one in the current directory, else one of the package's.

    Args:
        name: A path, or a name with or without ``.yaml``.

    Raises:
        UserError: There is no such file.
    """
    for path in (Path(name), Path(f"{name}.yaml")):
        if path.is_file():
            return path
    if Path(name).is_dir():
        raise UserError(f"{name} is a directory; name a config file.")
    paths = list_shipped()
    stem = name.removesuffix(".yaml").removesuffix(".yml")
    if stem in paths:
        return paths[stem]
    if stem in cards():
        raise UserError(
            f"{stem} is a network, not a config. Write a config with model: {{name: {stem}}}, or name one of cnnzoo's: "
            f"{', '.join(paths)}."
        )
    raise UserError(
        f"There is no config {name}, neither in this directory nor among cnnzoo's own.{did_you_mean(stem, paths)}"
    )


def load(name: str | Path, settings: Sequence[str] = ()) -> Config:
    """Load a config.

    Args:
        name: See ``find``.
        settings: Overrides such as ``"optimizer.learning_rate=0.01"``; the last one for a key counts.

    Raises:
        UserError: The file or a setting is wrong; the message names file, line and key.
    """
    path = find(str(name))
    text, values, origins = read(path)
    if "keys" in values and "model" not in values:
        raise UserError(f"{path} is a sweep file; train its points with: cnnzoo sweep {path} --output DIRECTORY")
    for setting in settings:
        override(values, origins, setting)
    try:
        return Config.model_validate(values).read_from(path, origins, text)
    except ValidationError as error:
        raise UserError("\n".join(explain(path, values, origins, error))) from None
