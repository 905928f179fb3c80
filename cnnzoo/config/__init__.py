"""Configs: a YAML file becomes a ``Config``, or a ``UserError`` that names file, line, key and remedy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cnnzoo.config.augmentation import AugmentationSection, ElasticSection, ResizedCropSection
from cnnzoo.config.base import SEEDS, Split
from cnnzoo.config.data import AnyDataSection, Cifar100Section, DataSection, FolderSection, PreprocessingSection
from cnnzoo.config.errors import explain
from cnnzoo.config.sections import Config, ProgressiveResizingSection, TrainingSection
from cnnzoo.config.seeds import parse_seeds
from cnnzoo.config.sweep import Plan, Point, load_plan
from cnnzoo.config.yaml_file import as_yaml, override, read
from cnnzoo.errors import UserError, did_you_mean

__all__ = [
    "SEEDS",
    "AnyDataSection",
    "AugmentationSection",
    "Cifar100Section",
    "Config",
    "DataSection",
    "ElasticSection",
    "FolderSection",
    "Plan",
    "Point",
    "PreprocessingSection",
    "ProgressiveResizingSection",
    "ResizedCropSection",
    "Split",
    "TrainingSection",
    "as_yaml",
    "find",
    "load",
    "load_sweep",
    "parse_seeds",
    "schema",
    "shipped",
]


def shipped() -> dict[str, Path]:
    """Return the configs that come with the package, by name without suffix."""
    package = Path(__file__).parents[1]
    places = (package / "configs", package.parent / "configs")  # in a wheel, in a checkout
    folder = next(place for place in places if place.is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(name: str) -> Path:
    """Return the file that a config's name means: one here, else one of the shipped.

    Args:
        name: A path, or a bare name with or without ``.yaml``.

    Raises:
        UserError: There is no such file.
    """
    here = [Path(name), Path(f"{name}.yaml")]
    for path in here:
        if path.is_file():
            return path
    if Path(name).is_dir():
        raise UserError(f"{name} is a directory; name a config file.")
    known = shipped()
    stem = name.removesuffix(".yaml").removesuffix(".yml")
    if stem in known:
        return known[stem]
    raise UserError(f"There is no config {name}, neither here nor among the shipped ones.{did_you_mean(stem, known)}")


def load(name: str | Path, settings: Sequence[str] = ()) -> Config:
    """Load a config.

    Args:
        name: A path, or the bare name of a config here or among the shipped ones.
        settings: Overrides such as ``"optimizer.learning_rate=0.01"``, the last one winning.

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


def load_sweep(path: Path, base: Path | None = None) -> Plan:
    """Load a sweep file and the config that it varies, and check every point.

    Args:
        path: The sweep file.
        base: The file of the config; None for the one that the sweep file names.

    Raises:
        UserError: A file is wrong, a point makes an invalid config, or there are too many points.
    """
    return load_plan(path, base, find)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a config, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
