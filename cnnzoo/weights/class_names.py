"""The names of classes, in text files."""

import codecs
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from cnnzoo.errors import UserError

# Byte order marks, which Windows' editors write at the beginning of a text, and the encodings that they mean.
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class ClassNames:
    """The names in a text file.

    Attributes:
        names: In the order of the labels.
        notes: Clauses about lines that were left out and names that occur twice; they can be mistakes in the file.
    """

    names: tuple[str, ...]
    notes: tuple[str, ...]


def imagenet_class_names() -> tuple[str, ...]:
    """Return the names of the 1000 classes of ILSVRC 2012, in the order of the labels."""
    return _parse((package_files("cnnzoo") / "imagenet_classes.txt").read_text(encoding="utf-8")).names


def read_class_names(path: Path) -> ClassNames:
    """Read the names of classes from a text file.

    Args:
        path: One name a line, in the order of the labels; UTF-8, or UTF-16 with a byte order mark. Blank lines and
            lines that begin with # are left out.

    Raises:
        UserError: The file is missing, or holds no text or no names.
    """
    try:
        content = path.read_bytes()
        encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
        text = content.decode(encoding)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{path} cannot be read as text; save it as UTF-8.") from None
    if "\0" in text:
        raise UserError(f"{path} cannot be read as text; save it as UTF-8.")
    class_names = _parse(text)
    if not class_names.names:
        raise UserError(f"{path} holds no names of classes; write one name a line, in the order of the labels.")
    return class_names


def _parse(text: str) -> ClassNames:
    # Only these end a line; str.splitlines would also cut a name at rarer characters.
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")]
    names = tuple(line for line in lines if line and not line.startswith("#"))
    blank = [number for number, line in enumerate(lines, start=1) if not line]
    comments = [number for number, line in enumerate(lines, start=1) if line.startswith("#")]
    twice = [name for name, count in Counter(names).items() if count > 1]
    notes = [
        *([f"left out {_count_lines('blank', blank)}"] if blank else []),
        *([f"left out {_count_lines('comment', comments)}"] if comments else []),
        *([f"named more than once: {', '.join(twice[:3])}{', ...' if len(twice) > 3 else ''}"] if twice else []),
    ]
    return ClassNames(names, tuple(notes))


def _count_lines(kind: str, numbers: list[int]) -> str:
    several = "s" if len(numbers) > 1 else ""
    return f"{len(numbers)} {kind} line{several} (the first is line {numbers[0]})"
