"""Trainings in processes of their own.

``run_all`` is what an engine such as Ray would replace: it takes command lines and returns how each one ended.
"""

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from cnnzoo import files
from cnnzoo.errors import UserError
from cnnzoo.runtime import DeviceChoice

OnLine = Callable[[str, str], None]

# Variables of a child's environment: the process that it belongs to, and the file for its error.
PARENT = "CNNZOO_PARENT"
ERROR_FILE = "CNNZOO_ERROR_FILE"

# A training that is asked to end writes a checkpoint first; one that is killed goes on from the checkpoint before.
SECONDS_TO_END = 30.0
SECONDS_TO_NOTICE = 0.2


@dataclass(frozen=True)
class Outcome:
    """How a process ended.

    Attributes:
        code: Its exit code.
        lines: The last lines that it wrote to standard error.
        error: The error that it reported, if it did.
    """

    code: int
    lines: tuple[str, ...]
    error: str | None = None

    @property
    def reason(self) -> str:
        """The reason of its failure."""
        if self.error is not None:
            return " ".join(self.error.splitlines())
        last = next((line for line in reversed(self.lines) if line.strip()), "it said nothing")
        return f"ended with exit code {self.code}: {last}"


def train_command(
    config: Path,
    seed: int,
    settings: Sequence[str] = (),
    *,
    resume: Path | None = None,
    directory: Path | None = None,
    data_dir: Path | None = None,
    device: DeviceChoice | None = None,
) -> list[str]:
    """Return the command line of ``cnnzoo train`` in a process of this interpreter.

    Args:
        config: The recipe's file.
        seed: The seed.
        settings: Overrides of the recipe.
        resume: Directory of the run that goes on by its own config; None for a new run.
        directory: Directory of a new run; None for a new number under ``runs/``.
        data_dir: The directory of the data set; None to search for it.
        device: Where to compute; None for the config's device.
    """
    if resume:
        words = ["--resume", str(resume)]
    else:
        words = ["--config", str(config), "--seed", str(seed)]
        words += ["--run", str(directory)] if directory else []
        words += [word for setting in settings for word in ("--set", setting)]
    words += ["--data-dir", str(data_dir)] if data_dir else []
    words += ["--device", device] if device else []
    return [sys.executable, "-m", "cnnzoo", "train", *words, "--json"]


def report_error(message: str) -> None:
    """Report the error that ends this process to the process that started it with ``run_all``, if one did."""
    if path := os.environ.get(ERROR_FILE):
        with suppress(OSError):  # the message is on standard error too
            files.write_json(Path(path), {"error": message})


def end_with_parent() -> None:
    """End this process soon after its parent, which called ``run_all``, even if the parent was killed.

    Otherwise it would go on unseen, in a run that the same command takes up when it is repeated.
    """
    parent = os.environ.pop(PARENT, None)
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(SECONDS_TO_NOTICE)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def run_all(
    commands: Mapping[str, Sequence[str]],
    jobs: int,
    on_line: OnLine,
    *,
    stop_at_failure: bool = False,
    seconds_to_end: float = SECONDS_TO_END,
) -> dict[str, Outcome]:
    """Run commands in their order, several at once; one that fails does not end the others.

    Args:
        commands: The arguments of each command, by its name.
        jobs: How many run at once.
        on_line: Called with a command's name and a line that it wrote to standard error.
        stop_at_failure: Start no more commands after one has failed.
        seconds_to_end: How long a process may take to end when it is asked to, before it is killed.

    Returns:
        The outcome of each command that was started, by its name.

    Raises:
        KeyboardInterrupt: Ctrl-C or a kill; all processes have ended, as they have where ``on_line`` raises anything.
    """
    waiting = list(commands)
    with _kills_as_ctrl_c(), tempfile.TemporaryDirectory() as folder, selectors.DefaultSelector() as selector:
        processes = _Processes(selector, Path(folder), on_line)
        try:
            while waiting or processes.running:
                if stop_at_failure and any(outcome.code for outcome in processes.outcomes.values()):
                    waiting = []
                while waiting and len(processes.running) < jobs:
                    name = waiting.pop(0)
                    processes.start(name, commands[name])
                processes.read()
        except BaseException:
            processes.end(seconds_to_end)
            raise
    return {name: processes.outcomes[name] for name in commands if name in processes.outcomes}


class _Processes:
    """Processes whose standard error is read, and that end together if they must."""

    def __init__(self, selector: selectors.BaseSelector, folder: Path, on_line: OnLine) -> None:
        self.selector, self.folder, self.on_line = selector, folder, on_line
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.lines: dict[str, deque[str]] = {}
        self.outcomes: dict[str, Outcome] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a command."""
        self.running[name] = process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, PARENT: str(os.getpid()), ERROR_FILE: str(self._error_file(name))},
            process_group=0,  # the terminal's Ctrl-C reaches this process alone, which passes it on once
        )
        self.lines[name] = deque(maxlen=20)
        assert process.stderr
        self.selector.register(process.stderr, selectors.EVENT_READ, (name, bytearray()))

    def read(self) -> None:
        """Pass on the lines of a short while, and note the outcomes of processes that have ended."""
        for key, _ in self.selector.select(0.1):
            name, rest = key.data
            data = os.read(key.fd, 2**16)
            *lines, last = (bytes(rest) + data).split(b"\n")
            rest[:] = last
            if not data:
                self.selector.unregister(key.fileobj)
                lines = [last] if last else []
            for line in lines:
                self.lines[name].append(line.decode(errors="replace").rstrip())
                self.on_line(name, self.lines[name][-1])
        open_names = {key.data[0] for key in self.selector.get_map().values()}
        for name, process in list(self.running.items()):
            if name not in open_names and (code := process.poll()) is not None:
                del self.running[name]
                assert process.stderr
                process.stderr.close()
                self.outcomes[name] = Outcome(code, tuple(self.lines[name]), _read_error(self._error_file(name)))

    def end(self, seconds: float) -> None:
        """Ask all to end and wait; kill those that take too long, or all at a second Ctrl-C."""
        on_line = self.on_line

        def try_line(name: str, line: str) -> None:
            with suppress(Exception):  # such as of a terminal that is gone
                on_line(name, line)

        self.on_line = try_line
        try:
            for process in self.running.values():
                process.terminate()  # not by SIGINT, which a process ignores that was started in the background
            for name in self.running:
                try_line(name, "ending ...")
            deadline = time.monotonic() + seconds
            while self.running and time.monotonic() < deadline:
                self.read()
        finally:
            for process in self.running.values():
                with process:
                    process.kill()

    def _error_file(self, name: str) -> Path:
        return self.folder / f"{name}.json"


@contextmanager
def _kills_as_ctrl_c() -> Iterator[None]:
    """Turn a kill, or the end of the terminal, into a KeyboardInterrupt, so that the processes end too."""

    def interrupt(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    is_main = threading.current_thread() is threading.main_thread()
    numbers = [signal.SIGTERM, signal.SIGHUP] if is_main else []
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _read_error(path: Path) -> str | None:
    """Return the error that a process has reported in a file; None if it has not."""
    try:
        return str(files.read_json(path)["error"])
    except (UserError, KeyError):
        return None
