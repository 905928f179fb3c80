"""GTP engines in processes of their own: their answers, their failures, and that no process stays behind."""

import os
import signal

import pytest
from gtp_engine import command, has_ended

from cnnzoo.errors import UserError
from cnnzoo.go.engine_process import (
    DiedError,
    EngineProcess,
    InvalidAnswerError,
    RefusedError,
    SlowError,
    split_command,
)
from cnnzoo.go.vertices import read_vertex


@pytest.fixture
def start():
    """Return a function that starts a toy engine, which ends with the test."""
    engines = []

    def start_engine(*arguments):
        engine = EngineProcess(command(*arguments))
        engines.append(engine)
        engine.start()
        return engine

    yield start_engine
    for engine in engines:
        engine.end()


@pytest.mark.parametrize("behaviour", ["random", "no-number", "needs-number", "carriage-returns"])
def test_an_engine_is_understood_with_and_without_numbers_and_carriage_returns(start, behaviour):
    engine = start(behaviour)
    assert engine.title == f"toy {behaviour} 1"
    engine.set_up(9, 7.5)
    engine.play(1, 40, 9)
    assert read_vertex(engine.ask("genmove w"), 9) != 40


def test_an_engine_can_be_asked_again_after_it_answered_with_an_error(start):
    engine = start("random")
    engine.set_up(9, 7.5)
    engine.play(1, 40, 9)
    with pytest.raises(RefusedError, match=r"answered 'play w E5' with an error: the point is occupied"):
        engine.play(-1, 40, 9)
    assert engine.ask("name") == "toy random"


def test_a_dead_engine_is_reported_with_its_exit_code_and_last_words(start):
    engine = start("dies")
    engine.ask("genmove b")
    with pytest.raises(DiedError, match="ended with exit code 3: a first line / out of memory"):
        engine.ask("genmove b")
    engine.start()
    assert engine.ask("genmove b")


def test_an_engine_that_was_killed_is_reported_by_the_signal(start):
    engine = start("random")
    os.kill(engine._process.pid, signal.SIGKILL)
    with pytest.raises(DiedError, match="was ended by SIGKILL: no message"):
        engine.ask("name")


def test_an_engine_without_an_answer_in_time_is_killed_even_if_it_ignores_a_request_to_end(start):
    engine = start("hangs")
    number = engine._process.pid
    engine.ask("genmove b")
    with pytest.raises(SlowError, match=r"gave no answer to 'genmove b' within 0.3 s"):
        engine.ask("genmove b", 0.3)
    assert has_ended(number)


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("garbage", "gave no valid answer to 'genmove b', but 'Thinking"),
        ("wrong-number", "gave no valid answer to 'name', but '=77"),
    ],
)
def test_something_else_than_an_answer_is_quoted(start, behaviour, message):
    with pytest.raises(InvalidAnswerError, match=message):
        start(behaviour).ask("genmove b")


def test_an_engine_may_write_much_to_standard_error(start):
    assert start("talks").ask("name") == "toy talks"


def test_an_engine_ends_with_its_children_after_an_error():
    engine = EngineProcess(command("child"))
    engine.start()
    numbers = [engine._process.pid, int(engine.name)]
    with pytest.raises(RefusedError), engine:
        engine.ask("an unknown command")
    assert all(map(has_ended, numbers))


def test_an_engine_ends_by_itself_when_it_is_told_to_quit():
    with EngineProcess(command("random")) as engine:
        engine.start()
        process = engine._process
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "The command of an engine is empty"),
        ("gnugo 'open", "cannot be split into words: No closing quotation"),
        ("no-such-engine --mode gtp", "there is no program 'no-such-engine'; install it, or write its path"),
    ],
)
def test_a_command_that_cannot_be_started_is_refused_in_one_sentence(line, message):
    with pytest.raises(UserError, match=message):
        split_command(line)


def test_a_file_that_is_no_program_is_refused(tmp_path):
    file = tmp_path / "engine"
    file.write_bytes(b"\x00\x01")
    file.chmod(0o755)
    with pytest.raises(UserError, match="cannot be started: Exec format error"):
        EngineProcess(str(file)).start()
