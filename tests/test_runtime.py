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


def test_threads_and_device_hold_and_nothing_is_logged():
    code = (
        "import os\nprint(runtime.prepare(device='cpu', threads=1))\n"
        "import keras\nkeras.ops.matmul(keras.ops.ones((600, 600)), keras.ops.ones((600, 600)))\n"
        "print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['OMP_NUM_THREADS'])"
    )
    out, err = ask(code)
    assert out.splitlines()[:2] == ["CPU, 1 core", "-1 1"]
    assert err == ""


def test_what_was_settled_first_is_not_said_to_be_otherwise():
    code = (
        "from cnnzoo.errors import UserError\nprint(runtime.prepare(threads=1), '|', runtime.prepare())\n"
        "try:\n    runtime.prepare(threads=2)\nexcept UserError as error:\n    print(error)"
    )
    first, second = ask(code)[0].splitlines()
    assert first == "CPU, 1 core | CPU, 1 core"
    assert second == "runtime.threads: Keras is loaded already with 1; start a new process for 2."


@pytest.mark.backend("tensorflow")
@pytest.mark.parametrize(
    ("trained_on", "environment", "runs_on"),
    [("jax", "", "jax"), ("tensorflow", "", "tensorflow"), ("tensorflow", "jax", "jax"), ("cupy", "", "tensorflow")],
)
def test_a_saved_model_runs_where_it_was_trained_unless_another_backend_is_named(trained_on, environment, runs_on):
    out, _ = ask(f"print(runtime.prepare_for_saved_model({trained_on!r}))", KERAS_BACKEND=environment)
    assert out.startswith(f"{runs_on}, ")


def test_another_backend_than_the_loaded_one_is_refused():
    import keras

    other = "jax" if keras.backend.backend() == "tensorflow" else "tensorflow"
    with pytest.raises(UserError, match=rf"Keras runs on {BACKEND} already, and {other} was asked for"):
        runtime.prepare(other)


def test_a_gpu_that_this_process_hides_is_said_to_be_hidden(monkeypatch):
    monkeypatch.setattr(runtime, "_gpus", lambda backend: [])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(UserError, match="CUDA_VISIBLE_DEVICES=-1 hides all of them"):
        runtime.prepare(device="gpu")


def test_a_gpu_in_use_is_named_and_is_not_taken_for_the_cpu(monkeypatch):
    monkeypatch.setattr(runtime, "_gpus", lambda backend: ["NVIDIA H100"])
    assert runtime.prepare() == "GPU (NVIDIA H100)"
    with pytest.raises(UserError, match="--device cpu: Keras is loaded already and computes on a GPU"):
        runtime.prepare(device="cpu")


def test_the_machine_and_the_versions_are_described():
    described = runtime.describe()
    assert {"python", "platform", "processor", "cnnzoo", "keras", "numpy"} <= set(described)
    assert described["processor"].endswith("cores")
    assert json.dumps(described)


@pytest.mark.parametrize(("features", "slow"), [("fpu avx2", True), ("fpu avx512_bf16", False), (None, False)])
def test_half_precision_is_said_to_be_slow_where_it_is(features, slow, tmp_path, monkeypatch):
    runtime.prepare()
    monkeypatch.setattr(runtime, "_gpus", lambda backend: [])
    monkeypatch.setattr(runtime, "CPU_INFO", tmp_path / "cpuinfo")
    if features:
        runtime.CPU_INFO.write_text(f"processor : 0\nflags\t\t: {features}\n")
    assert runtime.why_slow("float32") is None
    half = runtime.why_slow("mixed_bfloat16")
    if BACKEND == "jax":
        assert half.startswith("mixed_bfloat16 is no faster than float32")
    elif slow:
        assert half.startswith("mixed_bfloat16 is many times slower than float32 here")
    else:
        assert half is None


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_training_keeps_the_precision_that_its_config_names(precision, tmp_path, monkeypatch):
    code = (
        "import pathlib, numpy\nfrom cnnzoo import config, training\n"
        "settings = ['training.epochs=3', 'training.batch_size=128', 'augmentation.rotation=0', "
        f"'runtime.precision={precision}']\n"
        "run, metrics = training.train(config.load('digits', settings), directory=pathlib.Path('run'))\n"
        "from cnnzoo.saved_models import load_model\nmodel = load_model(run.model_path)\n"
        "print(metrics['validation_loss'], model.get_layer('lenet5').get_layer('c1').compute_dtype, "
        "model.get_layer('lenet5').get_layer('c1').kernel.dtype)"
    )
    monkeypatch.chdir(tmp_path)
    loss, computed, kept = ask(code)[0].split()
    assert float(loss) < 1.8
    assert computed == ("bfloat16" if precision == "mixed_bfloat16" else "float32")
    assert "float32" in kept
