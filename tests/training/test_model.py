"""What a training step computes: the images that it sees, and the loss that it lowers."""

import keras
import numpy as np
import pytest
from toys import subset

from cnnzoo import data, keras_internals
from cnnzoo.cli.options import load_config
from cnnzoo.config import AugmentationSection
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.models.layers import AuxiliaryLogits
from cnnzoo.models.normalization import BatchNormalization
from cnnzoo.training.batches import Batches
from cnnzoo.training.execution import make_items
from cnnzoo.training.model import TARGETS, TrainingModel, class_weights
from cnnzoo.training.optimizers import make_optimizer

pytestmark = pytest.mark.every_backend


def test_training_images_are_augmented_and_others_are_not():
    network = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
    images, inputs = data.load("digits", "test").pixels[:8], (np.arange(8), np.zeros(8, "int32"))
    augmentation = Augmentation(AugmentationSection(rotation=20.0, shift=3.0, mixup=0.2), subset(images))
    model = TrainingModel(network, images, augmentation)
    flat = images.reshape(8, -1).astype("float32")
    outputs = [model(inputs), *(model(inputs, training=True)["logits"] for _ in range(2))]
    seen = [keras.ops.convert_to_numpy(output) for output in outputs]
    assert np.array_equal(seen[0], flat)
    assert all(not np.array_equal(row, plain) for row, plain in zip(seen[1], flat, strict=True))
    assert not np.array_equal(seen[1], seen[2])


def test_training_images_are_shrunk_and_others_are_not():
    pixels = keras.Input((28, 28, 1))
    inner = keras.Model(pixels, keras.ops.sum(keras.ops.ones_like(pixels), axis=(1, 2)))
    network = keras.Sequential([keras.Input((28, 28, 1)), inner])
    images, inputs = data.load("digits", "test").pixels[:8], (np.arange(8), np.zeros(8, "int32"))
    model = TrainingModel(network, images, Augmentation(AugmentationSection(), subset(images)))
    for scale, side in ((0.75, 21), (0.5, 14), (1.0, 28)):
        model.shrink_images(scale)
        seen = [keras.ops.convert_to_numpy(x) for x in (model(inputs, training=True)["logits"], model(inputs))]
        assert (seen[0] == side**2).all()
        assert (seen[1] == 28**2).all()


def test_averaged_weights_come_with_averaged_statistics():
    network = keras.Sequential([keras.Input((2, 2, 1)), BatchNormalization(name="bn"), keras.layers.Flatten()])
    images = np.random.default_rng(0).integers(0, 256, (12, 2, 2, 1)).astype("uint8")
    model = TrainingModel(network, images, Augmentation(AugmentationSection(), subset(images)), statistics_decay=0.75)
    config = load_config("digits", ["optimizer={name: sgd}", "schedule={name: constant}", "training.ema_decay=0.75"])
    chosen = make_optimizer(config, 3)
    chosen.build(model.trainable_variables)
    model.compile(chosen)
    bn, seen = network.get_layer("bn"), []

    class Watching(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            keras_internals.sync_variables(model)
            seen.append([np.array(bn.moving_mean), np.array(bn.moving_variance), np.array(bn.gamma)])

    batches = Batches(subset(images, np.arange(12, dtype="int32") % 4), 4, full_batches_only=True)
    model.fit(make_items(batches), epochs=2, shuffle=False, verbose=0, callbacks=[Watching()])
    expected = seen[0]
    for values in seen[1:]:
        expected = [0.75 * average + 0.25 * value for average, value in zip(expected, values, strict=True)]
    model.swap_averages()
    for variable, average in zip((bn.moving_mean, bn.moving_variance, bn.gamma), expected, strict=True):
        np.testing.assert_allclose(np.array(variable), average, rtol=1e-5)
    model.swap_averages()
    np.testing.assert_array_equal(np.array(bn.moving_mean), seen[-1][0])


def test_label_smoothing_changes_only_the_training_loss():
    network = keras.Sequential([keras.Input((1, 1, 3)), keras.layers.Flatten()])
    images = np.array([[[[2, 0, 0]]], [[[0, 1, 0]]]], "uint8")
    model = TrainingModel(network, images, Augmentation(AugmentationSection(), subset(images)), label_smoothing=0.3)
    logits = model((np.array([0, 1]), np.array([0, 1])))
    values = np.exp(images.reshape(2, 3).astype("float64"))
    log_p = np.log(values / values.sum(axis=1, keepdims=True))
    labels = np.array([0, 1])
    plain = -log_p[[0, 1], labels].mean()
    smoothed = 0.7 * plain - 0.3 * log_p.mean()
    assert float(model.compute_loss(None, labels, logits, training=False)) == pytest.approx(plain, rel=1e-4)
    assert float(model.compute_loss(None, labels, logits, training=True)) == pytest.approx(smoothed, rel=1e-4)


def test_auxiliary_heads_add_their_weighted_loss_only_in_training():
    pixels = keras.Input((1, 1, 3))
    logits = keras.layers.Flatten(name="logits")(pixels)
    helped = AuxiliaryLogits(0.3, name="auxiliary1")(keras.layers.Rescaling(0.5)(logits))
    inner = keras.Model(pixels, {"logits": logits, "auxiliary1": helped})
    network = keras.Model(pixels, inner(pixels))
    images = np.array([[[[2, 0, 0]]], [[[0, 1, 0]]]], "uint8")
    model = TrainingModel(network, images, Augmentation(AugmentationSection(), subset(images)))
    labels = np.array([0, 2])
    outputs = model((np.array([0, 1]), labels), training=True)

    def cross_entropy(logits):
        return -(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))[[0, 1], labels].mean()

    raw = images.reshape(2, 3).astype("float64")
    alone, both = cross_entropy(raw), cross_entropy(raw) + 0.3 * cross_entropy(raw / 2)
    assert float(model.compute_loss(None, labels, outputs, training=True)) == pytest.approx(both, rel=1e-4)
    assert float(model.compute_loss(None, labels, outputs, training=False)) == pytest.approx(alone, rel=1e-4)


@pytest.mark.parametrize("weights", [None, [0.1, 10.0, 1.0]])
def test_mixed_images_are_trained_towards_both_labels_in_proportion(weights):
    pixels = keras.Input((1, 1, 3))
    logits = keras.layers.Flatten(name="logits")(pixels)
    helped = AuxiliaryLogits(0.3, name="auxiliary1")(keras.layers.Rescaling(0.5)(logits))
    network = keras.Model(pixels, {"logits": logits, "auxiliary1": helped})
    images = np.array([[[[2, 0, 0]]], [[[0, 1, 0]]], [[[1, 3, 5]]]], "uint8")
    labels = np.array([0, 1, 2])
    augmentation = Augmentation(AugmentationSection(mixup=1.0), subset(images))
    model = TrainingModel(network, images, augmentation, 0.1, weights and np.array(weights, "float32"))
    outputs = model((np.arange(3), labels), training=True)
    share = np.diag(keras.ops.convert_to_numpy(outputs[TARGETS]))[:, None]
    raw = images.reshape(3, 3).astype("float64")
    mixed = share * raw + (1 - share) * np.roll(raw, -1, axis=0)
    assert np.allclose(keras.ops.convert_to_numpy(outputs["logits"]), mixed, atol=1e-4)
    own = np.array(weights or [1.0, 1.0, 1.0])[:, None] * (0.9 * np.eye(3) + 0.1 / 3)
    targets = share * own + (1 - share) * np.roll(own, -1, axis=0)

    def cross_entropy(logits):
        return -(targets * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))).sum(axis=1).mean()

    loss = float(model.compute_loss(None, labels, outputs, training=True))
    assert loss == pytest.approx(cross_entropy(mixed) + 0.3 * cross_entropy(mixed / 2), rel=1e-4)


def test_a_step_with_changes_of_every_kind_is_compiled_and_runs_in_mixed_precision():
    section = AugmentationSection.model_validate(
        {
            "crop": 2,
            "mirror": "alternating",
            "rotation": 10.0,
            "elastic": {},
            "hue": 0.1,
            "contrast": 0.1,
            "lighting": 0.1,
            "cutout": 4,
            "mixup": 0.2,
        }
    )
    images = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 3), dtype="uint8")
    labels = np.arange(40, dtype="int32") % 4
    keras.utils.set_random_seed(0)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = keras.Sequential(
            [keras.Input((12, 12, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(4)]
        )
        model = TrainingModel(network, images, Augmentation(section, subset(images)), label_smoothing=0.1)
    finally:
        keras.config.set_dtype_policy(policy)
    model.compile("sgd")
    batches = Batches(subset(images, labels), 8, full_batches_only=True)
    seeds = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: model.seed_epoch(7, epoch))
    history = model.fit(make_items(batches), epochs=2, shuffle=False, verbose=0, callbacks=[seeds]).history
    assert np.isfinite(history["loss"]).all()
    mirrored = keras.ops.convert_to_numpy(model.augmentation.mirrored)
    model.augmentation.begin_epoch(7, 0)
    assert np.array_equal(mirrored, 1 - keras.ops.convert_to_numpy(model.augmentation.mirrored))


def test_class_weights_scale_the_loss():
    labels = np.array([0, 0, 0, 1])
    assert class_weights("balanced", labels, 2) == pytest.approx([4 / 6, 2.0])
    assert class_weights([1.0, 3.0], labels, 2) == pytest.approx([4 / 6, 2.0])
    network = keras.Sequential([keras.Input((1, 1, 2)), keras.layers.Flatten()])
    images = np.array([[[[2, 0]]], [[[3, 0]]]], "uint8")
    weights = np.array([0.5, 2.0], "float32")
    model = TrainingModel(network, images, Augmentation(AugmentationSection(), subset(images)), class_weights=weights)
    logits = model((np.array([0, 1]), np.array([0, 1])))
    losses = np.log1p(np.exp([-2.0, 3.0]))
    weighted = float(model.compute_loss(None, np.array([0, 1]), logits, training=True))
    assert weighted == pytest.approx((0.5 * losses[0] + 2.0 * losses[1]) / 2, rel=1e-4)
    plain = float(model.compute_loss(None, np.array([0, 1]), logits, training=False))
    assert plain == pytest.approx(losses.mean(), rel=1e-4)
