"""Sentences about invalid values, from the types and contexts of pydantic's errors."""

import math
import re
from collections.abc import Sequence
from typing import Any

from cnnzoo.config.yaml_file import as_yaml
from cnnzoo.errors import did_you_mean

# What is expected, by pydantic's type of error; the fields are those of the error's context.
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
    """Return what is wrong with a value and what would be right.

    Args:
        problem: One of a pydantic ValidationError's ``errors()``.
        choices: The values that a ``Literal`` allows.
        expected: What would be right, for types whose errors do not say it well.
        *others: More errors about the same value, from other alternatives of a union.
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
        if number := _suggest_number(value, kinds):
            return f"'{value}' is text, not a number; write {number}."
    # Of a union, the alternatives of the value's own type say best what is wrong.
    fitting = [each for each in problems if each["type"] != "literal_error" and not each["type"].endswith("_type")]
    phrases = dict.fromkeys(_describe_expected(each, texts) for each in fitting or problems)
    return f"expected {expected or ' or '.join(phrases)}{_describe_value(value)}."


def _describe_expected(problem: Any, choices: Sequence[str]) -> str:
    if problem["type"] == "literal_error" and choices:
        return " or ".join(choices)
    context = problem.get("ctx", {}).items()
    numbers = {key: f"{value:g}" if isinstance(value, float) else value for key, value in context}
    return EXPECTED.get(problem["type"], f"a valid value ({problem['msg']})").format(**numbers)


def _describe_value(value: Any) -> str:
    """Return the end of a sentence: the value that was written, if it is short."""
    if value is None:
        return "; the value is missing"
    text = as_yaml(value) if isinstance(value, bool | list | dict) else repr(value)
    return f", not {text}" if len(text) <= 80 else ""


def _suggest_number(text: str, kinds: Sequence[str]) -> str | None:
    """Return how to write a number that is written as text, or None if the text is not a number of that kind."""
    is_integer = "float_type" not in kinds
    if is_integer and "int_type" not in kinds:
        return None
    comma = not is_integer and re.fullmatch(r"[-+]?[0-9]*,[0-9]+", text)
    try:
        number = float(text.replace(",", ".") if comma else text)
    except ValueError:
        return None
    if not math.isfinite(number) or (is_integer and not number.is_integer()):
        return None
    return f"{int(number) if is_integer else number} {'with a point' if comma else 'without quotes'}"
