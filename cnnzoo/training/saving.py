"""Writes the files of a training in a thread, while the training goes on."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from keras import Model, models
from numpy.typing import NDArray

from cnnzoo import files
from cnnzoo.classifier import metadata
from cnnzoo.classifier.metadata import BoardMetadata
from cnnzoo.runs import Run


class BackgroundWriter:
    """Runs jobs in a thread, one after the other. The error of a job is raised by the next call."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._pending: Future[None] | None = None

    def submit(self, job: Callable[[], None]) -> None:
        """Wait for the job before, and start another one.

        Raises:
            Exception: What the job before has raised.
        """
        self.wait()
        self._pending = self._thread.submit(job)

    def wait(self) -> None:
        """Wait until nothing is left to write.

        Raises:
            Exception: What the last job has raised.
        """
        pending = self._pending
        if pending:
            try:
                pending.result()
            finally:
                if pending.done():  # not if Ctrl-C ends the waiting
                    self._pending = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait; if the training failed, the error of the writer is dropped."""
        try:
            with suppress(*([Exception] if error else [])):
                self.wait()
        finally:
            self._thread.shutdown()


class NetworkCopy:
    """A copy of a network, which a thread can save while the network itself is trained.

    Args:
        network: What is saved, as it is.
        board: What a model for Go is saved with; None for models of images.
    """

    def __init__(self, network: Model, board: BoardMetadata | None) -> None:
        self._network, self._board = network, board
        self._copy: Model | None = None

    def save(self, run: Run, values: Sequence[NDArray[Any]], *, is_best: bool) -> None:
        """Write the newest model of a run, and its model if the epoch is the best one.

        Args:
            run: The run.
            values: Of the network's weights, in their order.
            is_best: Whether the epoch is the best one so far.

        Raises:
            OSError: A file cannot be written.
        """
        if self._copy is None:
            self._copy = models.clone_model(self._network)
        for variable, value in zip(self._copy.weights, values, strict=True):
            variable.assign(value)
        with files.whole(run.last_model_path) as path:
            self._copy.save(path)
            if self._board:
                metadata.write(path, self._board)
        if is_best:
            with files.whole(run.model_path) as path:
                shutil.copyfile(run.last_model_path, path)
