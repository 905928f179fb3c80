import re
import shutil
import unicodedata

import keras
import numpy as np
import pytest
from PIL import Image

from cnnzoo import data, ensembles, runs
from cnnzoo.config import load as load_config
from cnnzoo.errors import UserError
from cnnzoo.evaluation import ImageLoader, Predictions, evaluate, predict


def member(*rows, labels=(0, 0, 0)):
    return Predictions(np.log(np.array(rows, "float32")), np.array(labels, "int32"))


SURE = member([0.9, 0.1], [0.9, 0.1], [0.4, 0.6])
SLIGHTLY_WRONG = member([0.4, 0.6], [0.45, 0.55], [0.4, 0.6])


def test_a_soft_vote_weighs_probabilities_and_a_hard_vote_counts_members():
    accuracies, result, probabilities = ensembles.combine([SURE, SLIGHTLY_WRONG, SLIGHTLY_WRONG])
    assert probabilities[0] == pytest.approx([1.7 / 3, 1.3 / 3])
    assert accuracies == pytest.approx([2 / 3, 0, 0])
    assert result.mean == pytest.approx(2 / 9)
    assert result.standard_deviation == pytest.approx(np.std([2 / 3, 0, 0], ddof=1))
    assert result.soft_vote == pytest.approx(2 / 3)
    assert result.hard_vote == 0
    assert result.gain == pytest.approx(100 * (2 / 3 - 2 / 9))
    assert result.standard_error == pytest.approx(100 * (2 / 9 * 7 / 9 / 3) ** 0.5)


def test_the_standard_error_on_positions_is_over_their_games():
    """Positions of one game that are right or wrong together count as one."""
    wrong, right = [0.4, 0.6], [0.6, 0.4]
    games = np.repeat(np.arange(4), 25)
    predictions = member(*[right] * 25, *[wrong] * 75, labels=[0] * 100)
    _, result, _ = ensembles.combine([predictions, predictions], games)
    assert result.standard_error == pytest.approx(100 * (0.25 * 0.75 / 3) ** 0.5)
    _, result, _ = ensembles.combine([predictions], np.zeros(100, "int64"))
    assert result.standard_error is None


def test_equal_counts_are_decided_by_probability():
    _, result, _ = ensembles.combine([SURE, SLIGHTLY_WRONG])
    assert result.hard_vote == pytest.approx(2 / 3)


def test_one_member_has_no_deviation_and_no_gain():
    _, result, _ = ensembles.combine([SURE])
    assert result.standard_deviation is None
    assert result.gain == 0


def test_members_of_different_data_cannot_vote_together():
    with pytest.raises(UserError, match="cannot vote together"):
        ensembles.combine([SURE, member([0.9, 0.1], [0.9, 0.1], [0.4, 0.6], labels=(0, 0, 1))])


def test_runs_on_different_data_or_classes_cannot_vote_together(tmp_path):
    def run(name, settings):
        config = load_config("digits", [f"data={settings}"])
        return runs.create(config, name, tmp_path / name)

    fine, coarse, cats = (
        run("fine", "{name: cifar100}"),
        run("coarse", "{name: cifar100, labels: coarse}"),
        run("cats", "{name: folder, path: photos, classes: [cat, dog]}"),
    )
    cows = run("cows", "{name: folder, path: photos, classes: [cat, cow]}")
    for pair, reason in (
        ((fine, coarse), f"{fine.directory} on CIFAR-100, {coarse.directory} on CIFAR-100, coarse labels."),
        ((cats, fine), f"{cats.directory} on photos, {fine.directory} on CIFAR-100."),
        ((cats, cows), f"{cats.directory} (2 classes) and {cows.directory} (2 classes) have different classes."),
    ):
        with pytest.raises(UserError, match=f"^These runs cannot vote together.*{re.escape(reason)}$"):
            ensembles.combine_runs(pair)


@pytest.fixture
def folder_run(tmp_path):
    """Make finished runs with a tiny network on folders of four images, of which two are to test."""

    def make(name, folder, shade, **settings):
        for number, label in enumerate(("cat", "dog")):
            (folder / label).mkdir(parents=True, exist_ok=True)
            for index in range(4):
                pixels = np.full((4, 4, 3), (shade, number * 50, index * 10), "uint8")
                Image.fromarray(pixels).save(folder / label / f"\u00e9{index}.png")
        changes = "".join(f", {key}: {value}" for key, value in settings.items())
        section = f"data={{name: folder, path: {folder}, size: 8, test: 2, classes: [cat, dog]{changes}}}"
        run = runs.create(load_config("digits", [section]), name, tmp_path / name)
        run.write_metrics({"status": "finished"})
        training, validation = data.hold_out(data.load(run.config().data, "train"), 0.1, 2)
        parts = (training, validation)
        hashes = {name: found for part in parts for name, found in zip(part.names, part.hashes(), strict=True)}
        run.write_division(hashes, train=training.names, validation=validation.names)
        keras.utils.set_random_seed(len(list(tmp_path.iterdir())))
        keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]).save(run.model_path)
        return run

    return make


def test_runs_on_other_images_of_equal_labels_cannot_vote_together(folder_run, tmp_path):
    first = folder_run("first", tmp_path / "2024" / "photos", 0)
    other = folder_run("other", tmp_path / "2025" / "photos", 1)
    divided = folder_run("divided", tmp_path / "2024" / "photos", 0, split_seed=3)
    message = (
        f"^These runs cannot vote together: {first.directory} has 2 test images and {{0}} has 2, and {{1}} of them"
    )
    with pytest.raises(UserError, match=message.format(other.directory, 0)):
        ensembles.combine_runs([first, other])
    with pytest.raises(UserError, match=message.format(divided.directory, r"[01]") + r".*split_seed 0 and 3"):
        ensembles.combine_runs([first, divided])


def test_training_images_of_a_run_are_not_tested_under_other_names(folder_run, tmp_path):
    photos = tmp_path / "photos"
    run = folder_run("run", photos, 0)
    before = evaluate(run)
    assert (before.report.images, before.report.note, before.folder) == (2, "", str(photos))
    learnt = {name for name in run.division() if name.startswith("cat/")}
    for path in sorted((photos / "cat").iterdir()):
        path.rename(path.with_name(f"IMG_{path.name}"))
    after = evaluate(run).report
    missing = f"{len(learnt)} of the 6 images that the run was trained and validated on were removed from {photos}"
    assert after.note.startswith(missing)
    tested = [path for path in (photos / "cat").iterdir() if f"cat/{path.name[4:]}" not in learnt]
    assert after.per_class[0].images <= len(tested)


def test_members_may_resize_images_differently_and_have_file_names_in_other_unicode_forms(folder_run, tmp_path):
    photos = tmp_path / "photos"
    members = [folder_run("first", photos, 0), folder_run("other", photos, 0, resize="squash")]
    for path in list(photos.rglob("*.png")):
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))  # as a Mac's copy has them
    report = ensembles.combine_runs(members).result.report
    assert (report.images, report.note) == (2, "")


def test_a_split_without_images_is_an_error(folder_run, tmp_path):
    run = folder_run("run", tmp_path / "photos", 0)
    run.write_division(train=[name for name, split in run.division().items() if split == "train"])
    with pytest.raises(UserError, match=r"None of the validation images of .*run is still in .*photos"):
        ImageLoader().load(run, run.config(), "validation")
    assert len(ImageLoader().load(run, run.config(), "train").subset) == len(run.division())


def test_a_run_and_its_copy_are_one_network(folder_run, tmp_path):
    first, other = folder_run("first", tmp_path / "photos", 0), folder_run("other", tmp_path / "photos", 0)
    copy = runs.Run(shutil.copytree(first.directory, tmp_path / "copy"))
    kept, repeated = ensembles.distinct([first, other, copy, first])
    assert kept == [first, other]
    assert repeated == [(copy, first), (first, first)]


def test_an_ensemble_reports_its_members_as_eval_does(digits_runs, tmp_path):
    ensemble = ensembles.combine_runs(digits_runs)
    assert ensemble.write(tmp_path / "ensemble") == []
    result = ensemble.result
    alone = [evaluate(run).report for run in digits_runs]
    assert [row.accuracy for row in result.members] == pytest.approx([report.accuracy for report in alone])
    assert result.report.accuracy == result.soft_vote
    assert min(report.top5_accuracy for report in alone) <= result.report.top5_accuracy <= 1
    for name in ("ensemble.json", "ensemble.png", "predictions-test.npz", "confusion-test.png"):
        assert (tmp_path / "ensemble" / name).is_file()


def test_a_picture_that_cannot_be_drawn_leaves_the_result(digits_runs, tmp_path):
    vote = runs.Vote(tmp_path / "ensemble")
    vote.picture_path.mkdir(parents=True)  # in the picture's place
    (error,) = ensembles.combine_runs(digits_runs).write(vote.directory)
    assert error == f"{vote.picture_path} cannot be written: Is a directory"
    assert vote.result_path.is_file()
    assert vote.confusion_path("test").is_file()


def test_the_images_that_members_share_are_loaded_once(folder_run, tmp_path):
    photos = tmp_path / "photos"
    members = [folder_run("first", photos, 0), folder_run("other", photos, 0)]
    loader = ImageLoader()
    images = loader.load(members[0], members[0].config(), "test")
    shutil.rmtree(photos)  # nobody can read them again
    again = loader.load(members[1], members[1].config(), "test")
    predictions = [predict(run, run.config(), again) for run in members]
    assert predictions[0].image_hashes == predictions[1].image_hashes == images.hashes
    with pytest.raises(UserError, match="photos is not a directory"):
        evaluate(members[0])


def test_training_images_of_a_run_are_recognized_in_another_folder(folder_run, tmp_path):
    run = folder_run("run", tmp_path / "photos", 0)
    folder_run("another run", tmp_path / "new", 1)
    tested = ImageLoader(tmp_path / "new").load(run, run.config(), "test").subset.names[0]
    learnt = next(name for name, split in run.division().items() if split == "train")
    shutil.copy(tmp_path / "photos" / learnt, tmp_path / "new" / tested)
    report = evaluate(run, "test", ImageLoader(tmp_path / "new")).report
    assert report.images == 1
    assert report.note == (
        "1 of 2 left out: they were not test images when the run was trained (1 recognized by content)"
    )
