"""Measurements of speed: what is computed from the seconds, and the command."""

import json

import pytest

from cnnzoo import bench
from cnnzoo.bench import Measurement, Result, Task


def task(contender="ours", **values):
    settings = {"backend": "tensorflow", "device": "cpu", "precision": "float32", "batch_size": 10, "steps": 5}
    return Task(network="lenet5", contender=contender, rounds=3, **settings | values)


def test_figures_are_medians_of_the_rounds_after_the_one_that_compiles():
    measured = Measurement(task(), Result(training=[9.0, 2.0, 1.0, 4.0], inference=[1.0, 0.5, 0.5, 0.4]))
    assert measured.training == pytest.approx(25)
    assert measured.step_seconds == pytest.approx(0.4)
    assert measured.compile_seconds == pytest.approx(7)
    assert measured.inference == pytest.approx(100)
    assert json.loads(json.dumps(measured.to_dict()))["training_images_per_second"] == pytest.approx(25)


def test_ratios_are_taken_within_a_turn():
    assert bench.compare([1, 8, 6], [2, 4, 2]) == (2, 0.5, 3)


def test_measurements_are_grouped_by_task_in_the_order_of_the_turns():
    every = [Measurement(task(name), Result(peak_bytes=turn)) for turn in (1, 2) for name in ("ours", "keras")]
    groups = [(one.contender, [each.result.peak_bytes for each in found]) for one, found in bench.group(every)]
    assert groups == [("ours", [1, 2]), ("keras", [1, 2])]


WORDS = ("--batch", "2", "--steps", "2", "--rounds", "1", "--turns", "1", "--device", "cpu")


@pytest.mark.slow
@pytest.mark.backend("jax")
def test_json_has_the_seconds_of_each_round(cnnzoo):
    found = json.loads(cnnzoo("bench", "alphago_policy_small", "--json", *WORDS).out)
    (measured,) = found["measurements"]
    assert measured["task"]["contender"] == "ours"
    assert measured["input_shape"] == [19, 19, 48]
    assert len(measured["training_seconds"]) == len(measured["inference_seconds"]) == 2
    assert measured["inference_images_per_second"] == pytest.approx(4 / measured["inference_seconds"][1])
    assert measured["peak_bytes"] > 2**20
    assert found["machine"]["keras"]


@pytest.mark.slow
def test_a_table_names_the_programs_their_ratios_and_the_devices(cnnzoo):
    answer = cnnzoo("bench", "lenet5", "--against", "torch", "--against", "keras", *WORDS)
    assert answer.code == 0, answer.err
    assert "lenet5, 2" in answer.out
    for program in ("plain PyTorch", "plain Keras fit"):
        assert f"lenet5, training: cnnzoo / {program} " in answer.out
        assert f"turn 1: lenet5, {program}: " in answer.err
    assert "1 turn of 1 round of 2 steps, float32." in answer.out
    assert "On tensorflow, CPU, " in answer.out
    assert "On torch, CPU, " in answer.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nothing",), "There is no network named 'nothing'."),
        (("lenet5", "--batch", "0"), "Invalid value for '--batch': 0 is not in the range x>=1."),
        (("lenet5", "--against", "mxnet"), "Invalid value for '--against': 'mxnet' is not one of 'keras', 'torch'."),
    ],
)
def test_a_mistake_is_one_sentence(words, sentence, cnnzoo):
    answer = cnnzoo("bench", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"Error: {sentence}")
