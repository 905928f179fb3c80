"""Messages that libraries write to the terminal, not through Python."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# A program that reads its standard input to the end and then prints it, unless it is killed before. It leaves out
# TensorFlow's notes at its start, which explain no crash, and all but twelve lines, because XLA lists all of its flags.
WATCHER = """
import re, sys
notes = re.compile(rb"WARNING: All log messages before|I[0-9]{4} |[-0-9]+ [0-9:.]+: I ")
lines = [line for line in sys.stdin.buffer if not notes.match(line)]
if lines:
    more = f"({len(lines) - 12} more lines)\\n" if len(lines) > 12 else ""
    sys.stderr.buffer.write(sys.argv[1].encode() + b"\\n" + b"".join(lines[:12]) + more.encode())
"""


@contextmanager
def mute(headline: str) -> Iterator[None]:
    """Hide what libraries write to file descriptor 2, unless the process dies.

    TensorFlow logs from C++ before it reads TF_CPP_MIN_LOG_LEVEL, so the descriptor itself has to be redirected.
    Libraries may end a process by abort(), which Python cannot catch: a second process reads their messages and prints
    them if this process dies. Exceptions are not affected.

    Args:
        headline: A line to print above the messages.
    """
    if sys.stderr:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # standard error is closed
        yield
        return
    read, write = os.pipe()
    # In a session of its own, so that Ctrl-C does not end it.
    command = [sys.executable, "-I", "-S", "-c", WATCHER, headline]
    try:
        watcher = subprocess.Popen(command, stdin=read, start_new_session=True)
    except OSError:  # no process can be started, so nothing is muted
        for descriptor in (read, write, kept):
            os.close(descriptor)
        yield
        return
    os.close(read)
    os.dup2(write, 2)
    os.close(write)
    try:
        yield
    finally:
        watcher.kill()
        os.dup2(kept, 2)
        os.close(kept)
        watcher.wait()
