"""Trainings in processes of their own on this machine."""

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

# Environment variables of a child: its parent's process number, and the file for its error.
PARENT = "CNNZOO_PARENT"
ERROR_FILE = "CNNZOO_ERROR_FILE"

# A training that is asked to end writes a checkpoint first; a killed one resumes from the checkpoint before.
SECONDS_TO_END = 30.0
SECONDS_TO_NOTICE = 0.2


@dataclass(frozen=True)
class TrainingOptions:
    """How trainings run; their results do not depend on it, except for the last digits.

    Attributes:
        jobs: How many run at once.
        data_dir: The directory of the data set; None to search for it.
        device: Where to compute; None for the config's device.
    """

    jobs: int = 1
    data_dir: Path | None = None
    device: DeviceChoice | None = None


DEFAULT_OPTIONS = TrainingOptions()


@dataclass(frozen=True)
class ProcessResult:
    """How a process ended.

    Attributes:
        code: Its exit code.
        lines: The last lines that it wrote to standard error.
        error: The error that it reported; None without one.
    """

    code: int
    lines: tuple[str, ...]
    error: str | None = None

    @property
    def reason(self) -> str:
        """Why it failed."""
        if self.error is not None:
            return " ".join(self.error.splitlines())
        last = next((line for line in reversed(self.lines) if line.strip()), "no message")
        return f"ended with exit code {self.code}: {last}"


def training_name(seed: int) -> str:
    """Return the name of the training with a seed, for a ``Listener``."""
    return f"seed {seed}"


def train_command(
    config: Path,
    seed: int,
    settings: Sequence[str] = (),
    *,
    resume: Path | None = None,
    directory: Path | None = None,
    options: TrainingOptions = DEFAULT_OPTIONS,
) -> list[str]:
    """Return the command line of ``cnnzoo train`` for this Python.

    Args:
        config: The recipe's file.
        seed: The seed.
        settings: Overrides of the recipe.
        resume: Directory of a run to continue by its own config; None for a new run.
        directory: Directory of a new run; None for a new number under ``runs/``.
        options: The directory of the data set, and the device.
    """
    if resume:
        words = ["--resume", str(resume)]
    else:
        words = ["--config", str(config), "--seed", str(seed)]
        words += ["--run", str(directory)] if directory else []
        words += [word for setting in settings for word in ("--set", setting)]
    words += ["--data-dir", str(options.data_dir)] if options.data_dir else []
    words += ["--device", options.device] if options.device else []
    return [sys.executable, "-m", "cnnzoo", "train", *words, "--json"]


def report_error(message: str) -> None:
    """Report the error that ends this process to the process that started it with ``run_all``, if there is one."""
    if path := os.environ.get(ERROR_FILE):
        with suppress(OSError):  # the message is on standard error too
            files.write_json(Path(path), {"error": message})


def end_with_parent() -> None:
    """End this process soon after its parent, which called ``run_all``, even if the parent was killed.

    Otherwise it would continue unseen, in a run that the same command resumes when it is repeated.
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
) -> dict[str, ProcessResult]:
    """Run commands in their order, several at once; a command that fails does not end the others.

    Args:
        commands: The arguments of each command, by its name.
        jobs: How many run at once.
        on_line: Called with a command's name and a line that it wrote to standard error.
        stop_at_failure: Start no more commands after one has failed.
        seconds_to_end: How long a process may take to end when it is asked to, before it is killed.

    Returns:
        The result of each command that was started, by its name.

    Raises:
        KeyboardInterrupt: Ctrl-C or a kill. All processes have ended then, and also when ``on_line`` raises an error.
    """
    waiting = list(commands)
    with treat_kills_as_ctrl_c(), tempfile.TemporaryDirectory() as folder, selectors.DefaultSelector() as selector:
        processes = _Processes(selector, Path(folder), on_line)
        try:
            while waiting or processes.running:
                if stop_at_failure and any(result.code for result in processes.results.values()):
                    waiting = []
                while waiting and len(processes.running) < jobs:
                    name = waiting.pop(0)
                    processes.start(name, commands[name])
                processes.read()
        except BaseException:
            processes.end(seconds_to_end)
            raise
    return {name: processes.results[name] for name in commands if name in processes.results}


class _Processes:
    """Running processes: reads their standard error, and ends them together."""

    def __init__(self, selector: selectors.BaseSelector, folder: Path, on_line: OnLine) -> None:
        self.selector, self.folder, self.on_line = selector, folder, on_line
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.lines: dict[str, deque[str]] = {}
        self.results: dict[str, ProcessResult] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a command."""
        self.running[name] = process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, PARENT: str(os.getpid()), ERROR_FILE: str(self._error_file(name))},
            process_group=0,  # so that the terminal sends Ctrl-C only to this process, which passes it on once
        )
        self.lines[name] = deque(maxlen=20)
        assert process.stderr
        self.selector.register(process.stderr, selectors.EVENT_READ, (name, bytearray()))

    def read(self) -> None:
        """Pass on the lines of the next tenth of a second, and keep the results of processes that have ended."""
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
                self.results[name] = ProcessResult(code, tuple(self.lines[name]), _read_error(self._error_file(name)))

    def end(self, seconds: float) -> None:
        """Ask all processes to end and wait; kill those that take too long, or all of them at a second Ctrl-C."""
        on_line = self.on_line

        def try_line(name: str, line: str) -> None:
            with suppress(Exception):  # for example because the terminal is closed
                on_line(name, line)

        self.on_line = try_line
        try:
            for process in self.running.values():
                process.terminate()  # a process that was started in the background ignores SIGINT
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
def treat_kills_as_ctrl_c() -> Iterator[None]:
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
    """Return the error that a process reported in a file; None without one."""
    try:
        return str(files.read_json(path)["error"])
    except (UserError, KeyError):
        return None
