"""The sections for the images: which data set, and the preprocessing of the pixels."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from cnnzoo.config.base import SEEDS, AbsolutePath, Count, Expected, NonNegative, ProperFraction, Section, mistake

# Of pixels scaled to 0..1; a larger number was meant for 0..255.
Level = Annotated[float, Field(ge=-10, le=10)]
Spread = Annotated[float, Field(gt=0, le=10)]
Side = Annotated[int, Field(ge=1, le=4096)]
Size = Annotated[
    Side | Annotated[list[Side], Field(min_length=2, max_length=2)],
    Expected("pixels from 1 to 4096, of each side or as [height, width]"),
]
Amount = Annotated[Count | ProperFraction, Expected("a number of images from 1 up, or a fraction between 0 and 1")]
HELD_OUT = "Training images held out for validation: a number of images, or a fraction."


class DataSection(Section):
    """A published data set, and how many of its training images are held out for validation."""

    name: Literal["mnist", "fashion_mnist", "digits", "cifar10"] = Field(description="Name of the data set.")
    validation: Amount = Field(0.1, description=HELD_OUT)


class Cifar100Section(Section):
    """CIFAR-100 by its 100 classes or by their 20 superclasses."""

    name: Literal["cifar100"]
    labels: Literal["fine", "coarse"] = Field("fine", description="100 classes, or the 20 that they belong to.")
    validation: Amount = Field(0.1, description=HELD_OUT)


class FolderSection(Section):
    """A folder of your own images: class folders, or train, validation and test folders that hold class folders."""

    name: Literal["folder"]
    path: AbsolutePath = Field(description="The folder; in a run's own config an absolute path.")
    size: Size = Field(64, description="Pixels that every image is brought to: of each side, or [height, width].")
    channels: Literal[1, 3] = Field(3, description="3 for colour, 1 for grey.")
    resize: Literal["crop", "squash", "pad"] = Field(
        "crop",
        description="For other proportions: the middle is cut out, the image is squashed, or black is added.",
    )
    white: int | None = Field(
        None,
        ge=255,
        le=65_535,
        description="Grey value that counts as white in images of 16 bits; by default the largest one of as many bits "
        "as the training images use.",
    )
    validation: Amount = Field(0.1, description=f"{HELD_OUT} Not used where there is a validation folder.")
    test: Amount = Field(
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
        None,
        description="The class folders, in the order of their labels; by default all there are, sorted. Stated, they "
        "are classes even if they are called train or test.",
    )

    @field_validator("classes")
    @classmethod
    def _at_least_two_classes(cls, classes: list[str] | None) -> list[str] | None:
        if classes is not None and (len(classes) < 2 or len(set(classes)) < len(classes)):
            raise mistake("name at least two classes, and each of them once.")
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


AnyDataSection = Annotated[DataSection | Cifar100Section | FolderSection, Field(discriminator="name")]
