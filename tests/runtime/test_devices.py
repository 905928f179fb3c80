"""Which device computes, and its description."""

import os

import pytest

from cnnzoo import runtime
from cnnzoo.errors import UserError
from cnnzoo.runtime.devices import choose_device

BACKEND = os.environ["KERAS_BACKEND"]


def test_the_error_says_that_this_process_hides_its_gpus():
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"  # as all tests have it
    with pytest.raises(UserError, match="CUDA_VISIBLE_DEVICES=-1 hides all of them"):
        runtime.prepare(device="gpu")


def test_a_gpu_in_use_is_named_and_cannot_be_the_cpu():
    gpu = choose_device("auto", BACKEND, ["NVIDIA H100"])
    assert (gpu.kind, str(gpu)) == ("gpu", "GPU (NVIDIA H100)")
    assert choose_device("auto", BACKEND, []).kind == "cpu"
    with pytest.raises(UserError, match=r"runtime\.device: Keras is loaded already and computes on a GPU"):
        choose_device("cpu", BACKEND, ["NVIDIA H100"])


@pytest.mark.every_backend
@pytest.mark.parametrize(("features", "slow"), [("fpu avx2", True), ("fpu avx512_bf16", False), (None, False)])
def test_a_sentence_says_where_half_precision_is_slow(features, slow, tmp_path):
    runtime.prepare()
    cpu_info = tmp_path / "cpuinfo"
    if features:
        cpu_info.write_text(f"processor : 0\nflags\t\t: {features}\n")
    assert runtime.why_slow("float32", cpu_info) is None
    half = runtime.why_slow("mixed_bfloat16", cpu_info)
    if BACKEND == "jax":
        assert half.startswith("mixed_bfloat16 is not faster than float32")
    elif slow:
        assert half.startswith("mixed_bfloat16 is many times slower than float32 here")
    else:
        assert half is None
