"""How steps are executed: how many in a call, by which class of model, on which kind of batches."""

from typing import Any

from cnnzoo import runtime
from cnnzoo.config import Config
from cnnzoo.training.batches import Batches, GroupedBatches
from cnnzoo.training.model import TrainingModel
from cnnzoo.training.setup import TrainingSetup

REPORTS_PER_EPOCH = 10  # at least this many reports to the listener
MOST_STEPS_PER_REPORT = 100  # so that Ctrl-C is obeyed soon, however long an epoch is


def choose_steps_per_call(batches: int) -> int:
    """Return the number of steps in one call, after which progress is reported, for an epoch of ``batches`` batches."""
    limit = runtime.most_steps_per_execution() or batches
    return min(max(1, batches // REPORTS_PER_EPOCH), MOST_STEPS_PER_REPORT, limit)


def uses_compiled_loop(config: Config, setup: TrainingSetup) -> bool:
    """Return whether several steps become one compiled call on JAX, which needs images that stay on the device."""
    return runtime.compiles_loops(config.training.compiled_loop) and setup.training.images.array is not None


def make_items(batches: Batches | GroupedBatches) -> Any:
    """Return what ``fit`` takes: a ``tf.data.Dataset`` on TensorFlow, otherwise the batches."""
    if runtime.keras_backend() != "tensorflow":
        return batches
    from cnnzoo.training.tensorflow_batches import make_dataset  # imports TensorFlow

    return make_dataset(batches)


def choose_model_class(*, compiled_loop: bool) -> type[TrainingModel]:
    """Return the class of the model that ``fit`` trains."""
    if not compiled_loop:
        return TrainingModel
    from cnnzoo.training.jax_epoch import JaxTrainingModel  # imports JAX

    return JaxTrainingModel
