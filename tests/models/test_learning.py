"""Every family in its form for small images learns real digits, by the loss that `cnnzoo train` gives it.

GoogLeNet, which takes the longest to compile, learns images by heart in its own tests, both heads with it.
"""

import keras
import numpy as np
import pytest

from cnnzoo import config as configs
from cnnzoo import data, registry
from cnnzoo.config import AugmentationSection, PreprocessingSection
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.data.preprocessing import resolve, with_preprocessing
from cnnzoo.evaluation import evaluate
from cnnzoo.training import train
from cnnzoo.training.trainee import Batches, Trainee

FORMS = {
    "alexnet_small": {},
    "vgg11_small": {},
    "resnet18_small": {},
    "resnet20": {},
    "lecture_keras": {},
    "lecture_chollet": {},
    "lecture_tensorflow": {},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_ten_steps_bring_the_loss_clearly_down(name):
    images = data.load("digits", "train")
    pixels, labels = images.images[:8], images.labels[:8]
    keras.utils.set_random_seed(0)
    network = registry.build(name, (28, 28, 1), 10, **FORMS[name])
    preprocessing = resolve(PreprocessingSection(), pixels)
    model = with_preprocessing(network, preprocessing, (28, 28, 1))
    trainee = Trainee(model, pixels, Augmentation(AugmentationSection(), pixels), label_smoothing=0.0)
    trainee.compile(optimizer=keras.optimizers.Adam(0.0005 if name == "alexnet_small" else 0.002))
    batches = Batches(np.arange(8, dtype="int32"), labels, 8, whole=True)
    losses = trainee.fit(batches, epochs=10, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < 0.6 * losses[0], losses


@pytest.mark.slow
def test_a_network_that_was_trained_with_auxiliary_heads_is_measured_without_them(tmp_path):
    settings = ["model={name: googlenet_small, auxiliary_heads: true}", "preprocessing.pad=0", "data.validation=16"]
    short = ["training.epochs=1", "training.steps_per_epoch=2", "training.batch_size=4"]
    run, metrics = train(configs.load("digits", [*settings, *short]), directory=tmp_path / "run")
    result = evaluate(run, "validation")
    assert result["images"] == 16
    assert result["accuracy"] == pytest.approx(metrics["validation_accuracy"])
    assert result["loss"] == pytest.approx(metrics["validation_loss"], rel=1e-3)
