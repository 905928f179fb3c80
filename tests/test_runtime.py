"""What is settled before Keras is imported, in processes of their own: a process can be settled once."""

import json
import os
import subprocess
import sys

import pytest

from cnnzoo import runtime
from cnnzoo.errors import UserError

BACKEND = os.environ["KERAS_BACKEND"]


def ask(code, **environment):
    """Run code after ``from cnnzoo import runtime`` in a new process; return what it prints, and its standard error."""
    settled = {key: value for key, value in os.environ.items() if key not in {*runtime.THREADS, "XLA_FLAGS"}}
    settled.pop("TF_CPP_MIN_LOG_LEVEL", None)
    answer = subprocess.run(
        [sys.executable, "-c", f"from cnnzoo import runtime\n{code}"],
        env={**settled, "KERAS_BACKEND": BACKEND, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip(), answer.stderr


@pytest.mark.slow
@pytest.mark.every_backend
def test_device_and_threads_hold_from_the_first_call_on_and_nothing_is_logged():
    code = (
        "import os\nfrom cnnzoo.errors import UserError\n"
        "print(runtime.prepare(device='cpu', threads=1), '|', runtime.prepare())\n"
        "import keras\nkeras.ops.matmul(keras.ops.ones((600, 600)), keras.ops.ones((600, 600)))\n"
        "print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['OMP_NUM_THREADS'])\n"
        "try:\n    runtime.prepare(threads=2)\nexcept UserError as error:\n    print(error)"
    )
    out, err = ask(code)
    assert out.splitlines() == [
        "CPU, 1 core | CPU, 1 core",
        "-1 1",
        "runtime.threads: Keras is loaded already with 1; start a new process for 2.",
    ]
    assert err == ""


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
def test_another_backend_runs_a_saved_model_where_it_is_named_or_loaded(
    trained_on, loaded, environment, runs_on, monkeypatch
):
    monkeypatch.setenv("KERAS_BACKEND", environment)
    assert runtime.backend_for_saved_model(trained_on, loaded) == runs_on


@pytest.mark.every_backend
def test_another_backend_than_the_loaded_one_is_refused():
    import keras

    other = "jax" if keras.backend.backend() == "tensorflow" else "tensorflow"
    with pytest.raises(UserError, match=rf"Keras runs on {BACKEND} already, and {other} was asked for"):
        runtime.prepare(other)


def test_a_gpu_that_this_process_hides_is_said_to_be_hidden():
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"  # as all tests have it
    with pytest.raises(UserError, match="CUDA_VISIBLE_DEVICES=-1 hides all of them"):
        runtime.prepare(device="gpu")


def test_a_gpu_in_use_is_named_and_is_not_taken_for_the_cpu():
    assert runtime.describe_device("auto", BACKEND, ["NVIDIA H100"]) == "GPU (NVIDIA H100)"
    with pytest.raises(UserError, match="--device cpu: Keras is loaded already and computes on a GPU"):
        runtime.describe_device("cpu", BACKEND, ["NVIDIA H100"])


def test_the_machine_and_the_versions_are_described():
    described = runtime.describe()
    assert {"python", "platform", "processor", "cnnzoo", "keras", "numpy"} <= set(described)
    assert described["processor"].endswith("cores")
    assert json.dumps(described)


@pytest.mark.every_backend
@pytest.mark.parametrize(("features", "slow"), [("fpu avx2", True), ("fpu avx512_bf16", False), (None, False)])
def test_half_precision_is_said_to_be_slow_where_it_is(features, slow, tmp_path):
    runtime.prepare()
    cpu_info = tmp_path / "cpuinfo"
    if features:
        cpu_info.write_text(f"processor : 0\nflags\t\t: {features}\n")
    assert runtime.why_slow("float32", cpu_info) is None
    half = runtime.why_slow("mixed_bfloat16", cpu_info)
    if BACKEND == "jax":
        assert half.startswith("mixed_bfloat16 is no faster than float32")
    elif slow:
        assert half.startswith("mixed_bfloat16 is many times slower than float32 here")
    else:
        assert half is None


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.every_backend)])
def test_a_training_keeps_the_precision_that_its_config_names(precision, tmp_path):
    import keras
    from trainings import trained

    from cnnzoo.saved_models import load_model

    try:
        run, metrics = trained(tmp_path / "run", "training.epochs=3", f"runtime.precision={precision}")
    finally:
        keras.config.set_dtype_policy("float32")
    c1 = load_model(run.model_path).get_layer("lenet5").get_layer("c1")
    assert metrics["validation_loss"] < 1.8
    assert c1.compute_dtype == ("bfloat16" if precision == "mixed_bfloat16" else "float32")
    assert c1.kernel.dtype == "float32"
