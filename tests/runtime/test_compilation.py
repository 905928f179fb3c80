"""JAX's cache of compiled programs."""

import os
import subprocess
import sys

import pytest

from cnnzoo.runtime import compilation
from cnnzoo.runtime.compilation import Compilation, choose_settings

VARIABLES = (*compilation.VARIABLES, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS")


@pytest.fixture
def variables(monkeypatch, tmp_path):
    """An environment without variables of the cache."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return monkeypatch


def test_programs_are_kept_in_the_users_cache_up_to_a_limit(variables, tmp_path):
    settings = choose_settings(True, None)
    (folder,) = (tmp_path / "cnnzoo" / "jax").iterdir()
    assert settings["jax_compilation_cache_dir"] == str(folder)
    assert settings["jax_compilation_cache_max_size"] == 2 * 2**30


@pytest.mark.parametrize("name", compilation.VARIABLES)
def test_the_decision_of_a_person_is_kept(name, variables, tmp_path):
    variables.setenv(name, "-1")
    assert choose_settings(True, None) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_program_is_kept(variables):
    assert choose_settings(True, "/own") == {}


def test_the_cache_can_be_turned_off(variables, tmp_path):
    assert choose_settings(False, None) == {"jax_enable_compilation_cache": False}
    assert list(tmp_path.iterdir()) == []


def test_a_program_of_which_only_a_part_was_written_is_removed(variables, tmp_path):
    choose_settings(True, None)
    folder = next((tmp_path / "cnnzoo" / "jax").iterdir())
    for name in ("whole-cache", "whole-atime", "part-cache"):
        (folder / name).write_bytes(b"content")
    choose_settings(True, None)
    assert {path.name for path in folder.iterdir()} == {".lockfile", "whole-cache", "whole-atime"}


def test_without_a_folder_to_write_to_nothing_is_kept(variables, tmp_path):
    (tmp_path / "cnnzoo").write_text("a file where the folder should be")
    assert choose_settings(True, None) == {}


@pytest.mark.parametrize(
    ("seconds", "saved", "sentence"),
    [
        (0.4, 0.0, None),
        (16.2, 0.0, "Compiled in 16 s."),
        (16.2, 1.0, "Compiled in 16 s."),
        (0.35, 15.6, "Compiled earlier: loaded in 0.3 s, 16 s saved."),
    ],
)
def test_what_compiling_took_is_a_sentence(seconds, saved, sentence):
    assert Compilation(seconds, saved).describe() == sentence


@pytest.mark.slow
@pytest.mark.backend("jax")
def test_a_second_process_loads_what_the_first_has_compiled(tmp_path):
    code = (
        "from cnnzoo.runtime import compilation\ncompilation.set_cache(True)\ncompilation.watch_jax()\nimport jax\n"
        "def f(x):\n    for i in range(200):\n        x = jax.numpy.sin(x @ x) + i\n    return x\n"
        "print(float(jax.jit(f)(jax.numpy.eye(3)).sum()))\n"
        "print(compilation.COMPILATION.seconds > 0, compilation.COMPILATION.saved > 0)"
    )
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    answers = [
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    (first, first_flags), (second, second_flags) = (answer.splitlines() for answer in answers)
    assert first == second
    assert (first_flags, second_flags) == ("True False", "True True")
