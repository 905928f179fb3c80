"""Batches of a training: the images of each step, in an order that seed and epoch determine."""

from typing import Any, cast

import numpy as np
from keras import utils
from numpy.typing import NDArray

from cnnzoo.config import Config
from cnnzoo.data import Subset
from cnnzoo.data.images import Pending, StreamedImages
from cnnzoo.errors import UserError

# Batches that are read while the device computes the one before them.
AHEAD = 2

LARGEST_VALIDATION_BATCH = 500

Inputs = tuple[NDArray[Any], ...]


class Batches(utils.PyDataset):
    """Batches of a subset: the inputs of ``TrainingModel`` and the labels (batch,).

    The inputs are the indices (batch,) of the images and their labels (batch,).

    Args:
        subset: The images and labels.
        batch_size: Images per batch.
        full_batches_only: Leave out a last batch that is not full, because a second shape would compile a second step.
        count: Batches of an epoch; None for as many as the images fill.

    Attributes:
        start: Batches at the start of an epoch that are left out, because they were done before an interruption.
        failure: The error of a batch that could not be made; backends lose it on the way.
    """

    def __init__(self, subset: Subset, batch_size: int, *, full_batches_only: bool, count: int | None = None) -> None:
        super().__init__()
        self.subset, self.batch_size = subset, batch_size
        self.per_pass = len(subset) // batch_size if full_batches_only else -(-len(subset) // batch_size)
        self.count = count or self.per_pass
        # Keras looks at some batches before the first epoch.
        images = self.count * batch_size if full_batches_only else len(subset)
        self.order = np.resize(np.arange(len(subset)), images)
        self.passes: dict[int, NDArray[np.integer[Any]]] = {}
        self.start = 0
        self.failure: UserError | None = None

    def __len__(self) -> int:
        """Return the number of batches in an epoch, without those that are left out."""
        return self.count - self.start

    def skip(self, count: int) -> None:
        """Leave out this many batches at the start of each epoch until the next call."""
        self.start = count

    def shuffle(self, seed: int, epoch: int) -> None:
        """Set the order of an epoch's images.

        Passes over all images follow each other, each in its own order, and an epoch takes the next ``count`` batches.

        Args:
            seed: The run's seed.
            epoch: Counted from 0.
        """
        first = epoch * self.count
        passes = range(first // self.per_pass, -(-(first + self.count) // self.per_pass))
        # A pass of millions of positions lasts several epochs, and takes seconds to shuffle.
        kept = {number: self.passes[number] for number in passes if number in self.passes}
        self.passes = {
            number: kept[number] if number in kept else self._shuffle_pass(seed, number) for number in passes
        }
        start = (first - passes[0] * self.per_pass) * self.batch_size
        self.order = np.concatenate([*self.passes.values()])[start : start + self.count * self.batch_size]

    def _shuffle_pass(self, seed: int, number: int) -> NDArray[np.integer[Any]]:
        order = np.random.default_rng((seed, number)).permutation(len(self.subset))
        return order[: self.per_pass * self.batch_size]

    def rows(self, step: int) -> NDArray[np.integer[Any]]:
        """Return the rows of the subset (batch,) that a step sees."""
        first = (self.start + step) * self.batch_size
        return self.order[first : first + self.batch_size]

    def count_done(self, step: int) -> int:
        """Return how many batches of the epoch are done after a step; Keras may count beyond the last one."""
        return min(self.start + step + 1, self.count)

    def __getitem__(self, step: int) -> tuple[Inputs, NDArray[np.int32]]:
        """Return the inputs and the labels of one step."""
        rows = self.rows(step)
        labels = self.subset.labels[rows]
        return (self.subset.indices[rows], labels), labels


class StreamedBatches(Batches):
    """Batches of images that are not in memory: in the same order, with the pixels before the other inputs.

    Threads read or compute the next batches while the device computes. Keras's own workers are not used, because they
    would start on an epoch's batches before the order of the epoch is set.
    """

    def __init__(self, subset: Subset, batch_size: int, *, full_batches_only: bool, count: int | None = None) -> None:
        super().__init__(subset, batch_size, full_batches_only=full_batches_only, count=count)
        assert subset.images.array is None
        self.images = cast("StreamedImages", subset.images)
        self.started: dict[bytes, Pending] = {}

    def shuffle(self, seed: int, epoch: int) -> None:
        """Set the order of an epoch's images, see ``Batches``."""
        super().shuffle(seed, epoch)
        self.started = {}

    def __getitem__(self, step: int) -> tuple[Inputs, NDArray[np.int32]]:
        """Return the inputs, with the pixels (batch, height, width, channels) first, and the labels of one step.

        Raises:
            UserError: A file can no longer be read.
        """
        for later in range(step, min(step + AHEAD + 1, len(self))):
            rows = self.rows(later)
            if rows.tobytes() not in self.started:
                self.started[rows.tobytes()] = self.images.start(self.subset.indices[rows])
        inputs, labels = super().__getitem__(step)
        # Keras may ask for a step twice, and from another thread.
        images = self.started.pop(self.rows(step).tobytes(), None) or self.images.start(inputs[0])
        try:
            return (images.result(), *inputs), labels
        except UserError as error:
            self.failure = error
            raise


class GroupedBatches(utils.PyDataset):
    """Groups of batches for ``JaxTrainingModel``, which makes one compiled call of each.

    A group is the number of its batches, their indices (size, batch) and their labels (size, batch), and the labels
    once more. Rows after that number only give all groups the same shape. A last batch that is not full is a group of
    its own.

    Args:
        batches: The batches, whose images stay on the device.
        size: Batches in a group.
    """

    def __init__(self, batches: Batches, size: int) -> None:
        super().__init__()
        self.batches, self.size = batches, size

    def __len__(self) -> int:
        """Return the number of groups in an epoch."""
        return -(-self._full // self.size) + (self._full < len(self.batches))

    @property
    def _full(self) -> int:
        """Full batches of an epoch; all but perhaps the last one."""
        count = len(self.batches)
        return count - (count > 0 and len(self.batches.rows(count - 1)) < self.batches.batch_size)

    def count_done(self, group: int) -> int:
        """Return how many batches of the epoch are done after a group."""
        done = min((group + 1) * self.size, self._full) if group * self.size < self._full else self._full + 1
        return self.batches.start + done

    def __getitem__(self, group: int) -> tuple[Inputs, NDArray[np.int32]]:
        """Return a group: its number of batches (), their indices and labels (size, batch), and the labels again."""
        first, full = group * self.size, self._full
        steps = range(first, min(first + self.size, full)) if first < full else range(full, full + 1)
        inputs = [self.batches[step][0] for step in steps]
        if first < full:
            inputs += inputs[:1] * (self.size - len(inputs))
        indices, labels = (np.stack(parts) for parts in zip(*inputs, strict=True))
        return (np.array(len(steps), "int32"), indices, labels), labels


def make_batches(config: Config, training: Subset, validation: Subset) -> tuple[Batches, Batches]:
    """Return the batches of training and of validation."""
    size, count = config.training.batch_size, config.training.steps_per_epoch
    # A batch without gradients may be larger, but not much larger, because memory may be why the training's is small.
    validation_size = min(4 * size, LARGEST_VALIDATION_BATCH)
    kind = Batches if training.images.array is not None else StreamedBatches
    return (
        kind(training, size, full_batches_only=True, count=count),
        kind(validation, validation_size, full_batches_only=False),
    )
