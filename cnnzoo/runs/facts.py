"""Facts about runs, with the keys that they have in files and in ``--json``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeVar

# Attributes whose keys differ: Python reserves one name, and the others are older than the attributes.
KEYS = {"class_name": "class", "created": "begun", "note": "remark"}

Record = TypeVar("Record")
Outcome = Literal["finished", "interrupted"]


def to_dict(facts: Any) -> dict[str, Any]:
    """Return a dataclass, and those inside it, as dictionaries with the keys of files."""
    return asdict(facts, dict_factory=lambda pairs: {KEYS.get(name, name): value for name, value in pairs})


def from_dict(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """Return a dataclass with the values of a file; keys that it does not have are ignored."""
    keys = {field.name: KEYS.get(field.name, field.name) for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: values[key] for name, key in keys.items() if key in values})


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What a training has reached; None for unknown figures.

    Attributes:
        status: "finished" or "interrupted".
        epochs: Epochs completed.
        seconds: Of training, with the time before interruptions.
        best_epoch: The epoch of the highest validation accuracy, whose weights are the run's model.
        validation_accuracy: Of that epoch, as a fraction of 1.
        validation_loss: Of that epoch, in nats.
        ended_early: Whether early stopping ended the training.
        images_per_second: While training, without validation.
        note: A caveat about the training images.
        preprocessing: The config's section with mean and deviation filled in.
        data: For a folder of images its ``data.FolderSummary``.
    """

    status: Outcome | None = None
    epochs: int | None = None
    seconds: float | None = None
    best_epoch: int | None = None
    validation_accuracy: float | None = None
    validation_loss: float | None = None
    ended_early: bool | None = None
    images_per_second: float | None = None
    note: str = ""
    preprocessing: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Environment:
    """What the numbers of a run depend on besides its config.

    Attributes:
        backend: Keras's backend.
        device: The device in words.
        precision: "float32" or "mixed_bfloat16".
        seed: Seed of the config.
        git_commit: Of the package's checkout, marked "-dirty" when files differ from it; None without a checkout.
        versions: Of Python, the packages and the machine.
        images: A hash of the training images.
        preprocessing: The config's section with mean and deviation filled in.
        repeatable: Whether the same seed gives the same bits on this device.
        flags: The environment variables that change what a backend computes, such as XLA_FLAGS.
    """

    backend: str | None
    device: str
    precision: str
    seed: int
    git_commit: str | None
    versions: Mapping[str, str]
    images: str
    preprocessing: Mapping[str, Any]
    repeatable: bool
    flags: Mapping[str, str]
