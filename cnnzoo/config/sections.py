"""The sections of a config: strict, frozen, with their defaults, which live here and nowhere else."""

import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import yaml
from pydantic import (
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from cnnzoo import registry
from cnnzoo.cards import cards
from cnnzoo.config.optimization import (
    AdamSection,
    ConstantSection,
    MultiStepSection,
    OneCycleSection,
    Optimizer,
    Schedule,
)
from cnnzoo.config.reading import Key
from cnnzoo.config.section import Count, Fraction, NonNegative, Positive, Section
from cnnzoo.config.sentences import sentence
from cnnzoo.errors import UserError, did_you_mean
from cnnzoo.runtime import Backend, Device, Precision

SEEDS = 2**32
# Of pixels scaled to 0..1; what is beyond was meant for 0..255.
Level = Annotated[float, Field(ge=-10, le=10)]
Spread = Annotated[float, Field(gt=0, le=10)]
Side = Annotated[int, Field(ge=1, le=4096)]
# Below, the gamma variates that make a Beta(alpha, alpha) are often too small for a float.
Alpha = Annotated[float, Field(ge=0.05, le=100)]
# Of fractions of a whole: the least and the largest.
Interval = Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=2, max_length=2)]


class ModelSection(Section):
    """Which network, and its own options beside the name."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(description="Name of a registered network, as `cnnzoo models` lists them.")

    @property
    def options(self) -> dict[str, Any]:
        """The builder's keyword-only options."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _the_network_takes_its_options(self) -> "ModelSection":
        known = {*cards(), *registry.names()}
        if self.name not in known:
            near = did_you_mean(self.name, known)
            elsewhere = "" if "mean" in near else " One that your own program registers is known to that program alone."
            raise _mistake(f"there is no model named '{self.name}'.{near}{elsewhere}", "name")
        options = _options(self.name)
        for key, value in self.options.items():
            if key not in options:
                near = did_you_mean(key, [*options, "name"])
                raise _mistake(f"model '{self.name}' has no option '{key}'.{near}", key)
            try:
                TypeAdapter(options[key]).validate_python(value, strict=True)
            except ValidationError as error:
                raise _mistake(sentence(error.errors()[0]), key) from None
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe one alternative per network of the zoo, with its options."""
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


Part = Count | Annotated[float, Field(gt=0, lt=1)]
HELD_OUT = "Training images held out for validation: a number of images, or a fraction."


class DataSection(Section):
    """Which images, and how many of the training images are held out to choose by."""

    name: Literal["mnist", "fashion_mnist", "digits", "cifar10"] = Field(description="Name of the data set.")
    validation: Part = Field(0.1, description=HELD_OUT)


class Cifar100Section(Section):
    """CIFAR-100 by its 100 classes or by their 20 superclasses."""

    name: Literal["cifar100"]
    labels: Literal["fine", "coarse"] = Field("fine", description="100 classes, or the 20 that they belong to.")
    validation: Part = Field(0.1, description=HELD_OUT)


class FolderSection(Section):
    """A folder of a person's own images: class folders, or train, validation and test folders that hold them."""

    name: Literal["folder"]
    path: str = Field(min_length=1, description="The folder; in a run's own config always from the root on.")
    size: Side | Annotated[list[Side], Field(min_length=2, max_length=2)] = Field(
        64, description="Pixels that every image is brought to: of each side, or [height, width]."
    )
    channels: Literal[1, 3] = Field(3, description="3 for colour, 1 for grey.")
    resize: Literal["crop", "squash", "pad"] = Field(
        "crop",
        description="For other proportions: the middle is cut out, the image is squashed, or black is added.",
    )
    validation: Part = Field(0.1, description=f"{HELD_OUT} Not used where there is a validation folder.")
    test: Part = Field(
        0.2,
        description="Images set apart for the test: a number, or a fraction. Not used where there is a train folder.",
    )
    split_seed: int = Field(
        0, ge=0, lt=SEEDS, description="Draws the validation and test images, together with the files' names."
    )
    broken: Literal["stop", "skip"] = Field(
        "stop", description="An image that cannot be read ends the run, or is left out and named."
    )
    memory: NonNegative | None = Field(
        None,
        description="Gigabytes that the images may take in memory, by default a quarter of what is free; "
        "more are read from their files each time.",
    )
    classes: list[str] | None = Field(
        None, description="The class folders, in the order of their labels; by default all there are, sorted."
    )

    @field_validator("path")
    @classmethod
    def _from_the_root_on(cls, path: str) -> str:
        return os.path.abspath(Path(path).expanduser())  # noqa: PTH100 - pathlib's leaves ".." in

    @field_validator("classes")
    @classmethod
    def _at_least_two_classes(cls, classes: list[str] | None) -> list[str] | None:
        if classes is not None and (len(classes) < 2 or len(set(classes)) < len(classes)):
            raise _mistake("name at least two classes, and each of them once.")
        return classes


class PreprocessingSection(Section):
    """What happens to raw pixels before the network sees them; it is saved inside the model."""

    pad: int = Field(0, ge=0, le=512, description="Pixels of zeros added on each side.")
    mean: Level | list[Level] | None = Field(
        None,
        description="Subtracted from pixels scaled to 0..1, one value or one per channel; "
        "by default the training images' own mean.",
    )
    deviation: Spread | list[Spread] | None = Field(
        None, description="Divides after the mean is subtracted; by default the training images' own."
    )


class ElasticSection(Section):
    """Elastic distortion; Simard, Steinkraus and Platt, ICDAR 2003, section 2."""

    alpha: float = Field(
        34.0,
        gt=0,
        le=1000,
        description="Strength: the paper's factor of a field of uniform noise smoothed by a normalized Gaussian; "
        "pixels then move along each axis by about 0.16 alpha / sigma pixels (standard deviation).",
    )
    sigma: float = Field(4.0, ge=0.5, le=64, description="Deviation of the Gaussian that smooths it, in pixels.")


class ResizedCropSection(Section):
    """A random part of the image enlarged to its size; Szegedy et al., CVPR 2015, section 6."""

    area: Interval = Field([0.08, 1.0], description="Least and largest area of the part, as fractions of the image.")
    aspect: Annotated[list[Annotated[float, Field(gt=0, le=10)]], Field(min_length=2, max_length=2)] = Field(
        [0.75, 1.3333], description="Least and largest width over height of the part, in pixels."
    )

    @model_validator(mode="after")
    def _the_least_is_not_above_the_largest(self) -> "ResizedCropSection":
        for key, (least, largest) in (("area", self.area), ("aspect", self.aspect)):
            if least > largest:
                raise _mistake(f"the least comes first, and {least:g} is more than {largest:g}.", key)
        return self


class AugmentationSection(Section):
    """Random changes of each training image, drawn anew every time it is seen.

    They come in this order, whatever the file's: geometry in one resampling at most, colour, cutout, mixing.
    What comes in from outside an image is 0. The training accuracy of mixed images is that of their own labels.
    """

    crop: int = Field(
        0, ge=0, le=256, description="Pixels of zeros put on each side, before a part of the old size is cut out."
    )
    mirror: Literal[False, True, "alternating"] = Field(
        False,
        description="Left for right: true mirrors half of the images, by chance; alternating mirrors every image in "
        "every second epoch, the first one by chance.",
    )
    rotation: float = Field(0.0, ge=0, le=180, description="Largest rotation either way, in degrees.")
    shift: float = Field(0.0, ge=0, le=256, description="Largest shift along each axis, in pixels.")
    scale: float = Field(
        0.0, ge=0, le=4, description="Largest enlargement or reduction: 0.1 is a factor from 1/1.1 to 1.1."
    )
    squeeze: float = Field(
        0.0, ge=0, le=4, description="Largest stretch of one axis by a factor while the other shrinks by it, as scale."
    )
    shear: float = Field(0.0, ge=0, le=60, description="Largest slant of upright lines either way, in degrees.")
    elastic: ElasticSection | None = Field(None, description="Elastic distortion; {} takes the paper's values.")
    resized_crop: ResizedCropSection | None = Field(
        None, description="A random part enlarged to the image's size; {} takes the usual values. Not with crop."
    )
    brightness: float = Field(0.0, ge=0, le=1, description="Pixels are multiplied by 1 plus or minus this at most.")
    contrast: float = Field(
        0.0, ge=0, le=1, description="Distances from the image's mean grey are multiplied by 1 plus or minus this."
    )
    saturation: float = Field(
        0.0, ge=0, le=1, description="Distances from the pixel's own grey are multiplied by 1 plus or minus this."
    )
    hue: float = Field(0.0, ge=0, le=0.5, description="Largest turn of the colour circle, as a fraction of it.")
    lighting: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Deviation of AlexNet's noise along the principal components of the training images' colours; "
        "the paper's is 0.1.",
    )
    cutout: int = Field(
        0, ge=0, le=512, description="Side of a square of zeros whose centre lies anywhere in the image, in pixels."
    )
    mixup: Alpha | None = Field(
        None, description="Alpha of Zhang et al. 2018: the share of a second image is Beta(alpha, alpha)."
    )
    cutmix: Alpha | None = Field(
        None,
        description="Alpha of Yun et al. 2019: the same for the area of a rectangle of a second image. "
        "With mixup, a coin decides for each image.",
    )

    @model_validator(mode="after")
    def _one_crop_is_enough(self) -> "AugmentationSection":
        if self.crop and self.resized_crop:
            raise _mistake("augmentation.resized_crop cuts as well; leave one of them out.", "crop")
        return self


class TrainingSection(Section):
    """How long, in what batches, and towards what."""

    epochs: int = Field(10, ge=1, le=100_000)
    batch_size: Count = 128
    steps_per_epoch: Count | None = Field(
        None,
        description="Batches of an epoch; by default as many as full ones can be made of the training images. "
        "Any other number goes on in the next epoch where the one before it stopped.",
    )
    gradient_accumulation: Count = Field(
        1,
        description="Batches whose mean gradient makes one step of the optimizer, for batches that memory cannot hold.",
    )
    label_smoothing: Fraction = Field(0.0, description="Probability spread evenly over all classes.")
    class_weights: Literal["balanced"] | list[Positive] | None = Field(
        None,
        description="Weight of each class in the training loss: one number per class, or balanced for the inverse of "
        "how often the class occurs. Their mean over the training images is brought to 1.",
    )
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="Decay per step of averaged weights, which are then the ones judged and saved."
    )
    early_stopping: Count | None = Field(
        None,
        description="Epochs without a better validation accuracy, or loss at equal accuracy, that end the training.",
    )
    checkpoint_steps: Count = Field(
        1000, description="Within long epochs a checkpoint is written every so many batches; at an epoch's end always."
    )
    tensorboard: bool = Field(False, description="Write TensorBoard events into the run's events/ folder.")


class FineTuningSection(Section):
    """Begin with the weights of a model file, most of them frozen at first."""

    weights: str = Field(
        description="A .keras file of the same network, from `cnnzoo weights import` or of a run; its classifier is "
        "taken where it has as many classes. Mean and deviation of the pixels are the file's, unless preprocessing "
        "gives others."
    )
    frozen_epochs: int = Field(
        0, ge=0, description="Epochs at the beginning in which only the layers in `trained` learn."
    )
    trained: list[str] = Field(
        ["logits"], min_length=1, description="Names of the layers that learn meanwhile; conv5_* stands for several."
    )
    frozen_learning_rate: Positive | None = Field(
        None,
        description="Learning rate of these epochs, constant; by default the optimizer's. The schedule comes after.",
    )


class RuntimeSection(Section):
    """Where the arithmetic happens."""

    backend: Backend | None = Field(None, description="By default KERAS_BACKEND, else tensorflow.")
    device: Device = "auto"
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(None, description="Processor threads; by default all.")
    precision: Precision = "float32"


Data = Annotated[DataSection | Cifar100Section | FolderSection, Field(discriminator="name")]


class Config(Section):  # noqa: PLW1641 - pydantic gives a frozen model its hash
    """One run: everything that its result depends on, but for the machine."""

    model: ModelSection
    data: Data
    preprocessing: PreprocessingSection = PreprocessingSection()
    augmentation: AugmentationSection = AugmentationSection()
    optimizer: Optimizer = AdamSection(name="adam")
    schedule: Schedule = ConstantSection(name="constant")
    training: TrainingSection = TrainingSection()
    fine_tuning: FineTuningSection | None = None
    runtime: RuntimeSection = RuntimeSection()
    seed: int = Field(0, ge=0, lt=SEEDS, description="Seeds weights, order, augmentation and dropout.")
    _path: Path | None = PrivateAttr(default=None)
    _origins: dict[Key, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _the_schedule_fits_into_the_training(self) -> "Config":
        epochs, schedule = self.training.epochs, self.schedule
        if self.fine_tuning is not None:
            if self.fine_tuning.frozen_epochs >= epochs:
                message = f"all of the training would be frozen; training.epochs is {epochs}."
                raise _mistake(message, "fine_tuning", "frozen_epochs")
            epochs -= self.fine_tuning.frozen_epochs
        warmup = 0.0 if isinstance(schedule, OneCycleSection) else schedule.warmup_epochs
        if warmup >= epochs:
            message = f"{warmup:g} epochs of warm-up are no less than the whole training, {epochs} epochs."
            raise _mistake(message, "schedule", "warmup_epochs")
        if isinstance(schedule, MultiStepSection):
            if any(later <= earlier for earlier, later in pairwise(schedule.after)):
                raise _mistake(f"{schedule.after} do not ascend.", "schedule", "after")
            if schedule.after[-1] >= epochs:
                message = f"{schedule.after[-1]:g} epochs are not inside the training, {epochs} epochs."
                raise _mistake(message, "schedule", "after")
        return self

    @model_validator(mode="after")
    def _what_alternates_by_epoch_sees_whole_epochs(self) -> "Config":
        if self.augmentation.mirror == "alternating" and self.training.steps_per_epoch is not None:
            message = "every second epoch needs epochs that see every image once; leave out training.steps_per_epoch."
            raise _mistake(message, "augmentation", "mirror")
        return self

    def __eq__(self, other: object) -> bool:
        """Compare the values, wherever they came from."""
        return isinstance(other, Config) and self.model_dump() == other.model_dump()

    def replaced(self, **sections: Any) -> "Config":
        """Return a copy with some top-level values replaced.

        Raises:
            pydantic.ValidationError: A value, or what the values make together, is wrong.
        """
        return Config.model_validate({**dict(self), **sections}).read_from(self.path, self._origins)

    @property
    def path(self) -> Path | None:
        """The file that the config was read from; None for one that was made otherwise."""
        return self._path

    def read_from(self, path: Path | None, origins: Mapping[Key, str]) -> "Config":
        """Remember the file, and the place that each key came from, for what is found wrong later; return itself."""
        self._path, self._origins = path, dict(origins)
        return self

    @contextmanager
    def blaming(self, key: str) -> Iterator[None]:
        """Put a key, and the file and line that it stands in, before a mistake found inside the block.

        Raises:
            UserError: The mistake, with its place.
        """
        try:
            yield
        except UserError as error:
            parts = tuple(key.split("."))
            known = (self._origins[parts[:n]] for n in range(len(parts), 0, -1) if parts[:n] in self._origins)
            raise UserError(": ".join([*list(known)[:1], key, str(error)])) from error

    def to_yaml(self) -> str:
        """Return the resolved config as YAML that loads to an equal one."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def recipe(self) -> dict[str, Any]:
        """Return what the members of one ensemble share: everything but the seed and where it runs."""
        values = self.model_dump(mode="json", exclude={"seed"})
        values["runtime"] = {"precision": self.runtime.precision}
        for without_influence in ("tensorboard", "checkpoint_steps"):
            values["training"].pop(without_influence)
        values["data"].pop("memory", None)
        return values


def _options(model: str) -> dict[str, Any]:
    """Return the types of a network's options; any, where another project has registered the network."""
    if model in cards():
        return {name: _annotation(option) for name, option in cards()[model].options.items()}
    builder = registry.builder(model)
    parameters = inspect.signature(getattr(builder, "func", builder)).parameters.values()
    return {parameter.name: Any for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


def _annotation(option: Mapping[str, Any]) -> Any:
    """Return the Python type of an option's JSON schema."""
    if "enum" in option:
        return Literal[tuple(option["enum"])]
    types = option["type"] if isinstance(option["type"], list) else [option["type"]]
    python = {"boolean": bool, "integer": int, "number": float, "string": str, "null": None}
    return Union[tuple(python[name] for name in types)]  # noqa: UP007 - the members are only known now


def _mistake(message: str, *key: str) -> PydanticCustomError:
    """Make an error about a key at or below the section that raises it."""
    return PydanticCustomError("mistake", "{message}", {"message": message, "key": key})
