"""The images that a run is evaluated on, loaded once for all runs that share them."""

import os
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import Literal

import numpy as np

from cnnzoo import data
from cnnzoo.config import Config, GoSection, Split
from cnnzoo.data.duplicates import content_hash
from cnnzoo.data.subsets import fingerprint_division
from cnnzoo.errors import UserError
from cnnzoo.runs import Run
from cnnzoo.text import normalized, printable


@dataclass(frozen=True)
class SplitImages:
    """The images of a split, without those that belonged to another split in the training.

    Attributes:
        split: The name of the split.
        subset: The images and their labels.
        hashes: A hash of each image (count,); see ``Subset.hashes``.
    """

    split: Split
    subset: data.Subset
    hashes: tuple[bytes, ...]

    @cached_property
    def fingerprint(self) -> bytes:
        """A hash of all pixels, and the labels."""
        return self.subset.fingerprint() + self.subset.labels.tobytes()


class ImageLoader:
    """Loads the images of runs; runs with the same data section and the same division share them.

    Args:
        data_dir: The directory of the data sets; None to search for them.
    """

    def __init__(self, data_dir: Path | None = None) -> None:
        self._data_dir = data_dir
        self._loaded: dict[tuple[str, str], data.Subset] = {}
        self._divided: dict[tuple[str, Split, bytes], SplitImages] = {}

    def load(self, run: Run, config: Config, split: Split) -> SplitImages:
        """Load the images of a run's train, validation or test split.

        Raises:
            UserError: They are missing or damaged, or all of them belonged to another split in the training.
        """
        section = config.data.model_dump_json()
        division = run.division_path.read_bytes() if run.division_path.is_file() else b""
        if (section, split, division) not in self._divided:
            if isinstance(config.data, GoSection):
                self._check_games(run, config)
            loaded_split: Literal["train", "test"] = "test" if split == "test" else "train"
            if (section, loaded_split) not in self._loaded:
                self._loaded[section, loaded_split] = data.load(config.data, loaded_split, self._data_dir)
            subset = self._loaded[section, loaded_split]
            if split != "test":
                subset = subset.as_divided(run.division())
                if subset.is_validation is None:
                    subset = data.divide_training(config, subset)[split == "validation"]
                else:
                    subset = subset.select(subset.is_validation == (split == "validation"))
            if isinstance(config.data, GoSection) and split != "test":
                subset = data.draw(subset, config.data.test_positions)
                subset = subset.with_note(f"{split} positions of {Path(config.data.path).name}")
            self._divided[section, split, division] = _leave_out_others(run, split, subset)
        return self._divided[section, split, division]

    def _check_games(self, run: Run, config: Config) -> None:
        """Check that the file of games is that of the training, because its games decide which are test games.

        Raises:
            UserError: It is another one.
        """
        assert isinstance(config.data, GoSection)
        path = Path(config.data.path)
        if self._data_dir:
            path = self._data_dir / path.name
        try:
            every = data.load(config.data, "train", self._data_dir)
            found = fingerprint_division(every, *data.divide_training(config, every))
        except UserError:
            if not path.is_file():
                raise
            found = ""  # games that cannot even be divided as in the training
        if found != run.environment().get("images"):
            raise UserError(
                f"{path} has changed since {run.directory} was trained on it: test games may be training games. Put "
                "the file of the training back, or train again."
            )

    def load_training(self, run: Run, config: Config) -> data.Subset:
        """Load the images that a run was trained on, without the validation images; see ``load``."""
        subset = data.load(config.data, "train", self._data_dir).as_divided(run.division())
        return data.divide_training(config, subset)[0]


def _leave_out_others(run: Run, split: Split, subset: data.Subset) -> SplitImages:
    """Leave out the images of a folder that belonged to another split in the training, and add notes on them.

    Splits that depend on file names change when files are added, removed or renamed: an image that the network was
    trained on may become a test image. It is recognized by its name or its content.

    Raises:
        UserError: No image is left.
    """
    hashes, folder, division = subset.hashes(), subset.folder, run.division()
    if folder is None:
        return SplitImages(split, subset, hashes)
    if not division:
        unknown = f"some may be training images of the run: its {run.division_path.name} is missing or empty"
        return SplitImages(split, subset.with_note(unknown), hashes)
    names_by_hash = {sha256: name for name, sha256 in run.division_hashes().items()} if split == "test" else {}
    splits = {normalized(name): recorded for name, recorded in division.items()}
    belongs = [splits.get(normalized(name)) == (None if split == "test" else split) for name in subset.names]
    # If the run's own file is still in its place, this one is a duplicate, and the data set has its own note on those.
    moved = [sha256 in names_by_hash and not _contains(folder, names_by_hash[sha256], sha256) for sha256 in hashes]
    missing = [name for name in division if not _find(folder, name)]
    if missing:
        subset = subset.with_note(
            f"{len(missing):,} of the {len(division):,} images that the run was trained and validated on were removed "
            f"from {folder} or renamed, such as {printable(missing[0])}"
        )
    kept = np.array(belongs, dtype=bool) & ~np.array(moved, dtype=bool)
    if not kept.size:
        raise UserError(f"None of the {split} images of {run.directory} is still in {folder}; put them back.")
    if not kept.any():
        raise UserError(f"All images of the {split} split belonged to another split when {run.directory} was trained.")
    if not kept.all():
        note = f"{(~kept).sum():,} of {len(kept):,} left out: they were not {split} images when the run was trained"
        renamed = f" ({sum(moved):,} recognized by content)" if any(moved) else ""
        subset = subset.select(kept).with_note(note + renamed)
    return SplitImages(split, subset, tuple(compress(hashes, kept)))


def _contains(folder: Path, name: str, sha256: bytes) -> bool:
    """Return whether a folder contains a file of that name and SHA-256."""
    path = _find(folder, name)
    return path is not None and content_hash(path) == sha256


def _find(folder: Path, name: str) -> Path | None:
    """Return the path of a file in a folder, whichever Unicode form the folder uses for accents; None without one."""
    paths = (folder / form for form in (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))))
    return next((path for path in paths if os.path.exists(path)), None)  # noqa: PTH110 - pathlib's may raise
