"""Several processes are started, read and ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cnnzoo.jobs.local import TrainingOptions, run_all, train_command

PRELUDE = """
import sys, time
from pathlib import Path
say = lambda text: print(text, file=sys.stderr, flush=True)
"""


def python(code):
    return [sys.executable, "-c", PRELUDE + code]


def test_a_failed_process_reports_its_reason_and_the_others_continue():
    lines = []
    ended = run_all(
        {
            "wrong": python(
                "say('Starting ...'); from cnnzoo.jobs.local import report_error\n"
                "report_error('no data,\\nno luck.'); say('a last word'); sys.exit(2)"
            ),
            "lost": python("1 / 0"),
            "right": python("say('done')"),
        },
        1,
        lambda name, line: lines.append((name, line)),
    )
    assert (ended["wrong"].code, ended["wrong"].reason) == (2, "no data, no luck.")
    assert ended["lost"].reason == "ended with exit code 1: ZeroDivisionError: division by zero"
    assert ended["right"].code == 0
    assert lines[0] == ("wrong", "Starting ...")
    assert lines[-1] == ("right", "done")


def test_no_process_starts_after_a_failure_on_request():
    commands = {"right": python("pass"), "wrong": python("1 / 0"), "late": python("pass")}
    ended = run_all(commands, 1, lambda *_: None, stop_at_failure=True)
    assert {name: each.code for name, each in ended.items()} == {"right": 0, "wrong": 1}


@pytest.mark.parametrize(("jobs", "together"), [(1, False), (2, True)])
def test_the_requested_number_of_processes_runs_at_once(jobs, together, tmp_path):
    wait = "for _ in range({}):\n if Path({!r}).exists(): say('together'); break\n time.sleep(0.01)"
    mark = "Path({!r}).touch()\n"
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    commands = {"a": python(mark.format(a) + wait.format(1000 if together else 50, b)), "b": python(mark.format(b))}
    ended = run_all(commands, jobs, lambda *_: None)
    assert (ended["a"].lines == ("together",)) == together


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_after_ctrl_c_or_a_kill_all_processes_end_by_themselves_and_no_other_starts(number, tmp_path, ctrl_c):
    keep = f"lambda *_: (open({str(tmp_path)!r} + '/kept', 'w'), sys.exit(1))"
    patient = f"import signal; signal.signal(signal.SIGTERM, {keep}); say('begun'); time.sleep(60)"
    lines = []

    def listen(name, line):
        lines.append((name, line))
        if line == "begun":
            os.kill(os.getpid(), number)

    began, both = time.monotonic(), (signal.SIGTERM, signal.SIGHUP)
    inherited = [signal.signal(each, signal.SIG_DFL) for each in both]  # nohup has SIGHUP ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            run_all({"first": python(patient), "second": python("say('begun')")}, 1, listen)
        assert [signal.getsignal(each) for each in both] == [signal.SIG_DFL, signal.SIG_DFL]
    finally:
        for each, handler in zip(both, inherited, strict=True):
            signal.signal(each, handler)
    assert time.monotonic() - began < 30
    assert (tmp_path / "kept").is_file()
    assert lines == [("first", "begun"), ("first", "ending ...")]


def test_a_process_that_does_not_end_is_killed(ctrl_c):

    def listen(name, line):
        if line == "begun":
            os.kill(os.getpid(), signal.SIGINT)

    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); say('begun'); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_all({"deaf": python(deaf)}, 1, listen, seconds_to_end=0.2)
    assert time.monotonic() - began < 30


def test_a_training_ends_soon_after_a_parent_that_was_killed(tmp_path):
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    child = (
        "import signal, sys, time; from pathlib import Path; from cnnzoo.jobs.local import end_with_parent\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (Path({str(ended)!r}).touch(), sys.exit()))\n"
        f"end_with_parent(); Path({str(begun)!r}).touch(); time.sleep(60)"
    )
    command = {"a": [sys.executable, "-c", child]}
    parent = f"from cnnzoo.jobs.local import run_all; run_all({command!r}, 1, print)"
    with subprocess.Popen([sys.executable, "-c", parent]) as process:
        _wait_for(begun)
        time.sleep(1)
        assert not ended.exists()
        process.kill()
    _wait_for(ended)


def _wait_for(path):
    deadline = time.monotonic() + 40
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.05)


def test_all_processes_end_by_themselves_when_the_terminal_is_closed(tmp_path):
    keep = "lambda *_: (say('ending'), Path({!r}).touch(), sys.exit(1))"
    patient = "import signal; signal.signal(signal.SIGTERM, " + keep + "); say('begun'); time.sleep(60)"
    begun = []

    def listen(name, line):
        begun.append(name)
        if len(begun) == 2:
            raise BrokenPipeError

    began = time.monotonic()
    with pytest.raises(BrokenPipeError):
        run_all({name: python(patient.format(str(tmp_path / name))) for name in ("a", "b")}, 2, listen)
    assert time.monotonic() - began < 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_command_line_has_the_options_that_a_person_would_type(tmp_path):
    new = train_command(
        Path("a.yaml"), 3, ["epochs=2"], directory=Path("runs/b"), options=TrainingOptions(1, tmp_path, "cpu")
    )
    where = ["--data-dir", str(tmp_path), "--device", "cpu", "--json"]
    words = ["--config", "a.yaml", "--seed", "3", "--run", "runs/b", "--set", "epochs=2"]
    assert new == [sys.executable, "-m", "cnnzoo", "train", *words, *where]


def test_an_unfinished_run_continues_by_its_own_config():
    command = train_command(Path("a.yaml"), 3, ["epochs=2"], resume=Path("runs/0001-a"), directory=Path("runs/b"))
    assert command == [sys.executable, "-m", "cnnzoo", "train", "--resume", "runs/0001-a", "--json"]
