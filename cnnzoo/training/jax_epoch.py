"""Several training steps as one compiled call, on JAX.

Keras 3.15 calls the compiled step from Python, whatever ``steps_per_execution`` is; for small networks on a GPU the
calls take longer than the arithmetic. Here one call takes the indices of many batches and loops over them on the
device. Keras has merged a loop with ``lax.scan`` (keras#23527, 2026-08-29). When a release has it, this module and
``GroupedBatches`` can go, if that loop does as well.

The number of batches is an argument of the compiled loop. So a group of fewer batches, at the end of an epoch or after
an interruption, runs the same machine code, and results do not depend on how an epoch is divided into groups.
"""

from collections.abc import Callable
from typing import Any

import jax
import keras

from cnnzoo.training.model import TrainingModel

Step = Callable[[Any, Any], tuple[dict[str, Any], Any]]


class JaxTrainingModel(TrainingModel):
    """A training model whose steps are groups of batches, from ``GroupedBatches``."""

    def train_step(self, state: Any, data: Any) -> tuple[dict[str, Any], Any]:
        """Train on the batches of a group.

        Args:
            state: Values of the trainable, the other, the optimizer's and the metrics' variables.
            data: An item of ``GroupedBatches``.

        Returns:
            The metrics of the epoch so far, and the new state.
        """
        return self._loop(super().train_step, state, data)

    def test_step(self, state: Any, data: Any) -> tuple[dict[str, Any], Any]:
        """Measure the batches of a group; see ``train_step``."""
        return self._loop(super().test_step, state, data)

    def _loop(self, step: Step, state: Any, data: Any) -> tuple[dict[str, Any], Any]:
        (count, indices, labels), _ = data

        def advance(number: Any, state: Any) -> Any:
            return step(state, ((indices[number], labels[number]), labels[number]))[1]

        state = jax.lax.fori_loop(0, count, advance, state)
        with keras.StatelessScope(state_mapping=list(zip(self.metrics_variables, state[-1], strict=True))):
            return self.get_metrics_result(), state
