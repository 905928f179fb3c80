import os
import subprocess
import sys

import pytest
from rich.table import Table

from cnnzoo.cli import output


def test_a_table_does_not_break_a_word_at_the_edge(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    table = Table(box=None, show_header=False)
    table.add_row("a" * 50, "b" * 50 + " c")
    console = output.results()
    output.print_table(console, table)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [["a" * 50, "b" * 50], ["c"]]
    assert console.width == 80


def test_a_character_that_the_terminal_cannot_show_is_not_an_error() -> None:
    code = (
        "import sys; from cnnzoo import cli; from cnnzoo.cli import output\n"
        "sys.argv = ['cnnzoo', 'models']; cli.main()\n"
        "output.results().print('99.3 \\u00b1 0.1'); output.progress().print('a long name\\u2026')"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "a long name?\n")
    assert done.stdout.endswith("99.3 ? 0.1\n")
