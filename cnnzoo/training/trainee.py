"""What `fit` trains: the network, with the images resident on the device and augmented there."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import Model, callbacks, losses, ops, utils
from numpy.typing import NDArray

from cnnzoo.data.augmentation import Augmentation
from cnnzoo.models.layers import AuxiliaryLogits

SHARE = "share"


class Trainee(Model):
    """From indices of images to logits.

    The images stay on the device as uint8, whole. A step gathers its batch, augments it and runs the
    network in one compiled function; what travels from the host is a few hundred bytes of indices.

    Args:
        network: From raw pixels to logits, or to a dict of them where auxiliary heads help in training.
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
        # Tracked by Keras only as attributes of a model.
        self.augmentation_seeds, self.augmentation_mirrored = augmentation.generator, augmentation.mirrored
        self.label_smoothing = label_smoothing
        self.loss_weights = {"logits": 1.0, **dict(_auxiliary_heads(network))}

    def call(self, indices: Any, training: bool = False) -> Any:
        """Return the logits (batch, num_classes) of the images at some indices (batch,).

        In training it is a dict where there are auxiliary heads, or where images are mixed: then ``SHARE``
        is what each image's own label keeps (batch,).
        """
        indices = ops.cast(indices, "int32")
        images = ops.cast(ops.take(self.images, indices, axis=0), "float32")
        if training and self.augmentation:
            images = self.augmentation(images, indices)
        if training and self.augmentation.mixes:
            images, share = self.augmentation.mix(images)
            outputs = self.network(images, training=True)
            return {**(outputs if isinstance(outputs, dict) else {"logits": outputs}), SHARE: share}
        return self.network(images, training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the mean softmax cross-entropy, plus what layers and regularizers add.

        In training each auxiliary head adds its own, weighted as its layer says, and labels are mixed as
        the images are; validation is of the logits alone.
        """
        del x, sample_weight
        outputs = dict(y_pred) if training and isinstance(y_pred, dict) else {"logits": _logits(y_pred)}
        share = outputs.pop(SHARE, None)
        smoothing = self.label_smoothing if training else 0.0
        total = sum(self.losses)
        for name, output in outputs.items():
            targets = ops.one_hot(ops.cast(ops.reshape(y, (-1,)), "int32"), output.shape[-1])
            if share is not None:
                # Cross-entropy is linear in its targets, so that mixing them mixes the losses.
                partners = ops.roll(targets, -1, axis=0)
                targets = partners + share[:, None] * (targets - partners)
            loss = losses.categorical_crossentropy(
                targets, ops.cast(output, "float32"), from_logits=True, label_smoothing=smoothing
            )
            total = total + self.loss_weights[name] * ops.mean(loss)
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Return the metrics of the logits, whatever heads there are besides; of mixed images, by their own label."""
        metrics: dict[str, Any] = super().compute_metrics(x, y, _logits(y_pred), sample_weight)
        return metrics


def _logits(outputs: Any) -> Any:
    return outputs["logits"] if isinstance(outputs, dict) else outputs


def _auxiliary_heads(network: Model) -> Iterator[tuple[str, float]]:
    """Yield the name and the loss weight of each auxiliary output, also of a model inside the model."""
    for layer in network.layers:
        if isinstance(layer, Model):
            yield from _auxiliary_heads(layer)
        elif isinstance(layer, AuxiliaryLogits):
            yield layer.name, layer.loss_weight


class Batches(utils.PyDataset):
    """Batches of image indices and their labels.

    Args:
        indices: Where the images lie in the trainee's images.
        labels: Their labels, in the same order.
        batch_size: Indices a batch.
        whole: Leave out a last batch that is not full, because a second shape compiles a second step.
        count: Batches in an epoch; None for those that see every image once.
    """

    def __init__(
        self,
        indices: NDArray[np.int32],
        labels: NDArray[np.int32],
        batch_size: int,
        *,
        whole: bool,
        count: int | None = None,
    ) -> None:
        super().__init__()
        self.indices, self.labels, self.batch_size = indices, labels, batch_size
        self.order = np.arange(len(indices))
        self.per_pass = len(indices) // batch_size if whole else -(-len(indices) // batch_size)
        self.count = count or self.per_pass

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return self.count

    def shuffle(self, seed: int, epoch: int) -> None:
        """Put an epoch's images into order: passes over all of them follow each other, each in an order of its own."""
        first = epoch * self.count
        passes = range(first // self.per_pass, -(-(first + self.count) // self.per_pass))
        seen = self.per_pass * self.batch_size
        orders = [np.random.default_rng((seed, number)).permutation(len(self.indices))[:seen] for number in passes]
        self.order = np.concatenate(orders)[(first - passes[0] * self.per_pass) * self.batch_size :]

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
        self.batches.shuffle(self.seed, epoch)
        self.model.augmentation.begin_epoch(self.seed, epoch)
        states = [v for v in self.model.non_trainable_variables if v.name == "seed_generator_state"]
        for index, state in enumerate(states):
            words = np.random.SeedSequence((self.seed, epoch, index)).generate_state(1) >> 1
            state.assign(np.array([words[0], 0], dtype=state.dtype))
