"""The options of networks: read from a builder's signature, checked and described."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from inspect import Parameter, signature
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from cnnzoo.errors import did_you_mean

# A JSON Schema of an option's value, with the default; without a type if any value is valid.
Schema = Mapping[str, Any]

# The Python type and the description of each JSON Schema type. Booleans are integers to Python and come first.
_TYPES: dict[str, tuple[type, str]] = {
    "boolean": (bool, "true or false"),
    "integer": (Integral, "a whole number"),
    "number": (Real, "a number"),
    "string": (str, "a word"),
    "null": (NoneType, "null"),
}
_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", NoneType: "null"}


class OptionError(ValueError):
    """An option that a network does not have, or a value that the option cannot have.

    Attributes:
        option: Its name.
    """

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


def read_options(builder: Callable[..., Any]) -> dict[str, Schema]:
    """Return the options of a builder, its keyword-only arguments, each with its schema.

    Args:
        builder: A function, or a partial of one; the arguments of the partial are the defaults.
    """
    # An argument that a partial fixes by name makes all later ones keyword-only, so ask the function for its options.
    function = builder.func if isinstance(builder, partial) else builder
    defaults = signature(builder).parameters
    try:
        hints = get_type_hints(function)
    except NameError:  # an annotation names a class that only type checkers import
        hints = {}
    return {
        name: _make_schema(hints.get(name, Any)) | {"default": defaults[name].default}
        for name, parameter in signature(function).parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY
    }


def check_options(network: str, options: Mapping[str, Schema], values: Mapping[str, Any]) -> None:
    """Check the values of a network's options.

    Args:
        network: Its name, for the message.
        options: The schemas of its options.
        values: By option.

    Raises:
        OptionError: The network has no such option, or the option cannot have the value.
    """
    for option, value in values.items():
        if option not in options:
            raise OptionError(option, f"{network} has no option '{option}'.{did_you_mean(option, options)}")
        if not accepts(options[option], value):
            expected = describe_values(options[option], repr)
            raise OptionError(option, f"{option} must be {expected}, not {value!r}{_advise(options[option], value)}.")


def check_arguments(builder: Callable[..., Any], **values: Any) -> None:
    """Check keyword arguments that a builder was called with against its annotations.

    Raises:
        OptionError: An argument cannot have the value.
    """
    check_options(builder.__name__, read_options(builder), values)


def accepts(schema: Schema, value: Any) -> bool:
    """Return whether an option can have a value; a whole number is a number, but true is not 1."""
    kind = _find_type(value)
    if "enum" in schema:
        return any(_find_type(choice) == kind and choice == value for choice in schema["enum"])
    types = _list_types(schema)
    return not types or kind in types or (kind == "integer" and "number" in types)


def describe_values(schema: Schema, show: Callable[[Any], str]) -> str:
    """Describe the values that an option can have, such as ``average or max``.

    Args:
        schema: Of the option.
        show: Writes one of several choices.
    """
    values = map(show, schema["enum"]) if "enum" in schema else (_TYPES[name][1] for name in _list_types(schema))
    *others, last = values
    return f"{', '.join(others)} or {last}" if others else last


def _advise(schema: Schema, value: Any) -> str:
    """Return the advice to leave out the quotes of a text such as ``'0.5'``; empty if that does not help."""
    try:
        read = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return ""
    return f"; write {value} without quotes" if read is not value and accepts(schema, read) else ""


def _make_schema(hint: Any) -> dict[str, Any]:
    """Return the JSON Schema of an annotation; empty if values cannot be checked against it."""
    kinds = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    others = [kind for kind in kinds if kind is not NoneType]
    if len(others) != 1:
        return {}
    if get_origin(others[0]) is Literal:
        return {"enum": [*get_args(others[0]), *([None] if NoneType in kinds else [])]}
    names = [_NAMES.get(kind, "") for kind in (*others, *([NoneType] if NoneType in kinds else []))]
    return {"type": names if len(names) > 1 else names[0]} if all(names) else {}


def _list_types(schema: Schema) -> list[str]:
    """Return the JSON Schema types of an option without choices."""
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _find_type(value: Any) -> str:
    """Return the JSON Schema type of a value; empty for a value of any other type."""
    return next((name for name, (kind, _) in _TYPES.items() if isinstance(value, kind)), "")
