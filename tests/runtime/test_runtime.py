"""What is settled before Keras is imported, in processes of their own: a process can be settled once."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from cnnzoo import runtime
from cnnzoo.errors import UserError

BACKEND = os.environ["KERAS_BACKEND"]


def ask(code, **environment):
    """Run code after ``from cnnzoo import runtime`` in a new process; return what it prints, and its standard error."""
    settled = {key: value for key, value in os.environ.items() if key not in {*runtime.THREADS.values(), "XLA_FLAGS"}}
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
def test_device_and_threads_hold_from_the_first_call_on_whatever_keras_json_says_and_nothing_is_logged(tmp_path):
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


def test_what_a_program_has_set_in_keras_does_not_change_a_training():
    from keras import config

    config.set_max_steps_per_epoch(1)
    config.set_epsilon(1e-3)
    runtime.prepare()
    assert (config.max_steps_per_epoch(), config.epsilon()) == (None, 1e-7)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"floatx": "bfloat16"}', 'floatx is "bfloat16", not float16 or float32 or float64'),
        ('{"floatx": ["float32"]}', 'floatx is ["float32"], not'),
        ('{"image_data_format": "tf"}', 'image_data_format is "tf", not channels_last or channels_first'),
        ('{"epsilon": 1}', "epsilon is 1, not a fraction"),
        ('["float32"]', "Keras's settings are one JSON object"),
    ],
)
def test_what_keras_cannot_take_in_keras_json_is_named(content, sentence, monkeypatch, tmp_path):
    (tmp_path / "keras.json").write_text(content)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(UserError, match=re.escape(f"{tmp_path}/keras.json: {sentence}")):
        runtime.check_keras_json()


def test_what_keras_leaves_aside_in_keras_json_is_no_mistake(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for content in ("", "no JSON", '{"backend": "theano", "floatx": "float16"}'):
        (tmp_path / "keras.json").write_text(content)
        runtime.check_keras_json()


@pytest.mark.parametrize(
    ("backend", "value", "threads"),
    [("tensorflow", "1", "1 core"), ("torch", "4,2", "4 cores"), ("jax", "3", "3 cores"), ("jax", "abc", None)],
)
def test_threads_are_those_that_the_backend_s_variable_names(backend, value, threads, monkeypatch):
    variable = runtime.THREADS[backend]
    monkeypatch.setenv(variable, value)
    if threads:
        assert runtime.describe_device("auto", backend, []) == f"CPU, {threads}"
    else:
        with pytest.raises(UserError, match=f"{variable} is 'abc', not a number of threads"):
            runtime.describe_device("auto", backend, [])


@pytest.mark.parametrize("ending", ["os.abort()", "pass"])
def test_what_a_library_writes_before_it_ends_the_process_is_shown(ending):
    code = (
        "import os\nfrom cnnzoo.runtime import native_logs\n"
        "with native_logs.muted('It died:'):\n"
        "    os.write(2, b'I0000 a note\\nF0000 Unknown flag in XLA_FLAGS\\n')\n"
        f"    {ending}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if ending == "pass":
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert (done.returncode, done.stderr) == (-signal.SIGABRT, "It died:\nF0000 Unknown flag in XLA_FLAGS\n")


def test_flags_of_xla_may_stand_in_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # for ``monkeypatch`` to restore
    (tmp_path / "flags").write_text("--xla_dump_to=/tmp\n")
    monkeypatch.setenv("XLA_FLAGS", str(tmp_path / "flags"))
    runtime.settle("jax")
    assert os.environ["XLA_FLAGS"] == "--xla_dump_to=/tmp --xla_cpu_experimental_ynn_fusion_type="
    monkeypatch.setenv("XLA_FLAGS", "xla_dump_to=/tmp")
    with pytest.raises(UserError, match="XLA_FLAGS is 'xla_dump_to=/tmp', neither flags"):
        runtime.settle("jax")


@pytest.mark.slow
@pytest.mark.parametrize("flags", ["--xla_nonsense=1", "--xla_cpu_enable_fast_math=many"])
def test_a_flag_that_xla_does_not_accept_is_a_sentence(flags, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", flags)
    with pytest.raises(UserError, match=f"^XLA_FLAGS is '{flags}', which XLA does not accept; correct the variable"):
        runtime.check_xla_flags()


@pytest.mark.slow
@pytest.mark.backend("jax")
def test_a_platform_that_jax_does_not_have_is_a_sentence():
    code = (
        "from cnnzoo.errors import UserError\ntry:\n    runtime.prepare()\nexcept UserError as error:\n    print(error)"
    )
    out, _ = ask(code, JAX_PLATFORMS="nonsense")
    assert "JAX_PLATFORMS=nonsense" in out
    assert "Unable to initialize backend 'nonsense'" in out
    assert out.endswith("Correct or unset that.")


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

    from cnnzoo.classifier.model_file import load_model

    try:
        run, metrics = trained(tmp_path / "run", "training.epochs=3", f"runtime.precision={precision}")
    finally:
        keras.config.set_dtype_policy("float32")
    c1 = load_model(run.model_path).get_layer("lenet5").get_layer("c1")
    assert metrics["validation_loss"] < 1.8
    assert c1.compute_dtype == ("bfloat16" if precision == "mixed_bfloat16" else "float32")
    assert c1.kernel.dtype == "float32"
