"""Accuracy, loss and confusion of predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo.classifier import Probabilities

# With so few classes or fewer, the five best are all classes.
TOP = 5


@dataclass(frozen=True)
class ClassReport:
    """Figures of one class.

    Attributes:
        class_name: The class.
        precision: Of the images that are predicted to be of the class, the fraction that is.
        recall: Of the images of the class, the fraction that is predicted to be; None without images.
        f1: Harmonic mean of the two; None without images.
        images: How many are of the class.
    """

    class_name: str
    precision: float
    recall: float | None
    f1: float | None
    images: int


@dataclass(frozen=True)
class Report:
    """Figures of predictions.

    Attributes:
        images: How many images.
        note: A caveat about the images.
        correct: How many are classified correctly.
        accuracy: The fraction that is classified correctly.
        error: The fraction that is not.
        top5_accuracy: Fraction of the images for which fewer than five classes score strictly higher than the true
            one; None for five classes or fewer.
        loss: Mean cross-entropy in nats.
        per_class: One per class, in the order of the labels; empty for positions of Go, whose classes are points.
        confusion: Counts of images; rows: true class, columns: predicted class. Empty for positions of Go.
    """

    images: int
    note: str
    correct: int
    accuracy: float
    error: float
    top5_accuracy: float | None
    loss: float
    per_class: list[ClassReport]
    confusion: list[list[int]]


def measure(
    scores: NDArray[np.floating[Any]],
    probabilities: Probabilities,
    labels: NDArray[np.int32],
    class_names: Sequence[str],
    note: str = "",
    *,
    by_class: bool = True,
) -> Report:
    """Measure predictions.

    Args:
        scores: What the classes are ranked by (count, num_classes): logits, or a vote's mean probabilities.
        probabilities: (count, num_classes).
        labels: The true classes (count,).
        class_names: One per class.
        note: A caveat about the images.
        by_class: Whether to measure the classes one by one too.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support  # takes a second

    images, classes = len(labels), range(len(class_names))
    rows, predicted = np.arange(images), scores.argmax(axis=1)
    correct = int((predicted == labels).sum())
    accuracy = correct / images
    higher = (scores > scores[rows, labels][:, np.newaxis]).sum(axis=1)
    top5_accuracy = float((higher < TOP).mean()) if len(classes) > TOP else None
    likelihood = probabilities[rows, labels].astype("float64")
    loss = float(-np.log(np.maximum(likelihood, np.finfo("float32").tiny)).mean())
    if not by_class:
        return Report(images, note, correct, accuracy, 1 - accuracy, top5_accuracy, loss, [], [])
    columns = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0.0)
    per_class = [
        ClassReport(name, float(precision), float(recall) if count else None, float(f1) if count else None, int(count))
        for name, precision, recall, f1, count in zip(class_names, *columns, strict=True)
    ]
    confusion = confusion_matrix(labels, predicted, labels=classes).tolist()
    return Report(images, note, correct, accuracy, 1 - accuracy, top5_accuracy, loss, per_class, confusion)
