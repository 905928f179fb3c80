"""Vectors and matrices from text and files."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo.errors import UserError
from cnnzoo.text import count

# More cells than that cannot be shown.
MOST = 10_000


def read_numbers(text: str) -> NDArray[Any]:
    """Return a vector or matrix.

    Args:
        text: Numbers separated by spaces or commas and rows by semicolons, such as ``0 1 2; 2 2 0; 0 1 2``, or
            each row on its own line; or the path of a text file of that form, or of a NumPy file (.npy).

    Returns:
        Numbers (width,) if there is one row, otherwise (height, width).

    Raises:
        UserError: Something is not a number, the rows differ in length, or the file cannot be read.
    """
    is_file = os.path.exists(text)  # noqa: PTH110 - pathlib's may raise
    values = _read_file(Path(text)) if is_file else _parse(text)
    if values.ndim not in (1, 2) or not 0 < values.size <= MOST:
        raise UserError(
            f"'{text}' has {count(values.size, 'number')} in {count(values.ndim, 'dimension')}; "
            f"give 1 to {MOST:,} in one or two."
        )
    if not np.isfinite(values).all():
        raise UserError(f"'{text}' holds numbers that are not finite.")
    return values


def _read_file(path: Path) -> NDArray[Any]:
    try:
        if path.suffix.lower() == ".npy":
            return np.asarray(np.load(path, allow_pickle=False), float)
        return _parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, TypeError, UserError) as error:
        reason = str(error) if isinstance(error, UserError) else "it is not a matrix of numbers, as text or .npy."
        raise UserError(f"{path}: {reason}") from None


def _parse(text: str) -> NDArray[Any]:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        lines = [row for row in text.split(";") if row.strip()]
    rows = [re.sub("[,;]", " ", line).split() for line in lines]
    for number, row in enumerate(rows, start=1):
        for word in row:
            try:
                float(word)
            except ValueError:
                hint = "" if len(rows) > 1 or len(row) > 1 else ", and there is no such file"
                raise UserError(
                    f"'{word}' is not a number{hint}; write numbers like '0 1 2; 2 2 0; 0 1 2', or name a file."
                ) from None
        if len(row) != len(rows[0]):
            raise UserError(f"Row {number} has {len(row)} numbers and row 1 has {len(rows[0])}; make them equal.")
    values = np.array(rows, float)
    return values[0] if len(rows) == 1 else values
