"""Trainings on real digits, as the command line does them."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from toys import subset
from trainings import SMALL_SETTINGS, trained, weights

from cnnzoo import data
from cnnzoo.classifier.model_file import load_model
from cnnzoo.cli.options import load_config
from cnnzoo.errors import UserError
from cnnzoo.runs import Run, best_row
from cnnzoo.training import Listener, results, train
from cnnzoo.training.checks import check_config
from cnnzoo.training.loop import TrainingLoop
from cnnzoo.training.setup import TrainingSetup


@pytest.mark.every_backend
def test_a_run_holds_everything_and_learns(digits_runs):
    run = digits_runs[0]
    names = {path.name for path in run.directory.iterdir()}
    assert names >= {
        "config.yaml",
        "environment.json",
        "history.csv",
        "metrics.json",
        "model.keras",
        "last.keras",
        "curves.png",
    }
    history = run.history()
    assert [row["epoch"] for row in history] == [1, 2]
    assert history[-1]["validation_loss"] < 0.8 * np.log(10)
    assert run.metrics()["status"] == "finished"


@pytest.mark.slow
@pytest.mark.every_backend
def test_the_same_seed_gives_the_same_history_and_weights_and_another_does_not(digits_runs, tmp_path):
    settings = ("augmentation={mirror: alternating, rotation: 10, shift: 1, elastic: {}, cutout: 6, mixup: 0.2}",)
    first, again, other = (trained(tmp_path / name, *settings, seed=len(name))[0] for name in ("a", "b", "cc"))
    assert first.history_path.read_bytes() == again.history_path.read_bytes()
    assert all(map(np.array_equal, weights(first.model_path), weights(again.model_path)))
    assert first.history_path.read_bytes() != other.history_path.read_bytes()
    assert not any(map(np.array_equal, weights(first.model_path), weights(other.model_path)))


@pytest.mark.slow
def test_the_resolved_config_replays_the_run_under_its_name(digits_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = digits_runs[1]
    replayed, _ = train(run.config())
    assert replayed.directory == Path("runs/0001-digits")
    assert replayed.history_path.read_bytes() == run.history_path.read_bytes()


@pytest.mark.every_backend
def test_the_saved_model_takes_raw_pixels_of_the_data_sets_size(digits_runs):
    run = digits_runs[0]
    test = data.load("digits", "test")
    model = load_model(run.model_path)
    assert model.input_shape == (None, 28, 28, 1)
    chosen = model.predict(test.pixels, verbose=0).argmax(axis=1)
    assert (chosen == test.labels).mean() > 0.5


@pytest.mark.slow
def test_the_saved_model_is_that_of_the_best_validation_epoch(tmp_path):
    run, metrics = trained(tmp_path / "run", "training.epochs=4", "optimizer.learning_rate=0.02")
    rows = run.history()
    best = max(rows, key=lambda row: (row["validation_accuracy"], -row["validation_loss"]))
    assert metrics["best_epoch"] == best["epoch"]
    config = run.config()
    _, held_out = data.hold_out(data.load("digits", "train"), config.data.validation, 10)
    chosen = load_model(run.model_path).predict(held_out.pixels, verbose=0).argmax(axis=1)
    assert (chosen == held_out.labels).mean() == pytest.approx(best["validation_accuracy"])


def one_black_pixel(*settings):
    """Return a config, and a network of two weights with one image to train and validate on."""
    pixels = keras.Input((1, 1, 1))
    network = keras.Model(pixels, keras.layers.Dense(2, use_bias=False)(keras.layers.Flatten()(pixels)))
    images = subset(np.zeros((1, 1, 1, 1), "uint8"))
    config = load_config("digits", ("training.batch_size=1", *settings))
    return config, TrainingSetup(images, images, network, config.preprocessing, None, "", None)


def history_of(run, rows):
    """Let a loop end epochs with these validation accuracies and losses, and return its history."""
    config, setup = one_black_pixel()
    network = setup.network
    loop = TrainingLoop(config, setup, run, Listener(), None)
    loop.start_phase(loop.phases[0])
    for epoch, (accuracy, loss) in enumerate(rows):
        network.set_weights([np.full((1, 2), epoch + 1.0)])
        loop.start_epoch(epoch)
        loop.after_steps(1, 1.0)
        loop.end_epoch({"loss": 1, "accuracy": 0, "val_loss": loss, "val_accuracy": accuracy})
    return loop.history.rows


@pytest.mark.parametrize(
    ("rows", "best"),
    [([(0.5, 2), (0.9, 1), (0.7, 0.5)], 2), ([(0.9, 2), (0.9, 1), (0.9, 3)], 2), ([(0.9, 1), (0.9, 1)], 1)],
    ids=["the most accurate, not the last", "among equals the lowest loss", "among equals the first"],
)
def test_the_epoch_that_validation_prefers_is_kept_beside_the_last(rows, best, tmp_path):
    run = Run(tmp_path)
    assert best_row(history_of(run, rows))["epoch"] == best
    assert (weights(run.model_path)[0] == best).all()
    assert (weights(run.last_model_path)[0] == len(rows)).all()


@pytest.mark.parametrize(("epochs", "is_early"), [(2, False), (3, True)])
def test_a_training_ends_early_only_if_epochs_are_left(epochs, is_early, tmp_path):
    settings = (f"training.epochs={epochs}", "training.early_stopping=1", "schedule={name: constant}")
    metrics = results.fit(*one_black_pixel(*settings), Run(tmp_path), "", Listener())
    assert (metrics["epochs"], metrics["ended_early"]) == (2, is_early)


@pytest.mark.slow
@pytest.mark.every_backend
def test_averaged_weights_are_validated_and_saved(tmp_path):
    run, _ = trained(tmp_path / "run", "training.ema_decay=0.9")
    plain, _ = trained(tmp_path / "plain")
    _, held_out = data.hold_out(data.load("digits", "train"), run.config().data.validation, 10)
    model = load_model(run.last_model_path)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    loss = model.evaluate(held_out.pixels, held_out.labels, verbose=0)
    assert loss == pytest.approx(run.history()[-1]["validation_loss"], rel=1e-4)
    assert run.history()[0]["loss"] == plain.history()[0]["loss"]
    assert run.history()[0]["validation_loss"] != plain.history()[0]["validation_loss"]


@pytest.mark.slow
def test_a_run_is_locked_while_it_is_trained(tmp_path):
    class Asking(Listener):
        def epoch(self, row, images_per_second, best):
            code = "import sys; from pathlib import Path; from cnnzoo.runs import Run\n"
            code += "print(Run(Path(sys.argv[1])).is_in_use())"
            words = [sys.executable, "-c", code, str(tmp_path / "run")]
            answers.append(subprocess.run(words, capture_output=True, text=True, check=True).stdout)

    answers = []
    train(load_config("digits", (*SMALL_SETTINGS, "training.epochs=1")), directory=tmp_path / "run", listener=Asking())
    assert answers == ["True\n"]
    assert not Run(tmp_path / "run").is_in_use()


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("optimizer", "settings", "subject"),
    [
        ("learning_rate: 1.0e+6", [], "The loss is"),
        ("learning_rate: 1.0e+38", ["training.steps_per_epoch=1"], "The validation loss is"),
        (
            "learning_rate: 1.0e+38, l2: 1000",
            ["training.checkpoint_steps=1"],
            "(The weights or the optimizer's state are|The loss is)",  # whichever is seen first
        ),
    ],
)
def test_a_number_that_is_not_finite_ends_the_training(optimizer, settings, subject, tmp_path):
    sentence = rf"{subject} not finite: epoch 1, step \d+ .*Lower optimizer.learning_rate.*No checkpoint had been"
    with pytest.raises(UserError, match=sentence):
        trained(tmp_path / "run", f"optimizer={{name: sgd, {optimizer}}}", "schedule={name: constant}", *settings)


@pytest.mark.parametrize(("epochs", "words"), [(1, r"2 in 1 epoch\."), (2, r"4 in 2 epochs\.")])
def test_accumulating_more_batches_than_there_are_is_refused_before_anything_is_written(epochs, words, tmp_path):
    settings = (f"training.epochs={epochs}", "training.steps_per_epoch=2", "training.gradient_accumulation=5")
    sentence = f"training.gradient_accumulation.*no weight would change: a step takes 5 batches, and there are {words}"
    with pytest.raises(UserError, match=sentence):
        trained(tmp_path / "run", *settings)
    assert list(tmp_path.iterdir()) == []


def test_a_batch_larger_than_the_data_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(
        UserError, match=r"--set training.batch_size=5000: 5,000 is more than the 1,293 training images"
    ):
        trained(tmp_path / "run", "training.batch_size=5000")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (("training.progressive_resizing={epochs: 1}",), "lenet5 has weights of other shapes for images of 21x21"),
        (
            ("model={name: resnet20}", "training.progressive_resizing={epochs: 1, scale: 0.99}"),
            "0.99 leaves images of 28x28 at their size",
        ),
    ],
)
def test_impossible_progressive_resizing_is_refused_before_anything_is_written(settings, sentence, tmp_path):
    config = load_config("digits", (*SMALL_SETTINGS, *settings))
    for refuse in (check_config, lambda config: train(config, directory=tmp_path / "run")):
        with pytest.raises(UserError, match=f"training.progressive_resizing.*{sentence}"):
            refuse(config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_tensorboard_events_are_written_if_the_config_says_so(tmp_path):
    run, _ = trained(tmp_path / "run", "training.tensorboard=true", "training.epochs=1")
    assert list(run.events_path.rglob("events.out.tfevents*"))
