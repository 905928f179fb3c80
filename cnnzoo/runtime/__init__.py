"""Backend, device, threads, precision and seeds. All but the seeds are set before Keras is imported.

Only this package knows how the backends differ in them.
"""

import importlib
import importlib.util
import os
import platform
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, get_args

from cnnzoo.errors import UserError, did_you_mean
from cnnzoo.runtime import compilation, determinism, environment, native_logs
from cnnzoo.runtime.devices import Device, Precision, choose_device, gpu_names, peak_gpu_bytes, processor, why_slow
from cnnzoo.runtime.environment import XLA_FLAGS, DeviceChoice, available_cores, keras_backend, set_environment

__all__ = [
    "XLA_FLAGS",
    "Device",
    "DeviceChoice",
    "Precision",
    "available_cores",
    "keras_backend",
    "peak_gpu_bytes",
    "set_environment",
    "why_slow",
]

Backend = Literal["tensorflow", "jax", "torch"]

BACKENDS: tuple[Backend, ...] = get_args(Backend)
DEFAULT_BACKEND: Backend = "tensorflow"


def resolve_backend(backend: str | None = None) -> str:
    """Return the backend to use: the argument, or else KERAS_BACKEND, or else TensorFlow.

    Raises:
        UserError: There is no such backend.
    """
    name = backend or os.environ.get("KERAS_BACKEND") or DEFAULT_BACKEND
    if name not in BACKENDS:
        where = "runtime.backend" if backend else "KERAS_BACKEND"
        raise UserError(f"{where}: there is no backend '{name}'.{did_you_mean(name, BACKENDS)}")
    return name


def prepare(
    backend: str | None = None,
    device: DeviceChoice = "auto",
    threads: int | None = None,
    precision: Precision = "float32",
    deterministic: bool = True,
    compilation_cache: bool = True,
) -> Device:
    """Choose backend and device, import Keras, and check that it uses them.

    Settings of another project in ``keras.json`` and KERAS_MAX_EPOCHS do not change any result: Keras's default number
    type, epsilon and order of dimensions are set here, and its limits of epochs and steps are removed.

    Args:
        backend: "tensorflow", "jax" or "torch"; None for KERAS_BACKEND, or else TensorFlow.
        device: "gpu" needs a GPU, "cpu" hides all GPUs, "auto" uses a GPU if there is one.
        threads: Processor threads for one operation; None for all.
        precision: "float32", or "mixed_bfloat16" for bfloat16 arithmetic on float32 weights.
        deterministic: Whether a GPU shall compute the same bits again, on TensorFlow and on JAX; a processor always
            does.
        compilation_cache: Whether JAX keeps compiled programs on the disk, for the next process.

    Raises:
        UserError: The backend is not installed, Keras is already loaded with other choices, a GPU is needed and there
            is none, or an environment variable or ``keras.json`` has a value that Keras or the backend does not accept.
    """
    name, loaded = resolve_backend(backend), keras_backend()
    check_installed(name)
    present_threads = environment.thread_count(name)
    if loaded is None:
        set_environment(name, device, threads)
        environment.check_keras_json()
    elif loaded != name:
        raise UserError(f"runtime.backend: Keras is loaded already with {loaded}; start a new process for {name}.")
    elif threads not in (None, present_threads):
        raise UserError(
            f"runtime.threads: Keras is loaded already with {present_threads}; start a new process for {threads}."
        )
    has_jax_started = environment.has_jax_started()
    if name == "jax" and not has_jax_started:
        XLA_FLAGS.set(device, deterministic=deterministic)
        environment.check_xla_flags()
    gpus = _load(name, device)
    if name == "jax":
        if not has_jax_started:
            compilation.set_cache(compilation_cache)
        elif not gpus:
            XLA_FLAGS.warn_if_missing()
    if name == "tensorflow" and gpus and deterministic:
        determinism.make_tensorflow_deterministic()
    import keras  # the import fixes its backend

    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_max_epochs(None)  # a program that loaded Keras earlier may have set limits
    keras.config.set_max_steps_per_epoch(None)
    keras.config.set_dtype_policy(precision)
    return choose_device(device, name, gpus)


def _load(backend: str, device: DeviceChoice) -> list[str]:
    """Import Keras and its backend, and return the names of the GPUs that the backend sees."""
    if backend == "jax" and device == "cpu" and "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_platforms", "cpu")  # a program has imported JAX, but may not have used it
    return _import(backend)


@cache
def _import(backend: str) -> list[str]:
    with native_logs.mute(f"The process died while it loaded Keras on {backend}. Its libraries wrote before:"):
        if backend == "jax":
            environment.check_jax()
        importlib.import_module("keras")
        gpus = gpu_names(backend)
        if backend == "jax":
            compilation.watch_jax()
        if backend != DEFAULT_BACKEND and importlib.util.find_spec(DEFAULT_BACKEND):
            # Keras imports it later anyway, and then its log lines would be shown.
            importlib.import_module(DEFAULT_BACKEND)
    return gpus


def check_installed(backend: str) -> None:
    """Check that a backend is installed, without loading it.

    Raises:
        UserError: It is not installed.
    """
    if importlib.util.find_spec(backend) is None:
        raise UserError(f"The backend '{backend}' is not installed; install it with: pip install {backend}")


def prepare_for_saved_model(backend: str | None, device: DeviceChoice = "auto", threads: int | None = None) -> Device:
    """Prepare Keras to run a saved model, which every backend can run.

    Args:
        backend: The backend that the model was trained on.
        device: See ``prepare``.
        threads: See ``prepare``; ignored if Keras is loaded already.

    Returns:
        The device; its description begins with the backend.

    Raises:
        UserError: See ``prepare``.
    """
    name = backend_for_saved_model(backend, keras_backend())
    used = prepare(name, device, None if keras_backend() else threads)
    return Device(used.kind, f"{name}, {used}")


def backend_for_saved_model(trained_on: str | None, loaded: str | None) -> str:
    """Return the backend that runs a saved model.

    The first of these decides: the backend that Keras runs on already, KERAS_BACKEND, the backend that the model was
    trained on (if it is installed), TensorFlow.

    Args:
        trained_on: The backend that the model was trained on.
        loaded: The backend that Keras runs on; None if Keras is not loaded.

    Raises:
        UserError: KERAS_BACKEND is not the name of a backend.
    """
    installed = trained_on if trained_on and importlib.util.find_spec(trained_on) else None
    return resolve_backend(loaded or os.environ.get("KERAS_BACKEND") or installed)


def most_steps_per_execution() -> int | None:
    """Return the largest number of steps that the backend can compile into one call; None if there is no limit."""
    return 1 if keras_backend() == "torch" else None


def compiles_loops(setting: bool | None = None) -> bool:
    """Return whether several training steps become one compiled call by JAX.

    Keras compiles them on TensorFlow itself. On processors JAX's compiler does not bring convolutions inside a loop
    into the form that its fast code needs (jax#12868), so a loop is several times slower than single steps.

    Args:
        setting: Whether they do where it is possible; None for a GPU only.
    """
    if keras_backend() != "jax":
        return False
    return bool(gpu_names("jax")) if setting is None else setting


def check_determinism(device: Device) -> bool:
    """Return whether results are repeatable; on a GPU, check that what was set for it works.

    Args:
        device: From ``prepare``.

    Raises:
        UserError: The backend computes wrong results, or not the same again, although it is set up for it.
    """
    backend = str(keras_backend())
    repeatable = determinism.is_repeatable(backend, device.kind)
    if repeatable and device.kind == "gpu":
        determinism.check(backend)
    return repeatable


def describe_compilation() -> str | None:
    """Return a sentence about what JAX has compiled in this process; None if there is nothing to say."""
    return compilation.COMPILATION.describe()


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and the backend, so that the same seed gives the same run.

    Args:
        seed: Any integer from 0 to 2**32 - 1.
    """
    import keras

    keras.utils.set_random_seed(seed)


def describe() -> dict[str, str]:
    """Return the machine and the versions on which results depend."""
    facts = {"python": platform.python_version(), "platform": platform.platform(), "processor": processor()}
    for package in ("cnnzoo", "keras", "tensorflow", "jax", "torch", "numpy"):
        with suppress(PackageNotFoundError):
            facts[package] = version(package)
    return facts


def describe_flags() -> dict[str, str]:
    """Return the environment variables that can change what a backend computes, if they are set."""
    return {name: os.environ[name] for name in environment.FLAGS if os.environ.get(name)}


def describe_installation() -> dict[str, str | None]:
    """Return ``describe``, and the backend and device that a command would use, or the error that it would end with."""
    installation: dict[str, str | None] = {**describe(), "backend": None, "device": None, "error": None}
    try:
        installation["backend"] = resolve_backend()
        installation["device"] = str(prepare())
    except UserError as error:
        installation["error"] = str(error)
    return installation
