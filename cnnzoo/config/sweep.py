"""Sweep files: which keys of a config take which values; one ``Point`` per combination that is to be trained."""

import copy
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from cnnzoo.config.base import SEEDS, Count, Section, make_absolute, mistake
from cnnzoo.config.errors import explain
from cnnzoo.config.sections import Config
from cnnzoo.config.seeds import MOST_TRAININGS, parse_seeds
from cnnzoo.config.yaml_file import Key, Origin, as_yaml, document, put, read
from cnnzoo.errors import UserError, did_you_mean

KINDS = ("choice", "uniform", "log_uniform")
PATHS = (("data", "path"), ("fine_tuning", "weights"))


class ValuesSection(Section):
    """The values that one key takes: a list, or one of three kinds."""

    choice: list[Any] | None = Field(None, min_length=1, description="Each of these; a list alone means the same.")
    uniform: list[float] | None = Field(None, description="Two bounds; drawn evenly between them.")
    log_uniform: list[float] | None = Field(None, description="Two bounds; the logarithm is drawn evenly.")

    @model_validator(mode="before")
    @classmethod
    def _there_is_one_kind(cls, values: Any) -> Any:
        if isinstance(values, list):
            values = {"choice": values}
        if not isinstance(values, dict) or len(values) != 1:
            raise mistake("write a list of values, or one of {choice: [...]}, {uniform: [...]}, {log_uniform: [...]}.")
        kind = next(iter(values))
        if kind not in KINDS:
            raise mistake(f"'{kind}' is no way to choose values.{did_you_mean(str(kind), KINDS)}")
        if values[kind] == []:
            raise mistake("this list of values is empty.")
        return values

    @model_validator(mode="after")
    def _the_values_make_sense(self) -> "ValuesSection":
        for index, value in enumerate(self.choice or []):
            if any(value == earlier and type(value) is type(earlier) for earlier in (self.choice or [])[:index]):
                raise mistake(f"{value!r} stands here twice.")
        bounds = self.uniform or self.log_uniform
        if bounds and not (len(bounds) == 2 and bounds[0] < bounds[1]):
            raise mistake(f"write two numbers, the lower one first, not {bounds}.")
        if self.log_uniform and self.log_uniform[0] <= 0:
            raise mistake("the bounds of log_uniform are greater than 0.")
        return self

    def draw(self, chance: random.Random) -> Any:
        """Return one value; of a number from a range four digits, which are enough to tell points apart."""
        if self.choice:
            return chance.choice(self.choice)
        low, high = self.uniform or self.log_uniform or [0.0, 0.0]
        if self.log_uniform:
            drawn = math.exp(chance.uniform(math.log(low), math.log(high)))
        else:
            drawn = chance.uniform(low, high)
        return min(max(float(f"{drawn:.4g}"), low), high)


class SweepFile(Section):
    """What is varied of which config, and how."""

    config: str = Field(description="The config, here or among the shipped ones.")
    method: Literal["grid", "random"] = Field(description="All combinations, or so many at random.")
    count: Count | None = Field(None, description="Points of a random sweep.")
    seed: int = Field(0, ge=0, lt=SEEDS, description="Chooses the points of a random sweep.")
    keys: dict[str, ValuesSection] = Field(
        description="For each key of the config, such as optimizer.learning_rate, values."
    )
    seeds: list[int] | None = Field(None, description="Each point is trained with each; by default with the config's.")

    @field_validator("seeds", mode="before")
    @classmethod
    def _seeds_are_read_as_a_command_reads_them(cls, seeds: Any) -> Any:
        if isinstance(seeds, list) and all(type(seed) is int for seed in seeds):
            seeds = ",".join(map(str, seeds))
        try:
            return parse_seeds(str(seeds))
        except UserError as error:
            raise mistake(str(error)) from None

    @model_validator(mode="after")
    def _the_keys_can_be_varied(self) -> "SweepFile":
        if not self.keys:
            raise mistake("a sweep varies at least one key.", "keys")
        for key in self.keys:
            if not all(key.split(".")):
                raise mistake("write it as section.key, such as optimizer.learning_rate.", "keys", key)
        if "seed" in self.keys:
            raise mistake("seeds are not varied here; write seeds: 0..2 beside keys.", "keys", "seed")
        return self

    @model_validator(mode="after")
    def _the_method_has_what_it_needs(self) -> "SweepFile":
        if self.method == "grid":
            for key in sorted(self.model_fields_set & {"count", "seed"}):
                raise mistake("this goes with method: random; a grid trains all combinations.", key)
            for key, values in self.keys.items():
                if not values.choice:
                    raise mistake("a grid needs a list of values; ranges go with method: random.", "keys", key)
        elif self.count is None:
            raise mistake("random needs count, the number of points.", "method")
        elif self.count > self.combinations:
            message = f"there are only {self.combinations:,} combinations of these values; method: grid trains all."
            raise mistake(message, "count")
        return self

    @property
    def combinations(self) -> float:
        """How many different points there are; infinite where a range is among the values."""
        return math.prod(len(values.choice) if values.choice else math.inf for values in self.keys.values())

    def points(self) -> Iterator[dict[str, Any]]:
        """Yield the values of each point by key; the same ones whenever it is asked."""
        if self.method == "grid":
            lists = (values.choice or [] for values in self.keys.values())
            yield from (dict(zip(self.keys, chosen, strict=True)) for chosen in product(*lists))
            return
        chance = random.Random(self.seed)  # noqa: S311 - it guards nothing
        drawn: list[str] = []
        while len(drawn) < (self.count or 0):
            point = {key: values.draw(chance) for key, values in self.keys.items()}
            if repr(point) not in drawn or self.combinations == math.inf:
                drawn.append(repr(point))
                yield point


@dataclass(frozen=True)
class Point:
    """One combination of values, and the config that they make."""

    values: dict[str, Any]
    config: Config

    @property
    def settings(self) -> list[str]:
        """The values as ``--set`` of the command line takes them, sections before the keys inside them."""
        ordered = sorted(self.values.items(), key=lambda item: item[0].count("."))
        return [f"{key}={as_yaml(value)}" for key, value in ordered]


@dataclass(frozen=True)
class Plan:
    """A sweep file that has been read and found right.

    Attributes:
        sweep: What the file says.
        path: The sweep file.
        base: The file of the config.
        base_values: What the config's file says.
        points: What is to be trained.
        seeds: With which seeds each point is trained.
    """

    sweep: SweepFile
    path: Path
    base: Path
    base_values: dict[str, Any]
    points: list[Point]
    seeds: list[int]

    def copies(self) -> tuple[str, str]:
        """Return the sweep file and the config as they go on from any directory: with whole paths."""
        values = self.sweep.model_dump(mode="json", exclude_unset=True)
        for name, own in values["keys"].items():
            if "choice" in own:
                own["choice"] = [_with_absolute_paths(value, tuple(name.split("."))) for value in own["choice"]]
        parts = (values, _with_absolute_paths(self.base_values))
        sweep, base = map(document, parts)
        return sweep, base


def load_plan(path: Path, base: Path | None, find: Callable[[str], Path]) -> Plan:
    """Read a sweep file and the config that it varies, and check every point.

    Args:
        path: The sweep file.
        base: The file of the config; None for the one that the sweep file names.
        find: Returns the file that a config's name means.

    Raises:
        UserError: A file is wrong, a point makes an invalid config, or there are too many points.
    """
    _, values, origins = read(path, "a sweep needs config, method and keys")
    if "model" in values and "keys" not in values:
        raise UserError(f"{path} is a config; a sweep file names it and the keys that vary: config: {path}")
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
        raise UserError(f"{origins['config',].before(('config',))}: {error}") from None
    written = read(base)[1:]
    points = [_point(chosen, base, *copy.deepcopy(written), origins) for chosen in sweep.points()]
    return Plan(sweep, path, base, written[0], points, sweep.seeds or [points[0].config.seed])


def _point(
    values: dict[str, Any], base: Path, file: dict[str, Any], origins: dict[Key, Origin], places: dict[Key, Origin]
) -> Point:
    """Put the values of a point into those of the config's file.

    Args:
        values: The values of the point by key.
        base: The config's file.
        file: Its values, which are changed.
        origins: Their origins, which are changed.
        places: The origins of the sweep file's keys.
    """
    for name, value in sorted(values.items(), key=lambda item: item[0].count(".")):
        put(file, origins, tuple(name.split(".")), copy.deepcopy(value), places["keys", name])
    try:
        return Point(values, Config.model_validate(file).read_from(base, origins))
    except ValidationError as error:
        point = ", ".join(f"{name}={as_yaml(value)}" for name, value in values.items())
        raise UserError("\n".join([*explain(base, file, origins, error), f"This is the point {point}."])) from None


def _with_absolute_paths(value: Any, key: Key = ()) -> Any:
    if isinstance(value, dict):
        return {name: _with_absolute_paths(part, (*key, name)) for name, part in value.items()}
    return make_absolute(value) if key in PATHS and isinstance(value, str) else value
