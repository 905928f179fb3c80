"""YAML files and settings of the command line, with the place that each value came from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cnnzoo.errors import UserError

Key = tuple[str | int, ...]


def read(path: Path) -> tuple[dict[str, Any], dict[Key, str]]:
    """Return a file's values, and for each key the file and line that it stands in.

    Raises:
        UserError: The file cannot be read, or is not YAML with sections.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file; a config is YAML in UTF-8.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise UserError(f"{path} is empty; a config needs at least the sections model and data.")
        if not isinstance(node, yaml.MappingNode):
            raise UserError(f"{path}, line {node.start_mark.line + 1}: a config is a list of 'section: ...' entries.")
        origins = {key: f"{path}, line {line}" for key, line in _lines(path, node)}
        return loader.construct_document(node), origins
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{where}: this is not valid YAML: {error.problem}.") from None
    except (ValueError, AttributeError, RecursionError):
        raise UserError(f"{path} holds a value that YAML cannot make sense of, such as an impossible date.") from None
    except yaml.YAMLError:
        raise UserError(f"{path} holds characters that YAML does not allow; is it a text file?") from None


def _lines(path: Path, node: yaml.Node, above: Key = ()) -> Iterator[tuple[Key, int]]:
    yield above, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in seen:
                raise UserError(f"{path}, line {line}: the key '{key}' stands here a second time; keep one.")
            seen.add(key)
            yield from _lines(path, value_node, (*above, key))
            yield (*above, key), line
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(path, item, (*above, index))


def override(values: dict[str, Any], origins: dict[Key, str], setting: str) -> None:
    """Put a setting of the command line, such as ``"seed=3"``, among a file's values and origins.

    Raises:
        UserError: It is not of the form section.key=value.
    """
    name, equals, text = setting.partition("=")
    key = tuple(part.strip() for part in name.split("."))
    if not equals or not all(key):
        raise UserError(f"--set {setting}: write it as section.key=value, such as optimizer.learning_rate=0.01.")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError):
        raise UserError(f"--set {setting}: the value '{text}' is not valid YAML.") from None
    section: Any = values
    for depth, part in enumerate(key[:-1], start=1):
        if section.get(part) is None:
            section[part] = {}
            origins[key[:depth]] = f"--set {setting}"
        section = section[part]
        if not isinstance(section, dict):
            raise UserError(f"--set {setting}: '{part}' is a value and has no keys below it.")
    section[key[-1]] = value
    for below in [known for known in origins if known[: len(key)] == key]:
        del origins[below]
    origins[key] = f"--set {setting}"
