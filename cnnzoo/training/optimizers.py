"""The optimizers that a config can name: Keras's own with L2, decay, a plateau's factor and averages, and Muon."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras import Variable, ops, optimizers

from cnnzoo import keras_internals
from cnnzoo.config import Config
from cnnzoo.config.optimizer import AdamSection, AdamwSection, MuonSection, RmspropSection, SgdSection
from cnnzoo.training.schedules import Schedule, make_schedule


class Decay(optimizers.Optimizer):
    """A mixin for optimizers: what happens to each variable before and after the optimizer's own step.

    Keras's own L2 regularizers would add to the loss, and its ``weight_decay`` ignores a plateau's factor.

    Args:
        l2: This multiple of a variable is added to its gradient.
        weight_decay: The learning rate times this is the fraction of a variable that a step subtracts.
        decay_kernels_only: Apply both only to kernels, not to biases and to normalization's scales and offsets.
        ema_decay: Decay per step of averaged weights; None for no averages.
        **options: The optimizer's own options.

    Attributes:
        factor: Multiplies the learning rate; a plateau lowers it.
        averages: The averaged weights, in the order of the variables; empty without ``ema_decay``.
    """

    def __init__(
        self, *, l2: float, weight_decay: float, decay_kernels_only: bool, ema_decay: float | None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.schedule: Schedule = options["learning_rate"]
        self.l2, self.decoupled, self.decay_kernels_only = l2, weight_decay, decay_kernels_only
        self.ema_decay = ema_decay
        self.averages: list[Any] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Create the optimizer's own variables."""
        if self.built:
            return
        super().build(variables)
        # On TensorFlow the variables that `update_step` gets have no names.
        self.decays = [variable.name == "kernel" or not self.decay_kernels_only for variable in variables]
        self.factor = self.add_variable((), "ones", name="factor")
        if self.ema_decay is not None:
            self.averages = self.add_optimizer_variables(variables, "average")

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0, with the plateau's current factor."""
        return float(ops.convert_to_numpy(self.schedule(step) * self.factor))

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Change one variable by its gradient."""
        learning_rate = ops.cast(learning_rate * self.factor, variable.dtype)
        index = keras_internals.variable_index(self, variable)
        if self.decays[index]:
            if self.l2:
                gradient = ops.cast(gradient, variable.dtype) + self.l2 * variable
            if self.decoupled:
                self.assign_sub(variable, learning_rate * self.decoupled * variable)
        super().update_step(gradient, variable, learning_rate)
        if self.averages:
            average = self.averages[index]
            decay = ops.where(self.iterations == 0, 0.0, self.ema_decay)
            self.assign(average, ops.cast(decay, variable.dtype) * (average - variable) + variable)


class Sgd(Decay, optimizers.SGD):
    """Stochastic gradient descent."""


class Adam(Decay, optimizers.Adam):
    """Adam, and AdamW by ``weight_decay``."""


class Rmsprop(Decay, optimizers.RMSprop):
    """RMSprop."""


class NewtonSchulz(optimizers.Adam):
    """Muon for most kernels; Adam for those of classifiers, for LeNet-5's sparse kernels and for all vectors.

    A convolution's kernel (height, width, input maps, output maps) counts as a matrix of (height * width * input maps)
    rows, or as one such matrix per group. A step follows not the momentum but the orthogonal matrix nearest to it,
    approximately, scaled to Adam's usual size of step: a root mean square of 0.2 per weight. So both share one
    learning rate.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon; the scale is equation 4 of Liu et al., "Muon is Scalable for LLM
    Training", 2025, https://arxiv.org/abs/2502.16982.

    Args:
        momentum: Momentum of the kernels' gradients.
        nesterov: Whether the gradient is added once more.
        iterations_per_step: Newton-Schulz iterations.
        groups: Number of groups of each grouped convolution, by the path of its kernel.
        **options: Adam's options.
    """

    # Of the quintic a*x + b*x^3 + c*x^5, which brings singular values between 0.7 and 1.2 (Jordan et al.).
    COEFFICIENTS = (3.4445, -4.7750, 2.0315)
    SIZE = 0.2

    def __init__(
        self,
        *,
        momentum: float,
        nesterov: bool,
        iterations_per_step: int,
        groups: Mapping[str, int],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.momentum, self.nesterov, self.iterations_per_step = momentum, nesterov, iterations_per_step
        self.groups = dict(groups)

    def build(self, variables: Sequence[Variable]) -> None:
        """Create the optimizer's own variables."""
        if self.built:
            return
        optimizers.Optimizer.build(self, variables)  # Adam's own would also create second moments of matrices
        # On TensorFlow the variables that `update_step` gets have no paths.
        self.matrices = [self.groups.get(variable.path, 1) if _is_hidden(variable) else 0 for variable in variables]
        self.momentums = self.add_optimizer_variables(variables, "momentum")
        velocities = [
            None if groups else self.add_variable_from_reference(variable, "velocity")
            for variable, groups in zip(variables, self.matrices, strict=True)
        ]
        keras_internals.set_adam_moments(self, self.momentums, velocities)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Change one variable by its gradient."""
        index = keras_internals.variable_index(self, variable)
        groups = self.matrices[index]
        if not groups:
            super().update_step(gradient, variable, learning_rate)
            return
        gradient = ops.cast(gradient, variable.dtype)
        momentum = self.momentums[index]
        self.assign(momentum, self.momentum * momentum + gradient)
        direction = gradient + self.momentum * momentum if self.nesterov else momentum
        matrices = ops.split(ops.reshape(direction, (-1, variable.shape[-1])), groups, axis=1)
        size = self.SIZE * max(matrices[0].shape) ** 0.5
        step = size * ops.concatenate([self._orthogonalize(matrix) for matrix in matrices], axis=1)
        self.assign_sub(variable, learning_rate * ops.reshape(step, variable.shape))

    def _orthogonalize(self, matrix: Any) -> Any:
        """Return U V^T of a matrix U S V^T, approximately."""
        a, b, c = self.COEFFICIENTS
        tall = matrix.shape[0] > matrix.shape[1]
        x = ops.transpose(matrix) if tall else matrix
        x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
        for _ in range(self.iterations_per_step):
            squared = ops.matmul(x, ops.transpose(x))
            x = a * x + ops.matmul(b * squared + c * ops.matmul(squared, squared), x)
        return ops.transpose(x) if tall else x


class Muon(Decay, NewtonSchulz):
    """Muon with decoupled decay."""


def _is_hidden(variable: Variable) -> bool:
    """Return whether a variable is a kernel that maps features to features, and not to logits."""
    layer = variable.path.split("/")[-2] if "/" in variable.path else ""
    gives_logits = layer == "logits" or (layer.startswith("auxiliary") and layer.endswith("_linear"))
    return variable.name == "kernel" and len(variable.shape) in (2, 4) and not gives_logits


def make_optimizer(config: Config, steps_per_epoch: int, groups: Mapping[str, int] | None = None) -> Decay:
    """Return the config's optimizer with its schedule.

    Args:
        config: The run's config.
        steps_per_epoch: Batches of an epoch.
        groups: Number of groups of each grouped convolution, by the path of its kernel.
    """
    section, training = config.optimizer, config.training
    learning_rate: Schedule = make_schedule(config, steps_per_epoch)
    shared: dict[str, Any] = {
        "learning_rate": learning_rate,
        "l2": 0.0,
        "weight_decay": 0.0,
        "decay_kernels_only": section.decay_kernels_only,
        "ema_decay": training.ema_decay,
        "global_clipnorm": section.clip_norm,
        "gradient_accumulation_steps": training.gradient_accumulation if training.gradient_accumulation > 1 else None,
    }
    specific = section.model_dump(exclude={"name", "learning_rate", "decay_kernels_only", "clip_norm"})
    match section:
        case SgdSection():
            return Sgd(**shared | specific)
        case RmspropSection():
            return Rmsprop(**shared | specific)
        case AdamSection() | AdamwSection():
            return Adam(**shared | specific)
        case MuonSection():
            specific["iterations_per_step"] = specific.pop("iterations")
            return Muon(groups=groups or {}, **shared | specific)
