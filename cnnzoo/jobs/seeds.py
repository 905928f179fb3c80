"""One config, several seeds."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnzoo import data, runs
from cnnzoo.config import Config, FolderSection
from cnnzoo.errors import UserError
from cnnzoo.jobs.listener import Listener, Silent
from cnnzoo.jobs.local import run_all, train_command
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice, resolve_backend


def train_seeds(
    config: Config,
    seeds: Sequence[int],
    settings: Sequence[str] = (),
    *,
    jobs: int = 1,
    data_dir: Path | None = None,
    device: DeviceChoice | None = None,
    any_backend: bool = False,
    stop_at_failure: bool = False,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Train a config with several seeds under ``runs/``, each in a process of its own; the test images are not touched.

    Finished seeds are not trained again, and unfinished ones go on. What is missing is decided at the start: the same
    command in another terminal may train a seed too that is still waiting here. The config's file may change meanwhile.

    Args:
        config: The recipe, loaded with the settings.
        seeds: The seeds.
        settings: Overrides that the config was loaded with.
        jobs: How many train at once.
        data_dir: The directory of the data set; None to search for it.
        device: Where to compute; None for the config's device.
        any_backend: Count a seed as well that finished on another backend than the config's.
        stop_at_failure: Start no more seeds after one has failed.
        listener: Shows the progress; None for silence.

    Returns:
        runs (see ``figures``), one per finished seed; failed, the seed and the reason of each that failed; and of the
        validation_accuracy and validation_loss the mean and the standard_deviation.

    Raises:
        KeyboardInterrupt: Ctrl-C; every training has ended and can go on.
        UserError: Another process is training one of the seeds, the figures of a finished one are damaged, or the
            images are missing or damaged.
    """
    listener = listener or Silent()
    recipe = data.resolve_folder(config, data_dir)
    missing: dict[int, Run | None] = {}
    for seed in seeds:
        member = recipe.replaced(seed=seed)
        run = find_member(member, any_backend=any_backend)
        if run:
            figures(run)  # report damage now, not after hours of other trainings
        else:
            check_not_in_training(member, any_backend=any_backend)
            run = missing[seed] = find_unfinished(member)
        if run:
            listener.existing_run(_name(seed), run)
    reasons = _train(config, missing, settings, jobs, data_dir, device, listener, stop_at_failure) if missing else {}
    trained, failed = [], []
    for seed in seeds:
        if finished := find_member(recipe.replaced(seed=seed), any_backend=any_backend):
            trained.append(figures(finished))
        elif seed in reasons or seed not in missing:
            failed.append({"seed": seed, "reason": reasons.get(seed) or "its run is gone"})
    return {"runs": trained, "failed": failed, **spread(trained)}


def _train(
    config: Config,
    missing: Mapping[int, Run | None],
    settings: Sequence[str],
    jobs: int,
    data_dir: Path | None,
    device: DeviceChoice | None,
    listener: Listener,
    stop_at_failure: bool,
) -> dict[int, str | None]:
    """Train seeds, or go on with their unfinished runs; return for each that was started why it failed, or None."""
    check_data([config], data_dir)
    with tempfile.TemporaryDirectory() as folder:
        # Hours may pass before the last seed starts, and meanwhile the file is edited for the next experiment.
        copy = Path(folder, f"{runs.name_for(config.path or config.model.name)}.yaml")
        copy.write_text(config.text, encoding="utf-8")

        def with_original(text: str) -> str:
            return text.replace(str(copy), str(config.path or "the config"))

        commands = {
            _name(seed): train_command(
                copy, seed, settings, resume=run.directory if run else None, data_dir=data_dir, device=device
            )
            for seed, run in missing.items()
        }
        outcomes = run_all(
            commands,
            jobs,
            lambda name, line: listener.line(name, with_original(line)),
            stop_at_failure=stop_at_failure,
        )
    started = {seed: outcomes[_name(seed)] for seed in missing if _name(seed) in outcomes}
    return {seed: with_original(outcome.reason) if outcome.code else None for seed, outcome in started.items()}


def find_member(config: Config, parent: Path = runs.RUNS, *, any_backend: bool) -> Run | None:
    """Return the run of a config's recipe and seed that finished first, or None.

    Args:
        config: The recipe and the seed.
        parent: Folder of the runs.
        any_backend: Take a run of another backend than the config's as well.
    """
    return next((run for run in runs.finished(parent) if _is_of(run, config, any_backend=any_backend)), None)


def check_not_in_training(config: Config, parent: Path = runs.RUNS, *, any_backend: bool) -> None:
    """Check that no other process is training a config's recipe and seed, so that it is not trained twice.

    Args:
        config: The recipe and the seed.
        parent: Folder of the runs.
        any_backend: Take a run of another backend than the config's as well.

    Raises:
        UserError: Another process is training it.
    """
    for run in runs.list_runs(parent):
        if run.is_in_use() and _is_of(run, config, any_backend=any_backend):
            raise UserError(
                f"Seed {config.seed} of this recipe is being trained by another process in {run.directory}; "
                "give the same command again when it has ended."
            )


def find_unfinished(config: Config) -> Run | None:
    """Return the newest unfinished run of a config's recipe, seed and backend that can go on, or None."""
    own = [run for run in runs.list_runs() if run.checkpoints and _is_of(run, config, any_backend=False)]
    return own[-1] if own else None


def _is_of(run: Run, config: Config, *, any_backend: bool) -> bool:
    """Return whether a run has a config's recipe and seed."""
    try:
        other = run.config()
    except UserError:  # of another version, whose config is not valid today
        return False
    same_backend = any_backend or other.runtime.backend == resolve_backend(config.runtime.backend)
    return same_backend and other.seed == config.seed and other.recipe() == config.recipe()


def check_data(configs: Iterable[Config], data_dir: Path | None) -> None:
    """Check once that the training images are there and whole, before many processes find out that they are not.

    Raises:
        UserError: They are missing or damaged.
    """
    for config in {config.data.model_dump_json(): config for config in configs}.values():
        if isinstance(config.data, FolderSection):
            data.resolve_folder(config, data_dir)  # to decode all images here would take as long as in a training
        else:
            data.load(config.data, "train", data_dir)


def figures(run: Run) -> dict[str, Any]:
    """Return the results of a finished run: run, seed, epochs, best_epoch, validation accuracy and loss, seconds.

    Raises:
        UserError: Its metrics lack one of them.
    """
    metrics = run.metrics()
    keys = ("epochs", "best_epoch", "validation_accuracy", "validation_loss", "seconds")
    for key in keys:
        if not isinstance(metrics.get(key), int | float):
            raise UserError(f"{run.metrics_path} is damaged: it holds no {key}.")
    return {"run": str(run.directory), "seed": run.config().seed, **{key: metrics[key] for key in keys}}


def spread(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return mean and sample standard deviation of validation accuracy and loss; None where there are too few runs."""
    summary: dict[str, Any] = {"mean": {}, "standard_deviation": {}}
    for key in ("validation_accuracy", "validation_loss"):
        values = [row[key] for row in rows]
        summary["mean"][key] = float(np.mean(values)) if values else None
        summary["standard_deviation"][key] = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return summary


def _name(seed: int) -> str:
    return f"seed {seed}"
