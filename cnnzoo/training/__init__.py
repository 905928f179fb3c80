"""A config becomes a trained run.

Importing this loads no Keras: its backend is chosen when the training begins.
"""

from pathlib import Path
from typing import Any

from cnnzoo import data, runs, runtime
from cnnzoo.config import Config
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.runtime import Device
from cnnzoo.training import images
from cnnzoo.training.listener import Listener, Silent

__all__ = ["Listener", "Silent", "resolved", "resume", "train"]


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
        The run and its metrics, which ``loop.fit`` describes. After Ctrl-C the metrics' status is
        "interrupted", and the run holds the epochs before it.

    Raises:
        UserError: The backend or device is not there, the data are not there or damaged, the network
            cannot take them, the directory exists, or the loss is not finite.
    """
    name = name or (runs.name_for(config.path) if config.path else config.model.name)
    backend = runtime.resolve_backend(config.runtime.backend)
    config = config.replaced(runtime=config.runtime.model_copy(update={"backend": backend}))
    runtime.check_installed(backend)
    config = resolved(config, data_dir)
    divided = images.load_images(config, data_dir)  # before Keras, which takes seconds to load
    images.check_batch_size(config, len(divided.training.labels))
    device = runtime.prepare(**config.runtime.model_dump())
    from cnnzoo.training import loop, setup  # noqa: PLC0415 - loads Keras, whose backend is chosen now

    prepared = setup.prepare(config, divided)
    run = runs.create(config, name, directory, parent)
    with run.locked():
        loop.begin(config, prepared, run, device)
        return run, loop.fit(config, prepared, run, device, listener or Silent())


def resume(
    run: Run, *, device: Device | None = None, data_dir: Path | None = None, listener: Listener | None = None
) -> tuple[Run, dict[str, Any]]:
    """Go on with a training that was killed or interrupted, as if nothing had happened.

    On the same machine, with the same versions and backend, weights and history become those of a training
    without the interruption, bit for bit.

    Args:
        run: An unfinished run.
        device: Where to compute; None for where it was begun.
        data_dir: Where the data set lies; None to search for it.
        listener: Told of the progress.

    Returns:
        The run and its metrics, as of ``train``.

    Raises:
        UserError: There is nothing left to train, another process holds the run, or as for ``train``.
    """
    config = run.config()
    if device:
        config = config.replaced(runtime=config.runtime.model_copy(update={"device": device}))
    heard = listener or Silent()
    with run.locked():
        if run.metrics().get("status") == "finished":
            raise UserError(f"{run.directory} is finished: there is nothing to resume.")
        where = runtime.prepare(**config.runtime.model_dump())
        from cnnzoo.training import checkpoints, loop, setup  # noqa: PLC0415 - as in train

        before = run.environment() if run.environment_path.is_file() else {}
        if before and before["versions"] != runtime.describe():
            heard.remark("Begun with other versions or on another machine: the last digits may come out otherwise.")
        checkpoint = checkpoints.newest(run, heard.remark) if before else None
        divided = images.load_images(config, data_dir, run.division())
        images.check_batch_size(config, len(divided.training.labels))
        prepared = setup.prepare(config, divided, before.get("preprocessing"), begun=checkpoint is not None)
        if before and before.get("images") != prepared.fingerprint:
            raise UserError(f"{run.directory} was begun with other images than there are now; train it anew.")
        if not before:
            loop.begin(config, prepared, run, where)
        run.forget_what_was_reached()
        return run, loop.fit(config, prepared, run, where, heard, checkpoint)


def resolved(config: Config, data_dir: Path | None = None) -> Config:
    """Return a config as its run keeps it, but for the backend: so that it can be replayed from anywhere.

    Args:
        config: The config.
        data_dir: For a folder of a person's own images the one to take in place of the section's.

    Raises:
        UserError: There is no such folder, or it is not one of class folders.
    """
    config = data.resolved(config, data_dir)
    if config.fine_tuning:
        weights = str(Path(config.fine_tuning.weights).absolute())
        config = config.replaced(fine_tuning=config.fine_tuning.model_copy(update={"weights": weights}))
    return config
