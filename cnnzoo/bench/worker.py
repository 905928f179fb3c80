"""Measures one task in this process: ``python -m cnnzoo.bench.worker TASK``, with the task as JSON."""

import json
import os
import re
import resource
import sys

from cnnzoo import runtime
from cnnzoo.bench.task import Result, Task
from cnnzoo.errors import UserError


def main() -> None:
    """Print the result as JSON, or an object with "error": a sentence, or with "failure": why it failed."""
    task = Task(**json.loads(sys.argv[1]))
    try:
        result = _measure(task)
    except UserError as error:
        print(json.dumps({"error": str(error)}))  # noqa: T201 - the answer to the parent
        return
    except Exception as error:  # of a backend, such as a lack of memory
        print(json.dumps({"failure": _summarize(error)}))  # noqa: T201
        return
    result.peak_bytes = (
        runtime.peak_gpu_bytes("torch" if task.contender == "torch" else task.backend) or _peak_process_bytes()
    )
    print(json.dumps(result.to_dict()))  # noqa: T201 - the answer to the parent


def _measure(task: Task) -> Result:
    if task.contender == "torch":
        return _measure_torch(task)
    ours = task.contender == "ours"
    # Plain Keras without what makes ours repeatable; oneDNN is on for both.
    device = runtime.prepare(
        task.backend, task.device, precision=task.precision, deterministic=ours, compilation_cache=False
    )
    from cnnzoo.bench import with_keras  # imports Keras

    result = with_keras.measure_ours(task) if ours else with_keras.measure_plain(task)
    result.device = f"{task.backend}, {device}"
    result.note = runtime.why_slow(task.precision) or ""
    return result


def _measure_torch(task: Task) -> Result:
    # Keras only builds the network that is translated, and leaves the memory of the GPU to PyTorch.
    os.environ |= {"JAX_PLATFORMS": "cpu", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    # Before TensorFlow: PyTorch loads Triton with it, whose copy of LLVM crashes after TensorFlow's.
    import torch._dynamo  # noqa: F401

    runtime.prepare(task.backend, "cpu" if task.device == "cpu" else "auto", compilation_cache=False)
    from cnnzoo.bench import with_torch  # imports PyTorch

    return with_torch.measure(task)


def _summarize(error: Exception) -> str:
    """Return the kind of an error and the most telling line of its message, which may have hundreds."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no message"]
    telling = next((line for line in lines if re.search("memory|OOM|alloc", line)), lines[0])
    return f"{type(error).__name__}: {telling[:300]}"


def _peak_process_bytes() -> int:
    """Return the most memory that this process has used; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


if __name__ == "__main__":
    main()
