"""Batches of images that do not fit into memory."""

from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo.data import ImageFiles, Subset
from cnnzoo.errors import UserError
from cnnzoo.training.trainee import Batches

# Batches that are decoded while the device works at the one before them.
AHEAD = 2


class StreamedBatches(Batches):
    """The same batches in the same order, with the pixels beside the indices.

    Threads decode the next ones meanwhile. Keras's own workers are not used: they begin with an epoch's
    batches before it is put into order.

    Args:
        subset: The images, in their files, with their labels.
        batch_size: Images a batch.
        whole: See ``Batches``.
        count: See ``Batches``.
    """

    def __init__(
        self,
        subset: Subset,
        batch_size: int,
        *,
        whole: bool,
        count: int | None = None,
    ) -> None:
        super().__init__(subset.indices, subset.labels, batch_size, whole=whole, count=count)
        assert isinstance(subset.images, ImageFiles)
        self.images = subset.images
        self.begun: dict[bytes, list[Future[NDArray[np.uint8]]]] = {}

    def shuffle(self, seed: int, epoch: int) -> None:
        """Put an epoch's images into order, as ``Batches`` does."""
        super().shuffle(seed, epoch)
        self.begun = {}

    def __getitem__(self, step: int) -> tuple[Any, NDArray[np.int32]]:
        """Return the images (batch, height, width, channels) with their indices (batch,), and the labels of one step.

        Raises:
            UserError: A file cannot be read any more.
        """
        for later in range(step, min(step + AHEAD + 1, len(self))):
            indices, _ = super().__getitem__(later)
            if indices.tobytes() not in self.begun:
                self.begun[indices.tobytes()] = self.images.start(indices)
        indices, labels = super().__getitem__(step)
        # Keras may ask for a step twice, and from another thread.
        images = self.begun.pop(indices.tobytes(), None) or self.images.start(indices)
        try:
            return (np.stack([image.result() for image in images]), indices), labels
        except UserError as error:
            self.failure = error
            raise
