"""Lines of the protocol: commands are read and answers written, one for each command."""

import queue
import re
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cnnzoo.errors import UserError
from cnnzoo.go.gtp.engine import Engine
from cnnzoo.go.gtp.session import Analysis, CommandError

# What the protocol discards on input: all control characters but the tab and the end of the line.
_DISCARDED = {code: None for code in (*range(32), 127) if code != 9}


@dataclass(frozen=True)
class Command:
    """A line that a program sent.

    Attributes:
        id: Its number, digit by digit as it came; empty without one.
        name: The command; empty if the line is a number alone.
        arguments: What follows.
    """

    id: str
    name: str
    arguments: list[str]


def read_command(line: bytes) -> Command | None:
    """Return the command of a line; None if the line is empty or a comment, which get no answer."""
    text = line.decode("utf-8", "surrogateescape").translate(_DISCARDED).partition("#")[0]
    words = [word for word in re.split("[ \t]+", text) if word]
    if not words:
        return None
    number = words.pop(0) if re.fullmatch("[0-9]+", words[0]) else ""
    return Command(number, words[0] if words else "", words[1:])


class _Inputs:
    """Lines that a thread reads while commands run, so that they end an analysis.

    Args:
        lines: The lines. The thread is left behind where it waits for the next one, because it cannot be stopped.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._waiting: list[bytes | None] = []
        threading.Thread(target=self._read, args=(lines,), name="gtp-input", daemon=True).start()

    def _read(self, lines: Iterable[bytes]) -> None:
        try:
            for line in lines:
                self._queue.put(line)
        finally:
            self._queue.put(None)

    def __iter__(self) -> Iterator[bytes]:
        while (line := self._waiting.pop() if self._waiting else self._queue.get()) is not None:
            yield line

    def wait(self, seconds: float) -> bool:
        """Wait for the next line, or the end of the input, so long at most; return whether it is there."""
        try:
            self._waiting.append(self._queue.get(timeout=seconds))
        except queue.Empty:
            return False
        return True


def serve(engine: Engine, lines: Iterable[bytes], write: Callable[[str], object]) -> None:
    """Answer commands until ``quit`` or the end of the input.

    An analysis repeats its line until any input arrives, an empty line included.

    Args:
        engine: Carries the commands out.
        lines: What the other program sends.
        write: Sends text to it at once.
    """
    inputs = _Inputs(lines)
    for line in inputs:
        command = read_command(line)
        if command is None:
            continue
        is_done, answer = _execute(engine, command)
        head = f"{'=' if is_done else '?'}{command.id}"
        if isinstance(answer, Analysis):
            write(f"{head}\n{answer.line}")
            while not inputs.wait(answer.interval):
                write(answer.line)
            write("\n")
        else:
            write(f"{head} {_clean(answer)}\n\n")
        if engine.has_quit:
            return


def _execute(engine: Engine, command: Command) -> tuple[bool, str | Analysis]:
    """Carry a command out; return whether that worked, and the answer or why not."""
    try:
        return True, engine.execute(command.name, command.arguments)
    except (CommandError, UserError) as error:
        return False, str(error)
    except Exception as error:  # a game goes on after an error of the model or of this program
        traceback.print_exc()
        return False, f"internal error: {type(error).__name__}: {error}"


def _clean(text: str) -> str:
    """Return an answer without what would end it too early, or has no place in the protocol."""
    lines = (line.rstrip() for line in text.replace("\t", " ").split("\n"))
    kept = [line.translate(_DISCARDED) for line in lines]
    return "\n".join(line for number, line in enumerate(kept) if line or number == 0)
