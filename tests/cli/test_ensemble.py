"""Finished, missing and failing members of an ensemble."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from commands import SMALL

from cnnzoo.jobs.seeds import find_member
from cnnzoo.runs import Run


def test_a_run_of_another_backend_is_a_member(cnnzoo, digits_runs):
    for run in digits_runs:
        shutil.copytree(run.directory, Path("runs", run.name))
    path = Run(Path("runs/0002-digits")).config_path
    values = yaml.safe_load(path.read_text())
    other = "jax" if values["runtime"]["backend"] == "tensorflow" else "tensorflow"
    values["runtime"]["backend"] = other
    path.write_text(yaml.safe_dump(values))
    rewritten = Run(Path("runs/0002-digits")).config()
    of_this_backend = rewritten.replaced(runtime=rewritten.runtime.model_copy(update={"backend": None}))
    assert find_member(of_this_backend, any_backend=False) is None
    voted = cnnzoo("ensemble", "--config", "digits", "--members", "2", *SMALL)
    assert voted.code == 0, voted.err
    assert "seed 0  runs/0001-digits is finished already" in voted.err
    assert f"seed 1  runs/0002-digits is finished already, trained on {other}" in voted.err
    assert sorted(path.name for path in Path("runs").iterdir() if path.is_dir()) == [
        "0001-digits",
        "0002-digits",
        "0003-digits-ensemble",
    ]


def test_a_run_that_is_named_twice_or_copied_has_one_vote(cnnzoo, digits_runs):
    shutil.copytree(digits_runs[0].directory, "copy")
    first = digits_runs[0].directory
    voted = cnnzoo("ensemble", first, first, "copy", digits_runs[1].directory, "--json")
    assert voted.code == 0, voted.err
    assert f"{first} is named twice and counts once." in voted.err
    assert f"copy is a copy of {first} and counts once." in voted.err
    result = json.loads(voted.out)
    assert [row["run"] for row in result["members"]] == [str(run.directory) for run in digits_runs]
    assert [row["run"] for row in result["counted_once"]] == [str(first), "copy"]


@pytest.mark.slow
@pytest.mark.parametrize(("jobs", "started"), [("1", {"0"}), ("2", {"0", "1"})])
def test_after_a_failure_no_other_member_starts_and_the_error_names_the_reason(jobs, started, cnnzoo):
    large = ("--set", "training.batch_size=5000")
    voted = cnnzoo("ensemble", "--config", "digits", "--members", "2", "--jobs", jobs, *large)
    assert (voted.code, voted.out) == (2, "")
    assert set(re.findall(r"^seed (\d)  Starting", voted.err, re.MULTILINE)) == started
    error = voted.err.splitlines()[-1]
    assert error.startswith("Error: Seed 0 failed: ")
    assert re.findall(r"Seed (\d) failed: .*?5,000 is more than the 1,293 training images", error) == sorted(started)
    assert not Path("runs").exists()
