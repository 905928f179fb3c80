"""From a config to a trained run.

Importing this loads no Keras: its backend is chosen when the training starts.
"""

import os
from pathlib import Path
from typing import Any

from cnnzoo import data, runs, runtime
from cnnzoo.config import Config
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.runtime import Device, DeviceChoice
from cnnzoo.training import images
from cnnzoo.training.listener import Listener, TrainingFacts

__all__ = ["Listener", "TrainingFacts", "resume", "train"]


def train(
    config: Config,
    name: str | None = None,
    directory: Path | None = None,
    *,
    data_dir: Path | None = None,
    parent: Path = runs.RUNS,
    listener: Listener | None = None,
) -> tuple[Run, dict[str, Any]]:
    """Train the network of a config into a new run directory; the test images are not touched.

    Args:
        config: From ``cnnzoo.config.load``.
        name: Ending of the numbered directory; None for the name of the config's file, or else of the network.
        directory: The run's directory; None for a new number under ``parent``.
        data_dir: The directory of the data set; None to search for it.
        parent: Folder of numbered runs.
        listener: Shows the progress; None for silence.

    Returns:
        The run and its metrics, see ``results.fit``. After Ctrl-C their status is "interrupted", and the run holds the
        epochs before it.

    Raises:
        UserError: The backend, the device or the data are missing, the data are damaged, the network cannot take
            them, the directory exists, or the loss is not finite.
    """
    name = name or (runs.name_for(config.path) if config.path else config.model.name)
    backend = runtime.resolve_backend(config.runtime.backend)
    config = config.replaced(runtime=config.runtime.model_copy(update={"backend": backend}))
    runtime.check_installed(backend)
    config = data.resolve_folder(config, data_dir)
    divided = images.load_images(config, data_dir)  # before Keras, which takes seconds to load
    images.check_batch_size(config, len(divided.training))
    device = runtime.prepare(**config.runtime.model_dump())
    repeatable = runtime.check_determinism(device)
    listener = listener or Listener()
    _warn_if_not_repeatable(config, device, repeatable, listener)
    from cnnzoo.training import results  # loads Keras, with the backend that `runtime.prepare` has set
    from cnnzoo.training.setup import prepare

    setup = prepare(config, divided)
    run = runs.create(config, name, directory, parent)
    with run.locked():
        results.start_run(config, setup, run, device, repeatable)
        return run, results.fit(config, setup, run, device, listener)


def resume(
    run: Run, *, device: DeviceChoice | None = None, data_dir: Path | None = None, listener: Listener | None = None
) -> tuple[Run, dict[str, Any]]:
    """Continue a training that was killed or interrupted, as if nothing had happened.

    On the same machine, with the same versions and backend, weights and history become those of a training without the
    interruption, bit for bit.

    Args:
        run: An unfinished run.
        device: Where to compute; None for the device that the config names.
        data_dir: The directory of the data set; None to search for it.
        listener: Shows the progress; None for silence.

    Returns:
        The run and its metrics, as ``train``.

    Raises:
        UserError: Nothing is left to train, another process uses the run, or as in ``train``.
    """
    config = run.config()
    if device:
        config = config.replaced(runtime=config.runtime.model_copy(update={"device": device}))
    listener = listener or Listener()
    with run.locked():
        if run.is_finished():
            raise UserError(f"{run.directory} is finished: there is nothing to resume.")
        divided = images.load_images(config, data_dir, run.division())
        images.check_batch_size(config, len(divided.training))
        computed_on = runtime.prepare(**config.runtime.model_dump())
        repeatable = runtime.check_determinism(computed_on)
        from cnnzoo.training import checkpoints, results  # as in train
        from cnnzoo.training.setup import prepare

        recorded = run.environment() if run.environment_path.is_file() else {}
        if recorded and _is_elsewhere(recorded):
            listener.note(
                "The run was started with other versions or settings of the environment, or on another machine: the "
                "last digits may differ."
            )
        _warn_if_not_repeatable(config, computed_on, repeatable, listener)
        checkpoint = checkpoints.newest(run, listener.note) if recorded else None
        setup = prepare(config, divided, recorded.get("preprocessing"), has_checkpoint=checkpoint is not None)
        if recorded and recorded.get("images") != setup.fingerprint:
            raise UserError(
                f"The {divided.data_set.noun}s have changed since {run.directory} was started; train it again."
            )
        if not recorded:
            results.start_run(config, setup, run, computed_on, repeatable)
        run.discard_results()
        return run, results.fit(config, setup, run, computed_on, listener, checkpoint)


def _warn_if_not_repeatable(config: Config, device: Device, repeatable: bool, listener: Listener) -> None:
    if config.runtime.deterministic and device.kind == "gpu" and not repeatable:
        cause = f" with XLA_FLAGS={flags}" if (flags := os.environ.get("XLA_FLAGS")) else ""
        if config.runtime.backend == "jax" and not runtime.XLA_FLAGS.are_ours:
            cause = ", which was used in this process before cnnzoo could set its flags,"
        listener.note(f"{config.runtime.backend}{cause} will not compute the same bits again on this GPU.")


def _is_elsewhere(recorded: dict[str, Any]) -> bool:
    """Return whether the environment of a run differs from this one in what can change the last digits."""
    flags = runtime.describe_flags()
    return bool(recorded["versions"] != runtime.describe() or recorded.get("flags", flags) != flags)
