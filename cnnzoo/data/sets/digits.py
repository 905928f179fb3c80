"""The handwritten digits of scikit-learn, enlarged to the size of MNIST's.

E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998: 1,797 digits by 13 writers, 8x8 pixels of 0 to 16. No download.

There are no official splits. Ours are always the same, with 360 test images, each class in proportion. Both contain
digits of the same writers, so accuracies are higher than with test images of other writers.
"""

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cnnzoo.data.dataset import DataSet, FileCheck
from cnnzoo.data.images import ImageArray
from cnnzoo.data.subsets import Subset

TRAIN_COUNT, TEST_COUNT = 1437, 360
# Hash of the pixels and then the labels, as unsigned bytes.
SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


class Digits:
    """The digits, with the methods of a published data set."""

    description = DataSet(
        name="digits",
        title="Handwritten digits of scikit-learn",
        class_names=tuple("0123456789"),
        input_shape=(28, 28, 1),
        train_count=TRAIN_COUNT,
        test_count=TEST_COUNT,
        glyphs=True,
        source="Alpaydin and Kaynak 1998, UCI Machine Learning Repository; CC BY 4.0",
    )

    def load(self, split: Literal["train", "test"], data_dir: Path | None = None) -> Subset:  # noqa: ARG002
        """Load one split, as images of 28x28 pixels.

        As in MNIST, the digit fills a box of 20x20 pixels in the middle. Here the box is centred; MNIST centres the
        mass.
        """
        from sklearn.model_selection import train_test_split  # takes a second to import

        pixels, labels = _load_digits()
        train, test = train_test_split(
            np.arange(len(labels)), train_size=TRAIN_COUNT, test_size=TEST_COUNT, stratify=labels, random_state=0
        )
        indices = np.sort(train if split == "train" else test)
        return Subset.of_all(ImageArray(_enlarge(pixels[indices])), labels[indices])

    def fetch(self, data_dir: Path | None = None) -> list[Path]:  # noqa: ARG002
        """Return no files: the digits are part of scikit-learn."""
        return []

    def verify(self, data_dir: Path | None = None) -> list[FileCheck]:  # noqa: ARG002
        """Compare the digits of scikit-learn with those that this version was written for."""
        payload = b"".join(array.astype(np.uint8).tobytes() for array in _load_digits())
        is_right = hashlib.sha256(payload).hexdigest() == SHA256
        detail = "" if is_right else "are not the digits that this version was written for"
        return [FileCheck("digits", self.where(), None, "right" if is_right else "wrong", detail)]

    def where(self, data_dir: Path | None = None) -> str:  # noqa: ARG002
        """Return where the digits are."""
        return "inside scikit-learn"


def _load_digits() -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    from sklearn.datasets import load_digits  # takes a second to import

    digits = load_digits()
    return digits.images, digits.target.astype(np.int32)


def _enlarge(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Enlarge (count, 8, 8) of 0 to 16 to (count, 28, 28, 1) of 0 to 255."""
    weights = _make_bilinear_matrix(8, 20)
    box = weights @ pixels @ weights.T
    grey = np.rint(box * (255 / 16)).astype(np.uint8)
    return np.pad(grey, ((0, 0), (4, 4), (4, 4)))[..., np.newaxis]


def _make_bilinear_matrix(size: int, new_size: int) -> NDArray[np.float64]:
    """Return the matrix (new_size, size) that interpolates along one side of an image."""
    positions = np.clip((np.arange(new_size) + 0.5) * size / new_size - 0.5, 0, size - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(positions[:, np.newaxis] - np.arange(size))))
