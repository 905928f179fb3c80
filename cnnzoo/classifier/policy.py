"""A saved policy network as a player of Go: a position in, the probability of each point out."""

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnnzoo import go, runs, runtime
from cnnzoo.classifier import compute_batch, load_network, metadata, softmax
from cnnzoo.classifier.metadata import BoardMetadata
from cnnzoo.errors import UserError, did_you_mean
from cnnzoo.go.board import Board
from cnnzoo.go.encoding import choose_encoder
from cnnzoo.go.planes import PLANES
from cnnzoo.go.symmetries import inverses, permutations
from cnnzoo.runs import Run
from cnnzoo.runtime import Device, DeviceChoice
from cnnzoo.text import printable

Symmetries = Literal[1, 8]

# The folder of the models that ship with the package, and the default of the commands.
SHIPPED = Path(go.__file__).parent / "models"
DEFAULT_MODEL = "alphago_policy_small"


class NetworkPolicy:
    """A policy network; a ``cnnzoo.go.policy.Policy``.

    Args:
        path: The model file.
        described: Its metadata.
        device: Where to compute.
        symmetries: See ``open_policy``.
        backend: The backend that it was trained on; None if unknown.
        threads: Processor threads of one operation; None for all.

    Attributes:
        path: The model file.
        metadata: Its metadata; the size of the board is there.
        note: A caveat about speed; empty without one.
    """

    def __init__(
        self,
        path: Path,
        described: BoardMetadata,
        device: DeviceChoice,
        symmetries: Symmetries,
        backend: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.path = path
        self.metadata = described
        self._encode, self.note = choose_encoder()
        self._device, self._symmetries, self._backend, self._threads = device, symmetries, backend, threads

    @cached_property
    def computed_on(self) -> Device:
        """The device, described with its backend; this imports Keras.

        Raises:
            UserError: See ``runtime.prepare_for_saved_model``.
        """
        return runtime.prepare_for_saved_model(self._backend, self._device, self._threads)

    @cached_property
    def model(self) -> Any:
        """The Keras model, from planes (batch, size, size, 48) to logits (batch, size * size).

        Raises:
            UserError: See ``computed_on`` and ``load_network``.
        """
        _ = self.computed_on  # Keras has to be imported on the right backend first
        size = self.metadata.size
        return load_network(self.path, (size, size, PLANES), size * size)

    def __call__(self, board: Board) -> NDArray[np.float64]:
        """Return the probability of each point (size * size,).

        Raises:
            UserError: The board has another size, the logits are not finite, or see ``model``.
        """
        size = self.metadata.size
        if board.size != size:
            raise UserError(f"{self.metadata.title} plays on {size}x{size}, not on {board.size}x{board.size}.")
        planes = self._encode(board).reshape(-1, PLANES)
        turned = planes[permutations(size)[: self._symmetries]].reshape(-1, size, size, PLANES)
        logits = compute_batch(self.model, turned)
        if not np.isfinite(logits).all():
            raise UserError(
                f"{self.path} gives logits that are not finite; the model is damaged, or its training failed."
            )
        probabilities = softmax(logits).astype("float64")
        turned_back = np.take_along_axis(probabilities, inverses(size)[: self._symmetries], axis=1)
        return np.asarray(turned_back.mean(axis=0))


def open_policy(source: Run | Path, device: DeviceChoice = "auto", symmetries: Symmetries = 1) -> NetworkPolicy:
    """Open a policy network; Keras is imported when it is first needed.

    Args:
        source: A run that has a model, or a ``.keras`` file; see ``find_source``.
        device: Where to compute.
        symmetries: 8 averages the probabilities of a position and its turned and mirrored forms, 1 does not.

    Raises:
        UserError: The file is missing, is no model for a Go board, or takes other planes than the package computes.
    """
    path = source.model_path if isinstance(source, Run) else source
    described = metadata.read_policy(path)
    if isinstance(source, Run):
        settings = source.config().runtime
        return NetworkPolicy(path, described, device, symmetries, settings.backend, settings.threads)
    return NetworkPolicy(path, described, device, symmetries)


def find_source(name: str, unfinished: bool = False) -> Run | Path:
    """Return the run, the model file or the shipped model of a name; an existing path comes before a shipped model.

    Args:
        name: Directory of a run, path of a ``.keras`` file, or name of a model that ships with the package.
        unfinished: Accept an unfinished run as well.

    Raises:
        UserError: There is none of these, or the run has no model yet.
    """
    path = Path(name)
    if path.is_dir():
        return runs.open_finished(path, unfinished)
    if path.exists():
        return path
    shipped = {each.stem: each for each in sorted(SHIPPED.glob("*.keras"))}
    if name in shipped:
        return shipped[name]
    listed = did_you_mean(name, shipped) if shipped else " No model ships with this version."
    raise UserError(f"There is no run, no file and no shipped model '{printable(name)}'.{listed}")
