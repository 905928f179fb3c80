"""A training that was killed at any moment resumes to exactly the same result."""

import shutil
import signal
from io import BytesIO
from zipfile import ZipFile

import keras
import numpy as np
import pytest
import yaml
from trainings import EVERYTHING, SMALL_SETTINGS, CutOff, CutOffError, Snapshots, command, state

import cnnzoo
from cnnzoo import data
from cnnzoo.classifier.model_file import load_model
from cnnzoo.cli.options import load_config
from cnnzoo.errors import UserError
from cnnzoo.files import write_json
from cnnzoo.runs import Run
from cnnzoo.training import Listener, checkpoints, resume, train

# Epochs have ten steps, and a checkpoint comes every three.
MOMENTS = [(1, 1), (1, 7), (1, None), (2, 6), (2, 10), (2, None), (3, 2), (3, 4), (3, 10)]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """A training from start to end, with copies of its directory as a kill would have left it on the way."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    snapshots = Snapshots(folder / "run", folder, MOMENTS)
    run, metrics = train(load_config("digits", EVERYTHING), directory=folder / "run", listener=snapshots)
    return run, metrics, snapshots


@pytest.fixture
def killed(uninterrupted, tmp_path):
    """Return a function that gives the training of ``uninterrupted`` as a kill at some moment would leave it."""

    def at(*moment):
        return Run(shutil.copytree(uninterrupted[2].path(moment), tmp_path / "run"))

    return at


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "where", [(2, 6), *(pytest.param(at, marks=pytest.mark.slow) for at in [(2, None), (3, 10)])], ids=str
)
def test_a_training_that_was_killed_ends_in_the_same_bits(where, uninterrupted, killed):
    run = killed(*where)
    resumed, metrics = resume(run)
    assert state(resumed) == state(uninterrupted[0])
    clocks = ("seconds", "images_per_second")
    assert {k: v for k, v in metrics.items() if k not in clocks} == {
        k: v for k, v in uninterrupted[1].items() if k not in clocks
    }
    assert not run.checkpoints_folder.exists()


@pytest.mark.slow
@pytest.mark.every_backend
def test_a_training_can_be_killed_several_times(uninterrupted, killed):
    run = killed(1, 7)
    for where in [(2, 3), (2, None)]:
        with pytest.raises(CutOffError):
            resume(run, listener=CutOff(*where))
    assert state(resume(run)[0]) == state(uninterrupted[0])


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 1 for byte in content[middle : middle + 999]) + content[middle + 999 :]


def marked_as_encrypted(content):
    flags = content.rindex(b"PK\x01\x02") + 8  # of the last entry in the archive's list
    return content[:flags] + bytes([content[flags] | 1]) + content[flags + 1 :]


def without_its_last_entry(content):
    kept = BytesIO()
    with ZipFile(BytesIO(content)) as whole, ZipFile(kept, "w") as fewer:
        for name in whole.namelist()[:-1]:
            fewer.writestr(name, whole.read(name))
    return kept.getvalue()


@pytest.mark.parametrize("damaged", [flipped, marked_as_encrypted, without_its_last_entry])
def test_a_damaged_checkpoint_is_reported_and_the_previous_one_used(killed, damaged):
    reports = []
    newest, before = killed(2, 10).checkpoints
    newest.write_bytes(damaged(newest.read_bytes()))
    checkpoint = checkpoints.newest(Run(newest.parents[1]), reports.append)
    assert (checkpoint.path, checkpoint.position) == (before, (1, 6))
    assert before.name == "epoch-000001-step-00000006.npz"
    assert len(reports) == 1
    assert reports[0].startswith(f"{newest} is damaged (")


def test_an_older_checkpoint_with_another_key_for_its_state_is_read(killed):
    path = killed(2, 6).checkpoints[0]
    expected = checkpoints.newest(Run(path.parents[1]), pytest.fail)
    with np.load(path) as arrays:
        np.savez(path, **{"story" if name == "state" else name: arrays[name] for name in arrays.files})
    assert "story.npy" in ZipFile(path).namelist()
    older = checkpoints.newest(Run(path.parents[1]), pytest.fail)
    assert (older.state, older.position) == (expected.state, expected.position)
    assert older.values.keys() == expected.values.keys()


@pytest.mark.slow
def test_a_training_resumes_from_the_checkpoint_before_a_damaged_one_and_says_so(uninterrupted, killed):
    class Notes(Listener):
        def note(self, text):
            events.append(text)

        def resumed(self, rows, epoch, step):
            events.append((len(rows), epoch, step))

    events = []
    run = killed(2, 10)
    write_json(run.environment_path, run.environment() | {"versions": {"keras": "0.1"}})
    newest = run.checkpoints[0]
    newest.write_bytes(flipped(newest.read_bytes()))
    assert state(resume(run, listener=Notes())[0]) == state(uninterrupted[0])
    assert "other versions" in events[0]
    assert str(newest) in events[1]
    assert events[2] == (1, 1, 6)


@pytest.mark.slow
def test_new_checkpoints_replace_two_damaged_ones(uninterrupted, killed):
    run = killed(3, 4)
    for path in run.checkpoints:
        path.write_bytes(b"nothing")
    with pytest.raises(CutOffError):
        resume(run, listener=CutOff(2, 4))
    assert [path.name for path in run.checkpoints] == [
        "epoch-000001-step-00000003.npz",
        "epoch-000001-step-00000000.npz",
    ]
    assert state(resume(run)[0]) == state(uninterrupted[0])


class Interrupting(Listener):
    def step(self, epoch, step):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, 2])
def test_an_interruption_keeps_an_epoch_that_was_written_before_its_checkpoint(epochs, uninterrupted, killed, ctrl_c):
    run = killed(epochs, None)
    if epochs == 1:  # an epoch as short as that has no checkpoint within
        shutil.rmtree(run.checkpoints_folder)
    _, metrics = resume(run, listener=Interrupting())
    assert (metrics["status"], metrics["epochs"]) == ("interrupted", epochs)
    assert ("images_per_second" in metrics) == (epochs == 2)  # of the first epoch's seconds nothing is known
    assert run.history() == uninterrupted[0].history()[:epochs]
    best = max(run.history(), key=lambda row: (row["validation_accuracy"], -row["validation_loss"]))
    assert metrics["best_epoch"] == best["epoch"]
    assert state(resume(run)[0]) == state(uninterrupted[0])


@pytest.mark.slow
def test_a_repeated_epoch_replaces_its_files(killed, ctrl_c):
    class InterruptingLater(Listener):
        def step(self, epoch, step):
            if epoch == 2:
                signal.raise_signal(signal.SIGINT)

    run = killed(3, 4)
    for path in run.checkpoints:
        path.write_bytes(b"nothing")
    _, metrics = resume(run, listener=InterruptingLater())
    assert (metrics["epochs"], metrics["best_epoch"], len(run.history())) == (1, 1, 1)


@pytest.mark.slow
def test_resuming_discards_the_results_of_the_interrupted_training(tmp_path, ctrl_c):
    run, _ = train(load_config("digits", EVERYTHING), directory=tmp_path / "run", listener=Interrupting())
    assert run.metrics()["status"] == "interrupted"
    measured = [run.report_path("test"), run.predictions_path("validation"), run.confusion_path("test")]
    for path in measured:
        path.write_text("of the first epoch")
    with pytest.raises(CutOffError):
        resume(run, listener=CutOff(2, 4))
    assert run.metrics() == {}
    assert not any(path.exists() for path in measured)


def test_a_run_keeps_its_two_newest_checkpoints(killed):
    run = killed(3, 4)
    assert [path.name for path in run.checkpoints] == [
        "epoch-000002-step-00000003.npz",
        "epoch-000002-step-00000000.npz",
    ]


@pytest.mark.slow
def test_resuming_writes_a_missing_division_of_a_folder_and_refuses_other_images(tmp_path, photos):
    folder = (f"data={{name: folder, path: {photos}, size: 28, channels: 1}}", "training.batch_size=4")
    config = load_config("digits", (*EVERYTHING, *folder))
    with pytest.raises(CutOffError):
        train(config, directory=tmp_path / "run", listener=CutOff(2, None))
    run = Run(tmp_path / "run")
    division = run.division()
    for path in (run.environment_path, run.division_path):  # a full disk ended it there
        path.unlink()
    with pytest.raises(CutOffError):
        resume(run, listener=CutOff(1, 1))
    assert run.division() == division
    image = min((photos / "red").iterdir())
    image.with_name("another.png").write_bytes(image.read_bytes())
    whole = data.load(config.data, "train").as_divided(run.division())
    assert set(whole.names) == set(division)
    assert whole.note == "images left out because they were not in these splits when the run was trained: 1"
    changed, other = (photos / name for name in sorted(division)[:2])
    changed.write_bytes(other.read_bytes())
    with pytest.raises(UserError, match="The images have changed since"):
        resume(Run(tmp_path / "run"))


@pytest.mark.slow
def test_resuming_refuses_a_config_that_has_changed(killed):
    run = killed(2, None)
    values = yaml.safe_load(run.config_path.read_text())
    run.config_path.write_text(yaml.safe_dump({**values, "optimizer": {"name": "adam"}}))
    with pytest.raises(UserError, match="does not fit this config"):
        resume(run)


def test_a_finished_run_has_nothing_to_resume(uninterrupted):
    with pytest.raises(UserError, match="is finished: there is nothing to resume"):
        resume(uninterrupted[0])


@pytest.mark.slow
def test_a_run_without_a_checkpoint_starts_again(uninterrupted, killed):
    run = killed(1, 1)
    assert run.checkpoints == []
    assert state(resume(run)[0]) == state(uninterrupted[0])


@pytest.mark.slow
def test_early_stopping_ends_a_training_whose_validation_stalls(tmp_path):
    settings = ("optimizer={name: sgd, learning_rate: 1.0e-12}", "schedule={name: constant}")
    config = load_config("digits", (*SMALL_SETTINGS, *settings, "training.epochs=9", "training.early_stopping=2"))
    run, metrics = train(config, directory=tmp_path / "run")
    best = metrics["best_epoch"]
    assert metrics["ended_early"]
    assert len(run.history()) == best + 2 < 9


def pooled(input_shape=(28, 28, 1), num_classes=10):
    pixels = keras.Input(input_shape)
    x = keras.layers.Conv2D(8, 5, strides=2, activation="relu")(pixels)
    x = keras.layers.Dropout(0.1)(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, keras.layers.Dense(num_classes, name="logits")(x), name="pooled")


@pytest.mark.slow
@pytest.mark.every_backend
def test_a_short_recipe_ends_in_the_same_bits_after_a_kill(tmp_path):
    cnnzoo.register("pooled")(pooled)
    smaller = "training.progressive_resizing={scale: 0.5, epochs: 2}"
    settings = (
        *EVERYTHING,
        "model={name: pooled}",
        "augmentation={mirror: alternating, crop: 2, cutout: 6, mixup: 0.2}",
        "optimizer={name: muon}",
        "schedule={name: one_cycle}",
        "training.batch_size=128",
        "training.steps_per_epoch=null",
    )
    config = load_config("digits", (*settings, smaller))
    # Within the epochs of smaller images, at their border, and after it.
    snapshots = Snapshots(tmp_path / "whole", tmp_path / "moments", [(1, 6), (2, None), (3, 1)])
    whole, _ = train(config, directory=tmp_path / "whole", listener=snapshots)
    for moment in snapshots.moments:
        assert state(resume(Run(snapshots.path(moment)))[0]) == state(whole)
    with pytest.raises(CutOffError):
        train(load_config("digits", settings), directory=tmp_path / "plain", listener=CutOff(1))
    assert Run(tmp_path / "plain").history()[0]["loss"] != whole.history()[0]["loss"]
    assert load_model(whole.model_path).input_shape == (None, 28, 28, 1)


@pytest.mark.slow
def test_a_full_disk_gives_a_sentence_and_the_run_resumes_when_there_is_room(uninterrupted, killed):
    run = killed(3, 2)
    process = command("train", "--resume", run.directory, kilobytes=100)
    _, errors = process.communicate()
    assert process.returncode == 2, errors
    assert "cannot be written to" in errors
    assert f"--resume {run.directory}" in errors
    assert "Traceback" not in errors
    assert state(resume(run)[0]) == state(uninterrupted[0])
