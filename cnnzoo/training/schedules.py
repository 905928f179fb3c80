"""Learning rates as functions of the step."""

import math
from collections.abc import Callable
from typing import Any

from keras import ops, optimizers

from cnnzoo.config import Config
from cnnzoo.config.optimizer import (
    ConstantSection,
    CosineSection,
    MultiStepSection,
    OneCycleSection,
    PlateauSection,
    PolynomialSection,
    StepSection,
)


class Schedule(optimizers.schedules.LearningRateSchedule):
    """A learning rate that grows linearly from ``initial`` to ``peak`` and then follows a function.

    Args:
        peak: Largest learning rate.
        warmup_steps: Steps of growth, at least 0.
        initial: Learning rate of the first step.
        share: The function, from the step, counted from 0, to a fraction of the peak.
    """

    def __init__(self, peak: float, warmup_steps: float, initial: float, share: Callable[[Any], Any]) -> None:
        super().__init__()
        self.peak, self.warmup_steps, self.initial, self.share = peak, warmup_steps, initial, share

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        growth = self.initial + (self.peak - self.initial) * step / max(self.warmup_steps, 1.0)
        return ops.where(step < self.warmup_steps, growth, self.peak * self.share(step))


def make_schedule(config: Config, steps_per_epoch: int) -> Schedule:
    """Return the learning rate as a function of the step.

    A plateau's factor, which depends on validation, is not in it: the optimizer multiplies by it.

    Args:
        config: The run's config.
        steps_per_epoch: Batches of an epoch.
    """
    section, peak = config.schedule, config.optimizer.learning_rate
    total = steps_per_epoch * config.training.epochs
    if isinstance(section, OneCycleSection):
        warmup, initial = section.rise * total, section.initial * peak
    else:
        warmup = section.warmup_epochs * steps_per_epoch
        initial = peak / (warmup + 1)  # not 0, at which the first step would change nothing
    match section:
        case StepSection(every=every, factor=factor):
            changes = [every * n for n in range(1, math.ceil(config.training.epochs / every))]
            share = _make_stairs(factor, [round(epochs * steps_per_epoch) for epochs in changes])
        case MultiStepSection(after=after, factor=factor):
            share = _make_stairs(factor, [round(epochs * steps_per_epoch) for epochs in after])
        case CosineSection(final=final) | OneCycleSection(final=final):
            share = _make_descent(final, lambda left: 0.5 * (1.0 - ops.cos(math.pi * left)))
        case PolynomialSection(power=power, final=final):
            share = _make_descent(final, lambda left: left**power)
        case ConstantSection() | PlateauSection():
            share = _make_descent(1.0, lambda left: left)

    def left(step: Any) -> Any:
        """Return the fraction of the steps after the warm-up that is left."""
        return 1.0 - ops.clip((step - warmup) / max(total - warmup, 1.0), 0.0, 1.0)

    return Schedule(peak, warmup, initial, lambda step: share(step, left(step)))


# From the step, and the fraction of all steps that is left, to a fraction of the peak.
Share = Callable[[Any, Any], Any]


def _make_stairs(factor: float, changes: list[int]) -> Share:
    """Return a function that multiplies the share by a factor at each of these steps."""
    return lambda step, _: factor ** sum((ops.cast(step >= change, "float32") for change in changes), 0.0)


def _make_descent(final: float, shape: Callable[[Any], Any]) -> Share:
    """Return a function that falls from 1 to ``final``; ``shape`` is the curve, from the fraction that is left."""
    return lambda _, left: final + (1.0 - final) * shape(left)


def plateau_factor(section: PlateauSection, figures: list[float]) -> float:
    """Return the factor of the learning rate after some epochs.

    Args:
        section: The config's schedule.
        figures: The monitored figure of each epoch so far; larger is better.
    """
    factor, best, stalled = 1.0, -math.inf, 0
    for figure in figures:
        stalled = 0 if figure > best else stalled + 1
        best = max(best, figure)
        if stalled == section.patience:
            factor, stalled = max(factor * section.factor, section.smallest), 0
    return factor
