"""The section for random changes of the training images."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cnnzoo.config.base import Section, mistake

# Below, the gamma variates that make a Beta(alpha, alpha) are often too small for a float.
Alpha = Annotated[float, Field(ge=0.05, le=100)]
# Of fractions of a whole: the least and the largest.
Interval = Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=2, max_length=2)]


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
                raise mistake(f"the least comes first, and {least:g} is more than {largest:g}.", key)
        return self


class AugmentationSection(Section):
    """Random changes of each training image, drawn anew every time it is seen.

    Their order is fixed: geometry in at most one resampling, colour, cutout, mixing. Pixels from outside an image are
    0. The training accuracy of mixed images is that of their own labels.
    """

    crop: int = Field(
        0, ge=0, le=256, description="Pixels of zeros on each side, before the old size is cut out anywhere."
    )
    mirror: Literal[False, True, "alternating"] = Field(
        False,
        description="Left for right: true mirrors half of the images, by chance; alternating mirrors every image in "
        "every second epoch, the first one by chance.",
    )
    rotation: float = Field(0.0, ge=0, le=180, description="Largest rotation either way, in degrees.")
    shift: float = Field(0.0, ge=0, le=256, description="Largest shift along each axis, in pixels.")
    scale: float = Field(0.0, ge=0, le=4, description="Largest change of size: 0.1 is a factor from 1/1.1 to 1.1.")
    squeeze: float = Field(
        0.0, ge=0, le=4, description="Largest stretch of one axis while the other shrinks, as scale."
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
        0, ge=0, le=512, description="Side in pixels of a square of zeros, centred anywhere in the image."
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
            raise mistake("augmentation.resized_crop cuts as well; leave one of them out.", "crop")
        return self
