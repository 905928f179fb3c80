"""The directory of an ensemble's vote; only this module has the names of its files."""

from pathlib import Path

from cnnzoo.runs.directory import EvaluatedDirectory, File


class Vote(EvaluatedDirectory):
    """A directory with the result of a vote.

    Attributes:
        result_path: Members, accuracies and report.
        picture_path: The picture of the accuracies of members and votes.
    """

    result_path = File("ensemble.json")
    picture_path = File("ensemble.png")


def list_votes(parent: Path) -> list[Vote]:
    """Return the votes in a folder, sorted by name."""
    return [vote for path in sorted(parent.glob("*")) if (vote := Vote(path)).result_path.is_file()]
