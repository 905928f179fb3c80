"""Where in a file a mistake lies, and what is to be done about it."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from cnnzoo.catalogue import cards
from cnnzoo.config.base import Section
from cnnzoo.config.messages import sentence
from cnnzoo.config.sections import Config
from cnnzoo.config.yaml_file import Key
from cnnzoo.errors import did_you_mean


def explain(
    path: Path,
    values: dict[str, Any],
    origins: Mapping[Key, str],
    error: ValidationError,
    root: type[Section] = Config,
) -> Iterator[str]:
    """Yield a sentence for each mistake.

    Args:
        path: The config file.
        values: Its values, settings of the command line included.
        origins: For each key the place that it came from.
        error: What pydantic says of the values.
        root: What the file describes as a whole.
    """
    problems = [(*_locate(problem, values, root), problem) for problem in error.errors()]
    keys = [key for key, _, _ in problems]
    for index, (key, section, problem) in enumerate(problems):
        # The alternatives of a union complain one by one; those at the deepest place are enough.
        if key in keys[:index] or any(len(other) > len(key) and other[: len(key)] == key for other in keys):
            continue
        origin = next((origins[key[:n]] for n in range(len(key), -1, -1) if key[:n] in origins), str(path))
        label = ".".join(map(str, key)) or "the config"
        match problem["type"]:
            case "extra_forbidden":
                said = _unknown_key(key, section)
            case "union_tag_not_found":
                names = [name for alternative in _alternatives(section, str(key[-1])) for name in _names(alternative)]
                said = f"this section needs a name: {' or '.join(names)}."
            case "model_type" | "model_attributes_type":
                said = f"{sentence(problem)}{_takes(key, section)}"
            case _:
                said = _or(sentence(each) for other, _, each in problems[index:] if other == key)
        yield f"{origin}: {label}: {said}"


def _or(sentences: Iterable[str]) -> str:
    """Return what alternatives say of a value as one sentence, each once."""
    *others, last = dict.fromkeys(sentences)
    return "; or: ".join([*(other.removesuffix(".") for other in others), last])


def _locate(problem: Any, values: dict[str, Any], root: type[Section]) -> tuple[Key, type[Section] | None]:
    """Return the key that a problem is about, and the section that it lies in."""
    location = [*problem["loc"], *problem.get("ctx", {}).get("key", ())]
    if problem["type"] == "union_tag_invalid":
        location.append("name")  # which is the tag of every union here
    key: list[str | int] = []
    node: Any = values
    section: type[Section] | None = root
    for position, part in enumerate(location):
        inside = (isinstance(node, dict) and part in node) or (isinstance(node, list) and isinstance(part, int))
        last = position == len(location) - 1
        if not inside and not (last and problem["type"] == "missing"):
            continue  # the tag of a union, which is no key of the file
        key.append(part)
        if inside and not last:
            node = node[part]
            section = _section(section, part, node)
    return tuple(key), section


def _section(above: type[Section] | None, key: str | int, value: Any) -> type[Section] | None:
    """Return the section that a key opens; among several, the one that the value's name chooses."""
    sections = _alternatives(above, str(key))
    if len(sections) > 1:
        name = value.get("name") if isinstance(value, dict) else None
        sections = [section for section in sections if name in _names(section)]
    return sections[0] if sections else None


def _alternatives(above: type[Section] | None, key: str) -> list[type[Section]]:
    """Return the sections that a key may open; none for a key with a value."""
    annotation = above.model_fields[key].annotation if above and key in above.model_fields else None
    choices = get_args(annotation) if get_origin(annotation) is not None else (annotation,)
    return [choice for choice in choices if isinstance(choice, type) and issubclass(choice, Section)]


def _takes(key: Key, above: type[Section] | None) -> str:
    """Say which keys a section takes, where a value stands in place of one."""
    fields = [each.model_fields for each in _alternatives(above, str(key[-1])) if key]
    if len(fields) != 1:
        return ""
    optional = "" if any(field.is_required() for field in fields[0].values()) else "; {} takes their defaults"
    return f" Known: {', '.join(fields[0])}{optional}."


def _names(section: type[Section]) -> tuple[str, ...]:
    """Return the names that a section goes by, if it has a fixed set of them."""
    return get_args(section.model_fields["name"].annotation) if "name" in section.model_fields else ()


def _unknown_key(key: Key, section: type[Section] | None) -> str:
    """Say where a key of that name belongs, or which of the section's keys is the nearest."""
    name = str(key[-1])
    if "." in name:
        return "there is no such key; in a file the keys of a section stand below it, without dots."
    homes = _homes(name)
    if homes and ".".join(map(str, key)) not in homes:
        return f"there is no such key. Did you mean {' or '.join(map(repr, homes))}?"
    names = _names(section) if section else ()
    under = f" under {names[0]}" if len(names) == 1 else ""
    return f"there is no such key{under}.{did_you_mean(name, section.model_fields if section else ())}"


def _homes(name: str) -> list[str]:
    """Return the keys of a config that end in a name."""
    homes = [name] if name in Config.model_fields else []
    for section in Config.model_fields:
        keys = {key for alternative in _alternatives(Config, section) for key in alternative.model_fields}
        if section == "model":
            keys.update(*(card.options for card in cards().values()))
        if name in keys:
            homes.append(f"{section}.{name}")
    return homes
