"""Backend, device, threads, precision and seeds: decided before Keras is imported.

Only this module knows that backends differ in how they are told such things.
"""

import importlib
import importlib.util
import json
import logging
import os
import platform
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from cnnzoo.errors import UserError, did_you_mean
from cnnzoo.runtime import native_logs

Backend = Literal["tensorflow", "jax", "torch"]
DeviceChoice = Literal["auto", "cpu", "gpu"]
Precision = Literal["float32", "mixed_bfloat16"]

BACKENDS: tuple[Backend, ...] = ("tensorflow", "jax", "torch")
DEFAULT_BACKEND: Backend = "tensorflow"

# The variable in which each backend looks for its number of threads.
THREADS: dict[str, str] = {"tensorflow": "TF_NUM_INTRAOP_THREADS", "torch": "OMP_NUM_THREADS", "jax": "NPROC"}

# The words that Keras accepts in its settings file; another one ends its import with a traceback.
KERAS_JSON = {
    "floatx": ("float16", "float32", "float64"),
    "image_data_format": ("channels_last", "channels_first"),
}

# jaxlib 0.10.2 may miscompute on the CPU with this fusion on (jax#39103).
XLA_FLAG = "--xla_cpu_experimental_ynn_fusion_type="

CPU_INFO = Path("/proc/cpuinfo")
# Of Intel and AMD, of Intel's matrix unit, and of ARM.
BFLOAT16_FEATURES = {"avx512_bf16", "amx_bf16", "bf16"}


def resolve_backend(wanted: str | None = None) -> str:
    """Return the backend that will run: the wanted one, else KERAS_BACKEND, else TensorFlow.

    Raises:
        UserError: There is no such backend.
    """
    backend = wanted or os.environ.get("KERAS_BACKEND") or DEFAULT_BACKEND
    if backend not in BACKENDS:
        where = "runtime.backend" if wanted else "KERAS_BACKEND"
        raise UserError(f"{where}: there is no backend '{backend}'.{did_you_mean(backend, BACKENDS)}")
    return backend


def prepare(
    backend: str | None = None,
    device: DeviceChoice = "auto",
    threads: int | None = None,
    precision: Precision = "float32",
) -> str:
    """Choose backend and device, import Keras, and make sure that the choice holds.

    Numbers do not depend on what ``keras.json`` and KERAS_MAX_EPOCHS of another project say: Keras's default number
    type, epsilon and order of dimensions are set here, and its limits of epochs and steps are lifted.

    Args:
        backend: "tensorflow", "jax" or "torch"; None for KERAS_BACKEND, else TensorFlow.
        device: "gpu" insists on one, "cpu" hides any, "auto" takes a GPU when there is one.
        threads: Processor threads for one operation; None for all.
        precision: "float32", or "mixed_bfloat16" for bfloat16 arithmetic on float32 weights.

    Returns:
        The device in words, such as "CPU, 2 cores" or "GPU (NVIDIA H100)".

    Raises:
        UserError: The backend is not installed, Keras is loaded already and otherwise than asked for, a GPU was
            asked for and there is none, or a variable or ``keras.json`` holds what Keras or the backend cannot take.
    """
    name = resolve_backend(backend)
    check_installed(name)
    _threads(name)
    if keras_backend() not in (None, name):
        raise UserError(f"Keras runs on {keras_backend()} already, and {name} was asked for; start a new process.")
    loaded = keras_backend() is not None
    if loaded and threads not in (None, _threads(name)):
        raise UserError(
            f"runtime.threads: Keras is loaded already with {_threads(name)}; start a new process for {threads}."
        )
    if not loaded:
        settle(name, device, threads)
        check_keras_json()
        if name == "jax":
            check_xla_flags()
    gpus = _load(name)
    import keras  # noqa: PLC0415 - its backend is fixed by its import

    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_max_epochs(None)  # which a program may have set that loaded Keras before
    keras.config.set_max_steps_per_epoch(None)
    keras.config.set_dtype_policy(precision)
    return describe_device(device, name, gpus)


@cache
def _load(backend: str) -> list[str]:
    """Import Keras and its backend, and return the names of the GPUs that the backend sees."""
    with native_logs.muted(f"The process died while it loaded Keras on {backend}. Its libraries wrote before:"):
        if backend == "jax":
            _check_jax()
        importlib.import_module("keras")
        gpus = _gpus(backend)
        if backend != DEFAULT_BACKEND and importlib.util.find_spec(DEFAULT_BACKEND):
            importlib.import_module(DEFAULT_BACKEND)  # Keras does so later on any backend, and not in silence
    return gpus


def check_keras_json() -> None:
    """Check that Keras can read its settings file; a file that is not JSON it leaves aside.

    Raises:
        UserError: It cannot.
    """
    home = Path("~").expanduser() if os.access(os.path.expanduser("~"), os.W_OK) else Path("/tmp")  # noqa: PTH111, S108
    path = Path(os.environ.get("KERAS_HOME") or home / ".keras") / "keras.json"
    try:
        if not os.path.exists(path):  # noqa: PTH110 - pathlib's raises where a folder may not be entered
            return
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: Keras cannot read its settings there: {error.strerror}; remove it.") from None
    except ValueError:
        return
    if not isinstance(settings, dict):
        raise UserError(f"{path}: Keras's settings are one JSON object in braces; correct the file or remove it.")
    for key, words in KERAS_JSON.items():
        if key in settings and settings[key] not in words:
            raise UserError(f"{path}: {key} is {json.dumps(settings[key])}, not {' or '.join(words)}; correct it.")
    if not isinstance(settings.get("epsilon", 1e-7), float):
        raise UserError(f"{path}: epsilon is {json.dumps(settings['epsilon'])}, not a fraction like 1e-7; correct it.")


def check_xla_flags() -> None:
    """Check in another process that XLA accepts the flags in XLA_FLAGS, because a wrong one ends the process.

    Raises:
        UserError: It does not accept them.
    """
    flags = os.environ.get("XLA_FLAGS", "").replace(XLA_FLAG, "").strip()
    if not flags:
        return
    done = subprocess.run(
        [sys.executable, "-c", "import jax; jax.devices()"],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode and re.search(r"Unknown flags? in XLA_FLAGS|Flag parsing failed", done.stderr):
        raise UserError(f"XLA_FLAGS is '{flags}', which XLA does not accept; correct the variable or unset it.")


def check_installed(backend: str) -> None:
    """Check that a backend is installed, without loading it.

    Raises:
        UserError: It is not.
    """
    if importlib.util.find_spec(backend) is None:
        raise UserError(f"The backend '{backend}' is not installed; install it with: pip install {backend}")


def describe_device(device: DeviceChoice, backend: str, gpus: Sequence[str]) -> str:
    """Describe the device that a loaded backend computes on.

    Args:
        device: The device that was asked for.
        backend: The loaded backend.
        gpus: Names of the GPUs that the backend sees.

    Returns:
        The device in words, such as "CPU, 2 cores" or "GPU (NVIDIA H100)".

    Raises:
        UserError: It is not the device that was asked for.
    """
    if device == "gpu" and not gpus:
        raise UserError(f"device gpu: no GPU is visible to {backend}; {_what_is_missing(backend)}")
    if device == "cpu" and gpus:
        raise UserError("--device cpu: Keras is loaded already and computes on a GPU; start a new process.")
    if gpus:
        return f"GPU ({gpus[0]})"
    threads = _threads(backend)
    return f"CPU, {threads} {'core' if threads == 1 else 'cores'}"


def prepare_for_saved_model(backend: str | None, device: DeviceChoice = "auto", threads: int | None = None) -> str:
    """Have Keras ready to run a saved model, which any backend can.

    Args:
        backend: The one that the model was trained on.
        device: See ``prepare``.
        threads: See ``prepare``; where Keras is loaded, those that it has.

    Returns:
        Backend and device in words.

    Raises:
        UserError: See ``prepare``.
    """
    name = backend_for_saved_model(backend, keras_backend())
    return f"{name}, {prepare(name, device, None if keras_backend() else threads)}"


def backend_for_saved_model(trained_on: str | None, loaded: str | None) -> str:
    """Return the backend that runs a saved model.

    The first of these decides: the backend that Keras runs on already, KERAS_BACKEND, the backend that the model was
    trained on (if it is installed), TensorFlow.

    Args:
        trained_on: The backend that the model was trained on.
        loaded: The backend that Keras runs on, if it is loaded.

    Raises:
        UserError: KERAS_BACKEND names no backend.
    """
    installed = trained_on if trained_on and importlib.util.find_spec(trained_on) else None
    return resolve_backend(loaded or os.environ.get("KERAS_BACKEND") or installed)


def keras_backend() -> str | None:
    """Return the backend that Keras runs on, or None while it is not loaded."""
    return str(sys.modules["keras"].backend.backend()) if "keras" in sys.modules else None


def why_slow(precision: Precision, cpu_info: Path = CPU_INFO) -> str | None:
    """Say why a precision is slower than float32 on the device that ``prepare`` chose; None where it is not.

    Args:
        precision: See ``prepare``.
        cpu_info: The file in which Linux lists the processor's features.
    """
    backend = keras_backend()
    if precision == "float32" or backend is None or _gpus(backend):
        return None
    if backend == "jax":
        return f"{precision} is no faster than float32 here: on processors JAX computes it in float32."
    try:
        features = set(cpu_info.read_text(encoding="utf-8").replace(":", " ").split())
    except OSError:
        return None
    if features & BFLOAT16_FEATURES:
        return None
    return f"{precision} is many times slower than float32 here: this processor has no instructions for bfloat16."


def most_steps_per_execution() -> int | None:
    """Return how many steps the backend can compile into one call; None for any number."""
    return 1 if keras_backend() == "torch" else None


def available_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and the backend, so that the same seed gives the same run.

    Args:
        seed: Any integer from 0 to 2**32 - 1.
    """
    import keras  # noqa: PLC0415

    random.seed(seed)
    keras.utils.set_random_seed(seed)


def describe() -> dict[str, str]:
    """Return the machine and the versions that a number depends on."""
    packages = ("cnnzoo", "keras", "tensorflow", "jax", "torch", "numpy")
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
    }
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _threads(backend: str) -> int:
    """Return the processor threads of one operation, as they were settled when Keras was loaded.

    Raises:
        UserError: The environment names no number.
    """
    variable = THREADS[backend]
    value = os.environ.get(variable, "").strip()
    number = value.split(",")[0] if backend == "torch" else value  # OpenMP takes a number for each level, as in 4,2
    if number and not re.fullmatch("[0-9]+", number):
        raise UserError(f"{variable} is '{value}', not a number of threads; set it to a whole number or unset it.")
    return int(number or 0) or available_cores()


def settle(backend: str, device: DeviceChoice = "auto", threads: int | None = None) -> None:
    """Set what Keras and its backend read when they are imported, which is still to come.

    Args:
        backend: "tensorflow", "jax" or "torch".
        device: See ``prepare``.
        threads: See ``prepare``.
    """
    environment = os.environ
    environment["KERAS_BACKEND"] = backend
    environment["KERAS_NNX_ENABLED"] = "false"  # which on JAX is another way to hold weights, and needs flax
    for limit in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):
        environment.pop(limit, None)  # Keras would train and measure less than a config says, and without a word
    if home := environment.pop("KERAS_HOME", ""):
        environment["KERAS_HOME"] = os.path.expanduser(home)  # noqa: PTH111 - Keras makes a folder of the name ~
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Its warnings on retracing are for authors of training loops; every new model of a session sets them off.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # TensorFlow turns oneDNN on by itself only where it finds AVX-512; with AVX2 alone, LeNet-5 trains
    # three times as fast with it.
    environment.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if backend == "jax":
        environment["XLA_FLAGS"] = _xla_flags(environment.get("XLA_FLAGS", "").strip())
    if device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
        environment["JAX_PLATFORMS"] = "cpu"
    if threads:
        for variable in THREADS.values():
            environment[variable] = str(threads)


def _xla_flags(value: str) -> str:
    """Return the flags that XLA_FLAGS holds, or that stand in the file that it names, and one of ours.

    Raises:
        UserError: It names a file that cannot be read.
    """
    if value and not value.startswith("-"):
        try:
            value = Path(value).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise UserError(
                f"XLA_FLAGS is '{value}', neither flags, which begin with -, nor a file of flags."
            ) from None
    return value if XLA_FLAG in value else f"{value} {XLA_FLAG}".strip()


def _gpus(backend: str) -> list[str]:
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        devices = tf.config.list_physical_devices("GPU")
        return [str(tf.config.experimental.get_device_details(d).get("device_name", d.name)) for d in devices]
    if backend == "jax":
        import jax  # noqa: PLC0415

        return [str(d.device_kind) for d in jax.devices() if d.platform == "gpu"]
    import torch  # noqa: PLC0415

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def _check_jax() -> None:
    """Check that JAX starts with what its variables say.

    Raises:
        UserError: It does not.
    """
    try:
        import jax  # noqa: PLC0415

        jax.devices()
    except (RuntimeError, ValueError, AssertionError) as error:  # the last where it is built without the platform
        variables = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("JAX_")]
        if not variables:
            raise
        reason = str(error).split(" (set JAX_PLATFORMS")[0].rstrip(".") or "it has no such platform"
        raise UserError(f"JAX does not start with {' '.join(variables)}: {reason}. Correct or unset that.") from None


def _what_is_missing(backend: str) -> str:
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "-1":
        return "CUDA_VISIBLE_DEVICES=-1 hides all of them from this process."
    driver = os.path.exists("/proc/driver/nvidia/version") or os.path.exists("/dev/nvidia0")  # noqa: PTH110
    if not driver:
        return "this machine shows no NVIDIA driver. The device auto or cpu runs on the processor."
    package = {"tensorflow": "tensorflow[and-cuda]", "jax": "jax[cuda13]", "torch": "torch"}[backend]
    return f"the NVIDIA driver is there, so {backend} lacks its CUDA libraries: pip install '{package}'"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0] if names else platform.processor() or platform.machine()}, {available_cores()} cores"
