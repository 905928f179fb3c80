"""Figures of a policy network on positions of Go: in all, on unseen positions, by collection and by move number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo.classifier import Classifier, Logits, Probabilities, softmax
from cnnzoo.data import Positions, Subset
from cnnzoo.data.images import Pixels
from cnnzoo.evaluation.accuracy import TOP
from cnnzoo.go.symmetries import inverses, permutations

# The first move of each group of moves; the last group has no end.
GROUPS = (1, 11, 31, 61, 101, 151, 201)
# Of a normal distribution, for an interval that covers 95 %.
DEVIATIONS = 1.96


@dataclass(frozen=True)
class Figures:
    """How well one kind of prediction fits the moves.

    Attributes:
        accuracy: Fraction of the positions whose move is the likeliest one.
        interval: 95 % interval of the accuracy, if other games were drawn: the moves of one game are not independent.
            None for a single game, and if all or no positions are predicted.
        top5_accuracy: Fraction of the positions whose move is among the five likeliest.
        loss: Mean cross-entropy in nats.
    """

    accuracy: float
    interval: tuple[float, float] | None
    top5_accuracy: float
    loss: float


@dataclass(frozen=True)
class PositionGroup:
    """Figures on some positions.

    Attributes:
        name: Which positions.
        positions: How many.
        games: How many games they are from.
        single: Figures of the network.
        averaged: Figures of its probabilities, averaged over the eight symmetries of the board.
    """

    name: str
    positions: int
    games: int
    single: Figures
    averaged: Figures


def average_over_symmetries(classifier: Classifier, planes: Pixels, logits: Logits) -> Probabilities:
    """Return the probabilities of the points, averaged over the eight symmetries of each board.

    Args:
        classifier: The model.
        planes: (count, size, size, planes).
        logits: The model's logits of these planes (count, points), which the first symmetry needs.

    Returns:
        (count, points).
    """
    size = planes.shape[1]
    rows = planes.reshape(len(planes), size * size, -1)
    total = softmax(logits).astype("float64")
    for turned, back in zip(permutations(size)[1:], inverses(size)[1:], strict=True):
        total += softmax(classifier.logits(rows[:, turned].reshape(planes.shape)))[:, back]
    return np.asarray(total / len(permutations(size)), "float32")


def games_of(subset: Subset) -> NDArray[np.int64]:
    """Return the number of the game that each position of a subset is from (count,)."""
    assert isinstance(subset.images, Positions)
    return subset.images.games_of(subset.indices)


def measure_positions(
    subset: Subset, training: Subset | None, probabilities: Probabilities, averaged: Probabilities
) -> list[PositionGroup]:
    """Measure predictions of moves.

    Args:
        subset: The positions and their moves.
        training: The positions that the network was trained on; None leaves out the group that needs them.
        probabilities: Of the network (count, points).
        averaged: Its probabilities averaged over the symmetries (count, points).

    Returns:
        The figures on all positions; on those that no training game has, turned, mirrored or with exchanged colours;
        by collection, if there are several; and by move number. Groups without positions are left out.
    """
    positions = subset.images
    assert isinstance(positions, Positions)
    games = games_of(subset)
    kinds = [_Scores(probabilities, subset.labels), _Scores(averaged, subset.labels)]
    groups = []
    for name, mask in _list_groups(positions, subset, training, games):
        if mask.any():
            figures = [kind.figures(mask, games) for kind in kinds]
            groups.append(PositionGroup(name, int(mask.sum()), len(np.unique(games[mask])), *figures))
    return groups


def _list_groups(
    positions: Positions, subset: Subset, training: Subset | None, games: NDArray[np.int64]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    yield "all", np.ones(len(subset), bool)
    if training is not None:
        yield "not in training games", ~positions.are_seen(subset.indices, training.indices)
    collections: Sequence[str] = positions.games.collections
    source = positions.games.collection[games]
    if len(np.unique(source)) > 1:
        for number, name in enumerate(collections):
            yield name, source == number
    moves = subset.indices - positions.games.arrays.starts[games] + 1
    for first, following in zip(GROUPS, (*GROUPS[1:], None), strict=True):
        name = f"moves {first} to {following - 1}" if following else f"moves from {first} on"
        yield name, (moves >= first) & (moves < (following or np.inf))


class _Scores:
    """For each position whether the move is the likeliest, whether it is among five, and its loss."""

    def __init__(self, probabilities: Probabilities, labels: NDArray[np.int32]) -> None:
        rows = np.arange(len(labels))
        likelihood = probabilities[rows, labels]
        self.correct = probabilities.argmax(axis=1) == labels
        self.in_top = (probabilities > likelihood[:, np.newaxis]).sum(axis=1) < TOP
        self.losses = -np.log(np.maximum(likelihood.astype("float64"), np.finfo("float32").tiny))

    def figures(self, mask: NDArray[np.bool_], games: NDArray[np.int64]) -> Figures:
        correct = self.correct[mask]
        return Figures(
            float(correct.mean()),
            interval_over_games(correct, games[mask]),
            float(self.in_top[mask].mean()),
            float(self.losses[mask].mean()),
        )


def interval_over_games(correct: NDArray[np.bool_], games: NDArray[np.int64]) -> tuple[float, float] | None:
    """Return the 95 % interval of an accuracy whose positions come in games; None if they do not say how wide it is.

    Args:
        correct: Whether each position was predicted correctly (count,).
        games: The number of each position's game (count,).
    """
    error, accuracy = standard_error_over_games(correct, games), float(correct.mean())
    if error is None or accuracy in {0, 1}:
        return None
    half = DEVIATIONS * error
    return max(0.0, accuracy - half), min(1.0, accuracy + half)


def standard_error_over_games(correct: NDArray[Any], games: NDArray[np.int64]) -> float | None:
    """Return the standard error of an accuracy whose positions come in games; None for a single game.

    The games are the units that were drawn: the accuracy is a ratio of two sums over games, whose variance is that of
    the linearized ratio (Cochran, Sampling Techniques, 3rd edition 1977, equation 6.9).

    Args:
        correct: Whether each position was predicted correctly, or the fraction of several networks that did (count,).
        games: The number of each position's game (count,).
    """
    _, game = np.unique(games, return_inverse=True)
    sizes = np.bincount(game)
    if len(sizes) < 2:
        return None
    differences = np.bincount(game, weights=correct) - correct.mean() * sizes
    return float(np.sqrt(len(sizes) / (len(sizes) - 1) * (differences**2).sum())) / float(sizes.sum())
