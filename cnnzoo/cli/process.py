"""Prepares the process of a command: its standard streams, and settings meant for other programs."""

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cnnzoo.errors import UserError

OUTPUT = "standard output"


class _Output(io.FileIO):
    """Standard output. The first write that fails raises an error about ``OUTPUT``; later writes are dropped."""

    failed = False

    def write(self, data: Any) -> int:
        """Return the number of bytes that were written."""
        if self.failed:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except OSError as error:
            self.failed = True
            raise OSError(error.errno, error.strerror, OUTPUT) from None


class _Errors(io.FileIO):
    """Standard error. Writes that fail are dropped, because progress is not the result of a command."""

    def write(self, data: Any) -> int:
        """Return the number of bytes, as if all of them were written."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def prepare_process() -> None:
    """Open the standard streams, and disable settings that are meant for other programs."""
    _open_closed_streams()
    if os.name == "posix":  # Windows writes to a console differently
        if sys.stdout is sys.__stdout__:  # otherwise the program that runs this command has replaced it
            sys.stdout = _open_text(_Output(1, "w", closefd=False), sys.__stdout__)
        if sys.stderr is sys.__stderr__:
            sys.stderr = _open_text(_Errors(2, "w", closefd=False), sys.__stderr__)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # so that an ASCII terminal shows "?" for "±" instead of raising an error
            stream.reconfigure(errors="replace")
    # matplotlib's import fails with a notebook's backend or a damaged settings file, see also ``check_matplotlibrc``.
    os.environ["MPLBACKEND"] = "agg"
    os.environ["MATPLOTLIBRC"] = os.devnull
    if sys.warnoptions:  # with PYTHONWARNINGS=error a warning would end the import of TensorFlow
        warnings.filters[:] = [entry for entry in warnings.filters if entry[0] != "error"]  # type: ignore[index]


@contextmanager
def reserve_output() -> Iterator[io.TextIOWrapper]:
    """Yield standard output for a protocol; whatever else writes to it, libraries too, writes to standard error."""
    sys.stdout.flush()
    reserved = os.dup(1)
    os.dup2(2, 1)
    try:
        with io.TextIOWrapper(
            io.BufferedWriter(_Output(reserved, "w", closefd=False)), "utf-8", errors="backslashreplace"
        ) as output:
            yield output
    finally:
        sys.stdout.flush()
        os.dup2(reserved, 1)
        os.close(reserved)


def check_matplotlibrc() -> None:
    """Check that matplotlib can read the ``matplotlibrc`` in the current directory, which it always reads.

    Raises:
        UserError: matplotlib cannot read it.
    """
    path = Path("matplotlibrc")
    try:
        if path.is_file():
            path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file in UTF-8, and matplotlib reads it here; correct it.") from None


def _open_closed_streams() -> None:
    """Open closed standard streams; otherwise the next file would get their number, and what is written to them.

    Standard output is opened for reading, so that writing to it fails.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)


def _open_text(file: Any, before: io.TextIOWrapper | None) -> io.TextIOWrapper:
    """Return a text stream to a file, with the encoding and buffering of another stream."""
    encoding, by_lines = (before.encoding, before.line_buffering) if before else ("utf-8", False)
    if before and before.write_through:  # set by PYTHONUNBUFFERED
        return io.TextIOWrapper(file, encoding, write_through=True)
    return io.TextIOWrapper(io.BufferedWriter(file), encoding, line_buffering=by_lines)
