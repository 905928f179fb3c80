import json
import re
import shutil

import keras
import numpy as np
import pytest

from cnnzoo import data, runs
from cnnzoo.classifier import softmax
from cnnzoo.errors import UserError
from cnnzoo.evaluation import ImageLoader, evaluate, measure, predict


def report(probabilities, labels, class_names):
    probabilities = np.array(probabilities, "float32")
    return measure(probabilities, probabilities, np.array(labels, "int32"), class_names)


def predictions(run):
    config = run.config()
    return predict(run, config, ImageLoader().load(run, config, "test"))


def test_a_report_has_the_right_figures():
    probabilities = [[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]
    result = report(probabilities, [0, 0, 1, 1], ("a", "b", "c"))
    assert (result.images, result.correct, result.accuracy, result.error) == (4, 2, 0.5, 0.5)
    assert result.top5_accuracy is None
    assert result.loss == pytest.approx(-np.log([0.7, 0.4, 0.8, 0.3]).mean(), rel=1e-6)
    assert result.confusion == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]
    a, b, c = result.per_class
    assert (a.precision, a.recall, a.f1, a.images) == (1.0, 0.5, pytest.approx(2 / 3), 2)
    assert (b.precision, b.recall, b.f1, b.images) == (0.5, 0.5, 0.5, 2)
    assert (c.class_name, c.precision, c.recall, c.f1, c.images) == ("c", 0.0, None, None, 0)


def test_an_image_is_among_the_top_5_when_fewer_than_five_classes_score_higher():
    scores = np.array([[6, 5, 4, 3, 2, 1], [6, 5, 4, 3, 2, 1], [9, 9, 9, 9, 1, 1], [9, 9, 9, 9, 9, 1]], "float32")
    labels = np.array([4, 5, 5, 5], "int32")
    assert measure(scores, softmax(scores), labels, tuple("abcdef")).top5_accuracy == 0.5


def test_softmax_survives_large_logits():
    probabilities = softmax(np.array([[1e4, 0.0], [0.0, 0.0]], "float32"))
    assert np.allclose(probabilities, [[1, 0], [0.5, 0.5]])


def test_a_certain_mistake_has_a_finite_loss():
    assert np.isfinite(report([[1.0, 0.0]], [1], ("a", "b")).loss)


def test_an_evaluation_writes_report_predictions_and_picture(digits_runs):
    run = digits_runs[0]
    result = evaluate(run)
    kept = json.loads(run.report_path("test").read_text())
    assert kept == result.to_dict()
    assert list(kept)[:7] == ["run", "model", "data", "folder", "split", "seed", "computed_on"]
    assert {"remark", "top5_accuracy", "per_class", "confusion"} < set(kept)
    assert set(kept["per_class"][0]) == {"class", "precision", "recall", "f1", "images"}
    assert run.confusion_path("test").read_bytes().startswith(b"\x89PNG")
    with np.load(run.predictions_path("test")) as file:
        logits, labels = file["logits"], file["labels"]
    assert (logits.shape, logits.dtype) == ((360, 10), np.float32)
    assert np.array_equal(labels, data.load("digits", "test").labels)
    assert result.report.accuracy == (logits.argmax(axis=1) == labels).mean()
    probabilities = predictions(run).probabilities
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert result.report.loss == pytest.approx(-np.log(probabilities[np.arange(360), labels]).mean())


@pytest.mark.every_backend
def test_the_validation_split_gives_the_figures_of_the_history(digits_runs):
    run = digits_runs[0]
    result = evaluate(run, "validation").report
    metrics = run.metrics()
    assert result.images == 144
    assert result.accuracy == pytest.approx(metrics["validation_accuracy"], abs=1e-6)
    assert result.loss == pytest.approx(metrics["validation_loss"], rel=1e-3)


def rewrite(path, **changes):
    """Change the arrays of an .npz file; None removes one."""
    with np.load(path) as file:
        arrays = {**file, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def test_predictions_are_computed_again_only_for_another_model(digits_runs, tmp_path):
    run = runs.Run(shutil.copytree(digits_runs[0].directory, tmp_path / "run"))
    first = predictions(run)
    rewrite(run.predictions_path("test"), logits=first.logits + 1)
    kept = predictions(run)
    assert np.array_equal(kept.logits, first.logits + 1)
    assert kept.computed_on == first.computed_on
    shutil.copy(digits_runs[1].model_path, run.model_path)
    assert not np.allclose(predictions(run).probabilities, first.probabilities)


def test_predictions_of_an_older_version_are_computed_again(digits_runs, tmp_path):
    run = runs.Run(shutil.copytree(digits_runs[0].directory, tmp_path / "run"))
    first = predictions(run)
    path = run.predictions_path("test")
    rewrite(path, logits=None, gpu=None, probabilities=np.zeros((360, 10), "float32"))
    assert np.array_equal(predictions(run).logits, first.logits)
    with np.load(path) as file:
        assert "logits" in file


def test_a_run_is_measured_on_its_own_training_images(digits_runs):
    run = digits_runs[0]
    training, _ = data.hold_out(data.load("digits", "train"), run.config().data.validation, 10)
    result = evaluate(run, "train").report
    assert result.images == len(training.labels) == 1293
    with np.load(run.predictions_path("train")) as file:
        assert np.array_equal(file["labels"], training.labels)


def test_a_report_says_where_it_was_computed(digits_runs):
    assert re.fullmatch(r"(tensorflow|jax), (CPU, \d+ cores?|GPU \(.+\))", evaluate(digits_runs[0]).computed_on)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            lambda: [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(3)],
            "to 3 values, not",
        ),
        (
            lambda: [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10)],
            "maps 32x32x3 to 10",
        ),
    ],
)
def test_a_model_of_other_images_or_classes_is_refused(network, message, digits_runs, tmp_path):
    run = runs.Run(shutil.copytree(digits_runs[0].directory, tmp_path / "run"))
    keras.Sequential(network()).save(run.model_path)
    with pytest.raises(UserError, match=rf"model.keras contains another network: .*{message}"):
        predictions(run)


def with_another_zip_version(content):
    version = content.index(b"PK\x01\x02") + 6  # that a reader needs, of the first entry in the archive's list
    return content[:version] + bytes([content[version] ^ 128]) + content[version + 1 :]


@pytest.mark.parametrize("damage", [lambda _: b"PK\x03\x04 cut", with_another_zip_version])
def test_damaged_predictions_are_computed_again(damage, digits_runs):
    run = digits_runs[0]
    first, path = predictions(run), run.predictions_path("test")
    path.write_bytes(damage(path.read_bytes()))
    assert np.array_equal(predictions(run).logits, first.logits)


def test_a_picture_that_cannot_be_drawn_leaves_the_report(digits_runs, tmp_path, cnnzoo):
    run = runs.Run(shutil.copytree(digits_runs[0].directory, tmp_path / "run"))
    run.confusion_path("test").unlink(missing_ok=True)
    run.confusion_path("test").mkdir()  # in the picture's place
    answer = cnnzoo("eval", "run")
    assert answer.code == 0, answer.err
    assert "accuracy" in answer.out
    assert "run/confusion-test.png cannot be written: Is a directory; the report is kept." in answer.err
    assert run.report_path("test").is_file()
