"""Where in a file a mistake lies, and what is to be done about it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from cnnzoo.config.reading import Key
from cnnzoo.config.sections import Config, Section
from cnnzoo.config.sentences import sentence


def explain(path: Path, values: dict[str, Any], origins: Mapping[Key, str], error: ValidationError) -> Iterator[str]:
    """Yield a sentence for each mistake.

    Args:
        path: The config file.
        values: Its values, settings of the command line included.
        origins: For each key the place that it came from.
        error: What pydantic says of the values.
    """
    told: set[Key] = set()
    for problem in error.errors():
        key, section = _locate(problem, values)
        if key in told:  # the alternatives of a union complain one by one; the first is enough
            continue
        told.add(key)
        origin = next((origins[key[:n]] for n in range(len(key), -1, -1) if key[:n] in origins), str(path))
        label = ".".join(map(str, key)) or "the config"
        yield f"{origin}: {label}: {sentence(problem, section.model_fields if section else (), _name_of(section))}"


def _locate(problem: Any, values: dict[str, Any]) -> tuple[Key, type[Section] | None]:
    """Return the key that a problem is about, and the section that it lies in."""
    location = [*problem["loc"], *([problem["ctx"]["key"]] if "key" in problem.get("ctx", {}) else [])]
    key: list[str | int] = []
    node: Any = values
    section: type[Section] | None = Config
    for position, part in enumerate(location):
        inside = (isinstance(node, dict) and part in node) or (isinstance(node, list) and isinstance(part, int))
        last = position == len(location) - 1
        if not inside and not (last and problem["type"] in {"missing", "extra_forbidden", "model"}):
            continue  # the tag of a union, which is no key of the file
        key.append(part)
        if inside and not last:
            node = node[part]
            section = _section(section, part, node)
    return tuple(key), section


def _section(above: type[Section] | None, key: str | int, value: Any) -> type[Section] | None:
    """Return the section that a key opens; among several, the one that the value's name chooses."""
    field = above.model_fields.get(str(key)) if above else None
    if field is None:
        return None
    annotation = field.annotation
    choices = get_args(annotation) if get_origin(annotation) is not None else (annotation,)
    sections = [choice for choice in choices if isinstance(choice, type) and issubclass(choice, Section)]
    if len(sections) > 1:
        name = value.get("name") if isinstance(value, dict) else None
        sections = [s for s in sections if name in get_args(s.model_fields["name"].annotation)]
    return sections[0] if sections else None


def _name_of(section: type[Section] | None) -> str | None:
    """Return the one name that a section goes by, if it is one of several alternatives."""
    names = get_args(section.model_fields["name"].annotation) if section and "name" in section.model_fields else ()
    return names[0] if len(names) == 1 else None
