"""YAML files and settings of the command line, with the origin of each value.

PyYAML reads YAML 1.1, where ``010`` is 8, ``1:30`` is 90, ``no`` is false and ``1e-4`` is text. Here the first three
are errors, and the last is a number as in YAML 1.2. So each value of a config means what it looks like.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cnnzoo.errors import UserError

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Origin:
    """Where a value comes from.

    Attributes:
        place: A line of a file, or a setting of the command line.
        key: The key that the place already names; None if it names none.
    """

    place: str
    key: Key | None = None

    def describe(self, key: Key) -> str:
        """Return the beginning of a message about a key: the place, and the key if the place does not name it."""
        return self.place if key == self.key else f"{self.place}: {'.'.join(map(str, key)) or 'the config'}"


def nearest_origin(origins: Mapping[Key, Origin], key: Key, least: int = 0) -> Origin | None:
    """Return the origin of a key, or else of the nearest section above it that has one.

    Args:
        origins: The origins of the keys of a file.
        key: The key.
        least: The smallest number of names in the section's key; 0 accepts the whole file.
    """
    return next((origins[key[:n]] for n in range(len(key), least - 1, -1) if key[:n] in origins), None)


# No config needs more than thirty digits, and Python refuses to read some thousands.
DECIMAL = re.compile(
    r"[-+]?(0|[1-9][0-9]{0,29}|[0-9]*\.[0-9]*(e[-+]?[0-9]+)?|[0-9]+e[-+]?[0-9]+|\.(inf|nan))", re.IGNORECASE
)
# YAML 1.1 reads 010 as a number of base 8, and 08, which is not one, as text.
OCTAL_LIKE = re.compile(r"0+[0-9]*[89][0-9]*")
EXPONENTIAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)e[-+]?[0-9]+$", re.IGNORECASE)


class _Loader(yaml.SafeLoader):
    """Reads YAML 1.1 in which a number may have an exponent without a point or a sign."""


class _Dumper(yaml.SafeDumper):
    """Writes a text in quotes if ``_Loader`` would read it as a number."""


for _dialect in (_Loader, _Dumper):
    _dialect.add_implicit_resolver("tag:yaml.org,2002:float", EXPONENTIAL, list("-+.0123456789"))


def document(value: Any, **options: Any) -> str:
    """Return a value as YAML that reads back as the same value, its keys in their order; see ``yaml.dump``."""
    return str(yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, **options))


def as_yaml(value: Any) -> str:
    """Return a value as one line of YAML, which reads back as the same value."""
    return document(value, default_flow_style=True, width=math.inf).removesuffix("\n").removesuffix("\n...")


def read(
    path: Path, needs: str = "a config needs at least the sections model and data"
) -> tuple[str, dict[str, Any], dict[Key, Origin]]:
    """Return a file's text, its values, and the origin of each key.

    Args:
        path: The file.
        needs: What the file needs, to complete the message about an empty file.

    Raises:
        UserError: The file cannot be read, or is not YAML with sections.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file; a config is YAML in UTF-8.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    values, origins = _parse(text, lambda line: Origin(f"{path}, line {line}"))
    if values is None:
        raise UserError(f"{path} is empty; {needs}.")
    if not isinstance(values, dict):
        raise UserError(
            f"{origins[()].place}: a config contains sections, such as 'model: {{name: lenet5}}', and nothing else."
        )
    return text, values, origins


def override(values: dict[str, Any], origins: dict[Key, Origin], setting: str) -> None:
    """Put a setting of the command line, such as ``"seed=3"``, into a file's values and origins.

    Raises:
        UserError: It is not of the form section.key=value.
    """
    name, equals, text = setting.partition("=")
    key = tuple(part.strip() for part in name.split("."))
    origin = Origin(f"--set {setting}", key)
    if not equals or not all(key):
        raise UserError(f"{origin.place}: write it as section.key=value, such as optimizer.learning_rate=0.01.")
    value, _ = _parse(text, lambda _: origin, key)
    put(values, origins, key, value, origin)


def put(values: dict[str, Any], origins: dict[Key, Origin], key: Key, value: Any, origin: Origin) -> None:
    """Set the value of a key, and create the sections above it.

    Args:
        values: The values of a file.
        origins: Their origins.
        key: The key.
        value: Its new value.
        origin: Where the new value comes from.

    Raises:
        UserError: The key is below a value.
    """
    section: Any = values
    for depth, part in enumerate(key[:-1], start=1):
        if section.get(part) is None:
            section[part] = {}
            origins[key[:depth]] = origin
        section = section[part]
        if not isinstance(section, dict):
            raise UserError(f"{origin.describe(key)}: '{part}' is a value and has no keys below it.")
    section[key[-1]] = value
    for below in [other for other in origins if other[: len(key)] == key]:
        del origins[below]
    origins[key] = origin


def _parse(text: str, at: Callable[[int], Origin], above: Key = ()) -> tuple[Any, dict[Key, Origin]]:
    """Return the value of a YAML text, and the origin of each key in it.

    Args:
        text: The content of a file or a setting.
        at: Returns the origin of a line, by its number.
        above: The key of the value.
    """
    try:
        for token in yaml.scan(text):
            # An alias can stand for a value that contains itself, or for billions of values.
            if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
                place = at(token.start_mark.line + 1).place
                raise UserError(
                    f"{place}: YAML's aliases (*), anchors (&) and tags (!) are not supported; write the value itself, "
                    "or in quotes if it is text."
                )
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, {}
        origins = dict(_find_origins(node, at, above))
        return loader.construct_document(node), origins
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UserError(f"{at(mark.line + 1 if mark else 1).place}: this is not valid YAML: {error.problem}.") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(
            f"{at(line).place}: this line has a character that YAML does not allow; is it a text file?"
        ) from None
    except RecursionError:
        raise UserError(f"{at(1).place}: this is nested too deeply for a config.") from None


def _find_origins(node: yaml.Node, at: Callable[[int], Origin], above: Key) -> Iterator[tuple[Key, Origin]]:
    """Yield each key of a node, and the key above it, with their origins; refuse values that YAML 1.1 misreads."""
    here = at(node.start_mark.line + 1)
    yield above, here
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key, there = key_node.value, at(key_node.start_mark.line + 1)
            if not isinstance(key, str) or _find_kind(key_node) != "str":
                shown = f"'{key}'" if isinstance(key, str) else "a list or a section"
                is_rest = _find_kind(key_node) in ("int", "float") and _find_kind(value_node) == "null"
                hint = " A decimal number has a point, not a comma." if is_rest else ""
                raise UserError(f"{there.place}: {shown} cannot be a key; keys are names, such as seed.{hint}")
            if key in seen:
                raise UserError(f"{there.place}: the key '{key}' appears twice; keep one.")
            seen.add(key)
            yield from _find_origins(value_node, at, (*above, key))
            yield (*above, key), there
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _find_origins(item, at, (*above, index))
    elif remedy := _suggest_remedy(node):
        raise UserError(f"{here.describe(above)}: '{node.value}' is ambiguous; {remedy}.")


def _suggest_remedy(scalar: yaml.Node) -> str | None:
    """Return what to write instead of a value that YAML 1.1 misreads, or None."""
    match _find_kind(scalar):
        case "str" if (
            isinstance(scalar, yaml.ScalarNode) and scalar.style is None and OCTAL_LIKE.fullmatch(scalar.value)
        ):
            return f"write {scalar.value.lstrip('0')} without zeros before it, or put it into quotes if it is text"
        case "int" | "float" if not DECIMAL.fullmatch(scalar.value):
            return "write a plain decimal number, such as 10 or 0.5"
        case "bool" if scalar.value.lower() not in ("true", "false"):
            return "write true or false, or put it into quotes if it is text"
        case "timestamp" | "merge" | "value":
            return "put it into quotes if it is text"
    return None


def _find_kind(node: yaml.Node) -> str:
    return str(node.tag).rpartition(":")[2]
