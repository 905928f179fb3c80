"""Configs: strict, frozen sections; the defaults live here and nowhere else.

A YAML file becomes a ``Config``, or a ``UserError`` that names the file, the line, the key and what
would have been right.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, TypeAdapter, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from cnnzoo.cards import cards
from cnnzoo.errors import UserError, did_you_mean
from cnnzoo.runtime import Backend, Device, Precision

Key = tuple[str | int, ...]

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of a config: unknown keys and wrong types are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ModelSection(Section):
    """Which network, and its own options beside the name."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: str = Field(description="Name of a registered network, as `cnnzoo models` lists them.")

    @property
    def options(self) -> dict[str, Any]:
        """The builder's keyword-only options."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _the_network_takes_its_options(self) -> "ModelSection":
        known = cards()
        if self.name not in known:
            message = f"there is no model named '{self.name}'.{did_you_mean(self.name, known)}"
            raise PydanticCustomError("model", "{message}", {"message": message, "key": "name"})
        options = known[self.name].options
        for key, value in self.options.items():
            if key not in options:
                message = f"model '{self.name}' has no option '{key}'.{did_you_mean(key, [*options, 'name'])}"
                raise PydanticCustomError("model", "{message}", {"message": message, "key": key})
            try:
                TypeAdapter(_annotation(options[key])).validate_python(value, strict=True)
            except ValidationError as error:
                message = _sentence(error.errors()[0])
                raise PydanticCustomError("model", "{message}", {"message": message, "key": key}) from None
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe one alternative per network, with its options."""
        handler(core)
        return {
            "title": "ModelSection",
            "oneOf": [
                {
                    "type": "object",
                    "title": card.title,
                    "properties": {"name": {"const": name}, **card.options},
                    "required": ["name"],
                    "additionalProperties": False,
                }
                for name, card in cards().items()
            ],
        }


class DataSection(Section):
    """Which images, and how many of the training images are held out to choose by."""

    name: Literal["mnist", "fashion_mnist", "digits"] = Field(description="Name of the data set.")
    validation: Count | Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="Training images held out for validation: a number of images, or a fraction."
    )


class PreprocessingSection(Section):
    """What happens to raw pixels before the network sees them; it is saved inside the model."""

    pad: int = Field(0, ge=0, le=512, description="Pixels of zeros added on each side.")
    mean: float | list[float] | None = Field(
        None,
        description="Subtracted from pixels scaled to 0..1, one value or one per channel; "
        "by default the training images' own mean.",
    )
    deviation: Positive | list[Positive] | None = Field(
        None, description="Divides after the mean is subtracted; by default the training images' own."
    )


class AugmentationSection(Section):
    """Random changes of each training image, drawn anew every time it is seen."""

    rotation: float = Field(0.0, ge=0, le=180, description="Largest rotation either way, in degrees.")
    shift: NonNegative = Field(0.0, description="Largest shift along each axis, in pixels.")


class SgdSection(Section):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    learning_rate: Positive = Field(0.01, description="Peak learning rate.")
    momentum: Fraction = 0.9
    nesterov: bool = False


class AdamSection(Section):
    """Adam; Kingma and Ba, ICLR 2015."""

    name: Literal["adam"]
    learning_rate: Positive = Field(0.001, description="Peak learning rate.")
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: Positive = 1e-7


class ConstantSection(Section):
    """The same learning rate throughout, after the warm-up."""

    name: Literal["constant"]
    warmup_epochs: NonNegative = Field(0.0, description="Epochs of linear growth from zero.")


class CosineSection(Section):
    """Half a cosine from the peak to the final learning rate; Loshchilov and Hutter, ICLR 2017."""

    name: Literal["cosine"]
    warmup_epochs: NonNegative = Field(0.0, description="Epochs of linear growth from zero.")
    final: Fraction = Field(0.0, description="Last learning rate, as a fraction of the peak.")


class OneCycleSection(Section):
    """Linear growth to the peak, then half a cosine down; after Smith and Topin 2018."""

    name: Literal["one_cycle"]
    rise: Annotated[float, Field(gt=0, lt=1)] = Field(0.25, description="Fraction of all steps spent growing.")
    initial: Fraction = Field(0.04, description="First learning rate, as a fraction of the peak.")
    final: Fraction = Field(0.0, description="Last learning rate, as a fraction of the peak.")


class TrainingSection(Section):
    """How long, in what batches, and towards what."""

    epochs: Count = 10
    batch_size: Count = 128
    label_smoothing: Fraction = Field(0.0, description="Probability spread evenly over all classes.")
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="Decay per step of averaged weights, which are then the ones judged and saved."
    )
    tensorboard: bool = Field(False, description="Write TensorBoard events into the run's events/ folder.")


class RuntimeSection(Section):
    """Where the arithmetic happens."""

    backend: Backend | None = Field(None, description="By default KERAS_BACKEND, else tensorflow.")
    device: Device = "auto"
    threads: Count | None = Field(None, description="Processor threads; by default all.")
    precision: Precision = "float32"


Optimizer = Annotated[SgdSection | AdamSection, Field(discriminator="name")]
Schedule = Annotated[ConstantSection | CosineSection | OneCycleSection, Field(discriminator="name")]


class Config(Section):
    """One run: everything that its result depends on, but for the machine."""

    model: ModelSection
    data: DataSection
    preprocessing: PreprocessingSection = PreprocessingSection()
    augmentation: AugmentationSection = AugmentationSection()
    optimizer: Optimizer = AdamSection(name="adam")
    schedule: Schedule = ConstantSection(name="constant")
    training: TrainingSection = TrainingSection()
    runtime: RuntimeSection = RuntimeSection()
    seed: int = Field(0, ge=0, lt=2**32, description="Seeds weights, order, augmentation and dropout.")

    def replaced(self, **sections: Any) -> "Config":
        """Return a copy with some top-level values replaced."""
        return self.model_copy(update=sections)

    def to_yaml(self) -> str:
        """Return the resolved config as YAML that loads to an equal one."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def recipe(self) -> dict[str, Any]:
        """Return what the members of one ensemble share: everything but the seed and where it runs."""
        values = self.model_dump(mode="json", exclude={"seed"})
        values["runtime"] = {"precision": self.runtime.precision}
        values["training"].pop("tensorboard")
        return values


def shipped() -> dict[str, Path]:
    """Return the configs that come with the package, by name without suffix."""
    package = Path(__file__).parent
    folder = next(place for place in (package / "configs", package.parent / "configs") if place.is_dir())
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
    values, origins = _read(path)
    for setting in settings:
        _override(values, origins, setting)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise UserError("\n".join(_explain(path, values, origins, error))) from None


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a config, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}


def _read(path: Path) -> tuple[dict[str, Any], dict[Key, str]]:
    """Return a file's values, and for each key the file and line that it stands in."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file; a config is YAML in UTF-8.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise UserError(f"{path} is empty; a config needs at least the sections model and data.")
        if not isinstance(node, yaml.MappingNode):
            raise UserError(f"{path}, line {node.start_mark.line + 1}: a config is a list of 'section: ...' entries.")
        origins = {key: f"{path}, line {line}" for key, line in _lines(path, node)}
        return loader.construct_document(node), origins
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{where}: this is not valid YAML: {error.problem}.") from None
    except yaml.YAMLError:
        raise UserError(f"{path} holds characters that YAML does not allow; is it a text file?") from None


def _lines(path: Path, node: yaml.Node, above: Key = ()) -> Iterator[tuple[Key, int]]:
    yield above, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in seen:
                raise UserError(f"{path}, line {line}: the key '{key}' stands here a second time; keep one.")
            seen.add(key)
            yield from _lines(path, value_node, (*above, key))
            yield (*above, key), line
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(path, item, (*above, index))


def _override(values: dict[str, Any], origins: dict[Key, str], setting: str) -> None:
    name, equals, text = setting.partition("=")
    key = tuple(part.strip() for part in name.split("."))
    if not equals or not all(key):
        raise UserError(f"--set {setting}: write it as section.key=value, such as optimizer.learning_rate=0.01.")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"--set {setting}: the value '{text}' is not valid YAML.") from None
    section: Any = values
    for depth, part in enumerate(key[:-1], start=1):
        if section.get(part) is None:
            section[part] = {}
            origins[key[:depth]] = f"--set {setting}"
        section = section[part]
        if not isinstance(section, dict):
            raise UserError(f"--set {setting}: '{part}' is a value and has no keys below it.")
    section[key[-1]] = value
    for below in [known for known in origins if known[: len(key)] == key]:
        del origins[below]
    origins[key] = f"--set {setting}"


def _explain(path: Path, values: dict[str, Any], origins: Mapping[Key, str], error: ValidationError) -> Iterator[str]:
    told: set[Key] = set()
    for problem in error.errors():
        key, section = _locate(problem, values)
        if key in told:  # the alternatives of a union complain one by one; the first is enough
            continue
        told.add(key)
        origin = next((origins[key[:n]] for n in range(len(key), -1, -1) if key[:n] in origins), str(path))
        label = ".".join(map(str, key)) or "the config"
        yield f"{origin}: {label}: {_sentence(problem, section)}"


def _locate(problem: Any, values: dict[str, Any]) -> tuple[Key, type[Section] | None]:
    """Return the key that a problem is about, and the section that it lies in."""
    location = [*problem["loc"], *([problem["ctx"]["key"]] if "key" in problem.get("ctx", {}) else [])]
    key: list[str | int] = []
    node: Any = values
    section: type[Section] | None = Config
    for position, part in enumerate(location):
        inside = (isinstance(node, dict) and part in node) or (isinstance(node, list) and isinstance(part, int))
        last = position == len(location) - 1
        if not inside and not (last and problem["type"] in {"missing", "extra_forbidden", "model"}):
            continue  # the tag of a union, which is no key of the file
        key.append(part)
        if inside and not last:
            node = node[part]
            section = _section(section, part, node)
    return tuple(key), section


def _section(above: type[Section] | None, key: str | int, value: Any) -> type[Section] | None:
    """Return the section that a key opens; among several, the one that the value's name chooses."""
    field = above.model_fields.get(str(key)) if above else None
    if field is None:
        return None
    annotation = field.annotation
    choices = get_args(annotation) if get_origin(annotation) is not None else (annotation,)
    sections = [choice for choice in choices if isinstance(choice, type) and issubclass(choice, Section)]
    if len(sections) > 1:
        name = value.get("name") if isinstance(value, dict) else None
        sections = [s for s in sections if name in get_args(s.model_fields["name"].annotation)]
    return sections[0] if sections else None


def _sentence(problem: Any, section: type[Section] | None = None) -> str:
    """Say in a sentence what is wrong with one value and what would be right."""
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    match kind:
        case "model":
            sentence = context["message"]
        case "model_type" | "model_attributes_type":
            sentence = "this is a section: it takes keys with values."
        case "missing":
            sentence = "this key is needed and missing."
        case "union_tag_not_found":
            sentence = "this section needs a name."
        case "extra_forbidden":
            name = _name_of(section)
            known = section.model_fields if section else ()
            under = f" under {name}" if name else ""
            sentence = f"there is no such key{under}.{did_you_mean(str(problem['loc'][-1]), known)}"
        case "literal_error" | "union_tag_invalid":
            choices = re.findall(r"'([^']+)'", context.get("expected") or context["expected_tags"])
            given = context.get("tag", value)
            sentence = f"{given!r} is not known here.{did_you_mean(str(given), choices)}"
        case "float_type" | "int_type" if isinstance(value, str) and _is_number(value):
            sentence = f"'{value}' is text in YAML, not a number; write {_yaml_number(value)}."
        case _:
            message = str(problem["msg"]).replace("Input should", "this should")
            shown = f", not {value!r}" if isinstance(value, str | int | float) else ""
            sentence = f"{message}{shown}."
    return str(sentence)


def _name_of(section: type[Section] | None) -> str | None:
    """Return the one name that a section goes by, if it is one of several alternatives."""
    names = get_args(section.model_fields["name"].annotation) if section and "name" in section.model_fields else ()
    return names[0] if len(names) == 1 else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _yaml_number(text: str) -> str:
    number = float(text)
    plain = repr(number)
    if "e" not in plain:
        return plain
    mantissa, exponent = plain.split("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+03d}"


def _annotation(option: Mapping[str, Any]) -> Any:
    """Return the Python type of an option's JSON schema."""
    if "enum" in option:
        return Literal[tuple(option["enum"])]
    types = option["type"] if isinstance(option["type"], list) else [option["type"]]
    python = {"boolean": bool, "integer": int, "number": float, "string": str, "null": None}
    return Union[tuple(python[name] for name in types)]  # noqa: UP007 - the members are only known now
