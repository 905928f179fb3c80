"""Trainings as processes of their own.

``run_all`` is all that an engine such as Ray would have to take over: it gets command lines, and gives back how each
one ended.
"""

import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from cnnzoo.runtime import Device

Heard = Callable[[str, str], None]

# A training that was asked to end writes a checkpoint first; one that is killed goes on from the checkpoint before it.
SECONDS_TO_END = 30.0


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
    *arguments: str, settings: Sequence[str] = (), data_dir: Path | None = None, device: Device | None = None
) -> list[str]:
    """Return the command line of ``cnnzoo train`` in a process of this interpreter."""
    chosen = [word for setting in settings for word in ("--set", setting)]
    where = ["--data-dir", str(data_dir)] if data_dir else []
    on = ["--device", device] if device else []
    return [sys.executable, "-m", "cnnzoo", "train", *arguments, *chosen, *where, *on, "--json"]


def run_all(
    commands: Mapping[str, Sequence[str]], jobs: int, heard: Heard, *, stop_at_failure: bool = False
) -> dict[str, Ended]:
    """Run commands, so many at once, each in the order given; one that fails does not end the others.

    Args:
        commands: Each one's arguments, by the name that it goes by.
        jobs: How many run at once.
        heard: Told, from several threads, the name of a command and a line that it wrote to standard error.
        stop_at_failure: Whether none is started any more when one has failed.

    Returns:
        How each one that was started ended, by its name.

    Raises:
        KeyboardInterrupt: Ctrl-C or a kill; all processes have ended.
    """
    running: dict[str, subprocess.Popen[str]] = {}
    lock, stopping, failed = threading.Lock(), threading.Event(), threading.Event()

    def run(name: str) -> Ended | None:
        with lock:
            if stopping.is_set():
                raise KeyboardInterrupt
            if stop_at_failure and failed.is_set():
                return None
            process = subprocess.Popen(
                commands[name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                process_group=0,  # the terminal's Ctrl-C reaches this process alone, which passes it on once
            )
            running[name] = process
        lines: deque[str] = deque(maxlen=20)
        assert process.stderr
        with process.stderr:
            for line in process.stderr:
                lines.append(line.rstrip())
                heard(name, lines[-1])
        code = process.wait()
        with lock:
            del running[name]
            if code:
                failed.set()
        return Ended(code, tuple(lines))

    with _termination_as_ctrl_c(), ThreadPoolExecutor(jobs) as pool:
        futures = {name: pool.submit(run, name) for name in commands}
        try:
            wait(futures.values(), return_when=FIRST_EXCEPTION)
            return {name: ended for name, future in futures.items() if (ended := future.result())}
        except BaseException:
            stopping.set()
            for future in futures.values():
                future.cancel()
            _end(running, lock, heard)
            raise


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


def _end(running: dict[str, subprocess.Popen[str]], lock: threading.Lock, heard: Heard) -> None:
    """Ask all to end and wait; those that take too long, or all at a second Ctrl-C, are killed."""
    with lock:
        for name, process in running.items():
            process.terminate()  # not by SIGINT, which a process ignores that was started in the background
            heard(name, "ending ...")
    try:
        deadline = time.monotonic() + SECONDS_TO_END
        while running and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        with lock:
            for process in running.values():
                process.kill()
