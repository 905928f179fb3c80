"""Explanations of invalid configs: the place in the file, the key, and what to do."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from cnnzoo.catalogue import cards
from cnnzoo.config.base import Expected, Section
from cnnzoo.config.messages import sentence
from cnnzoo.config.sections import Config
from cnnzoo.config.yaml_file import Key, Origin, nearest_origin
from cnnzoo.errors import did_you_mean, nearest

# What the name of a section means whose other keys depend on its name.
OWNERS = {"data": "data set", "optimizer": "optimizer", "schedule": "schedule"}


def explain(
    path: Path,
    values: dict[str, Any],
    origins: Mapping[Key, Origin],
    error: ValidationError,
    root: type[Section] = Config,
) -> Iterator[str]:
    """Yield a sentence about each mistake in a config.

    Args:
        path: The config file.
        values: Its values, with the settings of the command line.
        origins: Where each key comes from.
        error: The validation of the values.
        root: The class of the whole file.
    """
    problems_by_key: dict[Key, tuple[type[Section] | None, list[Any]]] = {}
    for problem in error.errors(include_url=False):
        key, section = _locate(problem, values, root)
        problems_by_key.setdefault(key, (section, []))[1].append(problem)
    for key, (section, problems) in problems_by_key.items():
        # Each alternative of a union has errors of its own; those at the deepest key are enough.
        if any(len(other) > len(key) and other[: len(key)] == key for other in problems_by_key):
            continue
        where = (*key, "name") if problems[0]["type"] == "union_tag_invalid" else key
        origin = nearest_origin(origins, where) or Origin(str(path))
        above = values.get(str(key[0])) if len(key) == 2 else None
        name = str(above.get("name", "")) if isinstance(above, dict) else ""
        yield f"{origin.describe(where)}: {_explain(key, section, problems, name)}"


def _explain(key: Key, section: type[Section] | None, problems: list[Any], name: str) -> str:
    """Return what is wrong with the value of a key in a section, whose own key ``name`` has the value ``name``."""
    field = section.model_fields.get(str(key[-1])) if section and key else None
    allowed = _list_choices(field.annotation) if field else []
    problem, *others = problems
    match problem["type"]:
        case "extra_forbidden":
            return _explain_unknown_key(key, section, name)
        case "missing":
            is_section = field is not None and _list_sections(section, str(key[-1]))
            return f"this {'section' if is_section else 'key'} is missing."
        case "union_tag_not_found":
            return f"this section needs a name: {' or '.join(allowed)}."
        case "union_tag_invalid":
            tag = problem["ctx"]["tag"]
            return f"{tag!r} is unknown.{did_you_mean(tag, allowed)}"
        case "model_type" | "model_attributes_type":
            return f"this is a section, which has keys with values.{_list_keys(_find_section(section, key[-1], None))}"
    expected = (mark.text for mark in (field.metadata if field else ()) if isinstance(mark, Expected))
    return sentence(problem, allowed, next(expected, None), *others)


def _list_choices(annotation: Any) -> list[Any]:
    """Return the values of the literals in a type; for a section, those of its key ``name``."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return _list_choices(annotation.model_fields["name"].annotation) if "name" in annotation.model_fields else []
    return [choice for argument in get_args(annotation) for choice in _list_choices(argument)]


def _locate(problem: Any, values: dict[str, Any], root: type[Section]) -> tuple[Key, type[Section] | None]:
    """Return the key that a problem is about, and the section that contains it."""
    location = [*problem["loc"], *problem.get("ctx", {}).get("key", ())]
    key: list[str | int] = []
    node: Any = values
    for part in location:
        if _contains(node, part):  # otherwise it is the tag of a union, which is not a key of the file
            key.append(part)
            node = node[part]
    if problem["type"] == "missing":
        key.append(location[-1])
    section: type[Section] | None = root
    node = values
    for part in key[:-1]:
        node = node[part]
        section = _find_section(section, part, node)
    return tuple(key), section


def _contains(node: Any, part: str | int) -> bool:
    return part in node if isinstance(node, dict) else isinstance(node, list) and isinstance(part, int)


def _find_section(above: type[Section] | None, key: str | int, value: Any) -> type[Section] | None:
    """Return the section below a key; if there are several, the one whose name is in the value."""
    if above and key not in above.model_fields:
        return above  # the key is the name of an entry in a dictionary of sections
    sections = _list_sections(above, str(key))
    if len(sections) > 1 and isinstance(value, dict):
        sections = [section for section in sections if value.get("name") in _list_choices(section)]
    return sections[0] if len(sections) == 1 else None


def _list_sections(above: type[Section] | None, key: str) -> list[type[Section]]:
    """Return the sections that may be below a key; none for a key with a value."""
    annotation = above.model_fields[key].annotation if above and key in above.model_fields else None
    types = (annotation, *get_args(annotation))
    return [each for each in types if isinstance(each, type) and issubclass(each, Section)]


def _list_keys(section: type[Section] | None) -> str:
    """Return which keys a section has, for the message about a value in its place."""
    if section is None:
        return ""
    fields = section.model_fields
    optional = "" if any(field.is_required() for field in fields.values()) else "; {} uses their defaults"
    return f" Its keys: {', '.join(fields)}{optional}."


def _explain_unknown_key(key: Key, section: type[Section] | None, owner: str) -> str:
    """Return the message about an unknown key: where a key of that name is, or the nearest key of the section."""
    name = str(key[-1])
    if "." in name:
        return "there is no such key; in a file write the keys of a section below it, without dots."
    namesakes = _find_keys_named(name)
    if namesakes and ".".join(map(str, key)) not in namesakes:
        return f"there is no such key. Did you mean {' or '.join(map(repr, namesakes))}?"
    if section and owner and key[0] in OWNERS:
        hint = did_you_mean(name, section.model_fields) if nearest(name, section.model_fields) else _list_keys(section)
        return f"the {OWNERS[str(key[0])]} {owner} has no key '{name}'.{hint}"
    return f"there is no such key.{did_you_mean(name, section.model_fields if section else ())}"


def _find_keys_named(name: str) -> list[str]:
    """Return the keys of a config whose last part is a name, such as ``training.epochs``."""
    keys = [name] if name in Config.model_fields else []
    for section in Config.model_fields:
        names = {key for alternative in _list_sections(Config, section) for key in alternative.model_fields}
        if section == "model":
            names.update(*(card.options for card in cards().values()))
        if name in names:
            keys.append(f"{section}.{name}")
    return keys
