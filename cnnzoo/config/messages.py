"""What pydantic finds wrong with a value, in a sentence that comes from the error's type and context alone."""

import math
import re
from collections.abc import Sequence
from typing import Any

from cnnzoo.config.yaml_file import as_yaml
from cnnzoo.errors import did_you_mean

# By pydantic's type of error, with the fields of its context.
EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "keys with values",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "string_type": "text",
    "finite_number": "a finite number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "string_too_short": "text",
    "too_short": "at least {min_length} values in the list",
    "too_long": "at most {max_length} values in the list",
}


def sentence(problem: Any, choices: Sequence[Any] = (), expected: str | None = None, *others: Any) -> str:
    """Say what is wrong with a value and what would be right.

    Args:
        problem: One of a pydantic ValidationError's ``errors()``.
        choices: The values that a ``Literal`` allows.
        expected: What would be right, where the types say it badly.
        *others: Further problems of the same value, of the alternatives of a union.
    """
    value, problems = problem["input"], [problem, *others]
    kinds = [each["type"] for each in problems]
    texts = [as_yaml(choice) for choice in choices] if "literal_error" in kinds else []
    if "mistake" in kinds:
        return str(problems[kinds.index("mistake")]["ctx"]["message"])
    if isinstance(value, str):
        if "literal_error" in kinds:
            if value.lower() in {"true", "false"} & {*texts}:
                return f"'{value}' is text; write {value.lower()} without quotes."
            return f"{value!r} is unknown.{did_you_mean(value, texts)}"
        if number := _number(value, kinds):
            return f"'{value}' is text, not a number; write {number}."
    # Of the alternatives of a union, those whose type fits know best.
    fitting = [each for each in problems if each["type"] != "literal_error" and not each["type"].endswith("_type")]
    phrases = dict.fromkeys(_expected(each, texts) for each in fitting or problems)
    return f"expected {expected or ' or '.join(phrases)}{_instead(value)}."


def _expected(problem: Any, choices: Sequence[str]) -> str:
    if problem["type"] == "literal_error" and choices:
        return " or ".join(choices)
    context = problem.get("ctx", {}).items()
    numbers = {key: f"{value:g}" if isinstance(value, float) else value for key, value in context}
    return EXPECTED.get(problem["type"], f"a valid value ({problem['msg']})").format(**numbers)


def _instead(value: Any) -> str:
    """End a sentence with the value that stands there, if it is short."""
    if value is None:
        return "; the value is missing"
    text = as_yaml(value) if isinstance(value, bool | list | dict) else repr(value)
    return f", not {text}" if len(text) <= 80 else ""


def _number(text: str, kinds: Sequence[str]) -> str | None:
    """Return how to write the number that a text holds, or None if it holds none of that kind."""
    whole = "float_type" not in kinds
    if whole and "int_type" not in kinds:
        return None
    comma = not whole and re.fullmatch(r"[-+]?[0-9]*,[0-9]+", text)
    try:
        number = float(text.replace(",", ".") if comma else text)
    except ValueError:
        return None
    if not math.isfinite(number) or (whole and not number.is_integer()):
        return None
    return f"{int(number) if whole else number} {'with a point' if comma else 'without quotes'}"
