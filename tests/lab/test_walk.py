"""Every lab command of the page runs, and prints what it shows, but for the numbers of trainings.

The page's other commands run with those of the other pages, in ``test_readme``.
"""

import re
import shlex
import shutil
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "cnnzoo" / "lab" / "README.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = [block.splitlines() for block in re.findall(r"```console\n\$ (.*?)\n```", TEXT, re.DOTALL)]
# Lines of the page, with 0 for each number, that the test's runs do not print: two of LeNet-5, trained shortly.
OF_OTHER_RUNS = {
    "0-digits: lecture_dense, 0 validation images",
    "No layer has maps, so none can be equivariant.",
    "the probability rises nowhere",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "shown"),
    [(command, shown) for command, *shown in BLOCKS if command.startswith("cnnzoo lab ")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_command_of_the_walk_runs_and_prints_what_the_page_shows(command, shown, cnnzoo, digits_runs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "88")
    for run in digits_runs:
        shutil.copytree(run.directory, Path("runs", run.name))
    answer = cnnzoo(*shlex.split(command)[1:])
    assert answer.code == 0, answer.err
    printed = [line.rstrip() for line in answer.out.splitlines()]
    if "runs/" in command:
        printed, shown = (
            [re.sub(r"\d[\d,.]*", "0", " ".join(line.split())) for line in lines] for lines in (printed, shown)
        )
        assert set(shown) <= {*printed, "..."} | OF_OTHER_RUNS
        return
    parts = "\n".join(shown).split("...\n") if "..." in shown else ["\n".join(shown)]
    for part in parts:
        assert part.strip("\n") in "\n".join(printed)


def test_every_picture_of_the_page_is_there_and_small():
    pictures = set(re.findall(r"\]\((pictures/[^)]+)\)", TEXT))
    assert pictures == {f"pictures/{path.name}" for path in (PAGE.parent / "pictures").iterdir()}
    assert sum((PAGE.parent / picture).stat().st_size for picture in pictures) < 2**20
