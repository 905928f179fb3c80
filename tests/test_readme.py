"""What the README tells a reader to type exists."""

import re
import shlex
from pathlib import Path

import click
import pytest
from commands import SMALL
from PIL import Image

from cnnzoo import config as configs
from cnnzoo import data
from cnnzoo.cli import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("cnnzoo ")])
def test_a_command_of_the_readme_parses(command):
    words = shlex.split(command.split(">")[0])[1:]
    context = click.Context(cli, info_name="cnnzoo")
    group = cli
    while isinstance(group, click.Group):
        chosen = group.get_command(context, words.pop(0))
        assert chosen is not None, command
        group = chosen
    group.make_context(group.name, words, parent=context)


# Every command is typed as it stands, on the data set that needs no download and for a short while.
INSTEAD = {
    "lenet.yaml": "digits.yaml",
    "lenet": "digits",
    "runs/0001-lenet": "runs/0001-digits",
    "runs/0002-lenet": "runs/0002-digits",
    "7": "2",
    "0..4": "0..1",
}
SHORT_SWEEP = "config: digits\nmethod: grid\nkeys: {training.epochs: [1]}\n"


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
def test_the_commands_of_the_readme_run_one_after_the_other(cnnzoo):
    Path("my.yaml").write_text(blocks("yaml")[0])
    Path("sweep.yaml").write_text(SHORT_SWEEP)
    Image.fromarray(data.load("digits", "test").pixels[0, ..., 0]).save("digit.png")
    for command in COMMANDS:
        words = [INSTEAD.get(word, word) for word in shlex.split(command.split(">")[0])]
        needs_network = words[1:3] == ["data", "fetch"] or any(word.startswith("resnet50") for word in words)
        if words[0] == "cnnzoo" and not needs_network:
            short = SMALL if words[1] in ("train", "ensemble") and "--resume" not in words else ()
            if "--resume" in words:  # as after a kill before the first checkpoint
                Path(words[-1], "metrics.json").unlink()
            answer = cnnzoo(*words[1:], *short)
            assert answer.code == 0, f"{command}: {answer.err}"


def test_the_other_commands_are_scripts_that_exist():
    others = [command for command in COMMANDS if not command.startswith("cnnzoo ")]
    assert others == ["scripts/quickstart", "scripts/test"]
    for script in others:
        assert (ROOT / script).stat().st_mode & 0o111


def test_the_config_of_the_readme_is_valid_and_is_lenet(tmp_path):
    path = tmp_path / "readme.yaml"
    path.write_text(blocks("yaml")[0])
    readme, lenet = configs.load(path), configs.load("lenet")
    assert readme.recipe() == lenet.replaced(runtime=readme.runtime).recipe()


def test_the_sweep_of_the_readme_is_valid(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(blocks("yaml")[1])
    plan = configs.load_sweep(path)
    assert (len(plan.points), plan.seeds) == (20, [0, 1, 2])


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks("python"))
def test_the_code_of_the_readme_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
