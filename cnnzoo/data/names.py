"""Names of files and classes, in sentences and compared with one another."""

import unicodedata
from collections.abc import Sequence


def normalized(name: str) -> str:
    """Return a name with one form of each letter: some file systems take accents apart."""
    return unicodedata.normalize("NFC", name)


def listed(names: Sequence[str], shown: int = 3) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - shown
    text = ", ".join(names[:shown]) + (f" and {more:,} more" if more > 0 else "")
    return text.encode(errors="replace").decode()  # file names may be bytes that are no text, which no report holds
