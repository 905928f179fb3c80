"""A Go engine in a process of its own, which answers commands of the Go Text Protocol (GTP), version 2.

Farnebäck, "Specification of the Go Text Protocol, version 2", 2002, https://www.lysator.liu.se/~gunnar/gtp/.
"""

import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Literal

from cnnzoo.errors import UserError
from cnnzoo.go.board import BLACK, WHITE
from cnnzoo.go.vertices import name_vertex
from cnnzoo.text import printable

# The colours in the words of the protocol.
COLOURS = {BLACK: "b", WHITE: "w"}

# The first answer may wait for TensorFlow, a model and a GPU; other commands than moves and scores are quick.
SECONDS_TO_START, SECONDS_TO_ANSWER, SECONDS_TO_END = 180.0, 30.0, 2.0

# The longest answer; an engine that writes more without an end is out of order.
MOST_BYTES = 2**20

# Where programs are found that PATH does not name: beside this Python, and Debian's folder for games.
MORE_FOLDERS = (str(Path(sys.executable).parent), "/usr/games")

Ending = Literal["score", "limit", "resign", "illegal", "time", "died", "error"]


class EngineError(Exception):
    """An engine failed; the message is a clause that follows the engine's name in a sentence.

    Attributes:
        reason: Why a game ends if it happens there.
    """

    reason: Ending = "error"


class DiedError(EngineError):
    """The engine's process has ended; the message has its exit code and the last lines of its standard error."""

    reason = "died"


class SlowError(EngineError):
    """The engine did not answer in time."""

    reason = "time"


class RefusedError(EngineError):
    """The engine answered a command with an error."""


class InvalidAnswerError(EngineError):
    """The engine wrote something that is no answer to the command."""


def split_command(command: str) -> list[str]:
    """Return the words of an engine's command line, the program as a path; no shell is needed.

    Raises:
        UserError: There is no such program, or a quote is not closed.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UserError(f"The engine {command!r} cannot be split into words: {error}.") from None
    if not words:
        raise UserError("The command of an engine is empty; write it as one text, such as 'gnugo --mode gtp'.")
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *MORE_FOLDERS])
    program = shutil.which(words[0], path=folders)
    if program is None:
        reason = f"there is no program {words[0]!r}; install it, or write its path"
        raise UserError(f"The engine {command!r} cannot be started: {reason}.")
    return [program, *words[1:]]


class EngineProcess:
    """An engine that is started when it is first needed, and again after it has failed.

    As a context manager it ends the process, whatever happens; the process is in a group of its own, so that Ctrl-C
    reaches it through this program only, and its children end with it.

    Attributes:
        command: Its command line.
        name: What it calls itself; empty before it has started, and if it does not know.
        version: Its version; empty likewise.
    """

    def __init__(self, command: str) -> None:
        self.command, self.name, self.version = command, "", ""
        self._process: subprocess.Popen[bytes] | None = None
        self._selector = selectors.DefaultSelector()
        self._answers = bytearray()
        self._errors: deque[str] = deque(maxlen=3)
        self._rest_of_errors = b""
        self._number = 0

    def __enter__(self) -> "EngineProcess":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._process and kind is None:
            process = self._process
            with suppress(EngineError, subprocess.TimeoutExpired):
                self.ask("quit", SECONDS_TO_END)
                process.wait(SECONDS_TO_END)
        self.end()
        self._selector.close()

    def start(self) -> None:
        """Start the process unless it runs, and ask for its name and version.

        Raises:
            UserError: There is no such program.
            EngineError: It does not answer.
        """
        if self._process:
            return
        try:
            self._process = process = subprocess.Popen(
                split_command(self.command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
        except OSError as error:  # for example a file without a first line that names its interpreter
            raise UserError(f"The engine {self.command!r} cannot be started: {error.strerror}.") from None
        self._answers.clear()
        self._errors.clear()
        self._rest_of_errors = b""
        for stream in (process.stdout, process.stderr):
            assert stream
            self._selector.register(stream, selectors.EVENT_READ)
        self.name = self._ask_about("name", SECONDS_TO_START)
        self.version = self._ask_about("version", SECONDS_TO_ANSWER)

    def _ask_about(self, command: str, seconds: float) -> str:
        """Return what the engine says of itself; empty if it does not know."""
        try:
            return self.ask(command, seconds)
        except RefusedError:
            return ""

    @property
    def title(self) -> str:
        """Name and version, such as ``GNU Go 3.8``; the command if it has no name.

        A version that needs an explanation in brackets is left out, as ours, which is that of another program.
        """
        version = "" if "(" in self.version else self.version
        return printable(f"{self.name or self.command} {version}".strip())

    def ask(self, command: str, seconds: float = SECONDS_TO_ANSWER) -> str:
        """Send a command and return the answer without its sign and number.

        Args:
            command: A line of GTP without a number.
            seconds: How long the answer may take.

        Raises:
            RefusedError: It answered with an error; it can be asked again.
            EngineError: It failed otherwise; its process has ended, and ``start`` starts another one.
        """
        assert self._process
        self._number += 1
        try:
            self._send(f"{self._number} {command}\n")
            answer = self._read(command, seconds)
        except EngineError:
            self.end()
            raise
        # An engine may leave out the number, but not answer another command.
        parts = re.fullmatch(rb"([=?])(\d*)[ \t]*(.*)", answer, re.DOTALL)
        if not parts or parts[2] not in {b"", b"%d" % self._number}:
            self.end()
            raise InvalidAnswerError(f"gave no valid answer to '{command}', but '{_shorten(answer)}'")
        text = parts[3].decode(errors="replace").strip()
        if parts[1] == b"?":
            raise RefusedError(f"answered '{command}' with an error: {_shorten(parts[3])}")
        return text

    def set_up(self, size: int, komi: float) -> None:
        """Start a new game.

        Raises:
            EngineError: It fails, or does not play on such a board.
        """
        for command in (f"boardsize {size}", "clear_board", f"komi {komi:g}"):
            self.ask(command)

    def play(self, colour: int, point: int, size: int) -> None:
        """Tell the engine a move, a point of the board or PASS.

        Raises:
            EngineError: It fails, or does not accept the move.
        """
        self.ask(f"play {COLOURS[colour]} {name_vertex(point, size)}")

    def kill(self) -> None:
        """Kill the process at once; whoever waits for its answer, in another thread, gets an error."""
        self._signal(signal.SIGKILL)

    def end(self) -> None:
        """End the process and its children; kill them if they take too long."""
        process = self._process
        if not process:
            return
        try:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS_TO_END)
        finally:
            self._signal(signal.SIGKILL)
            process.wait()
            for stream in (process.stdout, process.stderr):
                assert stream
                with suppress(KeyError):
                    self._selector.unregister(stream)
                stream.close()
            assert process.stdin
            with suppress(BrokenPipeError):
                process.stdin.close()
            self._process = None

    def _signal(self, number: int) -> None:
        process = self._process
        if process:
            with suppress(ProcessLookupError, PermissionError):  # the group has ended
                os.killpg(process.pid, number)

    def _send(self, line: str) -> None:
        assert self._process
        assert self._process.stdin
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._explain_death() from None

    def _read(self, command: str, seconds: float) -> bytes:
        """Return the next answer, without the empty line that ends it."""
        assert self._process
        deadline = time.monotonic() + seconds
        while (answer := self._take_answer(command)) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise SlowError(f"gave no answer to '{command}' within {seconds:g} s")
            has_ended = self._process.poll() is not None  # asked first: what it wrote before is still read
            if not self._receive(min(left, 0.5)) and has_ended:
                raise self._explain_death()
        return answer

    def _take_answer(self, command: str) -> bytes | None:
        """Take the next answer out of what was read; None if it is not complete."""
        text = bytes(self._answers).replace(b"\r", b"").lstrip(b"\n")
        answer, is_complete, rest = text.partition(b"\n\n")
        if (text and text[:1] not in b"=?" and b"\n" in text) or len(text) > MOST_BYTES:
            raise InvalidAnswerError(f"gave no valid answer to '{command}', but '{_shorten(answer)}'")
        if not is_complete:
            return None
        self._answers[:] = rest
        return answer

    def _receive(self, seconds: float) -> bool:
        """Wait for output and keep it; return whether there was any.

        Raises:
            DiedError: Standard output has ended.
        """
        assert self._process
        ready = self._selector.select(seconds)
        for key, _ in ready:
            data = os.read(key.fd, 2**16)
            if not data:
                self._selector.unregister(key.fileobj)
            if key.fileobj is self._process.stdout:
                self._answers += data
                if not data:
                    raise self._explain_death()
            else:
                *lines, self._rest_of_errors = (self._rest_of_errors + data).split(b"\n")
                self._keep_errors(*lines)
        return bool(ready)

    def _keep_errors(self, *lines: bytes) -> None:
        """Keep the last lines of standard error, to explain why the process ended."""
        self._errors.extend(text for line in lines if (text := line.decode(errors="replace").strip()))

    def _explain_death(self) -> DiedError:
        """Return the error of a process that has ended or closed its output."""
        process = self._process
        assert process
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
        deadline = time.monotonic() + 1
        with suppress(EngineError):
            while self._selector.get_map() and time.monotonic() < deadline and self._receive(0.1):
                pass
        self._keep_errors(self._rest_of_errors)
        last = _shorten(" / ".join(self._errors).encode()) if self._errors else "no message"
        code = process.returncode
        ending = "closed its output" if code is None else f"ended with exit code {code}"
        if code is not None and code < 0:
            names = {each.value: each.name for each in signal.Signals}
            ending = f"was ended by {names.get(-code, f'signal {-code}')}"
        return DiedError(f"{ending}: {last}")


def _shorten(answer: bytes | bytearray) -> str:
    """Return the beginning of an answer as one printable line."""
    text = " ".join(answer[:500].decode(errors="replace").split())
    return printable(text if len(text) <= 200 else f"{text[:200]} ...") or "nothing"
