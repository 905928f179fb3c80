"""How the images of an imported network are prepared, which its weight file does not say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from cnnzoo.errors import UserError

if TYPE_CHECKING:
    from cnnzoo.weights.layer_names import Counterpart  # which loads Keras

Channels = Literal["RGB", "BGR"]

# torchvision and Caffe resize the shorter side to 256 pixels for ImageNet, and take the 224 in the centre.
MARGIN = 256 / 224


@dataclass(frozen=True)
class Normalization:
    """A usual way to prepare pixels.

    Attributes:
        mean: Subtracted from pixels scaled to 0..1; red, green, blue.
        deviation: The differences are divided by this.
        bgr: Whether networks of keras.applications with this normalization take blue, green, red.
    """

    mean: Sequence[float]
    deviation: Sequence[float]
    bgr: bool = False


# Keras calls the first three "torch", "tf" and "caffe". The third only subtracts the mean from pixels 0..255.
PREPROCESSINGS = {
    "imagenet": Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "transform_input": Normalization((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "caffe": Normalization((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255), bgr=True),
    "unit": Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


@dataclass(frozen=True)
class PublishedWeights:
    """Weights that torchvision publishes.

    Attributes:
        title: torchvision's name for them.
        shorter_side: Pixels that the shorter side of an image is resized to.
        classifies: Whether they have a classifier.
    """

    title: str
    shorter_side: int = 256
    classifies: bool = True


# The keys are the first digits of the file's SHA-256, which are part of the file's name.
PUBLISHED = {
    **dict.fromkeys(("7be5be79", "4df8aa71"), PublishedWeights("AlexNet IMAGENET1K_V1")),
    **dict.fromkeys(("8a719046", "bbd30ac9"), PublishedWeights("VGG-11 IMAGENET1K_V1")),
    **dict.fromkeys(("19584684", "c768596a"), PublishedWeights("VGG-13 IMAGENET1K_V1")),
    "397923af": PublishedWeights("VGG-16 IMAGENET1K_V1"),
    "dcbb9e9d": PublishedWeights("VGG-19 IMAGENET1K_V1"),
    "6002323d": PublishedWeights("VGG-11 with batch norm IMAGENET1K_V1"),
    "abd245e5": PublishedWeights("VGG-13 with batch norm IMAGENET1K_V1"),
    "6c64b313": PublishedWeights("VGG-16 with batch norm IMAGENET1K_V1"),
    "c79401a0": PublishedWeights("VGG-19 with batch norm IMAGENET1K_V1"),
    "88682ab5": PublishedWeights("VGG-16 IMAGENET1K_FEATURES", classifies=False),
    "1378be20": PublishedWeights("GoogLeNet IMAGENET1K_V1"),
    **dict.fromkeys(("f37072fd", "5c106cde"), PublishedWeights("ResNet-18 IMAGENET1K_V1")),
    **dict.fromkeys(("b627a593", "333f7ec4"), PublishedWeights("ResNet-34 IMAGENET1K_V1")),
    **dict.fromkeys(("0676ba61", "19c8e357"), PublishedWeights("ResNet-50 IMAGENET1K_V1")),
    **dict.fromkeys(("63fe2227", "5d3b4d8f"), PublishedWeights("ResNet-101 IMAGENET1K_V1")),
    **dict.fromkeys(("394f9c45", "b121ed2d"), PublishedWeights("ResNet-152 IMAGENET1K_V1")),
    "11ad3fa6": PublishedWeights("ResNet-50 IMAGENET1K_V2", 232),
    "cd907fc2": PublishedWeights("ResNet-101 IMAGENET1K_V2", 232),
    "f82ba261": PublishedWeights("ResNet-152 IMAGENET1K_V2", 232),
}


@dataclass(frozen=True)
class Preprocessing:
    """How the images of an imported network are prepared.

    Attributes:
        mean: Subtracted from pixels scaled to 0..1; red, green, blue.
        deviation: The differences are divided by this.
        shorter_side: Pixels that the shorter side of a photograph is resized to before its centre is cut out.
        channels: The order of the channels that the network takes in its library.
        unstated: Those of "mean", "deviation", "channels" and "resize" that the user did not state. The channels of
            torchvision's networks are always red, green, blue.
        recognized: torchvision's name for the weights, if it publishes the file.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    shorter_side: int
    channels: Channels
    unstated: tuple[str, ...]
    recognized: str = ""

    @property
    def assumed(self) -> tuple[str, ...]:
        """The parts of the preprocessing that neither the user nor a published file states."""
        return () if self.recognized else self.unstated


class StatedPreprocessing(TypedDict, total=False):
    """The parts of the preprocessing that the user states; None or absent means not stated.

    Attributes:
        preprocessing: How the images of the training were prepared, a key of PREPROCESSINGS. It decides the order of
            the channels that a network of keras.applications takes. GoogLeNet's default is "transform_input", which
            is right for torchvision's own weights; a network that was built without them takes "imagenet".
        mean: Mean of the pixels scaled to 0..1, red, green, blue, instead of that of ``preprocessing``.
        deviation: Deviation of these pixels, instead of that of ``preprocessing``.
        resize: Pixels that the shorter side of a photograph is resized to before its centre is cut out; by default
            256 (232 for torchvision's IMAGENET1K_V2), in proportion for networks of other sizes than 224.
    """

    preprocessing: str | None
    mean: Sequence[float] | None
    deviation: Sequence[float] | None
    resize: int | None


def find_published(sha256: str) -> PublishedWeights | None:
    """Return the weights that torchvision publishes in a file of that hash."""
    return PUBLISHED.get(sha256[:8])


def choose_preprocessing(
    counterpart: "Counterpart", sha256: str, size: tuple[int, int], **stated: Unpack[StatedPreprocessing]
) -> Preprocessing:
    """Return how images are prepared: as stated, or else as the library prepares them for its own weights.

    Args:
        counterpart: The network.
        sha256: Hash of the weight file.
        size: Height and width of the images that the network takes.
        **stated: The parts that the user states.

    Raises:
        UserError: There is no such preprocessing, or the shorter side would be smaller than the network's images.
    """
    name, resize = stated.get("preprocessing"), stated.get("resize")
    if name not in {None, *PREPROCESSINGS}:
        raise UserError(f"There is no preprocessing '{name}'. Available: {', '.join(PREPROCESSINGS)}.")
    if resize is not None and resize < max(size):
        raise UserError(
            f"The shorter side cannot be resized to {resize} pixels: the network takes images of {max(size)}."
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
