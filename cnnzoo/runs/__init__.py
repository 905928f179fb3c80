"""Runs: create, find and open them."""

import re
import shlex
import subprocess
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from filelock import FileLock

from cnnzoo import files, runtime
from cnnzoo.config import Config
from cnnzoo.errors import UserError
from cnnzoo.runs.facts import Environment, to_dict
from cnnzoo.runs.run import Run, best_row
from cnnzoo.runs.sweep_folder import SweepFolder, list_sweeps, open_sweep
from cnnzoo.runs.vote import Vote

# Re-exported from the modules of the package.
__all__ = ["Run", "SweepFolder", "Vote", "best_row", "list_sweeps", "open_sweep"]

RUNS = Path("runs")


def create(config: Config, name: str, directory: Path | None = None, parent: Path = RUNS) -> Run:
    """Create a run directory with the resolved config.

    Args:
        config: The config, with its backend resolved.
        name: End of the name of a numbered directory; see ``name_for``.
        directory: The new directory; None for a numbered one under ``parent``.
        parent: Folder of numbered runs.

    Raises:
        UserError: The directory exists already, or cannot be made.
    """
    directory = make_directory(directory, parent, name)
    run = Run(directory)
    try:
        files.write_text(run.config_path, config.to_yaml())
    except OSError as error:
        directory.rmdir()
        raise UserError(f"{directory} cannot be written to: {error.strerror}.") from None
    return run


def make_directory(directory: Path | None, parent: Path, name: str) -> Path:
    """Make and return a directory.

    Args:
        directory: The new directory; None for ``parent/NNNN-name``, see ``make_numbered``.
        parent: Folder of numbered directories.
        name: End of the name of a numbered directory.

    Raises:
        UserError: The directory exists already, or cannot be made.
    """
    if directory and directory.exists():
        raise UserError(f"{directory} exists already; name a new directory.")
    try:
        if not directory:
            return make_numbered(parent, name)
        directory.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{directory or parent} cannot be made: {error.strerror}.") from None
    return directory


def make_numbered(parent: Path, name: str) -> Path:
    """Make and return the directory ``parent/NNNN-name`` with a number above all others in the folder."""
    parent.mkdir(parents=True, exist_ok=True)
    with FileLock(parent / ".lock"):  # so that two processes do not take the same number
        numbers = [int(match[1]) for path in parent.iterdir() if (match := re.match(r"(\d+)-", path.name))]
        directory = parent / f"{max(numbers, default=0) + 1:04d}-{name}"
        directory.mkdir()
    return directory


def name_for(config_path: str | Path) -> str:
    """Return the name for runs of a config: the file's stem, or for a run's own config its name without the number.

    Args:
        config_path: For example ``lenet.yaml`` or ``runs/0001-lenet/config.yaml``; both give ``lenet``.
    """
    path = Path(config_path)
    run = Run(path.parent)
    if path == run.config_path and run.environment_path.is_file():
        return re.sub(r"^\d+-(?=.)", "", run.name)
    return path.stem


def write_environment(
    run: Run, config: Config, device: str, images: str, preprocessing: dict[str, Any], *, repeatable: bool
) -> None:
    """Write what a run's numbers depend on besides its config.

    Args:
        run: The run.
        config: Its config.
        device: The device in words.
        images: A hash of the training images.
        preprocessing: The config's section with mean and deviation filled in.
        repeatable: Whether the same seed gives the same bits on the device.
    """
    environment = Environment(
        backend=config.runtime.backend,
        device=device,
        precision=config.runtime.precision,
        seed=config.seed,
        git_commit=_find_git_commit(),
        versions=runtime.describe(),
        images=images,
        preprocessing=preprocessing,
        repeatable=repeatable,
        flags=runtime.describe_flags(),
    )
    files.write_json(run.environment_path, to_dict(environment))


def open_run(directory: Path) -> Run:
    """Open a run, finished or not.

    Args:
        directory: A run's directory.

    Raises:
        UserError: The directory is not a run.
    """
    run = Run(directory)
    if directory.is_file() and Run(directory.parent).config_path.is_file():
        raise UserError(f"{directory} is a file of a run; name the run: {directory.parent}")
    if not directory.is_dir():
        raise UserError(f"There is no run {directory}.{_suggest_runs(directory)}")
    if not run.config_path.is_file():
        if Vote(directory).result_path.is_file():
            raise UserError(f"{directory} is an ensemble, not a run; name its members.")
        raise UserError(f"{directory} is not a run: it has no {run.config_path.name}.")
    return run


def open_finished(directory: Path, unfinished: bool = False) -> Run:
    """Open a run whose training has finished.

    Args:
        directory: A run's directory.
        unfinished: Accept an unfinished run as well, if it has completed an epoch.

    Raises:
        UserError: The directory is not a run, is damaged, or its training has not finished.
    """
    run = open_run(directory)
    is_finished, has_model = run.is_finished(), run.model_path.is_file()
    if is_finished and not has_model:
        raise UserError(f"{directory} is damaged: it has no {run.model_path.name}.")
    if has_model and (is_finished or unfinished):
        return run
    if run.is_in_use():
        hint = "; cnnzoo predict takes what it has reached with --unfinished" if has_model else ""
        raise UserError(f"{directory} is in use by another process; wait for it to end{hint}.")
    resume = f"cnnzoo train --resume {shlex.quote(str(run.directory))}"
    if has_model:
        state, metrics = "is unfinished", run.metrics()
        if metrics.get("status") == "interrupted":
            state = f"was interrupted after {metrics.get('epochs')} of {run.config().training.epochs} epochs"
        raise UserError(f"{directory} {state}. To use what it has reached, add --unfinished; to continue: {resume}")
    raise UserError(f"{directory} is unfinished: it has no model before its first epoch ends. Continue: {resume}")


def _suggest_runs(missing: Path) -> str:
    """Return sentences that name the nearest and the newest runs in a missing run's folder and in runs/."""
    existing = [run for parent in dict.fromkeys((missing.parent, RUNS)) for run in list_runs(parent)]
    if not existing:
        return ""
    directories = {run.name: run.directory for run in existing}
    nearest = get_close_matches(missing.name, directories, n=1)
    suggested = f" Did you mean {directories[nearest[0]]}?" if nearest else ""
    last = sorted(existing, key=_read_time)[:-11:-1]
    names = [f"{run.directory}{'' if _is_finished(run) else ' (unfinished)'}" for run in last]
    return f"{suggested} Newest runs: {', '.join(names)}."


def list_runs(parent: Path = RUNS) -> list[Run]:
    """Return all runs in a folder, finished or not, in the order of their creation."""
    return sorted((run for path in parent.glob("*") if (run := Run(path)).config_path.is_file()), key=_read_time)


def finished(parent: Path = RUNS) -> list[Run]:
    """Return the finished runs in a folder, in the order in which they finished."""
    with_model = [run for run in list_runs(parent) if run.model_path.is_file() and _is_finished(run)]
    return sorted(with_model, key=lambda run: (run.metrics_path.stat().st_mtime_ns, run.name))


def unfinished_since(run: Run, parent: Path = RUNS) -> list[Run]:
    """Return the unfinished runs in a folder that were created after another run, the last one at the end."""
    return [other for other in list_runs(parent) if _read_time(other) > _read_time(run) and not _is_finished(other)]


def newest(parent: Path = RUNS) -> Run:
    """Return the run that finished last.

    Raises:
        UserError: No run in the folder has finished.
    """
    if all_finished := finished(parent):
        return all_finished[-1]
    unfinished = [run for run in list_runs(parent) if run.model_path.is_file()]
    advice = (
        f"Use what {unfinished[-1].directory} reached with --unfinished, or train one" if unfinished else "Train one"
    )
    raise UserError(f"No run under {parent}/ has finished. {advice}: cnnzoo train --config digits.yaml")


def _is_finished(run: Run) -> bool:
    """Return whether the training has finished; damaged metrics count as unfinished."""
    try:
        return run.is_finished()
    except UserError:
        return False


def _read_time(run: Run) -> tuple[int, str]:
    """Return when a run was created: its config is written first and never again."""
    return run.config_path.stat().st_mtime_ns, run.name


def _find_git_commit() -> str | None:
    """Return the commit of the checkout that this package runs from, marked when files differ from it."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
