"""The sections of the data set and of preprocessing."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from cnnzoo.config.base import SEEDS, AbsolutePath, Count, Expected, NonNegative, ProperFraction, Section, mistake

# For pixels scaled to 0..1. A larger number is a mistake: it is meant for pixels from 0 to 255.
Level = Annotated[float, Field(ge=-10, le=10)]
Spread = Annotated[float, Field(gt=0, le=10)]
Side = Annotated[int, Field(ge=1, le=4096)]
Size = Annotated[
    Side | Annotated[list[Side], Field(min_length=2, max_length=2)],
    Expected("pixels from 1 to 4096, of each side or as [height, width]"),
]
Amount = Annotated[Count | ProperFraction, Expected("a number of images from 1 up, or a fraction between 0 and 1")]
# A year, a month or a day.
Day = (
    Annotated[int, Field(ge=1000, le=9999)]
    | Annotated[str, Field(pattern=r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$")]
)
HELD_OUT = "Training images held out for validation: a number of images, or a fraction."


class DataSection(Section):
    """A published data set."""

    name: Literal["mnist", "fashion_mnist", "digits", "cifar10"] = Field(description="Name of the data set.")
    validation: Amount = Field(0.1, description=HELD_OUT)


class Cifar100Section(Section):
    """CIFAR-100 with its 100 classes or their 20 superclasses."""

    name: Literal["cifar100"]
    labels: Literal["fine", "coarse"] = Field("fine", description="The 100 classes, or their 20 superclasses (coarse).")
    validation: Amount = Field(0.1, description=HELD_OUT)


class FolderSection(Section):
    """A folder of your own images: class folders, or train, validation and test folders that contain class folders."""

    name: Literal["folder"]
    path: AbsolutePath = Field(description="The folder. A run keeps its absolute path.")
    size: Size = Field(64, description="Pixels that the images are resized to: of each side, or [height, width].")
    channels: Literal[1, 3] = Field(3, description="3 for colour, 1 for grey.")
    resize: Literal["crop", "squash", "pad"] = Field(
        "crop", description="For images of other proportions: cut the middle out, squash the image, or add black."
    )
    white: int | None = Field(
        None,
        ge=255,
        le=65_535,
        description="Grey value that counts as white in images of 16 bits; by default the largest value of the bits "
        "that the training images use.",
    )
    validation: Amount = Field(0.1, description=f"{HELD_OUT} Not used if there is a validation folder.")
    test: Amount = Field(
        0.2, description="Images held out for the test: a number, or a fraction. Not used if there is a train folder."
    )
    split_seed: int = Field(
        0, ge=0, lt=SEEDS, description="Chooses the validation and test images, together with the names of the files."
    )
    broken: Literal["stop", "skip"] = Field(
        "stop", description="stop: an image that cannot be read is an error; skip: it is left out and listed."
    )
    memory: NonNegative | None = Field(
        None,
        description="Gigabytes of memory for the images; by default a quarter of the free memory. If they need more, "
        "they are read from their files each time.",
    )
    classes: list[str] | None = Field(
        None,
        description="The class folders, all of them, in the order of their labels; by default sorted. A folder in "
        "this list is a class even if it is called train or test.",
    )

    @field_validator("classes")
    @classmethod
    def _at_least_two_classes(cls, classes: list[str] | None) -> list[str] | None:
        if classes is not None and (len(classes) < 2 or len(set(classes)) < len(classes)):
            raise mistake("list at least two classes, each of them once.")
        return classes


class GoSection(Section):
    """Positions of Go games, from a file of `cnnzoo go import`; the classes are the points of the board."""

    name: Literal["go"]
    path: AbsolutePath = Field(description="The file of games. A run keeps its absolute path.")
    size: int = Field(19, ge=7, le=19, description="Points a side of the board.")
    collections: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Names of the collections to use; by default all in the file."
    )
    games_from: Day | None = Field(
        None, description="Games before this date, and games without one, are left out: '2016-03-01', or a year."
    )
    test_from: Annotated[
        Day | dict[str, Day] | None,
        Expected("a date such as 2023 or '2023-06-30', or one for each collection by its name"),
    ] = Field(
        None,
        description="Games from this date on are test games, and games without a date are left out: one date for all "
        "collections, or one for each by its name. The others then have no test games.",
    )
    test: Amount = Field(
        0.01,
        description="Games held out for the test, chosen by a hash of their moves: a number, or a fraction. Not used "
        "with test_from.",
    )
    validation: Amount = Field(
        0.01, description="Games held out for validation, chosen likewise: a number, or a fraction."
    )
    test_positions: Count = Field(20_000, description="Most positions of the test games, drawn at random, to measure.")
    validation_positions: Count = Field(
        5_000, description="Most positions of the validation games, drawn at random, to validate on."
    )


class PreprocessingSection(Section):
    """Changes of raw pixels before the network; they are saved in the model."""

    pad: int = Field(0, ge=0, le=512, description="Pixels of zeros added on each side.")
    mean: Level | list[Level] | None = Field(
        None,
        description="Mean that is subtracted from pixels scaled to 0..1: one value, or one per channel; by default "
        "that of the training images.",
    )
    deviation: Spread | list[Spread] | None = Field(
        None, description="Standard deviation that they are then divided by; by default that of the training images."
    )


AnyDataSection = Annotated[DataSection | Cifar100Section | FolderSection | GoSection, Field(discriminator="name")]
