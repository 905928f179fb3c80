"""What `fit` trains: the network, with the images resident on the device and augmented there."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from keras import InputSpec, Model, callbacks, initializers, losses, metrics, ops, utils
from numpy.typing import NDArray

from cnnzoo.data.augmentation import Augmentation
from cnnzoo.data.augmentation.geometry import shrunk
from cnnzoo.errors import UserError
from cnnzoo.models.layers import AuxiliaryLogits

SHARE = "share"


class Trainee(Model):
    """From indices of images to logits.

    The images stay on the device as uint8, whole. A step gathers its batch, augments it and runs the
    network in one compiled function; what travels from the host is a few hundred bytes of indices.

    Args:
        network: From raw pixels to logits, or to a dict of them where auxiliary heads help in training.
        images: All images that training and validation use (count, height, width, channels), uint8; None
            where the batches bring pixels, because all of them do not fit into memory.
        augmentation: Applied in training only.
        label_smoothing: Probability spread evenly over all classes, in training only, so that
            validation losses of different runs can be compared.
        class_weights: Weight of each class (num_classes,) in the loss, in training only; None for equal ones.
        statistics_decay: Decay per step of averages of normalization's moving statistics, which the optimizer, where
            it averages weights, does not see; None for none.

    Attributes:
        statistics: The moving means and variances of the network, where they are averaged.
        averages: Their averages.
        averaged_from: The step, counted from 0 over the whole training, that the averages begin with.
        first_bad_step: The batch, counted from 0 over the whole training, whose loss was the first that is not
            finite; -1 as long as there is none.
    """

    def __init__(
        self,
        network: Model,
        images: NDArray[np.uint8] | None,
        augmentation: Augmentation,
        label_smoothing: float,
        class_weights: NDArray[np.float32] | None = None,
        statistics_decay: float | None = None,
    ) -> None:
        super().__init__(name=f"{network.name}_trainee")
        self.network = network
        self.images = None
        if images is not None:
            # A weight, because JAX copies what a compiled function closes over into its program.
            self.images = self.add_weight(
                name="images", shape=images.shape, dtype="uint8", initializer=lambda *_, **__: images, trainable=False
            )
        self.augmentation, self.scale = augmentation, 1.0
        # Tracked by Keras only as attributes of a model.
        self.augmentation_seeds, self.augmentation_mirrored = augmentation.generator, augmentation.mirrored
        self.label_smoothing, self.class_weights = label_smoothing, class_weights
        self.steps_done = self.add_weight(
            name="steps_done", shape=(), dtype="int32", initializer="zeros", trainable=False
        )
        self.first_bad_step = self.add_weight(
            name="first_bad_step", shape=(), dtype="int32", initializer=initializers.Constant(-1), trainable=False
        )
        self.statistics_decay, self.averaged_from = statistics_decay, 0
        moving = ("moving_mean", "moving_variance")
        averaged = network.non_trainable_variables if statistics_decay is not None else []
        self.statistics = [variable for variable in averaged if variable.name in moving]
        self.averages = [
            self.add_weight(name="average", shape=variable.shape, initializer="zeros", trainable=False)
            for variable in self.statistics
        ]
        # Of our own, because the metrics that `compile` takes have no state to restore before the first step.
        self.accuracy = metrics.SparseCategoricalAccuracy(name="accuracy")
        self.loss_weights = {"logits": 1.0, **dict(_auxiliary_heads(network))}

    def call(self, batch: Any, training: bool = False) -> Any:
        """Return the logits (batch, num_classes) of the images at some indices (batch,), or of (pixels, indices).

        In training it is a dict where there are auxiliary heads, or where images are mixed: then ``SHARE``
        is what each image's own label keeps (batch,).
        """
        if self.images is None:
            pixels, indices = batch
        else:
            indices = ops.cast(batch, "int32")
            pixels = ops.take(self.images, indices, axis=0)
        images = ops.cast(pixels, "float32")
        if training and self.augmentation:
            images = self.augmentation(images, indices)
        if training and self.scale < 1:
            images = shrunk(images, self.scale)
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
                # Cross-entropy is linear in its targets: mixing them mixes the losses of both labels.
                partners = ops.roll(targets, -1, axis=0)
                targets = partners + share[:, None] * (targets - partners)
            weights = 1.0
            if training and self.class_weights is not None:
                # Each label's loss has the weight of its class, also of a mixed image's two. The targets sum to one
                # again, because a backend's gradient takes it for granted.
                targets = targets * ops.convert_to_tensor(self.class_weights)
                weights = ops.sum(targets, axis=-1)
                targets = targets / weights[:, None]
            loss = losses.categorical_crossentropy(
                targets, ops.cast(output, "float32"), from_logits=True, label_smoothing=smoothing
            )
            total = total + self.loss_weights[name] * ops.mean(weights * loss)
        if training:
            self._average()
            self._watch(total)
        return total

    def shrink_images(self, scale: float) -> None:
        """Have the training go on with images of other sides, which a compiled step of their own belongs to.

        Args:
            scale: What the sides are multiplied by, at most 1.
        """
        if scale != self.scale:
            self.scale, self.train_function = scale, None
            for model in _models(self.network):
                # A functional model insists on the size that it was made with.
                model.input_spec = [InputSpec(ndim=4, axes={-1: model.input_shape[-1]})]

    def gather(self) -> None:
        """Have the variables hold their values within an epoch too, when JAX keeps them elsewhere."""
        if hasattr(self, "jax_state_sync"):
            self.jax_state_sync()

    def _average(self) -> None:
        """Average the statistics; here, where backends know what the network has just made of them."""
        if self.statistics_decay is not None:
            kept = ops.where(self.steps_done.value == self.averaged_from, 0.0, self.statistics_decay)
            for statistic, average in zip(self.statistics, self.averages, strict=True):
                average.assign(kept * (average.value - statistic.value) + statistic.value)

    def _watch(self, loss: Any) -> None:
        """Note the step of the first loss that is not finite."""
        bad = ops.logical_and(self.first_bad_step < 0, ops.logical_not(ops.isfinite(loss)))
        self.first_bad_step.assign(ops.where(bad, self.steps_done.value, self.first_bad_step.value))
        self.steps_done.assign_add(1)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Return the mean loss and the accuracy of the logits, whatever heads there are besides.

        Of mixed images the accuracy is by their own label.
        """
        del x, sample_weight
        self.accuracy.update_state(y, _logits(y_pred))
        results: dict[str, Any] = self.get_metrics_result()
        return results


def _logits(outputs: Any) -> Any:
    return outputs["logits"] if isinstance(outputs, dict) else outputs


def _models(network: Model) -> Iterator[Model]:
    """Yield a model and the models inside it."""
    yield network
    for layer in network.layers:
        if isinstance(layer, Model):
            yield from _models(layer)


def _auxiliary_heads(network: Model) -> Iterator[tuple[str, float]]:
    """Yield the name and the loss weight of each auxiliary output, also of a model inside the model."""
    for model in _models(network):
        for layer in model.layers:
            if isinstance(layer, AuxiliaryLogits):
                yield layer.name, layer.loss_weight


def class_weights(
    wanted: Literal["balanced"] | list[float] | None, labels: NDArray[np.int32], num_classes: int
) -> NDArray[np.float32] | None:
    """Return the weight of each class (num_classes,), with a mean of 1 over the images; None for equal ones.

    Args:
        wanted: One number per class, or "balanced" for the inverse of how often a class occurs.
        labels: Of the training images (count,).
        num_classes: Number of classes.

    Raises:
        UserError: There are not as many numbers as classes.
    """
    if wanted is None:
        return None
    if isinstance(wanted, list) and len(wanted) != num_classes:
        raise UserError(f"{len(wanted)} weights were given for {num_classes} classes.")
    counts = np.bincount(labels, minlength=num_classes)
    weights = 1 / np.maximum(counts, 1) if wanted == "balanced" else np.array(wanted)
    return np.asarray(weights * len(labels) / (weights * counts).sum(), dtype="float32")


class Batches(utils.PyDataset):
    """Batches of image indices and their labels.

    Args:
        indices: Where the images lie in the trainee's images.
        labels: Their labels, in the same order.
        batch_size: Indices a batch.
        whole: Leave out a last batch that is not full, because a second shape compiles a second step.
        count: Batches in an epoch; None for those that see every image once.

    Attributes:
        start: Batches at the beginning of an epoch to leave out, because they were done before an interruption.
        failure: What was wrong with a batch that could not be made, which is lost on its way through a backend.
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
        self.start = 0
        self.failure: UserError | None = None

    def __len__(self) -> int:
        """Return the number of batches in an epoch, less those that are left out."""
        return self.count - self.start

    def shuffle(self, seed: int, epoch: int) -> None:
        """Put an epoch's images into order: passes over all of them follow each other, each in an order of its own."""
        first = epoch * self.count
        passes = range(first // self.per_pass, -(-(first + self.count) // self.per_pass))
        seen = self.per_pass * self.batch_size
        orders = [np.random.default_rng((seed, number)).permutation(len(self.indices))[:seen] for number in passes]
        self.order = np.concatenate(orders)[(first - passes[0] * self.per_pass) * self.batch_size :]

    def __getitem__(self, step: int) -> tuple[Any, NDArray[np.int32]]:
        """Return the indices and labels of one step, each (batch,)."""
        first = (self.start + step) * self.batch_size
        chosen = self.order[first : first + self.batch_size]
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
