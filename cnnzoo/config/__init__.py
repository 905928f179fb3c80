"""Configs: a YAML file becomes a ``Config``, or a ``UserError`` with file, line, key and remedy."""

from typing import Any

from cnnzoo.config.augmentation import AugmentationSection, ElasticSection, ResizedCropSection
from cnnzoo.config.base import SEEDS, Split
from cnnzoo.config.data import AnyDataSection, Cifar100Section, FolderSection, GoSection, PreprocessingSection
from cnnzoo.config.loading import find, list_shipped, load
from cnnzoo.config.sections import Config
from cnnzoo.config.seeds import parse_seeds
from cnnzoo.config.sweep import Plan, Point, load_sweep
from cnnzoo.config.yaml_file import as_yaml

__all__ = [
    "SEEDS",
    "AnyDataSection",
    "AugmentationSection",
    "Cifar100Section",
    "Config",
    "ElasticSection",
    "FolderSection",
    "GoSection",
    "Plan",
    "Point",
    "PreprocessingSection",
    "ResizedCropSection",
    "Split",
    "as_yaml",
    "find",
    "list_shipped",
    "load",
    "load_sweep",
    "parse_seeds",
    "schema",
]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a config, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
