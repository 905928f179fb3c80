"""Names and shapes as text."""

import unicodedata
from collections.abc import Iterable, Sequence


def normalized(name: str) -> str:
    """Return a name in Unicode's composed form, to compare it; some file systems store accents separately."""
    return unicodedata.normalize("NFC", name)


def printable(name: str) -> str:
    """Return a name with escapes for control characters and for bytes that are not text."""
    return "".join(
        letter if letter.isprintable() or unicodedata.category(letter) == "Zs" else _escape(letter) for letter in name
    )


def _escape(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # how Python represents a byte of a file's name that is not UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def format_size(shape: Iterable[int]) -> str:
    """Return a shape as text, such as "28x28x6"; that of a scalar is "one number"."""
    return "x".join(map(str, shape)) or "one number"


def count(number: int, word: str, plural: str = "") -> str:
    """Return a number with its noun, such as "1 weight" and "3 weights"."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def listed(names: Sequence[str], shown: int = 3) -> str:
    """Return the first few names, printable, and how many more there are."""
    more = len(names) - shown
    return ", ".join(map(printable, names[:shown])) + (f" and {more:,} more" if more > 0 else "")
