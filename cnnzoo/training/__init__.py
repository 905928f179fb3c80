"""A config becomes a trained run.

Importing this loads no Keras: its backend is chosen when the training begins.
"""

from pathlib import Path
from typing import Any

from cnnzoo import data, runs, runtime
from cnnzoo.config import Config
from cnnzoo.runs import Run
from cnnzoo.training.listening import Listener, Silent

__all__ = ["Listener", "Silent", "train"]


def train(
    config: Config,
    name: str | None = None,
    directory: Path | None = None,
    *,
    data_dir: Path | None = None,
    parent: Path = runs.RUNS,
    listener: Listener | None = None,
) -> tuple[Run, dict[str, Any]]:
    """Train a network by a config into a new run directory; the test images are not touched.

    Args:
        config: From ``cnnzoo.config.load``.
        name: Ending of the numbered directory; None for that of the config's file, else of the network.
        directory: Where the run shall lie; None for a new number under ``parent``.
        data_dir: Where the data set lies; None to search for it.
        parent: Folder of numbered runs.
        listener: Told of the progress; None for silence.

    Returns:
        The run and its metrics, which ``fitting.fit`` describes. After Ctrl-C the metrics' status is
        "interrupted", and the run holds the epochs before it.

    Raises:
        UserError: The backend or device is not there, the data are not there or damaged, the network
            cannot take them, the directory exists, or the loss is not finite.
    """
    name = name or (runs.name_for(config.path) if config.path else config.model.name)
    backend = runtime.resolve_backend(config.runtime.backend)
    config = config.replaced(runtime=config.runtime.model_copy(update={"backend": backend}))
    config = data.resolved(config, data_dir)
    device = runtime.prepare(**config.runtime.model_dump())
    from cnnzoo.training import fitting  # noqa: PLC0415 - loads Keras, so only after its backend is chosen

    prepared = fitting.prepare(config, data_dir)
    run = runs.create(config, name, directory, parent)
    with run.locked():
        return run, fitting.fit(config, prepared, run, device, listener or Silent())
