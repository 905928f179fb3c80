"""What Keras and its backends read when they are imported."""

import os
import re

import pytest

from cnnzoo.errors import UserError
from cnnzoo.runtime import environment
from cnnzoo.runtime.devices import choose_device


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"floatx": "bfloat16"}', 'floatx is "bfloat16", not float16 or float32 or float64'),
        ('{"floatx": ["float32"]}', 'floatx is ["float32"], not'),
        ('{"image_data_format": "tf"}', 'image_data_format is "tf", not channels_last or channels_first'),
        ('{"epsilon": 1}', "epsilon is 1, not a fraction"),
        ('["float32"]', "Keras's settings must be one JSON object"),
    ],
)
def test_a_value_in_keras_json_that_keras_does_not_accept_is_refused(content, sentence, monkeypatch, tmp_path):
    (tmp_path / "keras.json").write_text(content)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(UserError, match=re.escape(f"{tmp_path}/keras.json: {sentence}")):
        environment.check_keras_json()


def test_parts_of_keras_json_that_keras_ignores_are_accepted(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for content in ("", "no JSON", '{"backend": "theano", "floatx": "float16"}'):
        (tmp_path / "keras.json").write_text(content)
        environment.check_keras_json()


@pytest.mark.parametrize(
    ("backend", "value", "threads"),
    [("tensorflow", "1", "1 core"), ("torch", "4,2", "4 cores"), ("jax", "3", "3 cores"), ("jax", "abc", None)],
)
def test_the_number_of_threads_comes_from_the_variable_of_the_backend(backend, value, threads, monkeypatch):
    variable = environment.THREADS[backend]
    monkeypatch.setenv(variable, value)
    if threads:
        assert str(choose_device("auto", backend, [])) == f"CPU, {threads}"
    else:
        with pytest.raises(UserError, match=f"{variable} is 'abc', not a number of threads"):
            choose_device("auto", backend, [])


def test_flags_of_xla_may_be_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "flags").write_text("--xla_dump_to=/tmp\n")
    monkeypatch.setenv("XLA_FLAGS", str(tmp_path / "flags"))
    environment.XlaFlags().set("cpu", deterministic=True)
    assert os.environ["XLA_FLAGS"].startswith("--xla_dump_to=/tmp --xla_cpu_experimental_ynn_fusion_type=")
    monkeypatch.setenv("XLA_FLAGS", "xla_dump_to=/tmp")
    with pytest.raises(UserError, match="XLA_FLAGS is 'xla_dump_to=/tmp', neither flags"):
        environment.XlaFlags().set("cpu", deterministic=True)


@pytest.mark.slow
@pytest.mark.parametrize("flags", ["--xla_nonsense=1", "--xla_cpu_enable_fast_math=many"])
def test_a_flag_that_xla_does_not_accept_is_refused(flags, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", flags)
    with pytest.raises(UserError, match=f"^XLA_FLAGS is '{flags}', which XLA does not accept; correct the variable"):
        environment.check_xla_flags()
