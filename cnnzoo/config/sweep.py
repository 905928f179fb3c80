"""Sweep files: they list values for keys of a config. Each combination that is trained is a ``Point``."""

import copy
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from cnnzoo.config.base import SEEDS, Count, Section, make_absolute, mistake
from cnnzoo.config.errors import explain
from cnnzoo.config.loading import find
from cnnzoo.config.sections import Config
from cnnzoo.config.seeds import MOST_TRAININGS, parse_seeds
from cnnzoo.config.yaml_file import Key, Origin, as_yaml, document, put, read
from cnnzoo.errors import UserError

PATHS = (("data", "path"), ("fine_tuning", "weights"))


class ValuesSection(Section):
    """The values of one key: a list or a range."""

    choice: list[Any] | None = Field(None, description="A list of values; a list without `choice` means the same.")
    uniform: list[float] | None = Field(None, description="Two bounds; the values are uniform between them.")
    log_uniform: list[float] | None = Field(None, description="Two bounds; the logarithms of the values are uniform.")

    @model_validator(mode="before")
    @classmethod
    def _has_one_kind_of_values(cls, values: Any) -> Any:
        if isinstance(values, list):
            return {"choice": values}
        if not isinstance(values, dict) or len(values) != 1:
            raise mistake("write a list of values, or one of {choice: [...]}, {uniform: [...]}, {log_uniform: [...]}.")
        return values

    @model_validator(mode="after")
    def _values_make_sense(self) -> "ValuesSection":
        texts = [as_yaml(value) for value in self.choice or []]
        bounds = self.uniform or self.log_uniform
        if not texts and not bounds:
            raise mistake("this list of values is empty.")
        for index, text in enumerate(texts):
            if text in texts[:index]:
                raise mistake(f"{text} appears twice.")
        if bounds and not (len(bounds) == 2 and bounds[0] < bounds[1]):
            raise mistake(f"write two numbers, the lower one first, not {bounds}.")
        if self.log_uniform and self.log_uniform[0] <= 0:
            raise mistake("the bounds of log_uniform must be greater than 0.")
        return self

    def draw(self, generator: random.Random) -> Any:
        """Return a random value; a number from a range has four digits."""
        if self.choice:
            return generator.choice(self.choice)
        bounds = self.uniform or self.log_uniform
        assert bounds
        low, high = bounds
        if self.log_uniform:
            number = math.exp(generator.uniform(math.log(low), math.log(high)))
        else:
            number = generator.uniform(low, high)
        return min(max(float(f"{number:.4g}"), low), high)


class SweepFile(Section):
    """A sweep file: the config, the keys that vary, and their values."""

    config: str = Field(description="The config, in the current directory or one of the package's.")
    method: Literal["grid", "random"] = Field(description="All combinations, or points at random.")
    count: Count | None = Field(None, description="Number of random points.")
    seed: int = Field(0, ge=0, lt=SEEDS, description="Seed of the random points.")
    keys: dict[str, ValuesSection] = Field(description="Values for keys such as optimizer.learning_rate.")
    seeds: list[int] | None = Field(None, description="Each point is trained with each; by default with the config's.")

    @field_validator("seeds", mode="before")
    @classmethod
    def _seeds_are_written_as_in_a_command(cls, seeds: Any) -> Any:
        if isinstance(seeds, list) and all(type(seed) is int for seed in seeds):
            seeds = ",".join(map(str, seeds))
        try:
            return parse_seeds(str(seeds))
        except UserError as error:
            raise mistake(str(error)) from None

    @model_validator(mode="after")
    def _keys_can_vary(self) -> "SweepFile":
        if not self.keys:
            raise mistake("a sweep needs at least one key.", "keys")
        for key in self.keys:
            if not all(key.split(".")):
                raise mistake("write it as section.key, such as optimizer.learning_rate.", "keys", key)
        if "seed" in self.keys:
            raise mistake("seed cannot be one of the keys; write seeds: 0..2 beside keys.", "keys", "seed")
        return self

    @model_validator(mode="after")
    def _method_has_what_it_needs(self) -> "SweepFile":
        if self.method == "grid":
            for key in sorted(self.model_fields_set & {"count", "seed"}):
                raise mistake("this is for method: random; a grid trains all combinations.", key)
            for key, values in self.keys.items():
                if not values.choice:
                    raise mistake("a grid needs a list of values; ranges are for method: random.", "keys", key)
        elif self.count is None:
            raise mistake("random needs count, the number of points.", "method")
        elif self.count > self.combinations:
            message = f"there are only {self.combinations:,} combinations of these values; method: grid trains all."
            raise mistake(message, "count")
        return self

    @property
    def combinations(self) -> float:
        """The number of different points; infinite with a range among the values."""
        return math.prod(len(values.choice) if values.choice else math.inf for values in self.keys.values())

    def points(self) -> Iterator[dict[str, Any]]:
        """Yield the values of each point by key; every call yields the same points."""
        if self.method == "grid":
            lists = (values.choice or [] for values in self.keys.values())
            yield from (dict(zip(self.keys, values, strict=True)) for values in product(*lists))
            return
        generator = random.Random(self.seed)  # noqa: S311 - nothing here is a secret
        texts: list[str] = []
        while len(texts) < (self.count or 0):
            point = {key: values.draw(generator) for key, values in self.keys.items()}
            if repr(point) not in texts or self.combinations == math.inf:
                texts.append(repr(point))
                yield point


@dataclass(frozen=True)
class Point:
    """One combination of values, and the config with these values."""

    values: dict[str, Any]
    config: Config

    @property
    def settings(self) -> list[str]:
        """The values as arguments of ``--set``, sections before the keys in them."""
        return [f"{key}={as_yaml(value)}" for key, value in _sort_sections_first(self.values)]


@dataclass(frozen=True)
class Plan:
    """A sweep file after it was read and checked, with its points.

    Attributes:
        sweep: The file's content.
        path: The sweep file.
        base: The file of the config.
        base_values: The values in that file.
        points: The points to train.
        seeds: The seeds of each point.
    """

    sweep: SweepFile
    path: Path
    base: Path
    base_values: dict[str, Any]
    points: list[Point]
    seeds: list[int]

    def copies(self) -> tuple[str, str]:
        """Return the text of the sweep file and of the config, with absolute paths, for a copy in another directory."""
        values = self.sweep.model_dump(mode="json", exclude_unset=True)
        for name, variation in values["keys"].items():
            if "choice" in variation:
                variation["choice"] = [
                    _make_paths_absolute(value, tuple(name.split("."))) for value in variation["choice"]
                ]
        return document(values), document(_make_paths_absolute(self.base_values))


def load_sweep(path: Path, base: Path | None = None) -> Plan:
    """Load a sweep file and its config, and check every point.

    Args:
        path: The sweep file.
        base: The file of the config; None for the config that the sweep file names.

    Raises:
        UserError: A file is wrong, a point makes an invalid config, or there are too many points.
    """
    _, values, origins = read(path, "a sweep needs config, method and keys")
    if "model" in values and "keys" not in values:
        raise UserError(f"{path} is a config; write a sweep file with config: {path}, method and keys.")
    try:
        sweep = SweepFile.model_validate(values)
    except ValidationError as error:
        raise UserError("\n".join(explain(path, values, origins, error, SweepFile))) from None
    count = sweep.combinations if sweep.method == "grid" else sweep.count or 0
    trainings = int(count) * len(sweep.seeds or [0])
    if trainings > MOST_TRAININGS:
        raise UserError(f"{path}: these are {trainings:,} trainings; a sweep has at most {MOST_TRAININGS:,}.")
    try:
        base = base or find(sweep.config)
    except UserError as error:
        raise UserError(f"{origins['config',].describe(('config',))}: {error}") from None
    _, base_values, base_origins = read(base)
    points = [
        _make_point(point, base, copy.deepcopy(base_values), dict(base_origins), origins) for point in sweep.points()
    ]
    return Plan(sweep, path, base, base_values, points, sweep.seeds or [points[0].config.seed])


def _make_point(
    point: dict[str, Any], base: Path, values: dict[str, Any], origins: dict[Key, Origin], places: dict[Key, Origin]
) -> Point:
    """Return a point, after a check of the config with its values.

    Args:
        point: The values of the point by key.
        base: The file of the config.
        values: The values in that file; those of the point are put into them.
        origins: The origins of the values, which change in the same way.
        places: The origins of the sweep file's keys.
    """
    for name, value in _sort_sections_first(point):
        put(values, origins, tuple(name.split(".")), copy.deepcopy(value), places["keys", name])
    try:
        return Point(point, Config.model_validate(values).read_from(base, origins))
    except ValidationError as error:
        text = ", ".join(f"{name}={as_yaml(value)}" for name, value in point.items())
        raise UserError("\n".join([*explain(base, values, origins, error), f"The point is {text}."])) from None


def _sort_sections_first(values: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(values.items(), key=lambda item: item[0].count("."))


def _make_paths_absolute(value: Any, key: Key = ()) -> Any:
    if isinstance(value, dict):
        return {name: _make_paths_absolute(part, (*key, name)) for name, part in value.items()}
    return make_absolute(value) if key in PATHS and isinstance(value, str) else value
