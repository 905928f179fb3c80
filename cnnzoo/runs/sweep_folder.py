"""The directory of a sweep; only this module has the names of its files."""

from functools import cached_property
from pathlib import Path

from cnnzoo import config as configs
from cnnzoo.config import Plan, Point
from cnnzoo.errors import UserError
from cnnzoo.runs.directory import Directory, File
from cnnzoo.runs.run import Run


class SweepFolder(Directory):
    """A directory with the files of a sweep, and a run per training.

    Attributes:
        file_path: The copy of the sweep file.
        base_path: The copy of the config, so that a change of the original does not change the sweep.
        result_path: The points, the best by validation first.
        picture_path: The picture of the validation accuracy by each key.
    """

    file_path = File("sweep.yaml")
    base_path = File("base.yaml")
    result_path = File("sweep.json")
    picture_path = File("sweep.png")

    @cached_property
    def plan(self) -> Plan:
        """The content of the sweep file and the config."""
        return configs.load_sweep(self.file_path, self.base_path)

    @property
    def varied(self) -> list[str]:
        """The keys that take more than one value; all keys if none does."""
        keys = self.plan.sweep.keys
        return [key for key, values in keys.items() if not values.choice or len(values.choice) > 1] or list(keys)

    def members(self) -> dict[str, tuple[Point, int, Run]]:
        """Return the point, the seed and the run of each training, by the name of the run."""
        digits = max(2, len(str(len(self.plan.points))))
        return {
            name: (point, seed, Run(self.directory / name))
            for number, point in enumerate(self.plan.points, start=1)
            for seed in self.plan.seeds
            for name in [f"point-{number:0{digits}}-seed-{seed}"]
        }


def list_sweeps(parent: Path) -> list[SweepFolder]:
    """Return the sweeps in a folder, sorted by name."""
    return [sweep for path in sorted(parent.glob("*")) if (sweep := SweepFolder(path)).file_path.is_file()]


def open_sweep(directory: Path) -> SweepFolder:
    """Open a sweep, finished or not.

    Raises:
        UserError: The directory is not a sweep.
    """
    if not directory.is_dir():
        raise UserError(f"There is no sweep {directory}.")
    folder = SweepFolder(directory)
    for path in (folder.file_path, folder.base_path):
        if not path.is_file():
            raise UserError(f"{directory} is not a sweep: it has no {path.name}.")
    return folder
