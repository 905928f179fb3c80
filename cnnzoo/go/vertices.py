"""Names of points as players write them: columns from A to T without I, rows counted from the bottom, such as D4."""

import re

from cnnzoo.go.board import LARGEST, PASS

COLUMNS = "ABCDEFGHJKLMNOPQRST"


def name_vertex(point: int, size: int) -> str:
    """Return the name of a point, such as ``"D4"``, or ``"pass"``."""
    if point == PASS:
        return "pass"
    row, column = divmod(point, size)
    return f"{COLUMNS[column]}{size - row}"


def read_vertex(text: str, size: int) -> int:
    """Return the point that a name stands for, or PASS; capitals and small letters are equal.

    Raises:
        ValueError: It is no name of a point on a board of this size.
    """
    if text.lower() == "pass":
        return PASS
    match = re.fullmatch(f"([{COLUMNS}])([1-9][0-9]?)", text, re.ASCII | re.IGNORECASE)
    column = COLUMNS.index(match[1].upper()) if match else LARGEST
    row = size - int(match[2]) if match else -1
    if column >= size or row < 0:
        last = f"{COLUMNS[size - 1]}{size}"
        raise ValueError(f"a point is a letter and a number from A1 to {last}, without the letter I, or pass")
    return row * size + column
