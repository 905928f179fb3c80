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


@pytest.mark.slow
@pytest.mark.every_backend
def test_networks_are_measured_beside_plain_keras(cnnzoo):
    words = ("--against", "keras", "--batch", "4", "--steps", "2", "--rounds", "1", "--turns", "1", "--json")
    found = json.loads(cnnzoo("bench", "lenet5", *words).out)
    ours, plain = found["measurements"]
    assert (ours["task"]["contender"], plain["task"]["contender"]) == ("ours", "keras")
    for each in (ours, plain):
        assert each["input_shape"] == [32, 32, 1]
        assert each["training_images_per_second"] > 0
        assert each["inference_images_per_second"] > 0
        assert len(each["training_seconds"]) == 2
        assert each["peak_bytes"] > 2**20
    assert found["machine"]["keras"]


@pytest.mark.slow
def test_a_table_names_the_programs_their_ratio_and_the_device(cnnzoo):
    words = ("--against", "torch", "--batch", "2", "--steps", "2", "--rounds", "1", "--turns", "1", "--device", "cpu")
    answer = cnnzoo("bench", "alphago_policy_small", *words)
    assert answer.code == 0, answer.err
    assert "alphago_policy_small, 2" in answer.out
    assert "alphago_policy_small, training: cnnzoo / plain PyTorch " in answer.out
    assert "1 turn of 1 round of 2 steps, float32." in answer.out
    assert "On torch, CPU, " in answer.out
    assert "turn 1: alphago_policy_small, plain PyTorch: " in answer.err


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
