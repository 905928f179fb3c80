"""The training loop: what happens in an epoch, in order."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from keras import callbacks, ops

from cnnzoo import data, keras_internals, runtime
from cnnzoo.classifier.metadata import BoardMetadata
from cnnzoo.config import Config, GoSection
from cnnzoo.data.augmentation import Augmentation
from cnnzoo.errors import UserError
from cnnzoo.go.planes import SPECIFICATION
from cnnzoo.models import without_auxiliary_heads
from cnnzoo.runs import Run, best_row
from cnnzoo.runs.facts import Outcome
from cnnzoo.training import checkpoints
from cnnzoo.training.batches import Batches, GroupedBatches, make_batches
from cnnzoo.training.checkpoints import Checkpoint, Snapshot
from cnnzoo.training.execution import (
    MOST_STEPS_PER_REPORT,
    choose_model_class,
    choose_steps_per_call,
    make_items,
    uses_compiled_loop,
)
from cnnzoo.training.history import History
from cnnzoo.training.interruption import Interruption
from cnnzoo.training.listener import Listener
from cnnzoo.training.optimizers import make_optimizer
from cnnzoo.training.phases import Phase, Position, all_layers, phases
from cnnzoo.training.saving import BackgroundWriter, NetworkCopy
from cnnzoo.training.setup import TrainingSetup


class TrainingLoop:
    """One training. ``train`` runs it; the methods after it are an epoch, in order.

    Args:
        config: The run's config.
        setup: From ``prepare``.
        run: Where the files go.
        listener: Shows the progress.
        checkpoint: Where to continue; None to start from the beginning.

    Attributes:
        position: How far the training has come.
        history: The rows of the epochs that are done.
        items: What ``fit`` takes for training: batches, or groups of them if a compiled call has several steps.
        validation_items: Likewise for validation.
    """

    def __init__(
        self, config: Config, setup: TrainingSetup, run: Run, listener: Listener, checkpoint: Checkpoint | None
    ) -> None:
        self.config, self.run, self.listener, self.checkpoint = config, run, listener, checkpoint
        self.position = checkpoint.position if checkpoint else Position(0, 0)
        self.history = History.from_state(checkpoint.state) if checkpoint else History()
        self.network = without_auxiliary_heads(setup.network)  # what is saved
        settings = config.training
        self.batches, self.validation_batches = make_batches(config, setup.training, setup.validation)
        self.is_grouped = uses_compiled_loop(config, setup)
        self.items: Batches | GroupedBatches = self.batches
        self.validation_items: Batches | GroupedBatches = self.validation_batches
        self.model = choose_model_class(compiled_loop=self.is_grouped)(
            setup.network,
            setup.training.images.array,
            Augmentation(config.augmentation, setup.training),
            settings.label_smoothing,
            setup.class_weights,
            # The optimizer averages only once for all the steps that it accumulates.
            settings.ema_decay and settings.ema_decay ** (1 / settings.gradient_accumulation),
            is_board=data.describe(config.data).is_board,
        )
        self.board = _describe_board(config, setup, run)
        self.writer = BackgroundWriter()
        self.phases = phases(config)
        self.phase = self.phases[0]
        self.last_saved_step, self.last_saved_time = 0, -math.inf
        self.has_reported_compilation = False
        self.interruption = Interruption()

    def train(self) -> Outcome:
        """Train the phases that are left, one after the other, and return how the training ended.

        Raises:
            UserError: The loss is not finite, or an image can no longer be read.
            OSError: A file cannot be written.
        """
        outcome: Outcome = "finished"
        try:
            with self.writer:
                try:
                    self.train_phases()
                except KeyboardInterrupt:
                    outcome = "interrupted"
        except checkpoints.NotFiniteError as error:
            self.fail_after(error.position)
        return outcome

    def train_phases(self) -> None:
        """Train the phases that are left.

        Raises:
            UserError: See ``train``.
            KeyboardInterrupt: An interruption was requested.
        """
        for phase in self.phases:
            if self.position.epoch < phase.end and not self.stops_early:
                self.start_phase(phase)
                for stretch in phase.stretches(self.position, self.config):
                    if not self.stops_early:
                        self.model.shrink_images(stretch.scale)
                        self.batches.skip(stretch.start.step)
                        self.fit(stretch.start.epoch, stretch.end)

    @property
    def stops_early(self) -> bool:
        """Whether early stopping has ended the training."""
        return self.history.stops_early(self.phase)

    def start_phase(self, phase: Phase) -> None:
        """Freeze the layers that the phase does not train, and compile the model with the phase's optimizer."""
        self.writer.wait()  # an error of the phase before is reported with that phase's learning rate
        self.phase = phase
        phase.freeze(self.model.network)
        self.copy = NetworkCopy(self.network, self.board)  # which says what is frozen
        self.model.start_averages(phase.first * self.batches.count)
        grouped = [layer for layer in all_layers(self.model.network) if getattr(layer, "groups", 1) > 1]
        groups = {layer.kernel.path: layer.groups for layer in grouped}
        optimizer = make_optimizer(phase.config, self.batches.count, groups)
        optimizer.build(self.model.trainable_variables)
        steps = min(choose_steps_per_call(self.batches.count), phase.config.training.checkpoint_steps)
        if self.is_grouped:
            self.items = GroupedBatches(self.batches, steps)
            self.validation_items = GroupedBatches(
                self.validation_batches, min(self.validation_batches.count, MOST_STEPS_PER_REPORT)
            )
            steps = 1  # of groups
        self.model.compile(optimizer=optimizer, steps_per_execution=steps)

    def fit(self, first: int, end: int) -> None:
        """Train the epochs from ``first``, counted from 0, up to but without ``end``.

        Raises:
            UserError: A batch could not be made.
        """
        epoch_callback = callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, _: self.start_epoch(epoch),
            on_train_batch_end=lambda item, logs: self.after_steps(self.items.count_done(item), logs["loss"]),
            on_test_begin=lambda _: self.model.swap_averages(),  # averaged weights are validated
            on_test_end=lambda _: self.model.swap_averages(),
            on_epoch_end=lambda _, logs: self.end_epoch(logs),
        )
        tensorboard = self.config.training.tensorboard
        events = [callbacks.TensorBoard(self.run.events_path, write_graph=False)] if tensorboard else []
        try:
            self.model.fit(
                make_items(self.items),
                validation_data=make_items(self.validation_items),
                initial_epoch=first,
                epochs=end,
                shuffle=False,  # the order follows from the seed and the epoch alone
                verbose=0,
                callbacks=[*events, epoch_callback],
            )
        except Exception as error:
            failure = self.batches.failure or self.validation_batches.failure
            if failure is None or failure is error:
                raise
            raise failure from None  # the backend replaces our error with its own

    def start_epoch(self, epoch: int) -> None:
        """Set everything that an epoch's result depends on, and start its clock."""
        self.position = Position(epoch, self.batches.start)
        self.last_saved_step = self.batches.start
        self.batches.shuffle(self.config.seed, epoch)
        self.model.seed_epoch(self.config.seed, epoch)
        if self.checkpoint:
            self.checkpoint.restore(self.model, epoch, self.phase)
            self.checkpoint = None
        factor = self.history.plateau_factor(self.phase)
        if factor is not None:
            self.model.optimizer.factor.assign(factor)
        is_new = self.position.step == 0
        self.history.start_epoch(self.learning_rate(epoch * self.batches.count) if is_new else None)

    def after_steps(self, step: int, loss: float) -> None:
        """Report the steps of an epoch that are done; save a checkpoint if one is due, and obey an interruption.

        Args:
            step: Batches of the epoch that are done.
            loss: Their mean loss.

        Raises:
            UserError: The loss is not finite.
            KeyboardInterrupt: An interruption was requested.
        """
        self.position = self.position._replace(step=step)
        self.history.measure_epoch_seconds()
        if not math.isfinite(loss):
            self.fail("The loss is")
        if not self.has_reported_compilation:
            self.has_reported_compilation = True
            if text := runtime.describe_compilation():
                self.listener.note(text)
        self.listener.step(self.position.epoch + 1, step)
        if step < self.batches.count:  # after the last step the epoch is written first
            every = self.config.training.checkpoint_steps
            if step // every > self.last_saved_step // every or self.interruption.requested:
                keras_internals.sync_variables(self.model)
                self.save_checkpoint()
            self.interruption.obey()

    def end_epoch(self, logs: dict[str, Any]) -> None:
        """Write the models, the history and perhaps a checkpoint of an epoch that is done, while the next one begins.

        Args:
            logs: The figures that Keras measured.

        Raises:
            UserError: The validation loss is not finite.
            KeyboardInterrupt: An interruption was requested, and epochs are left.
        """
        row = self.history.row(self.position.epoch + 1, logs)
        if not math.isfinite(row["validation_loss"]):
            self.fail("The validation loss is")
        seconds = self.history.append(row)
        is_best = best_row(self.history.rows) is row
        self.position = Position(self.position.epoch + 1, 0)
        is_interrupted = self.interruption.requested
        self.save_epoch(is_best=is_best, always=is_interrupted)
        self.listener.epoch(row, self.batches.count * self.batches.batch_size / seconds, is_best)
        if self.stops_early:
            self.model.stop_training = True
        elif is_interrupted and self.position.epoch < self.config.training.epochs:
            self.interruption.obey()

    def save_epoch(self, *, is_best: bool, always: bool) -> None:
        """Start to write the files of the epoch that has ended.

        Args:
            is_best: Whether it is the best one so far; then a checkpoint is written too.
            always: Write a checkpoint however young the last one is.

        Raises:
            NotFiniteError: See ``start_writing``.
            OSError: See ``start_writing``.
        """
        snapshot = Snapshot.take(self.model)
        averages = {id(weight): average for weight, average in self.model.averages_by_variable()}
        values = [snapshot.by_variable[id(averages.get(id(weight), weight))] for weight in self.network.weights]
        rows, position, state = list(self.history.rows), self.position, self.history.state()
        # With the best model too, so that after a kill no model is of an epoch that the checkpoint does not know.
        is_old = self.seconds_since_checkpoint >= self.config.training.checkpoint_seconds
        has_checkpoint = always or is_best or is_old

        def write() -> None:
            snapshot.check(position)
            self.copy.save(self.run, values, is_best=is_best)
            self.run.write_history(rows)
            if has_checkpoint:
                checkpoints.write(self.run, position, snapshot, state)

        self.start_writing(write, has_checkpoint=has_checkpoint)

    def save_checkpoint(self) -> None:
        """Start to write a checkpoint of the position; see ``start_writing`` for its errors."""
        snapshot, position, state = Snapshot.take(self.model), self.position, self.history.state()
        self.start_writing(lambda: checkpoints.write(self.run, position, snapshot, state), has_checkpoint=True)

    def start_writing(self, write: Callable[[], None], *, has_checkpoint: bool) -> None:
        """Start a job of writing after the one before has ended.

        Raises:
            NotFiniteError: The job before had weights or a state that is not finite.
            OSError: The job before could not write a file.
        """
        self.writer.submit(write)
        if has_checkpoint:
            self.last_saved_step, self.last_saved_time = self.position.step, time.perf_counter()

    @property
    def seconds_since_checkpoint(self) -> float:
        """Seconds since the last checkpoint of this process was begun; infinite without one."""
        return time.perf_counter() - self.last_saved_time

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0 over the whole training."""
        rate: float = self.model.optimizer.rate(step - self.phase.first * self.batches.count)
        return rate

    def fail(self, subject: str) -> NoReturn:
        """End the training because of a number that is not finite.

        Args:
            subject: What is not finite, with a verb, as the beginning of a sentence.

        Raises:
            UserError: Always; it names the step, the learning rate and the last good checkpoint.
        """
        keras_internals.sync_variables(self.model)
        bad, done = (int(ops.convert_to_numpy(each)) for each in (self.model.first_bad_step, self.model.steps_done))
        self.fail_at(bad if bad >= 0 else done - 1, subject)  # every training loss may have been finite

    def fail_after(self, position: Position) -> NoReturn:
        """End the training because of weights that are not finite although every loss was.

        Args:
            position: How far the training had come.

        Raises:
            UserError: Always, see ``fail``.
        """
        step = position.epoch * self.batches.count + position.step - 1
        self.fail_at(step, "The weights or the optimizer's state are")

    def fail_at(self, step: int, subject: str) -> NoReturn:
        """End the training because of a number that is not finite since a step, counted from 0; see ``fail``."""
        with suppress(Exception):  # this error is the one to report
            self.writer.wait()
        good = self.run.checkpoints
        raise UserError(
            f"{subject} not finite: epoch {step // self.batches.count + 1}, step {step + 1:,} of the training, "
            f"learning rate {self.learning_rate(step):.3g}. Lower optimizer.learning_rate or set optimizer.clip_norm. "
            + (f"The last good checkpoint is {good[0]}." if good else "No checkpoint had been written yet.")
        )


def _describe_board(config: Config, setup: TrainingSetup, run: Run) -> BoardMetadata | None:
    """Return what a model for Go is saved with, so that it can play without its run; None for models of images."""
    if not isinstance(config.data, GoSection):
        return None
    source = setup.summary.source if isinstance(setup.summary, data.GamesSummary) else ""
    return BoardMetadata(
        title=run.name, network=config.model.name, size=config.data.size, planes=SPECIFICATION, source=source
    )
