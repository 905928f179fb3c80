"""The section for augmentation: random changes of the training images."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cnnzoo.config.base import Section, mistake

# For a smaller alpha, the gamma variates that make a Beta(alpha, alpha) are often too small for a float.
Alpha = Annotated[float, Field(ge=0.05, le=100)]
# The smallest and the largest of a range of fractions.
Interval = Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=2, max_length=2)]


class ElasticSection(Section):
    """Elastic distortion; Simard, Steinkraus and Platt, ICDAR 2003, section 2."""

    alpha: float = Field(
        34.0,
        gt=0,
        le=1000,
        description="Strength: the paper's factor of uniform noise that a normalized Gaussian smooths. Pixels move "
        "along each axis by about 0.16 alpha / sigma pixels (standard deviation).",
    )
    sigma: float = Field(4.0, ge=0.5, le=64, description="Standard deviation of the Gaussian, in pixels.")


class ResizedCropSection(Section):
    """A random part of the image, enlarged to the image's size; Szegedy et al., CVPR 2015, section 6."""

    area: Interval = Field([0.08, 1.0], description="Smallest and largest area of the part, as fractions of the image.")
    aspect: Annotated[list[Annotated[float, Field(gt=0, le=10)]], Field(min_length=2, max_length=2)] = Field(
        [0.75, 1.3333], description="Smallest and largest ratio of the part's width to its height."
    )

    @model_validator(mode="after")
    def _ranges_are_in_ascending_order(self) -> "ResizedCropSection":
        for key, (first, second) in (("area", self.area), ("aspect", self.aspect)):
            if first > second:
                raise mistake(f"the smaller number comes first, but {first:g} is more than {second:g}.", key)
        return self


class AugmentationSection(Section):
    """Random changes of the training images; every image gets a new random augmentation each time.

    The order is fixed: geometry (the image is resampled at most once), colour, cutout, mixing. Pixels from outside an
    image are 0. The training accuracy of mixed images is that of each image's own label.
    """

    crop: int = Field(0, ge=0, le=256, description="Pixels of zeros on each side before a random crop back to size.")
    mirror: Literal[False, True, "alternating"] = Field(
        False,
        description="Mirror left and right: true mirrors each image with probability 1/2; alternating mirrors each "
        "image in every second epoch, in the first or in the second one by chance.",
    )
    rotation: float = Field(0.0, ge=0, le=180, description="Largest rotation in either direction, in degrees.")
    shift: float = Field(0.0, ge=0, le=256, description="Largest shift along each axis, in pixels.")
    scale: float = Field(0.0, ge=0, le=4, description="Largest change of size: 0.1 means a factor from 1/1.1 to 1.1.")
    squeeze: float = Field(
        0.0, ge=0, le=4, description="Largest stretch of one axis while the other shrinks, in the same units as scale."
    )
    shear: float = Field(0.0, ge=0, le=60, description="Largest slant of upright lines to either side, in degrees.")
    elastic: ElasticSection | None = Field(None, description="Elastic distortion; {} uses the paper's values.")
    resized_crop: ResizedCropSection | None = Field(
        None, description="A random part of the image, enlarged to its size; {} uses the usual values. Not with crop."
    )
    brightness: float = Field(0.0, ge=0, le=1, description="Pixels get a factor from 1 - this to 1 + this.")
    contrast: float = Field(0.0, ge=0, le=1, description="As brightness, for distances from the image's mean grey.")
    saturation: float = Field(0.0, ge=0, le=1, description="As brightness, for distances from the pixel's own grey.")
    hue: float = Field(0.0, ge=0, le=0.5, description="Largest rotation of the hue, as a fraction of the full circle.")
    lighting: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Standard deviation of AlexNet's noise along the principal components of the training images' "
        "colours; 0.1 in the paper.",
    )
    cutout: int = Field(0, ge=0, le=512, description="Side in pixels of a black square, centred anywhere in the image.")
    mixup: Alpha | None = Field(
        None, description="Alpha of Zhang et al. 2018: the weight of a second image is from Beta(alpha, alpha)."
    )
    cutmix: Alpha | None = Field(
        None,
        description="Alpha of Yun et al. 2019: a rectangle of a second image is inserted, with an area from "
        "Beta(alpha, alpha). With mixup too, each image gets one of the two, by chance.",
    )

    symmetries: bool = Field(
        False,
        description="For boards of Go, and nothing else for them: turn and mirror each board at random, with its move.",
    )

    @model_validator(mode="after")
    def _one_crop_is_enough(self) -> "AugmentationSection":
        if self.crop and self.resized_crop:
            raise mistake("augmentation.resized_crop is a crop too; leave one of them out.", "crop")
        return self
