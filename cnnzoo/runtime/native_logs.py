"""What libraries write to the terminal past Python."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Keeps what comes in on standard input, and shows it when that ends, unless this process is killed before. Notes of
# TensorFlow's start are left out: a process that somebody ends has nothing to say. XLA ends with a list of its flags.
WATCHER = """
import re, sys
notes = re.compile(rb"WARNING: All log messages before|I[0-9]{4} |[-0-9]+ [0-9:.]+: I ")
lines = [line for line in sys.stdin.buffer if not notes.match(line)]
if lines:
    more = f"({len(lines) - 12} more lines)\\n" if len(lines) > 12 else ""
    sys.stderr.buffer.write(sys.argv[1].encode() + b"\\n" + b"".join(lines[:12]) + more.encode())
"""


@contextmanager
def muted(headline: str) -> Iterator[None]:
    """Keep what libraries write to file descriptor 2 off the terminal, unless the process dies of it.

    TensorFlow logs from C++ before it reads TF_CPP_MIN_LOG_LEVEL, so only the descriptor can be muted. Libraries end
    a process by abort(), which Python cannot catch: a second process keeps what they wrote, and shows it if this one
    is gone. Exceptions are not affected.

    Args:
        headline: Shown above what the libraries wrote.
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
    except OSError:  # no process is left, and the terminal shows what it has to
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
