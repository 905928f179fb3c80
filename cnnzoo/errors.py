"""Errors that the user can correct: one sentence, no traceback."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class UserError(Exception):
    """Bad input: the message says what, where (file, line, key) and what to do.

    The command line prints it and ends with exit code 2.
    """


class DamagedContentsError(Exception):
    """The contents of a file are wrong; the message is a clause that follows the file's name in a sentence."""


class DamagedFileError(UserError):
    """A file whose contents are wrong.

    Attributes:
        path: The file.
        reason: What is wrong with it, as the end of a sentence that starts with the file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}.")
        self.path = path
        self.reason = reason


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant, or None if no name is near.

    Args:
        name: The name that was written.
        names: The valid names.
    """
    names = sorted(names)
    initials = [each for each in names if name == "".join(word[:1] for word in each.split("_"))]
    return next(iter(get_close_matches(name, names, n=1, cutoff=0.6) or initials), None)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """End a sentence about an unknown name with the nearest valid one, or with all of them.

    Args:
        name: The name that was written.
        names: The valid names.

    Returns:
        A clause that starts with a space, such as ``" Did you mean 'lenet5'?"``.
    """
    names = sorted(names)
    if near := nearest(name, names):
        return f" Did you mean '{near}'?"
    return f" Valid names: {', '.join(names)}." if names else ""
