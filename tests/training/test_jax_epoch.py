"""Several training steps as one compiled call; on other backends than JAX they are Keras's own."""

import numpy as np
import pytest
from toys import subset
from trainings import SMALL_SETTINGS, Snapshots, state, weights

from cnnzoo.cli.options import load_config
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.training import Listener, resume, train
from cnnzoo.training.batches import Batches, GroupedBatches

pytestmark = pytest.mark.every_backend

# Epochs of 31 batches, which are 10 groups of 3 and one more; no convolutions, which XLA computes in another way in a
# loop on a processor.
DENSE = (
    *SMALL_SETTINGS,
    "model={name: lecture_dense}",
    "augmentation={shift: 1}",
    "optimizer={name: sgd, momentum: 0.9, learning_rate: 0.02}",
    "training={epochs: 2, batch_size: 32, steps_per_epoch: 31, checkpoint_steps: 9, ema_decay: 0.9, "
    "gradient_accumulation: 2, compiled_loop: true}",
)


class Steps(Listener):
    """Notes after which steps the training reports."""

    def __init__(self):
        self.seen = []

    def step(self, epoch, step):
        self.seen.append((epoch, step))


@pytest.mark.backend("jax")
def test_a_compiled_loop_gives_the_weights_of_single_steps(tmp_path):
    """Byte for byte; its metrics are means over the same batches."""
    looped, single = (
        train(load_config("digits", (*DENSE, f"training.compiled_loop={value}")), directory=tmp_path / value)[0]
        for value in ("true", "false")
    )
    assert state(looped) == state(single)


@pytest.mark.backend("jax")
def test_the_compiled_loop_of_a_convolutional_network_differs_by_rounding_alone(tmp_path):
    settings = (*DENSE, "model={name: lecture_tensorflow}", "training.epochs=1", "training.steps_per_epoch=4")
    looped, single = (
        train(load_config("digits", (*settings, f"training.compiled_loop={value}")), directory=tmp_path / value)[0]
        for value in ("true", "false")
    )
    for one, other in zip(weights(looped.last_model_path), weights(single.last_model_path), strict=True):
        assert np.allclose(one, other, atol=1e-5)


def test_an_epoch_that_ends_within_a_group_and_a_kill_change_nothing(tmp_path):
    """After the kill the groups begin at another batch than without it."""
    snapshots, steps = Snapshots(tmp_path / "run", tmp_path, [(1, 15), (2, 31)]), Steps()
    whole, _ = train(load_config("digits", DENSE), directory=tmp_path / "run", listener=snapshots)
    for moment, expected in [((1, 15), [12, 15, 18, 21, 24, 27, 30, 31]), ((2, 31), [30, 31])]:
        steps.seen.clear()
        again, _ = resume(Run(snapshots.path(moment)), listener=steps)
        assert [step for epoch, step in steps.seen if epoch == moment[0]] == expected
        assert state(again) == state(whole)


def test_a_loss_in_a_group_that_is_not_finite_is_reported_with_its_step(tmp_path):
    settings = (*DENSE, "optimizer.learning_rate=1e30", "training.gradient_accumulation=1")
    with pytest.raises(UserError, match=r"^The loss is not finite: epoch 1, step [23] of the training"):
        train(load_config("digits", settings), directory=tmp_path / "run")


@pytest.mark.parametrize("only_full", [True, False])
@pytest.mark.parametrize("start", [0, 1, 2])
def test_groups_have_all_batches_once_and_in_their_order(only_full, start):
    images = subset(np.zeros((110, 1, 1, 1), "uint8"), np.arange(110, dtype="int32"))
    batches = Batches(images, 20, full_batches_only=only_full)
    batches.shuffle(0, 0)
    batches.skip(start)
    groups = GroupedBatches(batches, 2)
    rows, done = [], []
    for number in range(len(groups)):
        (count, indices, labels), again = groups[number]
        assert np.array_equal(indices, labels)
        assert labels is again
        rows += indices[:count].ravel().tolist()
        done.append(groups.count_done(number))
    assert rows == batches.order[start * 20 :].tolist()
    full = [[2, 4, 5], [3, 5], [4, 5]][start]
    assert done == (full if only_full else [*full, 6])
