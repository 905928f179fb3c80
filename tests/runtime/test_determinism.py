"""Repeatable results: what is set for them, and the check that it works."""

import os

import numpy as np
import pytest

from cnnzoo.errors import UserError
from cnnzoo.runtime import determinism, environment

FLAG = "--xla_gpu_deterministic_ops=true"


@pytest.mark.every_backend
def test_the_check_passes_where_scatters_and_gradients_are_right():
    determinism.check(os.environ["KERAS_BACKEND"])


def test_a_wrong_scatter_and_a_gradient_that_is_wrong_or_changes_are_found():
    def put_too_far(places, values):
        vector = np.zeros(determinism.LENGTH, "float32")
        vector[(places + 1) % determinism.LENGTH] = values
        return vector

    noise = np.random.default_rng(0)
    right = determinism._expected_pooling_gradient
    for named, message in [
        ({"scatter": put_too_far}, "puts values into wrong places"),
        ({"gradient": np.zeros_like}, "computes a wrong gradient of max-pooling"),
        ({"gradient": lambda images: right(images) + noise.uniform(0, 1e-6)}, "changes from call to call"),
    ]:
        with pytest.raises(UserError, match=message):
            determinism.check("jax", **named)


@pytest.mark.parametrize(
    ("flags", "device", "deterministic", "expected"),
    [
        ("", "auto", True, f" {FLAG}"),
        ("--xla_dump_to=/tmp", "gpu", True, f" {FLAG}"),
        ("--xla_gpu_autotune_level=0", "auto", True, f" {FLAG}"),
        ("--xla_gpu_deterministic_ops=false", "auto", True, ""),
        ("", "auto", False, ""),
        ("", "cpu", True, ""),
    ],
)
def test_xla_is_told_to_be_repeatable_unless_a_person_has_decided(flags, device, deterministic, expected, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", flags)
    environment.XlaFlags().set(device, deterministic=deterministic)
    assert os.environ["XLA_FLAGS"] == f"{flags} {environment.NO_FUSION_FLAG}".strip() + expected


@pytest.mark.slow
@pytest.mark.backend("jax")
def test_the_installed_xla_knows_the_flag(monkeypatch):
    """An unknown one would end the process."""
    monkeypatch.setenv("XLA_FLAGS", "")
    assert environment.can_start_jax(FLAG)
    assert not environment.can_start_jax("--xla_gpu_no_such_flag=true")


@pytest.mark.parametrize(
    ("flags", "repeatable"),
    [
        (FLAG, True),
        ("--xla_gpu_exclude_nondeterministic_ops", False),
        ("--xla_gpu_exclude_nondeterministic_ops=true --xla_gpu_autotune_level=0", True),
        ("--xla_gpu_deterministic_ops=false", False),
        ("--xla_gpu_autotune_level=0", False),
        ("", False),
    ],
)
def test_a_gpu_is_repeatable_if_operations_and_the_choice_of_algorithms_are(flags, repeatable, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", flags)
    assert determinism.is_repeatable("jax", "gpu") == repeatable
    assert determinism.is_repeatable("jax", "cpu")
