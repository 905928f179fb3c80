"""What pydantic finds wrong, said in a sentence."""

import math
import re
from collections.abc import Iterable
from typing import Any

from cnnzoo.errors import did_you_mean


def sentence(problem: Any, known: Iterable[str] = (), name: str | None = None) -> str:
    """Say what is wrong with one value and what would be right.

    Args:
        problem: One of a pydantic ValidationError's ``errors()``.
        known: Keys of the section that the value lies in.
        name: The section's own name, where it is one of several alternatives.
    """
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    match kind:
        case "model":
            said = context["message"]
        case "model_type" | "model_attributes_type":
            said = "this is a section: it takes keys with values."
        case "missing":
            said = "this key is needed and missing."
        case "union_tag_not_found":
            said = "this section needs a name."
        case "extra_forbidden":
            under = f" under {name}" if name else ""
            said = f"there is no such key{under}.{did_you_mean(str(problem['loc'][-1]), known)}"
        case "literal_error" | "union_tag_invalid":
            choices = re.findall(r"'([^']+)'", context.get("expected") or context["expected_tags"])
            given = context.get("tag", value)
            said = f"{given!r} is not known here.{did_you_mean(str(given), choices)}"
        case "float_type" | "int_type" if isinstance(value, str) and (number := _number(value, kind)):
            said = f"'{value}' is text in YAML, not a number; write {number}."
        case _:
            message = str(problem["msg"]).replace("Input should", "this should")
            shown = f", not {value!r}" if isinstance(value, str | int | float) else ""
            said = f"{message}{shown}."
    return str(said)


def _number(text: str, kind: str) -> str | None:
    """Return a text as the number that YAML would read, or None if it is none of that kind."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number) or (kind == "int_type" and not number.is_integer()):
        return None
    if kind == "int_type":
        return str(int(number))
    mantissa, e, exponent = repr(number).partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+03d}" if e else mantissa
