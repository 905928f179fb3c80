"""What is settled before Keras is imported, in processes of their own: a process can be settled once."""

import json
import os
import subprocess
import sys

import pytest

from cnnzoo import runtime
from cnnzoo.errors import UserError
from cnnzoo.runtime.environment import THREADS

BACKEND = os.environ["KERAS_BACKEND"]


def ask(code, **environment):
    """Run code after ``from cnnzoo import runtime`` in a new process; return what it prints, and its standard error."""
    settled = {key: value for key, value in os.environ.items() if key not in {*THREADS.values(), "XLA_FLAGS"}}
    settled.pop("TF_CPP_MIN_LOG_LEVEL", None)
    answer = subprocess.run(
        [sys.executable, "-c", f"from cnnzoo import runtime\n{code}"],
        env={name: value for name, value in ({**settled, "KERAS_BACKEND": BACKEND} | environment).items() if value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip(), answer.stderr


@pytest.mark.slow
@pytest.mark.every_backend
def test_device_and_threads_are_set_without_logs_in_spite_of_keras_json(tmp_path):
    (tmp_path / "keras.json").write_text(
        '{"floatx": "float16", "epsilon": 1e-3, "image_data_format": "channels_first"}'
    )
    code = (
        "import os\nfrom cnnzoo.errors import UserError\n"
        "print(runtime.prepare(device='cpu', threads=1), '|', runtime.prepare())\n"
        "from keras import config\nprint(config.floatx(), config.epsilon(), config.image_data_format())\n"
        "import keras\nkeras.ops.matmul(keras.ops.ones((600, 600)), keras.ops.ones((600, 600)))\n"
        "print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['OMP_NUM_THREADS'])\n"
        "try:\n    runtime.prepare(threads=2)\nexcept UserError as error:\n    print(error)"
    )
    out, err = ask(code, KERAS_HOME=str(tmp_path), KERAS_MAX_EPOCHS="nonsense", KERAS_NNX_ENABLED="true")
    assert out.splitlines() == [
        "CPU, 1 core | CPU, 1 core",
        "float32 1e-07 channels_last",
        "-1 1",
        "runtime.threads: Keras is loaded already with 1; start a new process for 2.",
    ]
    assert err == ""


def test_settings_of_a_program_in_keras_do_not_change_a_training():
    from keras import config

    config.set_max_steps_per_epoch(1)
    config.set_epsilon(1e-3)
    runtime.prepare()
    assert (config.max_steps_per_epoch(), config.epsilon()) == (None, 1e-7)


@pytest.mark.slow
@pytest.mark.backend("jax")
def test_a_platform_that_jax_does_not_have_is_refused():
    code = (
        "from cnnzoo.errors import UserError\ntry:\n    runtime.prepare()\nexcept UserError as error:\n    print(error)"
    )
    out, _ = ask(code, JAX_PLATFORMS="nonsense")
    assert "JAX_PLATFORMS=nonsense" in out
    assert "Unable to initialize backend 'nonsense'" in out
    assert out.endswith("Correct or unset these variables.")


@pytest.mark.slow
@pytest.mark.backend("jax")
def test_flags_and_cache_are_set_in_a_program_that_has_loaded_keras_but_not_computed_yet(tmp_path):
    code = (
        "import jax, keras, os\nruntime.prepare()\n"
        "print(runtime.environment.NO_FUSION_FLAG in os.environ['XLA_FLAGS'])\n"
        "print(jax.config.jax_compilation_cache_dir)"
    )
    cache = {"JAX_COMPILATION_CACHE_DIR": None, "XDG_CACHE_HOME": str(tmp_path)}
    out, err = ask(code, **cache)
    flags, folder = out.splitlines()
    assert flags == "True"
    assert folder.startswith(str(tmp_path))
    assert err == ""


@pytest.mark.slow
@pytest.mark.backend("jax")
def test_a_program_that_has_used_jax_without_the_flag_for_correct_results_is_warned():
    code = "import jax, os\njax.devices()\nruntime.prepare()\nprint('XLA_FLAGS' in os.environ)"
    out, err = ask(code)
    assert out == "False"  # a flag that has no effect is not recorded
    assert "UserWarning: JAX was used before cnnzoo in this process" in err


@pytest.mark.full
@pytest.mark.backend("tensorflow")
def test_a_saved_model_runs_on_the_backend_that_it_was_trained_on():
    out, _ = ask("print(runtime.prepare_for_saved_model('jax'))", KERAS_BACKEND="")
    assert out.startswith("jax, CPU")


@pytest.mark.parametrize(
    ("trained_on", "loaded", "environment", "runs_on"),
    [
        ("jax", None, "", "jax"),
        ("tensorflow", None, "", "tensorflow"),
        ("tensorflow", None, "jax", "jax"),
        ("cupy", None, "", "tensorflow"),
        (None, None, "", "tensorflow"),
        ("jax", "tensorflow", "jax", "tensorflow"),
    ],
)
def test_a_saved_model_runs_on_the_loaded_backend_or_that_of_the_environment(
    trained_on, loaded, environment, runs_on, monkeypatch
):
    monkeypatch.setenv("KERAS_BACKEND", environment)
    assert runtime.backend_for_saved_model(trained_on, loaded) == runs_on


@pytest.mark.every_backend
def test_another_backend_than_the_loaded_one_is_refused():
    import keras

    other = "jax" if keras.backend.backend() == "tensorflow" else "tensorflow"
    with pytest.raises(UserError, match=rf"runtime\.backend: Keras is loaded already with {BACKEND}; .* for {other}"):
        runtime.prepare(other)


def test_the_machine_and_the_versions_are_described():
    described = runtime.describe()
    assert {"python", "platform", "processor", "cnnzoo", "keras", "numpy"} <= set(described)
    assert described["processor"].endswith("cores")
    assert json.dumps(described)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.every_backend)])
def test_a_training_computes_in_the_precision_of_its_config(precision, tmp_path):
    import keras
    from trainings import trained

    from cnnzoo.classifier.model_file import load_model

    try:
        run, metrics = trained(tmp_path / "run", "training.epochs=3", f"runtime.precision={precision}")
    finally:
        keras.config.set_dtype_policy("float32")
    c1 = load_model(run.model_path).get_layer("lenet5").get_layer("c1")
    assert metrics["validation_loss"] < 1.8
    assert c1.compute_dtype == ("bfloat16" if precision == "mixed_bfloat16" else "float32")
    assert c1.kernel.dtype == "float32"
