"""Names of files and classes: comparing and printing them."""

import unicodedata
from collections.abc import Sequence


def normalized(name: str) -> str:
    """Return a name in Unicode's composed form, to compare it: some file systems take accents apart."""
    return unicodedata.normalize("NFC", name)


def printable(name: str) -> str:
    """Return a name with control characters, and bytes that are no text, escaped."""
    return "".join(
        letter
        if letter.isprintable() or unicodedata.category(letter) == "Zs"
        else letter.encode("unicode_escape").decode()
        for letter in name
    )


def listed(names: Sequence[str], shown: int = 3) -> str:
    """Return the first few names, printable, and how many more there are."""
    more = len(names) - shown
    return ", ".join(map(printable, names[:shown])) + (f" and {more:,} more" if more > 0 else "")
