"""Commands in processes with unusual standard streams and environments."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.backend("tensorflow")

COMMAND = f"'{sys.executable}' -m cnnzoo models vgg11"
LAST_LINE = "Layers, options and link of a network: cnnzoo show NAME"


def shell(line, **environment):
    """Run a line in a shell; return the exit code, standard output and standard error."""
    done = subprocess.run(
        ["bash", "-c", line], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("streams", "reason"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")]
)
def test_a_result_that_cannot_be_printed_gives_a_one_line_error(streams, reason):
    code, _, err = shell(f"{COMMAND} {streams}")
    assert (code, err) == (2, f"Error: standard output: {reason}; the result could not be printed.\n")


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_a_result_is_printed_without_a_standard_error(streams):
    code, out, _ = shell(f"{COMMAND} {streams}")
    assert (code, out.splitlines()[-1]) == (0, LAST_LINE)


def test_show_works_in_a_fresh_process():
    code, out, err = shell(f"'{sys.executable}' -m cnnzoo show lenet5")
    assert code == 0, err
    assert "61,706" in out


def test_a_file_is_not_opened_in_the_place_of_a_closed_stream(tmp_path):
    code = (
        "import os, sys\nfrom cnnzoo.cli.process import prepare_process\nprepare_process()\n"
        f"file = open({str(tmp_path / 'weights')!r}, 'w')\n"
        "os.write(2, b'a library writes')\nprint('lost', file=sys.stderr)"
    )
    assert shell(f"'{sys.executable}' -c \"$CODE\" <&- >&- 2>&-", CODE=code)[0] == 0
    assert (tmp_path / "weights").read_text() == ""


def test_unbuffered_output_stays_unbuffered():
    code = "import os; from cnnzoo.cli.process import prepare_process; prepare_process(); print('at once'); os._exit(0)"
    _, out, _ = shell(f'"{sys.executable}" -c "{code}" | cat', PYTHONUNBUFFERED="1")
    assert out == "at once\n"


def test_a_command_ends_silently_when_its_reader_stops():
    code, out, err = shell(f"'{sys.executable}' -m cnnzoo config schema | true; echo ${{PIPESTATUS[0]}}")
    assert (code, out, err) == (0, "1\n", "")


def test_settings_for_other_programs_do_not_stop_pictures(tmp_path):
    (tmp_path / "broken").write_bytes(b"\xff\xfe")
    code = (
        "from pathlib import Path\nfrom cnnzoo.cli.process import prepare_process\nprepare_process()\n"
        "from cnnzoo.pictures.evaluation import draw_ensemble\nimport warnings\nwarnings.warn('no error')\n"
        "draw_ensemble([90.0, 91.0], 92.0, 91.5, Path('picture.png'))"
    )
    command = f"cd '{tmp_path}' && '{sys.executable}' -c \"$CODE\""
    environment = {"MPLBACKEND": "of a notebook", "MATPLOTLIBRC": str(tmp_path / "broken"), "PYTHONWARNINGS": "error"}
    done = shell(command, CODE=code, **environment)
    assert done[0] == 0, done[2]
    assert (tmp_path / "picture.png").is_file()


def test_a_damaged_matplotlibrc_gives_a_one_line_error(cnnzoo):
    Path("matplotlibrc").write_bytes("# Größe".encode("latin-1"))
    answer = cnnzoo("models", "vgg11")
    assert (answer.code, answer.err.startswith("Error: matplotlibrc is not a text file in UTF-8")) == (2, True)


def test_a_protocol_has_standard_output_for_itself():
    code = (
        "import os, sys\nfrom cnnzoo.cli.process import prepare_process, reserve_output\nprepare_process()\n"
        "print('before')\nwith reserve_output() as output:\n    print('a warning')\n    os.write(1, b'a library\\n')\n"
        "    output.write('an answer\\n')\nprint('after')"
    )
    _, out, err = shell(f"'{sys.executable}' -c \"$CODE\"", CODE=code)
    assert out == "before\nan answer\nafter\n"
    assert sorted(err.splitlines()) == ["a library", "a warning"]
