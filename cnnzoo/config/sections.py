"""The sections of a config: strict and frozen. Their defaults are defined here and nowhere else."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from cnnzoo import registry
from cnnzoo.catalogue import cards
from cnnzoo.config.augmentation import AugmentationSection
from cnnzoo.config.base import SEEDS, AbsolutePath, Count, Fraction, Positive, ProperFraction, Section, mistake
from cnnzoo.config.data import AnyDataSection, PreprocessingSection
from cnnzoo.config.optimizer import (
    AdamSection,
    AnyOptimizerSection,
    AnyScheduleSection,
    ConstantSection,
    MultiStepSection,
    OneCycleSection,
)
from cnnzoo.config.yaml_file import Key, Origin, document, nearest_origin
from cnnzoo.errors import UserError, did_you_mean, nearest
from cnnzoo.options import OptionError, check_options, read_options
from cnnzoo.runtime import Backend, DeviceChoice, Precision


class ModelSection(Section):
    """The name of the network, and its options."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(description="Name of a registered network, as `cnnzoo models` lists them.")

    @property
    def options(self) -> dict[str, Any]:
        """The network's options, which are keyword arguments of its builder."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _the_network_takes_its_options(self) -> "ModelSection":
        names = {*cards(), *registry.names()}
        if self.name not in names:
            advice = did_you_mean(self.name, names)
            if not nearest(self.name, names):
                advice += " A network that your own program registers exists only in that program."
            raise mistake(f"there is no network named '{self.name}'.{advice}", "name")
        card = cards().get(self.name)
        options = card.options if card else read_options(registry.builder(self.name))
        try:
            check_options(self.name, {"name": {}, **options}, self.options)
        except OptionError as error:
            raise mistake(str(error), error.option) from error
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe each network of the zoo, with its options, as one alternative."""
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


class ProgressiveResizingSection(Section):
    """Smaller training images in the first epochs, which cost less; Howard et al., fast.ai's DAWNBench entry, 2018."""

    scale: ProperFraction = Field(
        0.75, description="Factor of the sides of the smaller images; the cost of a step falls with its square."
    )
    epochs: Count = Field(description="Number of first epochs with smaller images. Validation images keep their size.")


class TrainingSection(Section):
    """The length of the training, its batches and its loss."""

    epochs: int = Field(
        10, ge=1, le=100_000, description="Epochs: passes over the training images, or steps_per_epoch batches each."
    )
    batch_size: Count = Field(128, description="Images in one batch.")
    steps_per_epoch: Count | None = Field(
        None,
        description="Batches in one epoch; by default all full batches of the training images. With another number, "
        "each epoch continues with the images at which the one before it stopped.",
    )
    gradient_accumulation: Count = Field(
        1, description="Batches whose mean gradient makes one step, if larger batches do not fit into memory."
    )
    label_smoothing: Fraction = Field(0.0, description="Probability that is spread evenly over all classes.")
    class_weights: Literal["balanced"] | list[Positive] | None = Field(
        None,
        description="Weight of each class in the training loss: one number per class, or balanced, the inverse of the "
        "number of its images. Weights are scaled to a mean of 1 over the training images.",
    )
    ema_decay: ProperFraction | None = Field(
        None, description="Decay per step of a moving average of the weights, which is then validated and saved."
    )
    progressive_resizing: ProgressiveResizingSection | None = Field(
        None, description="Smaller images in the first epochs, for networks that accept any size, such as the ResNets."
    )
    early_stopping: Count | None = Field(
        None,
        description="Epochs without a better validation accuracy, or a lower loss at the same accuracy, before the "
        "training ends.",
    )
    checkpoint_steps: Count = Field(1000, description="Batches between two checkpoints within an epoch.")
    checkpoint_seconds: float = Field(
        5.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds. The best epoch so far always gets a checkpoint; another one does if the last checkpoint "
        "is at least as old as this. A training that was killed repeats what came after its last checkpoint.",
    )
    compiled_loop: bool | None = Field(
        None,
        description="On JAX, whether one compiled call trains on many batches; by default on a GPU. It has no effect "
        "on other backends.",
    )
    tensorboard: bool = Field(False, description="Write TensorBoard events into the folder events/ of the run.")


class FineTuningSection(Section):
    """Begin with the weights of a model file; most of them can be frozen in the first epochs."""

    weights: AbsolutePath = Field(
        description="A .keras file of the same network, from `cnnzoo weights import` or of a run. Its classifier is "
        "used if it has as many classes, and its mean and deviation of the pixels unless preprocessing sets others."
    )
    frozen_epochs: int = Field(0, ge=0, description="First epochs, in which only the layers in `trained` learn.")
    trained: list[str] = Field(
        ["logits"],
        min_length=1,
        description="Layers that learn during frozen_epochs; conv5_* matches all layers that begin so.",
    )
    frozen_learning_rate: Positive | None = Field(
        None, description="Constant learning rate of these epochs; by default the optimizer's. The schedule follows."
    )


class RuntimeSection(Section):
    """Backend, device, threads, precision, and what makes results repeatable or a start quick."""

    backend: Backend | None = Field(
        None, description="By default that of KERAS_BACKEND, or else tensorflow; keras.json is ignored."
    )
    device: DeviceChoice = Field("auto", description="auto uses a GPU if the backend finds one.")
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(None, description="Processor threads; by default all.")
    precision: Precision = Field("float32", description="Number type of the computation; weights are float32.")
    deterministic: bool = Field(
        True,
        description="Whether a seed gives the same bits again on a GPU, on TensorFlow and JAX; false may be faster.",
    )
    compilation_cache: bool = Field(
        True,
        description="Whether JAX keeps compiled programs on the disk, so that the next process need not compile them.",
    )


class Config(Section):  # noqa: PLW1641 - pydantic gives a frozen model its hash
    """Everything that the result of a run depends on, except the machine."""

    model: ModelSection
    data: AnyDataSection
    preprocessing: PreprocessingSection = PreprocessingSection()
    augmentation: AugmentationSection = AugmentationSection()
    optimizer: AnyOptimizerSection = AdamSection(name="adam")
    schedule: AnyScheduleSection = ConstantSection(name="constant")
    training: TrainingSection = TrainingSection()
    fine_tuning: FineTuningSection | None = None
    runtime: RuntimeSection = RuntimeSection()
    seed: int = Field(
        0, ge=0, lt=SEEDS, description="Seed of the initial weights, the order of the images, augmentation and dropout."
    )
    _path: Path | None = PrivateAttr(default=None)
    _origins: dict[Key, Origin] = PrivateAttr(default_factory=dict)
    _text: str | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _schedule_fits_into_the_training(self) -> "Config":
        epochs, schedule, frozen = self.training.epochs, self.schedule, 0
        if self.fine_tuning is not None and (frozen := self.fine_tuning.frozen_epochs) >= epochs:
            message = f"the whole training would be frozen; training.epochs is {epochs}."
            raise mistake(message, "fine_tuning", "frozen_epochs")
        epochs -= frozen
        if not isinstance(schedule, OneCycleSection) and schedule.warmup_epochs >= epochs:
            message = (
                f"{schedule.warmup_epochs:g} epochs of warm-up are not less than the whole training of {epochs} epochs."
            )
            raise mistake(message, "schedule", "warmup_epochs")
        if isinstance(schedule, MultiStepSection):
            if any(later <= earlier for earlier, later in pairwise(schedule.after)):
                raise mistake(f"{schedule.after} is not in ascending order.", "schedule", "after")
            if schedule.after[-1] >= epochs:
                message = f"epoch {schedule.after[-1]:g} is not before the end of the training, epoch {epochs}; "
                remedy = "for a short trial add --set 'schedule={name: constant}'."
                raise mistake(message + remedy, "schedule", "after")
        return self

    @model_validator(mode="after")
    def _epochs_suit_resizing_and_mirroring(self) -> "Config":
        resizing, epochs = self.training.progressive_resizing, self.training.epochs
        if resizing is not None and resizing.epochs >= epochs:
            message = f"the whole training would see smaller images; training.epochs is {epochs}."
            raise mistake(message, "training", "progressive_resizing", "epochs")
        if self.augmentation.mirror == "alternating" and self.training.steps_per_epoch is not None:
            message = "alternating needs epochs that see every image once; leave out training.steps_per_epoch."
            raise mistake(message, "augmentation", "mirror")
        return self

    def __eq__(self, other: object) -> bool:
        """Compare the values, not their origins."""
        return isinstance(other, Config) and self.model_dump() == other.model_dump()

    def replaced(self, **sections: Any) -> "Config":
        """Return a copy with some top-level values replaced.

        Raises:
            pydantic.ValidationError: A value is wrong, or the values do not fit together.
        """
        return Config.model_validate({**dict(self), **sections}).read_from(self.path, self._origins)

    @property
    def path(self) -> Path | None:
        """The file that the config was read from; None for a config that a program made."""
        return self._path

    @property
    def text(self) -> str:
        """The text of the config's file, without settings; as YAML without a file or after ``replaced``."""
        return self._text or self.to_yaml()

    def read_from(self, path: Path | None, origins: Mapping[Key, Origin], text: str | None = None) -> "Config":
        """Remember the file, its text and the origins of its keys; return itself."""
        self._path, self._origins, self._text = path, dict(origins), text
        return self

    @contextmanager
    def at_key(self, key: str) -> Iterator[None]:
        """Put a key, with its file and line, in front of the message of a UserError that the block raises.

        Raises:
            UserError: The same error, with file, line and key.
        """
        try:
            yield
        except UserError as error:
            parts = tuple(key.split("."))
            origin = nearest_origin(self._origins, parts, 1)
            raise UserError(f"{origin.describe(parts) if origin else key}: {error}") from error

    def to_yaml(self) -> str:
        """Return the config, with all defaults, as YAML that loads to an equal config."""
        return document(self.model_dump(mode="json"))

    def recipe(self) -> dict[str, Any]:
        """Return the values that members of one ensemble share: all but the seed and the machine."""
        values = self.model_dump(mode="json", exclude={"seed"})
        values["runtime"] = {"precision": self.runtime.precision}
        for key in ("tensorboard", "checkpoint_steps"):  # they do not change the result
            values["training"].pop(key)
        values["data"].pop("memory", None)
        return values
