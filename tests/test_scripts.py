"""What the scripts do, with stubs for the programs that they call."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.backend("tensorflow")
REPOSITORY = Path(__file__).parents[1]
PROGRAMS = ("cnnzoo", "ruff", "mypy", "lint-imports", "pytest")

# Answers questions about Python, and notes installations instead of installing.
STUB_PYTHON = """#!/bin/sh
if [ "$1" = -c ]; then exec '{python}' "$@"; fi
if [ "$3" = install ]; then echo "pip $*" >>'{calls}'; fi
"""
STUB_PROGRAM = """#!/bin/sh
echo "${{KERAS_BACKEND:-}}|{name} $*" >>'{calls}'
case "{name} $*" in "$STUB_FAILS"*) exit 7 ;; esac
case "$STUB_HAS_NO_TESTS" in *"${{KERAS_BACKEND:-}}|{name}"*) exit 5 ;; esac
"""
STUB_UV = """#!/bin/sh
echo "uv $*" >>'{calls}'
exit {code}
"""


class Checkout:
    """A copy of the scripts in a folder with a space in its name, and an environment of stubs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a checkout"
        self.venv = folder / "an environment"
        self.calls_file = folder / "calls"
        self.env = {
            **os.environ,
            "CNNZOO_VENV": str(self.venv),
            "PYTHON": sys.executable,
            "STUB_FAILS": "nothing",
            "STUB_HAS_NO_TESTS": "nothing",
            "UV": "",
        }
        shutil.copytree(REPOSITORY / "scripts", self.folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(REPOSITORY / "pyproject.toml", self.folder)
        (self.folder / "runs").mkdir()
        (self.venv / "bin").mkdir(parents=True)
        self._program("python", STUB_PYTHON.format(python=sys.executable, calls=self.calls_file))
        self._program("pip", f"#!{self.venv}/bin/python\n")
        for name in PROGRAMS:
            self._program(name, STUB_PROGRAM.format(name=name, calls=self.calls_file))

    def _program(self, name: str, text: str) -> None:
        path = self.venv / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def run(self, script: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "scripts" / script, *arguments],
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.folder.parent,
            timeout=60,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize("name", ["scripts/quickstart", "scripts/test", ".ci/run"])
def test_a_script_is_executable_bash(name: str) -> None:
    script = REPOSITORY / name
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", script], check=True)


def test_ci_calls_the_documented_test_command() -> None:
    assert "\nscripts/test\n" in (REPOSITORY / ".ci/run").read_text()


def test_ci_runs_the_supported_versions_of_python() -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/check.yml").read_text())["jobs"]["check"]
    assert workflow["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert [step["run"] for step in workflow["steps"] if "run" in step] == ["bash .ci/run", "scripts/test --full"]


def test_the_bug_report_asks_for_what_an_answer_needs() -> None:
    form = yaml.safe_load((REPOSITORY / ".github/ISSUE_TEMPLATE/bug.yml").read_text())
    assert [part["id"] for part in form["body"]] == ["typed", "expected", "happened", "version"]
    assert "cnnzoo --version --json" in form["body"][-1]["attributes"]["label"]


def test_pre_commit_runs_checks_of_the_test_script() -> None:
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    steps = re.findall(r'^step "(.+?)" (.+)$', (REPOSITORY / "scripts/test").read_text(), re.MULTILINE)
    assert [(hook["name"], hook["entry"]) for hook in hooks] == steps[:4]


def test_the_quickstart_trains_evaluates_and_ensembles(checkout: Checkout) -> None:
    result = checkout.run("quickstart", KERAS_BACKEND="torch")
    assert result.returncode == 0, result.stderr
    commands = ["cnnzoo train --config digits.yaml", "cnnzoo eval", "cnnzoo ensemble --config digits.yaml --members 3"]
    assert [f"|{command}" for command in commands] == checkout.calls[1:]
    positions = [result.stdout.index(f"$ {command}\n") for command in commands]
    assert positions == sorted(positions)


def test_a_second_start_through_a_link_installs_nothing(checkout: Checkout) -> None:
    checkout.run("quickstart")
    link = checkout.folder.parent / "link"
    link.symlink_to(checkout.folder / "scripts" / "quickstart")
    again = subprocess.run([link], env=checkout.env, capture_output=True, text=True, check=True)
    assert "Installed already" in again.stdout
    assert len([call for call in checkout.calls if call.startswith("pip")]) == 1


def test_a_changed_pyproject_is_installed_again(checkout: Checkout) -> None:
    checkout.run("quickstart")
    with (checkout.folder / "pyproject.toml").open("a") as file:
        file.write("\n# another dependency\n")
    checkout.run("quickstart")
    assert len([call for call in checkout.calls if call.startswith("pip")]) == 2


def test_a_failing_step_is_reported_with_its_exit_code(checkout: Checkout) -> None:
    result = checkout.run("quickstart", STUB_FAILS="cnnzoo eval")
    assert result.returncode == 7
    assert 'FAILED in the step "evaluate" with exit code 7' in result.stderr
    assert "ensemble" not in checkout.calls[-1]


@pytest.mark.parametrize(
    ("arguments", "on_tensorflow", "on_jax"),
    [
        ((), "", " --ignore=tests/weights"),
        (("--quick",), " -m not slow --ignore=tests/weights", None),
        (("--full",), " --full", " --full"),
        (("-k", "two words"), " --full -k two words", " --full -k two words"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_arguments_choose_the_tests_and_the_backends(
    arguments: tuple[str, ...], on_tensorflow: str, on_jax: str | None, checkout: Checkout
) -> None:
    result = checkout.run("test", *arguments)
    assert result.returncode == 0, result.stderr
    spread = r"pytest -n [1-4] --dist loadfile --no-loadscope-reorder"
    patterns = [f"tensorflow\\|{spread}{on_tensorflow}"] + ([] if on_jax is None else [f"jax\\|{spread}{on_jax}"])
    calls = [call for call in checkout.calls if "pytest" in call]
    assert len(calls) == len(patterns)
    assert all(map(re.fullmatch, patterns, calls)), calls
    assert "Everything passed" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "env", "message"),
    [
        (("--quick", "tests/models"), {}, "to run named tests, leave out --quick."),
        (("-k", "lenet", "--full"), {}, "to run named tests, leave out --full."),
        (("--quik",), {}, "--quik is not an option; --quick and --full are."),
        (("tests/model",), {}, "there is no tests/model in the repository"),
        ((), {"CNNZOO_DATA_DIR": "nowhere"}, "CNNZOO_DATA_DIR is nowhere, which is not a directory."),
    ],
)
def test_a_mistake_is_reported_before_anything_is_installed(
    arguments: tuple[str, ...], env: dict[str, str], message: str, checkout: Checkout
) -> None:
    result = checkout.run("test", *arguments, **env)
    assert (result.returncode, result.stdout, checkout.calls) == (2, "", [])
    assert result.stderr.startswith(f"test: {message}")


@pytest.mark.parametrize(
    ("empty", "code", "message"),
    [
        ("jax|pytest", 0, "No named test runs on jax."),
        ("tensorflow|pytest and jax|pytest", 1, "no test matches: -k lenet6"),
    ],
)
def test_chosen_tests_need_at_least_one_backend(empty: str, code: int, message: str, checkout: Checkout) -> None:
    result = checkout.run("test", "-k", "lenet6", STUB_HAS_NO_TESTS=empty)
    assert result.returncode == code
    assert message in result.stdout + result.stderr
    assert ("Everything passed" in result.stdout) == (code == 0)


@pytest.mark.parametrize(("code", "installers"), [(0, ["uv"]), (2, ["uv", "pip"])])
def test_uv_installs_if_it_is_installed_and_pip_if_uv_fails(
    code: int, installers: list[str], checkout: Checkout, tmp_path: Path
) -> None:
    uv = tmp_path / "uv"
    uv.write_text(STUB_UV.format(calls=checkout.calls_file, code=code))
    uv.chmod(0o755)
    assert checkout.run("quickstart", UV=str(uv)).returncode == 0
    assert [call.split()[0] for call in checkout.calls if call.startswith(("uv ", "pip "))] == installers


def test_the_first_failing_check_ends_the_test_script(checkout: Checkout) -> None:
    result = checkout.run("test", STUB_FAILS="mypy")
    assert result.returncode == 7
    assert 'FAILED in the step "types" with exit code 7' in result.stderr
    assert not [call for call in checkout.calls if "pytest" in call]


def test_a_missing_python_is_a_clear_error(checkout: Checkout) -> None:
    result = checkout.run("quickstart", PYTHON="no-such-python")
    assert result.returncode == 1
    assert "Python 3.11 or later is needed, and none of these is one: no-such-python" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_environment_never_replaces_a_folder_of_the_user(checkout: Checkout, tmp_path: Path) -> None:
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").write_text("kept")
    result = checkout.run("quickstart", CNNZOO_VENV=str(letters))
    assert result.returncode == 1
    assert "holds something else" in result.stderr
    assert (letters / "dear.txt").read_text() == "kept"
