"""One config, several seeds."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnzoo import data, runs
from cnnzoo.config import Config, FolderSection
from cnnzoo.errors import UserError
from cnnzoo.jobs.listener import Listener
from cnnzoo.jobs.local import DEFAULT_OPTIONS, TrainingOptions, run_all, train_command, training_name
from cnnzoo.runs import Run
from cnnzoo.runtime import resolve_backend


def train_seeds(
    config: Config,
    seeds: Sequence[int],
    settings: Sequence[str] = (),
    options: TrainingOptions = DEFAULT_OPTIONS,
    *,
    any_backend: bool = False,
    stop_at_failure: bool = False,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Train a config with several seeds under ``runs/``, each in a process of its own; the test images are not touched.

    Finished seeds are not trained again, and unfinished ones continue. The missing seeds are counted at the start: if
    the same command runs in another terminal, it may train a seed that is still waiting here. The config file may
    change while they train.

    Args:
        config: The recipe, loaded with the settings.
        seeds: The seeds.
        settings: Overrides that the config was loaded with.
        options: How they run.
        any_backend: Count seeds that finished on another backend than the config's as finished, too.
        stop_at_failure: Start no more seeds after one has failed.
        listener: Shows the progress; None to show nothing.

    Returns:
        runs (see ``figures``), one per finished seed; failed (seed and reason), one per failed seed; mean and
        standard_deviation, each of validation_accuracy and validation_loss.

    Raises:
        KeyboardInterrupt: Ctrl-C; every training has ended and can be resumed.
        UserError: Another process is training one of the seeds, the figures of a finished one are damaged, or the
            images are missing or damaged.
    """
    listener = listener or Listener()
    recipe = data.resolve_folder(config, options.data_dir)
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
            listener.existing_run(training_name(seed), run)
    reasons = _train(config, missing, settings, options, listener, stop_at_failure) if missing else {}
    trained, failed = [], []
    for seed in seeds:
        if finished := find_member(recipe.replaced(seed=seed), any_backend=any_backend):
            trained.append(figures(finished))
        elif seed in reasons or seed not in missing:
            failed.append({"seed": seed, "reason": reasons.get(seed) or "its run has been removed"})
    return {"runs": trained, "failed": failed, **spread(trained)}


def _train(
    config: Config,
    missing: Mapping[int, Run | None],
    settings: Sequence[str],
    options: TrainingOptions,
    listener: Listener,
    stop_at_failure: bool,
) -> dict[int, str | None]:
    """Train seeds, or continue their unfinished runs; return why each one failed, None for one that did not."""
    check_data([config], options.data_dir)
    with tempfile.TemporaryDirectory() as folder:
        # The user may edit the file for the next experiment hours before the last seed starts.
        copy = Path(folder, f"{runs.name_for(config.path or config.model.name)}.yaml")
        copy.write_text(config.text, encoding="utf-8")

        def with_original(text: str) -> str:
            return text.replace(str(copy), str(config.path or "the config"))

        commands = {
            training_name(seed): train_command(
                copy, seed, settings, resume=run.directory if run else None, options=options
            )
            for seed, run in missing.items()
        }
        results = run_all(
            commands,
            options.jobs,
            lambda name, line: listener.show_line(name, with_original(line)),
            stop_at_failure=stop_at_failure,
        )
    started = {seed: results[training_name(seed)] for seed in missing if training_name(seed) in results}
    return {seed: with_original(result.reason) if result.code else None for seed, result in started.items()}


def find_member(config: Config, parent: Path = runs.RUNS, *, any_backend: bool) -> Run | None:
    """Return the first finished run of a config's recipe and seed; None without one.

    Args:
        config: The recipe and the seed.
        parent: Folder of the runs.
        any_backend: Accept a run of another backend than the config's.
    """
    return next(
        (run for run in runs.finished(parent) if _has_recipe_and_seed(run, config, any_backend=any_backend)), None
    )


def check_not_in_training(config: Config, parent: Path = runs.RUNS, *, any_backend: bool) -> None:
    """Check that no other process is training a config's recipe and seed, so that it is not trained twice.

    Args:
        config: The recipe and the seed.
        parent: Folder of the runs.
        any_backend: Accept a run of another backend than the config's.

    Raises:
        UserError: Another process is training it.
    """
    for run in runs.list_runs(parent):
        if run.is_in_use() and _has_recipe_and_seed(run, config, any_backend=any_backend):
            raise UserError(
                f"Another process is training seed {config.seed} of this config in {run.directory}; run this command "
                "again when it has finished."
            )


def find_unfinished(config: Config) -> Run | None:
    """Return the newest unfinished run of a config's recipe, seed and backend that can be resumed; None without one."""
    unfinished = (run for run in reversed(runs.list_runs()) if run.checkpoints)
    return next((run for run in unfinished if _has_recipe_and_seed(run, config, any_backend=False)), None)


def _has_recipe_and_seed(run: Run, config: Config, *, any_backend: bool) -> bool:
    """Return whether a run has a config's recipe and seed."""
    try:
        recorded = run.config()
    except UserError:  # its config is from another version, and is no longer valid
        return False
    same_backend = any_backend or recorded.runtime.backend == resolve_backend(config.runtime.backend)
    return same_backend and recorded.seed == config.seed and recorded.recipe() == config.recipe()


def check_data(configs: Iterable[Config], data_dir: Path | None) -> None:
    """Check the training images once, before many processes fail because of them.

    Raises:
        UserError: They are missing or damaged.
    """
    for config in {config.data.model_dump_json(): config for config in configs}.values():
        if isinstance(config.data, FolderSection):
            data.resolve_folder(config, data_dir)  # decoding all images here would take as long as in a training
        else:
            data.load(config.data, "train", data_dir)


def figures(run: Run) -> dict[str, Any]:
    """Return the results of a finished run: run, seed, epochs, best_epoch, validation accuracy and loss, seconds.

    Raises:
        UserError: One of them is missing in its metrics.
    """
    metrics = run.metrics()
    keys = ("epochs", "best_epoch", "validation_accuracy", "validation_loss", "seconds")
    for key in keys:
        if not isinstance(metrics.get(key), int | float):
            raise UserError(f"{run.metrics_path} is damaged: it has no {key}.")
    return {"run": str(run.directory), "seed": run.config().seed, **{key: metrics[key] for key in keys}}


def spread(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return mean and sample standard deviation of validation accuracy and loss; None for too few runs."""
    summary: dict[str, Any] = {"mean": {}, "standard_deviation": {}}
    for key in ("validation_accuracy", "validation_loss"):
        values = [row[key] for row in rows]
        summary["mean"][key] = float(np.mean(values)) if values else None
        summary["standard_deviation"][key] = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return summary
