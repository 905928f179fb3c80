"""What the README tells a reader to type exists."""

import re
import shlex
from pathlib import Path

import click
import pytest

from cnnzoo import config as configs
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


@pytest.mark.parametrize("code", blocks("python"))
def test_the_code_of_the_readme_runs(code, tmp_path, monkeypatch):
    from cnnzoo import registry

    monkeypatch.chdir(tmp_path)
    try:
        exec(compile(code, "README.md", "exec"), {})
    finally:
        registry._BUILDERS.pop("mine", None)
