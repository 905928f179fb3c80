"""What pydantic finds wrong with a value, said in a sentence."""

import math
import re
from typing import Any

from cnnzoo.errors import did_you_mean


def sentence(problem: Any) -> str:
    """Say what is wrong with one value and what would be right.

    Args:
        problem: One of a pydantic ValidationError's ``errors()``.
    """
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    match kind:
        case "mistake":
            said = context["message"]
        case "model_type" | "model_attributes_type":
            said = "this is a section: it takes keys with values."
        case "missing":
            said = "this key is needed and missing."
        case "literal_error" | "union_tag_invalid":
            expected = context.get("expected") or context["expected_tags"]
            found = re.findall(r"'([^']+)'|\b(True|False|\d+)\b", expected)
            choices = [text or word.lower() for text, word in found]
            given = context.get("tag", value)
            if isinstance(given, str) and given.lower() in {"true", "false"} and given.lower() in choices:
                return f"'{given}' is text; write {given.lower()} without quotes."
            said = f"{given!r} is not known here.{did_you_mean(str(given), choices)}"
        case "float_type" | "int_type" if isinstance(value, str) and (number := _number(value, kind)):
            said = f"'{value}' is text, not a number; write {number} without quotes."
        case _:
            message = str(problem["msg"]).replace("Input should", "this should")
            shown = f", not {value!r}" if isinstance(value, str | int | float) else ""
            said = f"{message}{shown}."
    return str(said)


def _number(text: str, kind: str) -> str | None:
    """Return the number that a text in quotes holds, or None if it is none of that kind."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number) or (kind == "int_type" and not number.is_integer()):
        return None
    return str(int(number) if kind == "int_type" else number)
