"""Environment variables and ``keras.json``, which Keras and its backend read when they are imported."""

import json
import logging
import os
import re
import subprocess
import sys
import warnings
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from cnnzoo.errors import UserError

DeviceChoice = Literal["auto", "cpu", "gpu"]

# The variable from which each backend reads its number of threads.
THREADS = {"tensorflow": "TF_NUM_INTRAOP_THREADS", "torch": "OMP_NUM_THREADS", "jax": "NPROC"}

# The values that Keras accepts in its settings file; with any other its import ends in a traceback.
KERAS_JSON = {
    "floatx": ("float16", "float32", "float64"),
    "image_data_format": ("channels_last", "channels_first"),
}

# jaxlib 0.10.2 may compute wrong results on the CPU if this fusion is on (jax#39103). Older versions do not know the
# flag, 0.7 for one, and an unknown flag ends the process.
NO_FUSION_FLAG = "--xla_cpu_experimental_ynn_fusion_type="
FIRST_JAXLIB = (0, 10)

# The first excludes operations of GPUs whose result changes from call to call, and the choice of algorithms by
# measuring; the second only the operations. Whoever sets one of them has decided about it.
DETERMINISTIC_FLAG, EXCLUDING_FLAG = "--xla_gpu_deterministic_ops", "--xla_gpu_exclude_nondeterministic_ops"
DETERMINISTIC = f"{DETERMINISTIC_FLAG}=true"

# Variables that can change what a backend computes.
FLAGS = (
    "XLA_FLAGS",
    "JAX_DEFAULT_MATMUL_PRECISION",
    "JAX_ENABLE_X64",
    "JAX_DEFAULT_PRNG_IMPL",
    "NVIDIA_TF32_OVERRIDE",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_XLA_FLAGS",
    "TF_DETERMINISTIC_OPS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
)


def set_environment(backend: str, device: DeviceChoice = "auto", threads: int | None = None) -> None:
    """Set the environment variables that Keras and its backend will read when they are imported.

    Args:
        backend: "tensorflow", "jax" or "torch".
        device: See ``runtime.prepare``.
        threads: See ``runtime.prepare``.
    """
    environment = os.environ
    environment["KERAS_BACKEND"] = backend
    environment["KERAS_NNX_ENABLED"] = "false"  # NNX is another way to keep weights on JAX, and needs flax
    for limit in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):
        environment.pop(limit, None)  # Keras would silently train less than a config says
    if home := environment.pop("KERAS_HOME", ""):
        environment["KERAS_HOME"] = os.path.expanduser(home)  # noqa: PTH111 - Keras would make a folder named ~
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow's warnings about retracing are for authors of training loops; every new model causes them.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # TensorFlow turns oneDNN on by itself only where it finds AVX-512; with AVX2 alone, LeNet-5 trains
    # three times as fast with it.
    environment.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if device == "cpu":
        environment |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    if threads:
        environment |= dict.fromkeys(THREADS.values(), str(threads))


class XlaFlags:
    """XLA_FLAGS, which XLA reads when JAX first looks for devices.

    Attributes:
        are_ours: Whether our flags were added in time.
    """

    def __init__(self) -> None:
        self.are_ours = False

    def set(self, device: DeviceChoice, *, deterministic: bool) -> None:
        """Add our flags; those of a person are kept.

        Args:
            device: See ``runtime.prepare``.
            deterministic: See ``runtime.prepare``.

        Raises:
            UserError: XLA_FLAGS is neither flags nor a file of flags.
        """
        flags = _read_xla_flags()
        if _knows_flag() and NO_FUSION_FLAG not in flags:
            flags = f"{flags} {NO_FUSION_FLAG}"
        is_decided = any(flag in flags for flag in (DETERMINISTIC_FLAG, EXCLUDING_FLAG))
        if deterministic and device != "cpu" and not is_decided:
            flags = f"{flags} {DETERMINISTIC}"
        os.environ["XLA_FLAGS"] = flags.strip()
        self.are_ours = True

    def warn_if_missing(self) -> None:
        """Warn if JAX, which has started, computes on the processor without the flag for correct results."""
        if not self.are_ours and _knows_flag() and NO_FUSION_FLAG not in _read_xla_flags():
            warnings.warn(
                "JAX was used before cnnzoo in this process, too early to set a flag without which jaxlib 0.10.2 may "
                "compute wrong results on a processor (jax#39103). Call cnnzoo.runtime.prepare before using JAX, or "
                f"set XLA_FLAGS={NO_FUSION_FLAG} yourself.",
                stacklevel=3,
            )


XLA_FLAGS = XlaFlags()


def has_jax_started() -> bool:
    """Return whether JAX has looked for devices in this process, after which XLA_FLAGS has no effect."""
    bridge = sys.modules.get("jax._src.xla_bridge")  # no public function tells
    return bridge is not None and bool(bridge.backends_are_initialized())


def _knows_flag() -> bool:
    """Return whether the installed jaxlib knows the flag for correct results."""
    with suppress(PackageNotFoundError):
        major, minor = version("jaxlib").split(".")[:2]
        return (int(major), int(minor)) >= FIRST_JAXLIB
    return False


def thread_count(backend: str) -> int:
    """Return the number of processor threads that one operation of a backend uses.

    Raises:
        UserError: The backend's variable is not a number.
    """
    variable = THREADS[backend]
    value = os.environ.get(variable, "").strip()
    number = value.split(",")[0] if backend == "torch" else value  # OpenMP takes a number for each level, as in 4,2
    if number and not re.fullmatch("[0-9]+", number):
        raise UserError(f"{variable} is '{value}', not a number of threads; set it to a whole number or unset it.")
    return int(number or 0) or available_cores()


def available_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keras_backend() -> str | None:
    """Return the backend that Keras runs on, or None if Keras is not loaded."""
    return str(sys.modules["keras"].backend.backend()) if "keras" in sys.modules else None


def check_keras_json() -> None:
    """Check that Keras can read its settings file. Keras itself ignores a file that is not JSON.

    Raises:
        UserError: Keras cannot read the file, or does not accept a value in it.
    """
    home = Path("~").expanduser() if os.access(os.path.expanduser("~"), os.W_OK) else Path("/tmp")  # noqa: PTH111, S108
    path = Path(os.environ.get("KERAS_HOME") or home / ".keras") / "keras.json"
    try:
        if not os.path.exists(path):  # noqa: PTH110 - pathlib's raises an error if a folder may not be entered
            return
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: Keras cannot read its settings there: {error.strerror}; remove it.") from None
    except ValueError:
        return
    if not isinstance(settings, dict):
        raise UserError(f"{path}: Keras's settings must be one JSON object in braces; correct the file or remove it.")
    for key, values in KERAS_JSON.items():
        if key in settings and settings[key] not in values:
            raise UserError(f"{path}: {key} is {json.dumps(settings[key])}, not {' or '.join(values)}; correct it.")
    if not isinstance(settings.get("epsilon", 1e-7), float):
        raise UserError(f"{path}: epsilon is {json.dumps(settings['epsilon'])}, not a fraction like 1e-7; correct it.")


def _read_xla_flags() -> str:
    """Return the flags in XLA_FLAGS, or in the file that it names.

    Raises:
        UserError: The file cannot be read.
    """
    value = os.environ.get("XLA_FLAGS", "").strip()
    if not value or value.startswith("-"):
        return value
    try:
        return Path(value).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UserError(f"XLA_FLAGS is '{value}', neither flags, which begin with -, nor a file of flags.") from None


def check_xla_flags() -> None:
    """Check in another process that XLA accepts the flags in XLA_FLAGS, because a wrong one ends the process.

    Raises:
        UserError: XLA does not accept the flags.
    """
    flags = os.environ.get("XLA_FLAGS", "").replace(NO_FUSION_FLAG, "").replace(DETERMINISTIC, "").strip()
    if flags and not can_start_jax(os.environ["XLA_FLAGS"]) and can_start_jax(""):
        raise UserError(f"XLA_FLAGS is '{flags}', which XLA does not accept; correct the variable or unset it.")


def can_start_jax(flags: str) -> bool:
    """Return whether JAX starts on the processor, in another process, with these XLA_FLAGS."""
    command = [sys.executable, "-c", "import jax; jax.devices()"]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0


def check_jax() -> None:
    """Check that JAX starts with the JAX_* variables of the environment.

    Raises:
        UserError: JAX does not start.
    """
    try:
        import jax

        jax.devices()
    except (RuntimeError, ValueError, AssertionError) as error:  # AssertionError if JAX is built without the platform
        variables = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("JAX_")]
        if not variables:
            raise
        reason = str(error).rstrip(".") or "it has no such platform"
        raise UserError(
            f"JAX does not start with {' '.join(variables)}: {reason}. Correct or unset these variables."
        ) from None
