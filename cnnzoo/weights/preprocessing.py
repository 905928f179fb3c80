"""How the images of an imported network are prepared, which a file of weights does not say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from cnnzoo.errors import UserError

if TYPE_CHECKING:
    from cnnzoo.weights.layer_names import Counterpart  # which loads Keras

Channels = Literal["RGB", "BGR"]

# torchvision's and Caffe's protocol for ImageNet: the shorter side to 256 pixels, then the centre of 224.
MARGIN = 256 / 224


@dataclass(frozen=True)
class Normalization:
    """A usual way to prepare pixels.

    Attributes:
        mean: What is subtracted from pixels scaled to 0..1; red, green, blue.
        deviation: What the rest is divided by.
        bgr: Whether keras.applications' networks take blue, green, red.
    """

    mean: Sequence[float]
    deviation: Sequence[float]
    bgr: bool = False


# Keras calls the first "torch", the second "tf" and the third "caffe", which is 0..255 less the mean, undivided.
PREPROCESSINGS = {
    "imagenet": Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "transform_input": Normalization((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "caffe": Normalization((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255), bgr=True),
    "unit": Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
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
    **dict.fromkeys(("7be5be79", "4df8aa71"), Published("AlexNet IMAGENET1K_V1")),
    **dict.fromkeys(("8a719046", "bbd30ac9"), Published("VGG-11 IMAGENET1K_V1")),
    **dict.fromkeys(("19584684", "c768596a"), Published("VGG-13 IMAGENET1K_V1")),
    "397923af": Published("VGG-16 IMAGENET1K_V1"),
    "dcbb9e9d": Published("VGG-19 IMAGENET1K_V1"),
    "6002323d": Published("VGG-11 with batch norm IMAGENET1K_V1"),
    "abd245e5": Published("VGG-13 with batch norm IMAGENET1K_V1"),
    "6c64b313": Published("VGG-16 with batch norm IMAGENET1K_V1"),
    "c79401a0": Published("VGG-19 with batch norm IMAGENET1K_V1"),
    "88682ab5": Published("VGG-16 IMAGENET1K_FEATURES", classifies=False),
    "1378be20": Published("GoogLeNet IMAGENET1K_V1"),
    **dict.fromkeys(("f37072fd", "5c106cde"), Published("ResNet-18 IMAGENET1K_V1")),
    **dict.fromkeys(("b627a593", "333f7ec4"), Published("ResNet-34 IMAGENET1K_V1")),
    **dict.fromkeys(("0676ba61", "19c8e357"), Published("ResNet-50 IMAGENET1K_V1")),
    **dict.fromkeys(("63fe2227", "5d3b4d8f"), Published("ResNet-101 IMAGENET1K_V1")),
    **dict.fromkeys(("394f9c45", "b121ed2d"), Published("ResNet-152 IMAGENET1K_V1")),
    "11ad3fa6": Published("ResNet-50 IMAGENET1K_V2", 232),
    "cd907fc2": Published("ResNet-101 IMAGENET1K_V2", 232),
    "f82ba261": Published("ResNet-152 IMAGENET1K_V2", 232),
}


@dataclass(frozen=True)
class Preprocessing:
    """How the images of an imported network are prepared.

    Attributes:
        mean: What is subtracted from pixels scaled to 0..1; red, green, blue.
        deviation: What the rest is divided by.
        shorter_side: Pixels that the shorter side of a photograph is brought to before the centre is cut out.
        channels: In which order the network takes the channels in its library.
        unstated: Which of "mean", "deviation", "channels" and "resize" the user did not state. torchvision's channels
            are always red, green, blue.
        recognized: What torchvision calls the weights, if it publishes the file.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    shorter_side: int
    channels: Channels
    unstated: tuple[str, ...]
    recognized: str = ""

    @property
    def assumed(self) -> tuple[str, ...]:
        """What is neither stated nor known from a published file."""
        return () if self.recognized else self.unstated


class StatedPreprocessing(TypedDict, total=False):
    """What the user states about the images; None or absent is not stated.

    Attributes:
        preprocessing: How the images of the training were prepared, a key of PREPROCESSINGS. It decides the order of
            the channels that a network of keras.applications takes. GoogLeNet's default is "transform_input", which
            is right for torchvision's own weights; a network that was built without them takes "imagenet".
        mean: Of the pixels scaled to 0..1, red, green, blue, instead of that of ``preprocessing``.
        deviation: Likewise.
        resize: Pixels that the shorter side of a photograph is brought to before its centre is cut out; 256 by
            default (232 for torchvision's IMAGENET1K_V2), or as much in proportion for other sizes.
    """

    preprocessing: str | None
    mean: Sequence[float] | None
    deviation: Sequence[float] | None
    resize: int | None


def find_published(sha256: str) -> Published | None:
    """Return the weights that torchvision publishes in a file of that hash."""
    return PUBLISHED.get(sha256[:8])


def choose_preprocessing(
    counterpart: "Counterpart", sha256: str, size: tuple[int, int], **stated: Unpack[StatedPreprocessing]
) -> Preprocessing:
    """Return how images are prepared: as stated, else as the library prepares them for its own weights.

    Args:
        counterpart: The network.
        sha256: Of the file of its weights.
        size: Height and width that the network takes.
        **stated: What the user states.

    Raises:
        UserError: There is no such preprocessing, or the shorter side would be smaller than the network's images.
    """
    name, resize = stated.get("preprocessing"), stated.get("resize")
    if name not in {None, *PREPROCESSINGS}:
        raise UserError(f"There is no preprocessing '{name}'. Available: {', '.join(PREPROCESSINGS)}.")
    if resize is not None and resize < max(size):
        raise UserError(
            f"The shorter side cannot be brought to {resize} pixels: the network takes {max(size)} of them."
        )
    usual = PREPROCESSINGS[name or counterpart.preprocessing]
    published = find_published(sha256)
    is_keras = counterpart.library == "keras.applications"
    unstated = [key for key in ("mean", "deviation") if not name and stated.get(key) is None]
    unstated += ["channels"] if is_keras and not name else []
    return Preprocessing(
        tuple(stated.get("mean") or usual.mean),
        tuple(stated.get("deviation") or usual.deviation),
        resize or round((published.shorter_side / 224 if published else MARGIN) * max(size)),
        "BGR" if is_keras and usual.bgr else "RGB",
        (*unstated, *(["resize"] if resize is None else [])),
        published.title if published else "",
    )
