"""Trainings as processes of their own.

``run_all`` is all that an engine such as Ray would have to take over: it gets command lines, and gives back how each
one ended.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from cnnzoo.runtime import DeviceChoice

Heard = Callable[[str, str], None]

# Holds the process that a training belongs to.
PARENT = "CNNZOO_PARENT"

# A training that was asked to end writes a checkpoint first; one that is killed goes on from the checkpoint before it.
SECONDS_TO_END = 30.0
SECONDS_TO_NOTICE = 0.2


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, and the last lines that it wrote to standard error."""

    code: int
    lines: tuple[str, ...]

    @property
    def reason(self) -> str:
        """What it gave as the reason of its failure."""
        starts = [index for index, line in enumerate(self.lines) if line.startswith("Error: ")]
        if starts:
            return " ".join(self.lines[starts[-1] :]).removeprefix("Error: ")
        last = next((line for line in reversed(self.lines) if line.strip()), "it said nothing")
        return f"ended with exit code {self.code}: {last}"


def train_command(
    config: Path,
    seed: int,
    settings: Sequence[str] = (),
    *,
    begun: Path | None = None,
    directory: Path | None = None,
    data_dir: Path | None = None,
    device: DeviceChoice | None = None,
) -> list[str]:
    """Return the command line of ``cnnzoo train`` in a process of this interpreter.

    Args:
        config: The recipe's file.
        seed: The seed.
        settings: Overrides of the recipe.
        begun: Directory of the run that goes on by its own config; None for a new run.
        directory: Where a new run shall lie; None for a new number under ``runs/``.
        data_dir: Where the data set lies; None to search for it.
        device: Where to compute; None for what the config says.
    """
    words = ["--resume", str(begun)] if begun else ["--config", str(config), "--seed", str(seed)]
    if not begun:
        words += ["--run", str(directory)] if directory else []
        words += [word for setting in settings for word in ("--set", setting)]
    words += ["--data-dir", str(data_dir)] if data_dir else []
    words += ["--device", device] if device else []
    return [sys.executable, "-m", "cnnzoo", "train", *words, "--json"]


def end_with_parent() -> None:
    """End this process soon after the one that ``run_all`` was called in, also where that was killed and asked nobody.

    Otherwise it would go on unseen, in a run that the same command, given again, takes up.
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
    heard: Heard,
    *,
    stop_at_failure: bool = False,
    seconds_to_end: float = SECONDS_TO_END,
) -> dict[str, Ended]:
    """Run commands, so many at once, each in the order given; one that fails does not end the others.

    Args:
        commands: Each one's arguments, by the name that it goes by.
        jobs: How many run at once.
        heard: Told, from several threads, the name of a command and a line that it wrote to standard error.
        stop_at_failure: Whether none is started any more when one has failed.
        seconds_to_end: How long a process may take to end when it was asked to, before it is killed.

    Returns:
        How each one that was started ended, by its name.

    Raises:
        KeyboardInterrupt: Ctrl-C or a kill; all processes have ended, as where ``heard`` raises anything.
    """
    group = _Group(heard, stop_at_failure, seconds_to_end)
    with _termination_as_ctrl_c(), ThreadPoolExecutor(jobs) as pool:
        futures = {name: pool.submit(group.run, name, commands[name]) for name in commands}
        try:
            waiting: set[Future[Ended | None]] = set(futures.values())
            while waiting:
                group.check()
                done, waiting = wait(waiting, 0.1, FIRST_EXCEPTION)
                for future in done:
                    future.result()
            group.check()
        except BaseException:
            for future in futures.values():
                future.cancel()
            group.end()
            raise
    return {name: ended for name, future in futures.items() if (ended := future.result())}


class _Group:
    """Processes that are heard from several threads and end together where they have to."""

    def __init__(self, heard: Heard, stop_at_failure: bool, seconds_to_end: float) -> None:
        self.heard, self.stop_at_failure, self.seconds_to_end = heard, stop_at_failure, seconds_to_end
        self.lock = threading.Lock()
        self.started: dict[str, subprocess.Popen[str]] = {}
        self.stopping = self.failed = False
        self.trouble: BaseException | None = None

    def run(self, name: str, command: Sequence[str]) -> Ended | None:
        """Run one to its end; None where none is to be started any more."""
        with self.lock:
            if self.stopping or (self.stop_at_failure and self.failed):
                return None
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, PARENT: str(os.getpid())},
                process_group=0,  # the terminal's Ctrl-C reaches this process alone, which passes it on once
            )
            self.started[name] = process
        lines: deque[str] = deque(maxlen=20)
        assert process.stderr
        with process.stderr:
            for line in process.stderr:
                lines.append(line.rstrip())
                self.tell(name, lines[-1])
        code = process.wait()
        if code:
            with self.lock:
                self.failed = True
        return Ended(code, tuple(lines))

    def tell(self, name: str, line: str) -> None:
        """Pass a line on, until that fails; a process is read from all the same, or it could not write and end."""
        if self.trouble is None:
            try:
                self.heard(name, line)
            except BaseException as error:  # such as of a terminal that is gone
                self.trouble = error

    def check(self) -> None:
        """Raise what passing a line on has raised."""
        if self.trouble is not None:
            raise self.trouble

    def end(self) -> None:
        """Ask all to end and wait; those that take too long, or all at a second Ctrl-C, are killed."""
        with self.lock:
            self.stopping = True
            running = {name: process for name, process in self.started.items() if process.poll() is None}
        try:
            for process in running.values():
                process.terminate()  # not by SIGINT, which a process ignores that was started in the background
            for name in running:
                self.tell(name, "ending ...")
            deadline = time.monotonic() + self.seconds_to_end
            while any(process.poll() is None for process in running.values()) and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            for process in running.values():
                process.kill()


@contextmanager
def _termination_as_ctrl_c() -> Iterator[None]:
    """Let a kill, or the end of the terminal, end the processes too, which would not hear of it otherwise."""

    def interrupt(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    signals = [signal.SIGTERM, signal.SIGHUP] if main else []
    heeded = [number for number in signals if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
