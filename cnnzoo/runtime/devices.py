"""Processor and GPUs: which of them computes, and in which precisions it is fast."""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cnnzoo.errors import UserError
from cnnzoo.runtime.environment import DeviceChoice, available_cores, keras_backend, thread_count

Precision = Literal["float32", "mixed_bfloat16"]

CPU_INFO = Path("/proc/cpuinfo")
# Instructions for bfloat16 of Intel and AMD, of Intel's matrix unit, and of ARM.
BFLOAT16_FEATURES = {"avx512_bf16", "amx_bf16", "bf16"}
GPU_PACKAGES = {"tensorflow": "tensorflow[and-cuda]", "jax": "jax[cuda13]", "torch": "torch"}


@dataclass(frozen=True)
class Device:
    """A device that computes.

    Attributes:
        kind: "cpu" or "gpu".
        description: A text such as "CPU, 2 cores" or "GPU (NVIDIA H100)"; ``str`` returns it too.
    """

    kind: Literal["cpu", "gpu"]
    description: str

    def __str__(self) -> str:
        return self.description


def choose_device(choice: DeviceChoice, backend: str, gpus: list[str]) -> Device:
    """Return the device that a loaded backend computes on.

    Args:
        choice: "gpu" needs a GPU, "cpu" must have none, "auto" may have one.
        backend: The loaded backend.
        gpus: Names of the GPUs that the backend sees.

    Raises:
        UserError: The backend does not compute on the chosen device.
    """
    if choice == "gpu" and not gpus:
        raise UserError(f"runtime.device: no GPU is visible to {backend}; {_explain_missing_gpu(backend)}")
    if choice == "cpu" and gpus:
        raise UserError("runtime.device: Keras is loaded already and computes on a GPU; start a new process for cpu.")
    if gpus:
        return Device("gpu", f"GPU ({gpus[0]})")
    threads = thread_count(backend)
    return Device("cpu", f"CPU, {threads} {'core' if threads == 1 else 'cores'}")


def _explain_missing_gpu(backend: str) -> str:
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "-1":
        return "CUDA_VISIBLE_DEVICES=-1 hides all of them from this process."
    if not any(map(os.path.exists, ("/proc/driver/nvidia/version", "/dev/nvidia0"))):
        return "this machine has no NVIDIA driver. The device auto or cpu runs on the processor."
    return (
        f"the NVIDIA driver is installed, but {backend}'s CUDA libraries are not: pip install '{GPU_PACKAGES[backend]}'"
    )


def gpu_names(backend: str) -> list[str]:
    """Return the names of the GPUs that a loaded backend sees."""
    if backend == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_physical_devices("GPU")
        return [str(tf.config.experimental.get_device_details(d).get("device_name", d.name)) for d in devices]
    if backend == "jax":
        import jax

        return [str(d.device_kind) for d in jax.devices() if d.platform == "gpu"]
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def peak_gpu_bytes(backend: str) -> int:
    """Return the most memory of the first GPU that a loaded backend has had in use; 0 without a GPU."""
    if not gpu_names(backend):
        return 0
    if backend == "tensorflow":
        import tensorflow as tf

        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    if backend == "jax":
        import jax

        return int((jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0))
    import torch

    return int(torch.cuda.max_memory_allocated())


def why_slow(precision: Precision, cpu_info: Path = CPU_INFO) -> str | None:
    """Return a sentence if a precision is not faster than float32 here, or None.

    Args:
        precision: "float32" or "mixed_bfloat16"; the device is that of ``prepare``.
        cpu_info: The file in which Linux lists the processor's features.
    """
    backend = keras_backend()
    if precision == "float32" or backend is None or gpu_names(backend):
        return None
    if backend == "jax":
        return f"{precision} is not faster than float32 here: on processors JAX computes it in float32."
    if has_bfloat16(cpu_info):
        return None
    return f"{precision} is many times slower than float32 here: this processor has no instructions for bfloat16."


def has_bfloat16(cpu_info: Path = CPU_INFO) -> bool:
    """Return whether the processor has instructions for bfloat16; true if the system does not list them."""
    features = set(_read(cpu_info).replace(":", " ").split())
    return not features or bool(features & BFLOAT16_FEATURES)


def processor() -> str:
    """Return the processor's name and the number of available cores."""
    name = re.search(r"^model name\s*:\s*(.+?)\s*$", _read(CPU_INFO), re.MULTILINE)
    return f"{name[1] if name else platform.processor() or platform.machine()}, {available_cores()} cores"


def _read(path: Path) -> str:
    """Return the text of a file, or "" if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
