"""What `fit` trains: the network, with the images resident on the device and augmented there."""

from typing import Any

import numpy as np
from keras import Model, callbacks, losses, ops, utils
from numpy.typing import NDArray

from cnnzoo.data.augmentation import Augmentation


class Trainee(Model):
    """From indices of images to logits.

    The images stay on the device as uint8, whole. A step gathers its batch, augments it and runs the
    network in one compiled function; what travels from the host is a few hundred bytes of indices.

    Args:
        network: From raw pixels to logits.
        images: All images that training and validation use (count, height, width, channels), uint8.
        augmentation: Applied in training only.
        label_smoothing: Probability spread evenly over all classes, in training only, so that
            validation losses of different runs can be compared.
    """

    def __init__(
        self, network: Model, images: NDArray[np.uint8], augmentation: Augmentation, label_smoothing: float
    ) -> None:
        super().__init__(name=f"{network.name}_trainee")
        self.network = network
        # A weight, because JAX copies what a compiled function closes over into its program.
        self.images = self.add_weight(
            name="images", shape=images.shape, dtype="uint8", initializer=lambda *_, **__: images, trainable=False
        )
        self.augmentation = augmentation
        self.augmentation_seeds = augmentation.generator  # tracked by Keras only as an attribute of a model
        self.label_smoothing = label_smoothing
        self.num_classes = network.output_shape[-1]

    def call(self, indices: Any, training: bool = False) -> Any:
        """Return the logits (batch, num_classes) of the images at some indices (batch,)."""
        images = ops.cast(ops.take(self.images, ops.cast(indices, "int32"), axis=0), "float32")
        if training and self.augmentation:
            images = self.augmentation(images)
        return self.network(images, training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the mean softmax cross-entropy, plus what layers and regularizers add."""
        del x, sample_weight
        targets = ops.one_hot(ops.cast(ops.reshape(y, (-1,)), "int32"), self.num_classes)
        smoothing = self.label_smoothing if training else 0.0
        logits = ops.cast(y_pred, "float32")
        loss = losses.categorical_crossentropy(targets, logits, from_logits=True, label_smoothing=smoothing)
        return ops.mean(loss) + sum(self.losses)


class Batches(utils.PyDataset):
    """Batches of image indices and their labels.

    Args:
        indices: Where the images lie in the trainee's images.
        labels: Their labels, in the same order.
        batch_size: Indices a batch.
        whole: Leave out a last batch that is not full, because a second shape compiles a second step.
    """

    def __init__(self, indices: NDArray[np.int32], labels: NDArray[np.int32], batch_size: int, whole: bool) -> None:
        super().__init__()
        self.indices, self.labels, self.batch_size = indices, labels, batch_size
        self.order = np.arange(len(indices))
        self.count = len(indices) // batch_size if whole else -(-len(indices) // batch_size)

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return self.count

    def __getitem__(self, step: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the indices and labels of one step, each (batch,)."""
        chosen = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        return self.indices[chosen], self.labels[chosen]


class EpochSeeds(callbacks.Callback):
    """Makes an epoch a pure function of the weights, the optimizer's state, the seed and its number.

    Shuffle order, augmentation and dropout are derived anew when an epoch begins, and so need not be
    remembered.

    Args:
        seed: The run's seed.
        batches: The training batches to put into order.
    """

    def __init__(self, seed: int, batches: Batches) -> None:
        super().__init__()
        self.seed, self.batches = seed, batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Derive the epoch's order and the state of every seed generator."""
        del logs
        self.batches.order = np.random.default_rng((self.seed, epoch)).permutation(len(self.batches.indices))
        states = [v for v in self.model.non_trainable_variables if v.name == "seed_generator_state"]
        for index, state in enumerate(states):
            words = np.random.SeedSequence((self.seed, epoch, index)).generate_state(1) >> 1
            state.assign(np.array([words[0], 0], dtype=state.dtype))
