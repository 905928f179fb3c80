"""One config, several seeds."""

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnzoo import data, runs
from cnnzoo.config import Config, FolderSection
from cnnzoo.errors import UserError
from cnnzoo.jobs.local import Heard, run_all, train_command
from cnnzoo.runs import Run
from cnnzoo.runtime import DeviceChoice, resolve_backend
from cnnzoo.training import make_portable

Announce = Callable[[str, Run | None], None]


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
    heard: Heard = lambda *_: None,
    announce: Announce = lambda *_: None,
) -> dict[str, Any]:
    """Train a config with several seeds under ``runs/``, each in a process of its own; the test images are not touched.

    Seeds that are finished already are not trained again, and those that broke off go on. What is missing is decided at
    the start: a second command that is given meanwhile may train a seed too that this one has yet to come to. What
    became of the config's file since it was loaded makes no difference.

    Args:
        config: The recipe, loaded with the settings.
        seeds: The seeds.
        settings: Overrides that the config was loaded with.
        jobs: How many train at once.
        data_dir: Where the data set lies; None to search for it.
        device: Where to compute; None for what the config says.
        any_backend: Whether a seed that finished on another backend than the config's counts too.
        stop_at_failure: Whether no seed is begun any more when one has failed.
        heard: Told what the trainings write while they run.
        announce: Told of each seed, and of its run where it is finished or begun.

    Returns:
        runs (see ``figures``), one per finished seed; failed, the seed and the reason of each that failed; and of the
        validation_accuracy and validation_loss the mean and the standard_deviation.

    Raises:
        KeyboardInterrupt: Ctrl-C; every training has ended and can go on.
        UserError: Another process is training one of the seeds at this moment, the figures of a finished one are
            damaged, or the images are not there or damaged.
    """
    recipe = make_portable(config, data_dir)
    missing: dict[int, Run | None] = {}
    for seed in seeds:
        wanted = recipe.replaced(seed=seed)
        if run := find_member(wanted, any_backend=any_backend):
            figures(run)  # what is damaged is better told now than when the others have trained
        else:
            refuse_another(wanted, any_backend=any_backend)
            missing[seed] = find_unfinished(wanted)
        announce(_name(seed), run or missing[seed])
    reasons = _train(config, missing, settings, jobs, data_dir, device, heard, stop_at_failure) if missing else {}
    trained, failed = [], []
    for seed in seeds:
        member = find_member(recipe.replaced(seed=seed), any_backend=any_backend)
        if member:
            trained.append(figures(member))
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
    heard: Heard,
    stop_at_failure: bool,
) -> dict[int, str | None]:
    """Train seeds, or go on with what was begun of them; return of each that was started why it failed, or None."""
    check_data([config], data_dir)
    with tempfile.TemporaryDirectory() as folder:
        # Hours may pass before the last seed begins, in which the file is edited for what comes next.
        copy = Path(folder, f"{runs.name_for(config.path or config.model.name)}.yaml")
        copy.write_text(config.text, encoding="utf-8")

        def told(text: str) -> str:
            return text.replace(str(copy), str(config.path or "the config"))

        commands = {
            _name(seed): train_command(
                copy, seed, settings, begun=begun.directory if begun else None, data_dir=data_dir, device=device
            )
            for seed, begun in missing.items()
        }
        ended = run_all(commands, jobs, lambda name, line: heard(name, told(line)), stop_at_failure=stop_at_failure)
    return {
        seed: told(ended[_name(seed)].reason) if ended[_name(seed)].code else None
        for seed in missing
        if _name(seed) in ended
    }


def find_member(config: Config, parent: Path = runs.RUNS, *, any_backend: bool) -> Run | None:
    """Return the run of a config's recipe and seed that finished first, or None where one is to be trained.

    Args:
        config: The recipe and the seed.
        parent: Folder of the runs.
        any_backend: Whether it makes no difference where it ran; otherwise it has to be the config's backend.
    """
    return next((run for run in runs.finished(parent) if _is_of(run, config, any_backend=any_backend)), None)


def refuse_another(config: Config, parent: Path = runs.RUNS, *, any_backend: bool) -> None:
    """Check that a seed which has not finished is not on its way, so that it is not trained twice.

    Args:
        config: The recipe and the seed.
        parent: Folder of the runs.
        any_backend: Whether it makes no difference where it runs; otherwise it has to be the config's backend.

    Raises:
        UserError: Another process is training it at this moment.
    """
    for run in runs.begun(parent):
        if run.is_in_use() and _is_of(run, config, any_backend=any_backend):
            raise UserError(
                f"Seed {config.seed} of this recipe is being trained by another process in {run.directory}; "
                "give the same command again when it has ended."
            )


def find_unfinished(config: Config) -> Run | None:
    """Return the run of a config's recipe and seed that broke off last and can go on on its backend, or None."""
    own = [run for run in runs.begun() if run.checkpoints and _is_of(run, config, any_backend=False)]
    return own[-1] if own else None


def _is_of(run: Run, config: Config, *, any_backend: bool) -> bool:
    try:
        other = run.config()
    except UserError:  # of another version, whose config means nothing today
        return False
    there = any_backend or other.runtime.backend == resolve_backend(config.runtime.backend)
    return there and other.seed == config.seed and other.recipe() == config.recipe()


def check_data(configs: Iterable[Config], data_dir: Path | None) -> None:
    """See once that the training images are there and whole, so that not every process finds out that they are not.

    Raises:
        UserError: They are not there or damaged.
    """
    for config in {config.data.model_dump_json(): config for config in configs}.values():
        if isinstance(config.data, FolderSection):
            data.resolved(config, data_dir)  # to decode all images here would take as long as in a training
        else:
            data.load(config.data, "train", data_dir)


def figures(run: Run) -> dict[str, Any]:
    """Return what a finished run reached: run, seed, epochs, best_epoch, validation accuracy and loss, seconds.

    Raises:
        UserError: Its metrics do not say so.
    """
    metrics = run.metrics()
    wanted = ("epochs", "best_epoch", "validation_accuracy", "validation_loss", "seconds")
    for key in wanted:
        if not isinstance(metrics.get(key), int | float):
            raise UserError(f"{run.metrics_path} is damaged: it holds no {key}.")
    return {"run": str(run.directory), "seed": run.config().seed, **{key: metrics[key] for key in wanted}}


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
