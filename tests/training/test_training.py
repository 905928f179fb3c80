"""Trainings on real digits, as the command line does them."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from commands import SMALL

from cnnzoo import data
from cnnzoo.cli.options import load_config
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.saved_models import load_model
from cnnzoo.training import Silent, train
from cnnzoo.training.fine_tuning import phases
from cnnzoo.training.optimizers import optimizer
from cnnzoo.training.recorder import Averaging, Recorder
from cnnzoo.training.trainee import Batches, EpochSeeds, Trainee

SMALL_SETTINGS = SMALL[1::2]


def trained(directory, *settings, seed=0):
    return train(load_config("digits", (*SMALL_SETTINGS, *settings), seed=seed), "digits", directory)


def weights(path):
    return [keras.ops.convert_to_numpy(weight) for weight in load_model(path).weights]


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


def test_the_same_seed_gives_the_same_history_and_weights_and_another_does_not(digits_runs, tmp_path):
    settings = ("augmentation={mirror: alternating, rotation: 10, shift: 1, elastic: {}, cutout: 6, mixup: 0.2}",)
    first, again, other = (trained(tmp_path / name, *settings, seed=len(name))[0] for name in ("a", "b", "cc"))
    assert first.history_path.read_bytes() == again.history_path.read_bytes()
    assert all(map(np.array_equal, weights(first.model_path), weights(again.model_path)))
    assert first.history_path.read_bytes() != other.history_path.read_bytes()


def test_the_resolved_config_replays_the_run_under_its_name(digits_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = digits_runs[1]
    replayed, _ = train(run.config())
    assert replayed.directory == Path("runs/0001-digits")
    assert replayed.history_path.read_bytes() == run.history_path.read_bytes()


def test_the_saved_model_takes_raw_pixels_of_the_data_sets_size(digits_runs):
    run = digits_runs[0]
    test = data.load("digits", "test")
    model = load_model(run.model_path)
    assert model.input_shape == (None, 28, 28, 1)
    chosen = model.predict(test.images, verbose=0).argmax(axis=1)
    assert (chosen == test.labels).mean() > 0.5


def test_the_best_model_is_the_one_of_the_best_validation_epoch(tmp_path):
    run, metrics = trained(tmp_path / "run", "training.epochs=4", "optimizer.learning_rate=0.02")
    rows = run.history()
    best = max(rows, key=lambda row: (row["validation_accuracy"], -row["validation_loss"]))
    assert metrics["best_epoch"] == best["epoch"]
    config = run.config()
    _, held_out = data.hold_out(data.load("digits", "train"), config.data.validation, 10)
    chosen = load_model(run.model_path).predict(held_out.images, verbose=0).argmax(axis=1)
    assert (chosen == held_out.labels).mean() == pytest.approx(best["validation_accuracy"])


def recorded(run, rows):
    """Have a recorder hear of epochs with these validation accuracies and losses; return it."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, name="weight")])
    config = load_config("digits", ())
    trainee = keras.Sequential([network])
    trainee.compile(optimizer=optimizer(config, 1))
    trainee.optimizer.build(trainee.trainable_variables)
    averaging, batches = Averaging(), Batches(np.arange(1), np.arange(1), 1, whole=True)
    recorder = Recorder(run, network, batches, phases(config)[0], averaging, Silent())
    for callback in (averaging, recorder):
        callback.set_model(trainee)
    for epoch, (accuracy, loss) in enumerate(rows):
        network.set_weights([np.array([[epoch + 1.0]])])
        recorder.on_epoch_begin(epoch)
        recorder.on_train_batch_end(0, {"loss": 1})
        recorder.on_epoch_end(epoch, {"loss": 1, "accuracy": 0, "val_loss": loss, "val_accuracy": accuracy})
    return recorder


@pytest.mark.parametrize(
    ("rows", "best"),
    [([(0.5, 2), (0.9, 1), (0.7, 0.5)], 2), ([(0.9, 2), (0.9, 1), (0.9, 3)], 2), ([(0.9, 1), (0.9, 1)], 1)],
    ids=["the most accurate, not the last", "among equals the lowest loss", "among equals the first"],
)
def test_the_epoch_that_validation_prefers_is_kept_beside_the_last(rows, best, tmp_path):
    run = Run(tmp_path)
    assert recorded(run, rows).best["epoch"] == best
    assert weights(run.model_path)[0] == best
    assert weights(run.last_model_path)[0] == len(rows)


def test_training_images_are_augmented_and_others_are_not():
    network = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
    images = data.load("digits", "test").images[:8]
    from cnnzoo.config import AugmentationSection

    augmentation = Augmentation(AugmentationSection(rotation=20.0, shift=3.0, mixup=0.2), images)
    trainee = Trainee(network, images, augmentation, label_smoothing=0.0)
    flat = images.reshape(8, -1).astype("float32")
    outputs = [trainee(np.arange(8)), *(trainee(np.arange(8), training=True)["logits"] for _ in range(2))]
    seen = [keras.ops.convert_to_numpy(output) for output in outputs]
    assert np.array_equal(seen[0], flat)
    assert all(not np.array_equal(row, plain) for row, plain in zip(seen[1], flat, strict=True))
    assert not np.array_equal(seen[1], seen[2])


def test_averaged_weights_are_the_ones_judged_and_saved(tmp_path):
    run, _ = trained(tmp_path / "run", "training.ema_decay=0.9")
    plain, _ = trained(tmp_path / "plain")
    _, held_out = data.hold_out(data.load("digits", "train"), run.config().data.validation, 10)
    model = load_model(run.last_model_path)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    loss = model.evaluate(held_out.images, held_out.labels, verbose=0)
    assert loss == pytest.approx(run.history()[-1]["validation_loss"], rel=1e-4)
    assert run.history()[0]["loss"] == plain.history()[0]["loss"]
    assert run.history()[0]["validation_loss"] != plain.history()[0]["validation_loss"]


def test_label_smoothing_changes_the_training_loss_alone():
    network = keras.Sequential([keras.Input((1, 1, 3)), keras.layers.Flatten()])
    images = np.array([[[[2, 0, 0]]], [[[0, 1, 0]]]], "uint8")
    from cnnzoo.config import AugmentationSection

    trainee = Trainee(network, images, Augmentation(AugmentationSection(), images), label_smoothing=0.3)
    logits = trainee(np.array([0, 1]))
    values = np.exp(images.reshape(2, 3).astype("float64"))
    log_p = np.log(values / values.sum(axis=1, keepdims=True))
    labels = np.array([0, 1])
    plain = -log_p[[0, 1], labels].mean()
    smoothed = 0.7 * plain - 0.3 * log_p.mean()
    assert float(trainee.compute_loss(None, labels, logits, training=False)) == pytest.approx(plain, rel=1e-4)
    assert float(trainee.compute_loss(None, labels, logits, training=True)) == pytest.approx(smoothed, rel=1e-4)


def test_auxiliary_heads_add_their_weighted_loss_in_training_alone():
    from cnnzoo.config import AugmentationSection
    from cnnzoo.models.layers import AuxiliaryLogits

    pixels = keras.Input((1, 1, 3))
    logits = keras.layers.Flatten(name="logits")(pixels)
    helped = AuxiliaryLogits(0.3, name="auxiliary1")(keras.layers.Rescaling(0.5)(logits))
    inner = keras.Model(pixels, {"logits": logits, "auxiliary1": helped})
    network = keras.Model(pixels, inner(pixels))
    images = np.array([[[[2, 0, 0]]], [[[0, 1, 0]]]], "uint8")
    trainee = Trainee(network, images, Augmentation(AugmentationSection(), images), label_smoothing=0.0)
    labels = np.array([0, 2])
    outputs = trainee(np.array([0, 1]), training=True)

    def cross_entropy(logits):
        return -(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))[[0, 1], labels].mean()

    raw = images.reshape(2, 3).astype("float64")
    alone, both = cross_entropy(raw), cross_entropy(raw) + 0.3 * cross_entropy(raw / 2)
    assert float(trainee.compute_loss(None, labels, outputs, training=True)) == pytest.approx(both, rel=1e-4)
    assert float(trainee.compute_loss(None, labels, outputs, training=False)) == pytest.approx(alone, rel=1e-4)


def test_mixed_images_are_trained_towards_both_labels_in_proportion():
    from cnnzoo.config import AugmentationSection
    from cnnzoo.models.layers import AuxiliaryLogits

    pixels = keras.Input((1, 1, 3))
    logits = keras.layers.Flatten(name="logits")(pixels)
    helped = AuxiliaryLogits(0.3, name="auxiliary1")(keras.layers.Rescaling(0.5)(logits))
    network = keras.Model(pixels, {"logits": logits, "auxiliary1": helped})
    images = np.array([[[[2, 0, 0]]], [[[0, 1, 0]]], [[[1, 3, 5]]]], "uint8")
    labels = np.array([0, 1, 2])
    trainee = Trainee(network, images, Augmentation(AugmentationSection(mixup=1.0), images), label_smoothing=0.1)
    outputs = trainee(np.arange(3), training=True)
    share = keras.ops.convert_to_numpy(outputs["share"])[:, None]
    raw = images.reshape(3, 3).astype("float64")
    mixed = share * raw + (1 - share) * np.roll(raw, -1, axis=0)
    assert np.allclose(keras.ops.convert_to_numpy(outputs["logits"]), mixed, atol=1e-4)
    targets = 0.9 * (share * np.eye(3) + (1 - share) * np.roll(np.eye(3), -1, axis=0)) + 0.1 / 3

    def cross_entropy(logits):
        return -(targets * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))).sum(axis=1).mean()

    loss = float(trainee.compute_loss(None, labels, outputs, training=True))
    assert loss == pytest.approx(cross_entropy(mixed) + 0.3 * cross_entropy(mixed / 2), rel=1e-4)


def test_a_step_with_changes_of_every_kind_is_compiled_and_runs_in_mixed_precision():
    from cnnzoo.config import AugmentationSection

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
        trainee = Trainee(network, images, Augmentation(section, images), label_smoothing=0.1)
    finally:
        keras.config.set_dtype_policy(policy)
    trainee.compile("sgd")
    batches = Batches(np.arange(40, dtype="int32"), labels, 8, whole=True)
    history = trainee.fit(batches, epochs=2, shuffle=False, verbose=0, callbacks=[EpochSeeds(7, batches)]).history
    assert np.isfinite(history["loss"]).all()
    mirrored = keras.ops.convert_to_numpy(trainee.augmentation.mirrored)
    trainee.augmentation.begin_epoch(7, 0)
    assert np.array_equal(mirrored, 1 - keras.ops.convert_to_numpy(trainee.augmentation.mirrored))


def test_every_image_is_seen_once_an_epoch_in_another_order():
    batches = Batches(np.arange(100, 110, dtype="int32"), np.arange(10, dtype="int32"), 3, whole=False)
    batches.shuffle(seed=0, epoch=1)
    pairs = [batches[step] for step in range(len(batches))]
    indices, labels = (np.concatenate(part) for part in zip(*pairs, strict=True))
    assert sorted(indices) == list(range(100, 110))
    assert np.array_equal(indices - 100, labels)
    assert len(Batches(np.arange(10), np.arange(10), 3, whole=True)) == 3


def test_epochs_of_a_few_steps_go_on_where_the_one_before_stopped():
    indices = np.arange(10, dtype="int32")
    passes, short = (Batches(indices, indices, 2, whole=True, count=count) for count in (None, 3))

    def drawn(batches, epochs):
        seen = []
        for epoch in range(epochs):
            batches.shuffle(7, epoch)
            seen += [batches[step][0].tolist() for step in range(len(batches))]
        return seen

    assert drawn(passes, 3) == drawn(short, 5)


def test_an_epochs_batches_depend_on_seed_and_number_alone(tmp_path, monkeypatch):
    drawn = []
    original = Batches.__getitem__

    def watched(self, step):
        if self.batch_size == 128:
            drawn.append(self.order[step * 128 : (step + 1) * 128].tolist())
        return original(self, step)

    monkeypatch.setattr(Batches, "__getitem__", watched)
    trained(tmp_path / "run", seed=5)
    expected = [
        np.random.default_rng((5, epoch)).permutation(1293)[step * 128 : (step + 1) * 128].tolist()
        for epoch in range(2)
        for step in range(10)
    ]
    positions = [drawn.index(batch) for batch in expected]
    assert positions == sorted(positions)


def test_an_interrupt_while_an_epoch_is_saved_waits_until_it_is(tmp_path, monkeypatch):
    from cnnzoo.training import recorder

    copy = recorder.shutil.copyfile

    def interrupted_copy(*paths):
        signal.raise_signal(signal.SIGINT)
        return copy(*paths)

    monkeypatch.setattr(recorder.shutil, "copyfile", interrupted_copy)
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
    try:
        run, metrics = trained(tmp_path / "run", "training.epochs=5")
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert (metrics["status"], metrics["epochs"], len(run.history())) == ("interrupted", 1, 1)
    assert weights(run.model_path)


def test_an_interrupt_after_the_last_step_is_passed_on_when_everything_is_written(tmp_path, monkeypatch):
    from cnnzoo.training import fitting

    curves = fitting.plots.curves

    def interrupted_curves(*arguments, **options):
        signal.raise_signal(signal.SIGINT)
        return curves(*arguments, **options)

    monkeypatch.setattr(fitting.plots, "curves", interrupted_curves)
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "run", "training.epochs=1")
    finally:
        signal.signal(signal.SIGINT, inherited)
    run = Run(tmp_path / "run")
    assert run.metrics()["status"] == "finished"
    assert run.curves_path.is_file()


def test_an_interrupt_in_the_last_step_of_an_epoch_waits_until_it_is_written(tmp_path):
    class Interrupting(Silent):
        def step(self, epoch, step):
            if (epoch, step) == (1, 10):
                signal.raise_signal(signal.SIGINT)

    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run, metrics = train(load_config("digits", SMALL_SETTINGS), directory=tmp_path / "run", listener=Interrupting())
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert (metrics["status"], metrics["epochs"], len(run.history())) == ("interrupted", 1, 1)


def test_a_training_whose_curves_cannot_be_drawn_is_not_finished(tmp_path, monkeypatch):
    from cnnzoo.training import fitting, resume

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(fitting.plots, "curves", full)
        with pytest.raises(UserError, match=r"No space left.*--resume"):
            trained(tmp_path / "run", "training.epochs=1")
    run, metrics = resume(Run(tmp_path / "run"))
    assert metrics["status"] == "finished"
    assert run.curves_path.is_file()


def test_classes_weigh_as_they_are_told():
    from cnnzoo.config import AugmentationSection
    from cnnzoo.training.trainee import class_weights

    labels = np.array([0, 0, 0, 1])
    assert class_weights("balanced", labels, 2) == pytest.approx([4 / 6, 2.0])
    assert class_weights([1.0, 3.0], labels, 2) == pytest.approx([4 / 6, 2.0])
    network = keras.Sequential([keras.Input((1, 1, 2)), keras.layers.Flatten()])
    images = np.array([[[[2, 0]]], [[[3, 0]]]], "uint8")
    weights = np.array([0.5, 2.0], "float32")
    trainee = Trainee(network, images, Augmentation(AugmentationSection(), images), 0.0, weights)
    logits = trainee(np.array([0, 1]))
    losses = np.log1p(np.exp([-2.0, 3.0]))
    weighted = float(trainee.compute_loss(None, np.array([0, 1]), logits, training=True))
    assert weighted == pytest.approx((0.5 * losses[0] + 2.0 * losses[1]) / 2, rel=1e-4)
    plain = float(trainee.compute_loss(None, np.array([0, 1]), logits, training=False))
    assert plain == pytest.approx(losses.mean(), rel=1e-4)


def test_a_run_is_held_while_it_is_trained(tmp_path):
    class Asking(Silent):
        def epoch(self, row, images_per_second, best):
            code = "import sys; from pathlib import Path; from cnnzoo.runs import Run\n"
            code += "print(Run(Path(sys.argv[1])).is_in_use())"
            words = [sys.executable, "-c", code, str(tmp_path / "run")]
            answers.append(subprocess.run(words, capture_output=True, text=True, check=True).stdout)

    answers = []
    train(load_config("digits", (*SMALL_SETTINGS, "training.epochs=1")), directory=tmp_path / "run", listener=Asking())
    assert answers == ["True\n"]
    assert not Run(tmp_path / "run").is_in_use()


def test_a_loss_that_is_not_finite_ends_with_a_sentence(tmp_path):
    with pytest.raises(
        UserError, match=r"not finite: epoch 1, step \d+ .*Lower optimizer.learning_rate.*no checkpoint"
    ):
        trained(tmp_path / "run", "optimizer={name: sgd, learning_rate: 1000000.0}", "schedule={name: constant}")


def test_a_batch_larger_than_the_data_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match=r"training.batch_size: 5,000 is more than the 1,293 training images"):
        trained(tmp_path / "run", "training.batch_size=5000")
    assert list(tmp_path.iterdir()) == []


def test_tensorboard_events_are_written_when_asked(tmp_path):
    run, _ = trained(tmp_path / "run", "training.tensorboard=true", "training.epochs=1")
    assert list(run.events_path.rglob("events.out.tfevents*"))


def started(directory: Path) -> subprocess.Popen[bytes]:
    """Start a long training and wait until its first epoch is written."""
    # A shell that starts the tests in the background would have its children ignore Ctrl-C.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heeding}; from cnnzoo.cli import main; main()"
    words = ["train", "--config", "digits", "--run", str(directory), "--set", "training.epochs=2000"]
    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (directory / "history.csv").is_file():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.mark.slow
def test_a_kill_leaves_no_file_half_written(tmp_path):
    for moment in (0.0, 0.37):
        directory = tmp_path / f"run{moment}"
        process = started(directory)
        time.sleep(moment)
        process.kill()
        process.wait()
        with (directory / "history.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert all(None not in row.values() for row in rows)
        for name in ("model.keras", "last.keras"):
            assert weights(directory / name)


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_reached_and_says_so(tmp_path):
    process = started(tmp_path / "run")
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err.decode()
    from cnnzoo.runs import open_finished

    with pytest.raises(UserError, match="unfinished"):
        open_finished(tmp_path / "run")
    run = open_finished(tmp_path / "run", unfinished=True)
    assert run.metrics()["status"] == "interrupted"
    assert run.metrics()["epochs"] == len(run.history())
    assert weights(run.model_path)
    assert run.curves_path.is_file()
