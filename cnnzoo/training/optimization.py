"""Optimizers and learning rate schedules, from a config's sections."""

import math
from typing import Any

from keras import ops, optimizers, saving

from cnnzoo.config import (
    AdamSection,
    Config,
    ConstantSection,
    CosineSection,
    OneCycleSection,
    RmspropSection,
    SgdSection,
)


@saving.register_keras_serializable("cnnzoo")
class WarmupCosine(optimizers.schedules.LearningRateSchedule):
    """Linear growth from ``initial`` to ``peak``, then half a cosine down to ``final``.

    One-cycle, cosine and constant schedules are all of this form.

    Args:
        peak: Largest learning rate.
        warmup_steps: Steps of growth, at least 0.
        total_steps: Steps after which the rate stays at ``final``.
        initial: Learning rate of the first step.
        final: Learning rate that the decay ends in, one step after the last.
    """

    def __init__(self, peak: float, warmup_steps: float, total_steps: float, initial: float, final: float) -> None:
        super().__init__()
        self.peak, self.warmup_steps, self.total_steps = peak, warmup_steps, total_steps
        self.initial, self.final = initial, final

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        growth = self.initial + (self.peak - self.initial) * step / max(self.warmup_steps, 1.0)
        done = ops.clip((step - self.warmup_steps) / max(self.total_steps - self.warmup_steps, 1.0), 0.0, 1.0)
        decay = self.final + (self.peak - self.final) * 0.5 * (1.0 + ops.cos(math.pi * done))
        return ops.where(step < self.warmup_steps, growth, decay)

    def get_config(self) -> dict[str, float]:
        """Return the constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
            "initial": self.initial,
            "final": self.final,
        }


def schedule(config: Config, steps_per_epoch: int) -> WarmupCosine:
    """Return the learning rate as a function of the step.

    Args:
        config: The run's config.
        steps_per_epoch: Optimizer steps an epoch.
    """
    section, peak = config.schedule, config.optimizer.learning_rate
    total = steps_per_epoch * config.training.epochs
    match section:
        case ConstantSection() | CosineSection():
            warmup = section.warmup_epochs * steps_per_epoch
            final = peak if isinstance(section, ConstantSection) else section.final * peak
            # From one part in warmup + 1, because a first step at rate zero would be none.
            return WarmupCosine(peak, warmup, total, peak / (warmup + 1), final)
        case OneCycleSection():
            return WarmupCosine(peak, section.rise * total, total, section.initial * peak, section.final * peak)


def optimizer(config: Config, steps_per_epoch: int) -> optimizers.Optimizer:
    """Return the config's optimizer with its schedule, and averaged weights when asked for."""
    section = config.optimizer
    decay = config.training.ema_decay
    shared = {
        "learning_rate": schedule(config, steps_per_epoch),
        "use_ema": decay is not None,
        "ema_momentum": decay or 0.0,
    }
    match section:
        case SgdSection():
            return optimizers.SGD(momentum=section.momentum, nesterov=section.nesterov, **shared)
        case RmspropSection():
            return optimizers.RMSprop(rho=section.rho, momentum=section.momentum, epsilon=section.epsilon, **shared)
        case AdamSection():
            return optimizers.Adam(beta_1=section.beta_1, beta_2=section.beta_2, epsilon=section.epsilon, **shared)
