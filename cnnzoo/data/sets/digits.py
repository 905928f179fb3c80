"""The handwritten digits that come with scikit-learn, brought to the size of MNIST's.

E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998: 1,797 digits by 13 writers, 8x8 pixels of 0 to 16. No download.

They have no official division. Ours takes 360 for the test part, each class in proportion, chosen
once for all. The same writers are in both parts, so its accuracies are kinder than MNIST's.
"""

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cnnzoo.config import DataSection
from cnnzoo.data.dataset import DataSet, FileCheck
from cnnzoo.data.images import ImageArray
from cnnzoo.data.subsets import Subset

TRAIN_COUNT = 1437
TEST_COUNT = 360
# Of the pixels and then the labels as unsigned bytes.
PAYLOAD_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"

DATA_SETS: tuple[DataSet, ...] = (
    DataSet(
        name="digits",
        title="Handwritten digits of scikit-learn",
        class_names=tuple("0123456789"),
        input_shape=(28, 28, 1),
        train_count=TRAIN_COUNT,
        test_count=TEST_COUNT,
        glyphs=True,
        source="Alpaydin and Kaynak 1998, UCI Machine Learning Repository; CC BY 4.0",
    ),
)


def describe(section: DataSection) -> DataSet:  # noqa: ARG001 - every source's signature
    """Return what is known of the digits."""
    return DATA_SETS[0]


def load(section: DataSection, split: Literal["train", "test"], data_dir: Path | None) -> Subset:  # noqa: ARG001
    """Load one part, as images of 28x28 pixels.

    As with MNIST, the digit fills a box of 20x20 pixels in the middle of 28x28; here the box is
    centred, not the centre of mass.
    """
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - takes a second to import

    pixels, labels = _stored()
    parts = train_test_split(
        np.arange(len(labels)), train_size=TRAIN_COUNT, test_size=TEST_COUNT, stratify=labels, random_state=0
    )
    chosen = np.sort(parts[("train", "test").index(split)])
    return Subset.whole(ImageArray(_enlarged(pixels[chosen])), labels[chosen])


def fetch(name: str, data_dir: Path | None) -> list[Path]:  # noqa: ARG001 - every source's signature
    """Return nothing, because nothing is ever missing."""
    return []


def verify(name: str, data_dir: Path | None) -> list[FileCheck]:  # noqa: ARG001
    """Check scikit-learn's copy."""
    right = _payload_is_right()
    detail = "" if right else "are not the digits that this version was written for"
    return [FileCheck(name, "inside scikit-learn", None, "right" if right else "wrong", detail)]


def where(name: str, data_dir: Path | None) -> str | None:  # noqa: ARG001
    """Say where the digits lie."""
    return "inside scikit-learn"


def _payload_is_right() -> bool:
    """Tell whether scikit-learn's copy is the one that this module was written for."""
    pixels, labels = _stored()
    payload = pixels.astype(np.uint8).tobytes() + labels.astype(np.uint8).tobytes()
    return hashlib.sha256(payload).hexdigest() == PAYLOAD_SHA256


def _stored() -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    from sklearn.datasets import load_digits  # noqa: PLC0415 - takes a second to import

    digits = load_digits()
    return digits.images, digits.target.astype(np.int32)


def _enlarged(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Enlarge (count, 8, 8) of 0 to 16 to (count, 28, 28, 1) of 0 to 255."""
    weights = _bilinear(8, 20)
    box = weights @ pixels @ weights.T
    grey = np.rint(box * (255 / 16)).astype(np.uint8)
    return np.pad(grey, ((0, 0), (4, 4), (4, 4)))[..., np.newaxis]


def _bilinear(size: int, new_size: int) -> NDArray[np.float64]:
    """Return the matrix (new_size, size) that interpolates along one side; pixels are small squares."""
    places = np.clip((np.arange(new_size) + 0.5) * size / new_size - 0.5, 0, size - 1)
    weights: NDArray[np.float64] = np.maximum(0, 1 - np.abs(places[:, np.newaxis] - np.arange(size)))
    return weights
