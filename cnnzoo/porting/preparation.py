"""How the images of an imported network are prepared, which a file of weights does not say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cnnzoo.errors import UserError

if TYPE_CHECKING:
    from cnnzoo.porting.forms import Form  # which loads Keras

Channels = Literal["RGB", "BGR"]

# torchvision's and Caffe's protocol for ImageNet: the shorter side to 256 pixels, then the centre of 224.
MARGIN = 256 / 224

# keras.applications' "caffe" mode: values 0..255 less these means, undivided.
CAFFE_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
CAFFE_DEVIATION = (1 / 255, 1 / 255, 1 / 255)


@dataclass(frozen=True)
class Preprocessing:
    """A usual way to prepare pixels.

    Attributes:
        mean: What is subtracted from pixels scaled to 0..1; red, green, blue.
        deviation: What the rest is divided by.
        turned: keras.applications' networks take blue, green, red then.
    """

    mean: Sequence[float]
    deviation: Sequence[float]
    turned: bool = False


# Keras calls the first "torch", the second "tf" and the third "caffe".
PREPROCESSINGS = {
    "imagenet": Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "transform_input": Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "caffe": Preprocessing(CAFFE_MEAN, CAFFE_DEVIATION, turned=True),
    "unit": Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


@dataclass(frozen=True)
class Published:
    """Weights that torchvision publishes.

    Attributes:
        title: What torchvision calls them.
        shorter_side: Pixels that the shorter side of an image is brought to.
        classifies: Whether they have a classifier.
    """

    title: str
    shorter_side: int = 256
    classifies: bool = True


# By the first digits of the file's SHA-256, which torchvision puts into its name.
PUBLISHED = {
    **dict.fromkeys(("7be5be79", "4df8aa71"), Published("AlexNet's IMAGENET1K_V1")),
    **dict.fromkeys(("8a719046", "bbd30ac9"), Published("VGG-11's IMAGENET1K_V1")),
    **dict.fromkeys(("19584684", "c768596a"), Published("VGG-13's IMAGENET1K_V1")),
    "397923af": Published("VGG-16's IMAGENET1K_V1"),
    "dcbb9e9d": Published("VGG-19's IMAGENET1K_V1"),
    "6002323d": Published("VGG-11 with batch norm's IMAGENET1K_V1"),
    "abd245e5": Published("VGG-13 with batch norm's IMAGENET1K_V1"),
    "6c64b313": Published("VGG-16 with batch norm's IMAGENET1K_V1"),
    "c79401a0": Published("VGG-19 with batch norm's IMAGENET1K_V1"),
    "88682ab5": Published("VGG-16's IMAGENET1K_FEATURES", classifies=False),
    "1378be20": Published("GoogLeNet's IMAGENET1K_V1"),
    **dict.fromkeys(("f37072fd", "5c106cde"), Published("ResNet-18's IMAGENET1K_V1")),
    **dict.fromkeys(("b627a593", "333f7ec4"), Published("ResNet-34's IMAGENET1K_V1")),
    **dict.fromkeys(("0676ba61", "19c8e357"), Published("ResNet-50's IMAGENET1K_V1")),
    **dict.fromkeys(("63fe2227", "5d3b4d8f"), Published("ResNet-101's IMAGENET1K_V1")),
    **dict.fromkeys(("394f9c45", "b121ed2d"), Published("ResNet-152's IMAGENET1K_V1")),
    "11ad3fa6": Published("ResNet-50's IMAGENET1K_V2", 232),
    "cd907fc2": Published("ResNet-101's IMAGENET1K_V2", 232),
    "f82ba261": Published("ResNet-152's IMAGENET1K_V2", 232),
}


@dataclass(frozen=True)
class Preparation:
    """How images are prepared.

    Attributes:
        mean: What is subtracted from pixels scaled to 0..1; red, green, blue.
        deviation: What the rest is divided by.
        shorter_side: Pixels that the shorter side of a photograph is brought to before the centre is cut out.
        assumed: Which of "mean", "deviation" and "resize" nobody stated, where the file is not recognized.
        recognized: What torchvision calls the weights, if it publishes the file.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    shorter_side: int
    assumed: tuple[str, ...]
    recognized: str = ""


def published(sha256: str) -> Published | None:
    """Return the weights that torchvision publishes in a file of that hash."""
    return PUBLISHED.get(sha256[:8])


def channels_of(form: "Form", preprocessing: str | None) -> Channels:
    """Return the order of the channels that a network takes in its library, prepared like that.

    Raises:
        UserError: There is no such way to prepare images.
    """
    if preprocessing not in {None, *PREPROCESSINGS}:
        raise UserError(f"There is no preprocessing '{preprocessing}'; there are {', '.join(PREPROCESSINGS)}.")
    turned = preprocessing is None or PREPROCESSINGS[preprocessing].turned
    return "BGR" if form.library == "keras.applications" and turned else "RGB"


def prepare(
    form: "Form",
    sha256: str,
    size: tuple[int, int],
    *,
    preprocessing: str | None = None,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    resize: int | None = None,
) -> Preparation:
    """Settle how images are prepared: as stated, else as the library prepares them for its own weights.

    Args:
        form: The network.
        sha256: Of the file of its weights.
        size: Height and width that the network takes.
        preprocessing: A key of PREPROCESSINGS.
        mean: Of pixels scaled to 0..1, red, green, blue.
        deviation: Likewise.
        resize: Pixels that the shorter side of a photograph is brought to.

    Raises:
        UserError: The shorter side would be smaller than the network's images.
    """
    usual = PREPROCESSINGS[preprocessing] if preprocessing else form
    known = published(sha256)
    if resize is not None and resize < max(size):
        raise UserError(
            f"The shorter side cannot be brought to {resize} pixels: the network takes {max(size)} of them."
        )
    own = round((known.shorter_side / 224 if known else MARGIN) * max(size))
    stated = {"mean": preprocessing or mean, "deviation": preprocessing or deviation, "resize": resize}
    return Preparation(
        tuple(mean or usual.mean),
        tuple(deviation or usual.deviation),
        resize or own,
        () if known else tuple(name for name, value in stated.items() if value is None),
        known.title if known else "",
    )
