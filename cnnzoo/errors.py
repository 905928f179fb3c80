"""What a person can put right: one sentence, no traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Bad input: the message says what, where (file, line, key) and what to do.

    The command line prints it and ends with exit code 2.
    """


class DamagedFileError(Exception):
    """The contents of a file are wrong; the message is a clause that follows the file's name in a sentence."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """End a sentence about an unknown name with the nearest known one, or with all of them.

    Args:
        name: What was written.
        known: Names that would have been right.

    Returns:
        A clause that starts with a space, such as ``" Did you mean 'lenet5'?"``.
    """
    names = sorted(known)
    initials = [known for known in names if name == "".join(word[:1] for word in known.split("_"))]
    nearest = get_close_matches(name, names, n=1, cutoff=0.6) or initials
    if nearest:
        return f" Did you mean '{nearest[0]}'?"
    return f" Known: {', '.join(names)}." if names else ""
