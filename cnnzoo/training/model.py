"""The model that ``fit`` trains: the network, with images that are kept and augmented on the device."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from keras import Model, initializers, losses, metrics, ops
from numpy.typing import NDArray

from cnnzoo import keras_internals
from cnnzoo.data.augmentation import Augmentation, boards
from cnnzoo.errors import UserError
from cnnzoo.models.layers import AuxiliaryLogits

TARGETS = "targets"


class TrainingModel(Model):
    """From indices and labels of images to logits, with the loss of a training.

    All images stay on the device as uint8. A step gathers its batch, augments it and runs the network in one compiled
    function, so the host sends only a few hundred bytes of indices and labels.

    Args:
        network: From raw pixels to logits, or to a dict of them if it has auxiliary heads for the training.
        images: All images that training and validation use (count, height, width, channels), uint8; None if the
            batches contain the pixels, because the images do not fit into memory.
        augmentation: Applied in training only.
        label_smoothing: Probability spread evenly over all classes, in training only, so that validation losses of
            different runs can be compared.
        class_weights: Weight of each class (num_classes,) in the loss, in training only; None for equal ones.
        statistics_decay: Decay per step of averages of batch normalization's moving statistics, because the optimizer
            averages only weights; None for no averages.
        classes: Number of classes; None for as many as the network has logits.
        is_board: Whether the images are packed planes of boards of Go.

    Attributes:
        statistics: The moving means and variances of the network; empty if they are not averaged.
        averages: Their averages.
        averaged_from: The step, counted from 0 over the whole training, at which the averages start.
        first_bad_step: The step, counted from 0 over the whole training, of the first loss that is not finite; -1
            while there is none.
    """

    def __init__(
        self,
        network: Model,
        images: NDArray[np.uint8] | None,
        augmentation: Augmentation,
        label_smoothing: float = 0.0,
        class_weights: NDArray[np.float32] | None = None,
        statistics_decay: float | None = None,
        classes: int | None = None,
        *,
        is_board: bool = False,
    ) -> None:
        super().__init__(name=f"{network.name}_training")
        self.network = network
        self.images = None
        if images is not None:
            # A weight, because JAX would copy any other array into the compiled program.
            self.images = self.add_weight(
                name="images", shape=images.shape, dtype="uint8", initializer=lambda *_, **__: images, trainable=False
            )
        self.augmentation, self.scale, self.is_board = augmentation, 1.0, is_board
        # Keras finds their variables only if they are attributes of a model.
        self.augmentation_seeds, self.augmentation_mirrored = augmentation.generator, augmentation.mirrored
        self.label_smoothing, self.class_weights = label_smoothing, class_weights
        self.classes = classes or network.outputs[0].shape[-1]  # all heads have the same number
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
        # Not passed to `compile`, because then it would have no variables to restore before the first step.
        self.accuracy = metrics.SparseCategoricalAccuracy(name="accuracy")
        self.loss_weights = {"logits": 1.0, **dict(_find_auxiliary_heads(network))}
        self.built = True  # all variables are there; Keras would call the model once to make them

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the logits (batch, num_classes) of images.

        Args:
            inputs: From ``Batches``: pixels (only if they do not stay on the device), indices and labels.
            training: Whether images are augmented and shrunk.

        Returns:
            The logits; in training a dict of the logits, those of auxiliary heads, and the targets (batch,
            num_classes) of the augmented images.
        """
        *pixels, indices, labels = inputs
        images = pixels[0] if pixels else ops.take(self.images, indices, axis=0)
        if not self.is_board:
            images = ops.cast(images, "float32")
        targets = self._one_hot(labels)
        if training:
            images, targets = self.augmentation(images, targets, indices, self.scale)
        if self.is_board:
            images = boards.unpack(images)
        if not training:
            return self.network(images, training=False)
        return {**_name_outputs(self.network(images, training=True)), TARGETS: targets}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the mean softmax cross-entropy, plus what layers and regularizers add.

        In training each auxiliary head adds its own loss, weighted as its layer says, and the targets are those of the
        augmented images; in validation only the logits count.
        """
        del x, sample_weight
        outputs = _name_outputs(y_pred)
        targets = outputs.pop(TARGETS, None)
        if targets is None or not training:
            outputs, targets = {"logits": outputs["logits"]}, self._one_hot(y)
        smoothing = self.label_smoothing if training else 0.0
        weights: Any = 1.0
        if training and self.class_weights is not None:
            # Each label's loss has the weight of its class, and so has each of a mixed image's two labels. The targets
            # are scaled back to a sum of 1, because the gradients of some backends assume it.
            targets = targets * ops.convert_to_tensor(self.class_weights)
            weights = ops.sum(targets, axis=-1)
            targets = targets / weights[:, None]
        total = sum(self.losses)
        for name, output in outputs.items():
            loss = losses.categorical_crossentropy(
                targets, ops.cast(output, "float32"), from_logits=True, label_smoothing=smoothing
            )
            total = total + self.loss_weights[name] * ops.mean(weights * loss)
        if training:
            self._count_step(total)
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Return the mean loss, and the accuracy of the logits by each image's own label, mixed or not.

        The label of a board that was turned is the turned move.
        """
        del x, sample_weight
        outputs = _name_outputs(y_pred)
        if self.is_board and TARGETS in outputs:
            y = ops.argmax(outputs[TARGETS], axis=-1)
        self.accuracy.update_state(y, outputs["logits"])
        results: dict[str, Any] = self.get_metrics_result()
        return results

    def seed_epoch(self, seed: int, epoch: int) -> None:
        """Derive the randomness of an epoch (augmentation, dropout) from the run's seed and the epoch's number.

        So an epoch is a pure function of weights, optimizer state, seed and number, and checkpoints between epochs
        need no random state.
        """
        self.augmentation.begin_epoch(seed, epoch)
        states = filter(keras_internals.is_seed_state, self.non_trainable_variables)
        for index, state in enumerate(states):
            words = np.random.SeedSequence((seed, epoch, index)).generate_state(1) >> 1
            state.assign(np.array([words[0], 0], dtype=state.dtype))

    def shrink_images(self, scale: float) -> None:
        """Shrink the training images from now on; the next step is compiled again.

        Args:
            scale: Factor of both sides, at most 1.
        """
        if scale != self.scale:
            self.scale = scale
            keras_internals.forget_compiled_step(self)
            for model in _list_models(self.network):
                keras_internals.accept_any_size(model)

    def start_averages(self, step: int) -> None:
        """Start the averages of the statistics again at a step, counted from 0 over the whole training."""
        self.averaged_from = step

    def averages_by_variable(self) -> list[tuple[Any, Any]]:
        """Return each trained weight and statistic with its average; nothing if the optimizer has no averages."""
        if not self.optimizer.averages:
            return []
        return [
            *zip(self.trainable_variables, self.optimizer.averages, strict=True),
            *zip(self.statistics, self.averages, strict=True),
        ]

    def swap_averages(self) -> None:
        """Exchange trained weights and statistics with their averages, on the device."""
        for weight, average in self.averages_by_variable():
            trained = ops.copy(weight)
            weight.assign(average)
            average.assign(trained)

    def _one_hot(self, labels: Any) -> Any:
        return ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), self.classes)

    def _count_step(self, loss: Any) -> None:
        """Update the averages of the statistics, the first bad step and the number of steps.

        No other method of Keras runs inside the compiled step and after the forward pass on every backend.
        """
        if self.statistics_decay is not None:
            decay = ops.where(self.steps_done.value == self.averaged_from, 0.0, self.statistics_decay)
            for statistic, average in zip(self.statistics, self.averages, strict=True):
                average.assign(decay * (average.value - statistic.value) + statistic.value)
        bad = ops.logical_and(self.first_bad_step < 0, ops.logical_not(ops.isfinite(loss)))
        self.first_bad_step.assign(ops.where(bad, self.steps_done.value, self.first_bad_step.value))
        self.steps_done.assign_add(1)


def class_weights(
    setting: Literal["balanced"] | list[float] | None, labels: NDArray[np.int32], num_classes: int
) -> NDArray[np.float32] | None:
    """Return the weight of each class (num_classes,), with a mean of 1 over the images; None for equal ones.

    Args:
        setting: One number per class, or "balanced" for the inverse of how often a class occurs.
        labels: Labels of the training images (count,).
        num_classes: Number of classes.

    Raises:
        UserError: There are not as many numbers as classes.
    """
    if setting is None:
        return None
    if isinstance(setting, list) and len(setting) != num_classes:
        raise UserError(f"there are {len(setting)} weights for {num_classes} classes; write one for each class.")
    counts = np.bincount(labels, minlength=num_classes)
    weights = 1 / np.maximum(counts, 1) if setting == "balanced" else np.array(setting)
    return np.asarray(weights * len(labels) / (weights * counts).sum(), dtype="float32")


def _name_outputs(outputs: Any) -> dict[str, Any]:
    return dict(outputs) if isinstance(outputs, dict) else {"logits": outputs}


def _list_models(network: Model) -> Iterator[Model]:
    """Yield a model and the models inside it."""
    yield network
    for layer in network.layers:
        if isinstance(layer, Model):
            yield from _list_models(layer)


def _find_auxiliary_heads(network: Model) -> Iterator[tuple[str, float]]:
    """Yield the name and the loss weight of each auxiliary output, also of a model inside the model."""
    for model in _list_models(network):
        for layer in model.layers:
            if isinstance(layer, AuxiliaryLogits):
                yield layer.name, layer.loss_weight
