import json
import re
import shutil

import keras
import numpy as np
import pytest

from cnnzoo import data, evaluation, runs
from cnnzoo.classifier import softmax
from cnnzoo.errors import UserError
from cnnzoo.evaluation import Predictions, evaluate, report


def made(probabilities, labels):
    return Predictions(np.array(probabilities, "float32"), np.array(labels, "int32"))


def test_a_report_counts_what_a_person_would_count():
    predictions = made([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]], [0, 0, 1, 1])
    result = report(predictions, ("a", "b", "c"))
    assert (result["images"], result["correct"], result["accuracy"], result["error"]) == (4, 2, 0.5, 0.5)
    assert result["loss"] == pytest.approx(-np.log([0.7, 0.4, 0.8, 0.3]).mean(), rel=1e-6)
    assert result["confusion"] == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]
    a, b, c = result["per_class"]
    assert (a["precision"], a["recall"], a["f1"], a["images"]) == (1.0, 0.5, pytest.approx(2 / 3), 2)
    assert (b["precision"], b["recall"], b["f1"], b["images"]) == (0.5, 0.5, 0.5, 2)
    assert (c["class"], c["precision"], c["recall"], c["f1"], c["images"]) == ("c", 0.0, None, None, 0)


def test_softmax_survives_large_logits():
    probabilities = softmax(np.array([[1e4, 0.0], [0.0, 0.0]], "float32"))
    assert np.allclose(probabilities, [[1, 0], [0.5, 0.5]])


def test_a_certain_mistake_has_a_finite_loss():
    assert np.isfinite(report(made([[1.0, 0.0]], [1]), ("a", "b"))["loss"])


def test_an_evaluation_writes_report_predictions_and_picture(digits_runs):
    run = digits_runs[0]
    result = evaluate(run)
    assert json.loads(run.report_path("test").read_text()) == result
    assert run.confusion_path("test").read_bytes().startswith(b"\x89PNG")
    with np.load(run.predictions_path("test")) as file:
        probabilities, labels = file["probabilities"], file["labels"]
    assert probabilities.shape == (360, 10)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(labels, data.load("digits", "test").labels)
    assert result["accuracy"] == (probabilities.argmax(axis=1) == labels).mean()


@pytest.mark.every_backend
def test_the_validation_split_gives_the_histories_figures(digits_runs):
    run = digits_runs[0]
    result = evaluate(run, "validation")
    metrics = run.metrics()
    assert result["images"] == 144
    assert result["accuracy"] == pytest.approx(metrics["validation_accuracy"], abs=1e-6)
    assert result["loss"] == pytest.approx(metrics["validation_loss"], rel=1e-3)


def test_predictions_are_not_computed_twice_but_anew_for_another_model(digits_runs, monkeypatch):
    run = digits_runs[0]
    first = evaluation.predict(run)
    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "load_classifier", None)
        assert np.array_equal(evaluation.predict(run).probabilities, first.probabilities)
    with pytest.raises(UserError, match="device gpu: no GPU is visible"):  # those of a processor do not serve there
        evaluation.predict(run, device="gpu")
    kept = run.model_path.read_bytes()
    try:
        run.model_path.write_bytes(digits_runs[1].model_path.read_bytes())
        assert not np.array_equal(evaluation.predict(run).probabilities, first.probabilities)
    finally:
        run.model_path.write_bytes(kept)


def test_a_run_is_measured_on_its_own_training_images(digits_runs):
    run = digits_runs[0]
    training, _ = data.hold_out(data.load("digits", "train"), run.config().data.validation, 10)
    result = evaluate(run, "train")
    assert result["images"] == len(training.labels) == 1293
    with np.load(run.predictions_path("train")) as file:
        assert np.array_equal(file["labels"], training.labels)


def test_a_report_says_where_it_was_computed(digits_runs):
    assert re.fullmatch(r"(tensorflow|jax), (CPU, \d+ cores?|GPU \(.+\))", evaluate(digits_runs[0])["computed_on"])


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(3)], "to 3 values, not from"),
        (lambda: [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10)], "goes from 32x32x3 to 10"),
    ],
)
def test_a_model_of_other_images_or_classes_is_refused(network, message, digits_runs, tmp_path):
    run = runs.Run(shutil.copytree(digits_runs[0].directory, tmp_path / "run"))
    keras.Sequential(network()).save(run.model_path)
    with pytest.raises(UserError, match=rf"model.keras is another network's: .*{message}"):
        evaluation.predict(run)


def test_damaged_predictions_are_computed_anew(digits_runs):
    run = digits_runs[0]
    first = evaluation.predict(run)
    run.predictions_path("test").write_bytes(b"PK\x03\x04 cut")
    assert np.array_equal(evaluation.predict(run).probabilities, first.probabilities)
