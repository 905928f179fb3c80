"""Every family in its form for small images learns real digits, by the loss of `cnnzoo train`, with few filters.

GoogLeNet learns images by heart in its own tests, with both heads.
"""

import keras
import numpy as np
import pytest
from toys import narrow, outline

from cnnzoo import config as configs
from cnnzoo import data, registry
from cnnzoo.config import AugmentationSection, PreprocessingSection
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.data.preprocessing import resolve, with_preprocessing
from cnnzoo.evaluation import evaluate
from cnnzoo.models import cifar_resnet
from cnnzoo.models.layers import AuxiliaryLogits
from cnnzoo.training import train
from cnnzoo.training.batches import Batches
from cnnzoo.training.model import TrainingModel

# Of the ResNets the shallowest that the paper's rule allows, whose blocks are those of all.
NETWORKS = ["alexnet_small", "vgg11_small", "resnet8", "lecture_keras", "lecture_chollet", "lecture_tensorflow"]


@pytest.mark.slow
@pytest.mark.usefixtures("compile_quickly")
@pytest.mark.parametrize("name", NETWORKS)
def test_ten_steps_bring_the_loss_clearly_down(name):
    eight = data.load("digits", "train")
    eight = eight.select(np.arange(len(eight)) < 8)
    keras.utils.set_random_seed(0)
    network = narrow(cifar_resnet(8, (28, 28, 1)) if name == "resnet8" else outline(name, (28, 28, 1), 10), 2)
    preprocessing = resolve(PreprocessingSection(), eight)
    model = with_preprocessing(network, preprocessing, (28, 28, 1))
    trainee = TrainingModel(model, eight.images.array, Augmentation(AugmentationSection(), eight))
    # Where Keras can train operation by operation, that is quicker than to compile so few steps.
    trainee.compile(optimizer=keras.optimizers.Adam(0.002), run_eagerly=keras.backend.backend() == "tensorflow")
    batches = Batches(eight, 8, full_batches_only=True)
    losses = trainee.fit(batches, epochs=10, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < 0.6 * losses[0], losses


def headed(input_shape=(28, 28, 1), num_classes=10):
    """GoogLeNet's kind of outputs on a network that compiles in a second."""
    images = keras.Input(input_shape, name="images")
    maps = keras.layers.Conv2D(4, 3, strides=3, activation="relu", name="conv")(images)
    features = keras.layers.Flatten(name="features")(maps)
    head = keras.layers.Dense(num_classes, name="auxiliary1_linear")(features)
    outputs = {
        "logits": keras.layers.Dense(num_classes, name="logits")(features),
        "auxiliary1": AuxiliaryLogits(0.3, name="auxiliary1")(head),
    }
    return keras.Model(images, outputs, name="headed")


@pytest.mark.slow
@pytest.mark.every_backend
def test_a_network_that_was_trained_with_auxiliary_heads_is_measured_without_them(tmp_path):
    registry.register("headed")(headed)
    settings = ["model={name: headed}", "data.validation=16", "training.epochs=2", "training.batch_size=64"]
    run, metrics = train(configs.load("digits", settings), directory=tmp_path / "run")
    result = evaluate(run, "validation").report
    assert result.images == 16
    assert result.accuracy == pytest.approx(metrics["validation_accuracy"])
    assert result.loss == pytest.approx(metrics["validation_loss"], rel=1e-3)
