"""What the README and the pages tell a reader to type exists, runs, and prints what they show."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from commands import SMALL
from games import play_random_game, to_sgf
from PIL import Image

from cnnzoo import config as configs
from cnnzoo import data
from cnnzoo.cli import cli

ROOT = Path(__file__).parents[1]
NAMES = (
    "README.md",
    "configs/README.md",
    "cnnzoo/models/README.md",
    "cnnzoo/data/README.md",
    "cnnzoo/go/README.md",
    "cnnzoo/lab/README.md",
    "scripts/README.md",
    "cnnzoo/bench/README.md",
    ".github/CONTRIBUTING.md",
)
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in NAMES}
HEADERS = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "configs").glob("*.yaml")))


def blocks(language, page):
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


def session(page):
    """Return the commands of a console block with the lines that each prints on the page."""
    parts = [part for block in blocks("console", page) for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return {command: printed.splitlines() for command, _, printed in (part.partition("\n") for part in parts)}


def typed(page):
    """Return what a page tells the reader to type, line by line."""
    lines = [line for block in blocks("sh", page) for line in block.splitlines()]
    return [command for line in [*session(page), *lines] if (command := line.split(" #")[0].strip())]


def mentioned():
    """Return the commands inside sentences, and those in the headers of the configs."""
    inline = [code for page in PAGES.values() for code in re.findall(r"`(cnnzoo [^`\n]+)`", page)]
    return inline + [line.lstrip("# ") for line in re.findall(r"^#   cnnzoo .*", HEADERS, re.MULTILINE)]


TYPED = [command for page in PAGES for command in typed(page)]
YAML = [(page, block) for page in PAGES for block in blocks("yaml", page)]
CODE = [pytest.param(page, code, id=f"{page}-{n}") for page in PAGES for n, code in enumerate(blocks("python", page))]


@pytest.mark.parametrize(
    "command", sorted({command for command in [*TYPED, *mentioned()] if command.startswith("cnnzoo ")})
)
def test_a_command_of_the_pages_parses(command):
    words = shlex.split(command.split(">")[0])[1:]
    context = click.Context(cli, info_name="cnnzoo")
    group = cli
    while isinstance(group, click.Group) and words:
        found = group.get_command(context, words.pop(0))
        assert found is not None, command
        group = found
    if words or command in TYPED:
        group.make_context(group.name, words, parent=context)


# Every command is typed as it stands, on the data set that needs no download, with a small network, and shortly.
INSTEAD = {
    "lenet.yaml": "digits.yaml",
    "lenet": "digits",
    "runs/0001-lenet": "runs/0001-digits",
    "runs/0002-lenet": "runs/0002-digits",
    "3": "2",
    "7": "2",
    "0..4": "0..1",
    "alexnet": "lenet5",
    "googlenet": "lenet5",
    "googlenet_without_reductions": "lenet5_1998",
}
# For a training on ten games of Go.
SHORT_GO = ("--set", "training.steps_per_epoch=2", "--set", "data.validation=2")
SHORT_SWEEP = "config: digits\nmethod: grid\nkeys: {training.epochs: [1]}\n"


def write_go_games():
    """Write a game, and a folder of games of two years."""
    Path("professional").mkdir()
    for seed in range(12):
        text = to_sgf(play_random_game(19, 60, seed), 19, f"DT[{2022 + seed % 2}]")
        Path("professional", f"{seed}.sgf").write_text(text)
    shutil.copy("professional/0.sgf", "game.sgf")


@pytest.mark.slow
@pytest.mark.backend("tensorflow")
def test_the_commands_of_the_pages_run_one_after_the_other(cnnzoo, digits_runs):
    config, sweep = blocks("yaml", "configs/README.md")[::-1]
    Path("my.yaml").write_text(config)
    Path("sweep.yaml").write_text(SHORT_SWEEP)
    assert "keys:" in sweep
    Image.fromarray(data.load("digits", "test").pixels[0, ..., 0]).save("digit.png")
    shutil.copy(ROOT / "cnnzoo" / "lab" / "pictures" / "seven.png", ".")
    write_go_games()
    for run in digits_runs:  # so that the ensemble and --seeds have their members already
        shutil.copytree(run.directory, Path("runs", run.directory.name))
    ran = set()
    for command in TYPED:
        words = tuple(INSTEAD.get(word, word) for word in shlex.split(command.split(">")[0]))
        needs_network = words[1:3] == ("data", "fetch") or any(word.startswith("resnet50") for word in words)
        # tests/lab/test_walk.py runs the lab's, tests/go/test_match.py plays, and tests/bench/test_bench.py measures.
        if words[1:2] in (("lab",), ("bench",)) or words[:3] == ("cnnzoo", "go", "match"):
            continue
        if words[0] != "cnnzoo" or needs_network or words in ran:
            continue
        ran.add(words)
        short = SMALL if words[1] in ("train", "ensemble") and "--resume" not in words else ()
        short += SHORT_GO if "alphago_policy_small.yaml" in words else ()
        if "--resume" in words:  # as after a kill before the first checkpoint
            Path(words[-1], "metrics.json").unlink()
        answer = cnnzoo(*words[1:], *short)
        assert answer.code == 0, f"{command}: {answer.err}"
        if words[1] == "show" and words == tuple(shlex.split(command)):
            out = {tuple(line.split()) for line in answer.out.splitlines()}
            shown = [tuple(line.split()) for line in session("README.md").get(command, []) if line != "..."]
            assert set(shown) <= out, command


def test_the_other_commands_are_scripts_that_exist():
    others = [shlex.split(command) for command in TYPED if not command.startswith("cnnzoo ")]
    assert [words[0] for words in map(shlex.split, typed("README.md")) if words[0] != "cnnzoo"] == [
        "scripts/quickstart",
        "scripts/test",
    ]
    for words in others:
        script = next(word for word in words if not re.match(r"[A-Z_]+=", word))
        assert script in ("source", "pip", "pytest") or (ROOT / script).stat().st_mode & 0o111, words


def test_every_script_and_every_config_is_on_its_page():
    for folder, pattern in (("scripts", "*"), ("configs", "*.yaml")):
        names = {path.name for path in (ROOT / folder).glob(pattern) if path.suffix != ".md" and path.is_file()}
        assert names <= set(re.findall(r"^\| `([^`]+)`", PAGES[f"{folder}/README.md"], re.MULTILINE))


@pytest.mark.parametrize(("page", "block"), YAML)
def test_a_yaml_block_of_the_pages_loads(page, block, tmp_path):
    path = tmp_path / "page.yaml"
    if "keys:" in block:
        path.write_text(block)
        plan = configs.load_sweep(path)
        assert (len(plan.points), plan.seeds) == (20, [0, 1, 2])
    elif "model:" in block:
        path.write_text(block)
        loaded, lenet = configs.load(path), configs.load("lenet")
        assert loaded.recipe() == lenet.replaced(runtime=loaded.runtime).recipe()
    else:
        path.write_text(f"model: {{name: lenet5}}\n{block}")
        configs.load(path)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "code"), CODE)
def test_the_code_of_the_pages_runs(page, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code.replace("training.epochs=3", "training.epochs=1"), page, "exec"), {})


@pytest.mark.backend("tensorflow")
def test_the_tables_of_the_pages_are_up_to_date():
    script = [sys.executable, ROOT / "scripts/tables", "--check"]
    result = subprocess.run(
        script, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{result.stdout}{result.stderr}Run scripts/tables."


def test_every_key_has_a_meaning():
    rows = [line for line in PAGES["configs/README.md"].splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


def test_the_readme_is_short():
    lines = PAGES["README.md"].splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) >= 100] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_lines_of_a_page_are_short(page):
    # A table's row is one line, and so is a link's address.
    lines = [line for line in PAGES[page].splitlines() if not line.startswith("|") and " " in line]
    assert [line for line in lines if len(line) >= 100] == []


def anchor(heading):
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_the_links_of_a_page_have_targets(page):
    for target, place in re.findall(r"\]\(([^)#:]*)(#[^)]*)?\)", PAGES[page]):
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), target
        if place:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert place in map(anchor, headings), place


def test_contributing_lists_the_rooms_of_the_contract():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ][0]
    floors = blocks("text", ".github/CONTRIBUTING.md")[0].splitlines()
    assert floors == [floor for floor in contract["layers"] if floor != "__main__"]
