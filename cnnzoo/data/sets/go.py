"""Positions of Go games: computed from the moves while they are needed, divided by game."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnnzoo.config import GoSection, Split
from cnnzoo.data.dataset import DataSet
from cnnzoo.data.images import Indices, Pending, Pixels, decoding_threads
from cnnzoo.data.subsets import Subset, choose_at_random, count_of_split
from cnnzoo.errors import UserError
from cnnzoo.go import games as go_games
from cnnzoo.go.encoding import find_numba_problem
from cnnzoo.go.games import Games
from cnnzoo.go.planes import PLANES, SPECIFICATION
from cnnzoo.go.vertices import name_vertex
from cnnzoo.text import count, listed

# Positions that one thread computes at a time.
PER_THREAD = 64
# Positions that are unpacked at a time, 35 MB of planes.
CHUNK = 2048


@dataclass(frozen=True)
class Positions:
    """The positions before all moves of some games, as images (moves, size, size, 48).

    Attributes:
        games: The games.
    """

    games: Games

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number of positions, size, size and planes."""
        return len(self.games.arrays.moves), self.games.size, self.games.size, PLANES

    @property
    def array(self) -> None:
        """None: the planes are computed when they are needed."""
        return None

    def start(self, indices: Indices) -> Pending:
        """Start to compute the packed planes (count, size, size, 6) of some positions; see ``encode_moves``."""
        from cnnzoo.go.compiled.replay import encode_moves  # loads numba

        chosen = indices.astype(np.int64)
        parts = [chosen[first : first + PER_THREAD] for first in range(0, len(chosen), PER_THREAD)]
        futures: list[Future[Pixels]] = [decoding_threads().submit(encode_moves, self.games, part) for part in parts]
        return Pending(futures, np.concatenate)

    def take(self, indices: Indices) -> Pixels:
        """Return the planes (count, size, size, 48) of some positions, 0 or 1."""
        return np.unpackbits(self.start(indices).result(), axis=-1)

    def chunks(self, indices: Indices) -> Iterator[Pixels]:
        """Yield the planes of some positions, CHUNK at a time."""
        for first in range(0, len(indices), CHUNK):
            yield self.take(indices[first : first + CHUNK])

    def sums(self, indices: Indices) -> NDArray[np.int64]:
        """Return the sums (2, 48) of the planes and of their squares over some positions."""
        total = sum(chunk.sum(axis=(0, 1, 2), dtype=np.int64) for chunk in self.chunks(indices))
        return np.stack([np.asarray(total), np.asarray(total)])

    def fingerprint(self, indices: Indices) -> bytes:
        """Return a SHA-256 of the games, of which positions are chosen, and of what the planes mean."""
        total = hashlib.sha256()
        total.update(f"{SPECIFICATION}, {self.games.size}".encode())
        for array in (*self.games.arrays, indices):
            total.update(np.ascontiguousarray(array).data)
        return total.digest()

    def hashes(self, indices: Indices) -> tuple[bytes, ...]:
        """Return a hash of each position (count,): of all games and its place among them."""
        games = self.fingerprint(np.zeros(0, np.int32))
        return tuple(hashlib.sha256(games + int(index).to_bytes(8, "big")).digest() for index in indices)

    def games_of(self, indices: Indices) -> NDArray[np.int64]:
        """Return the number of the game of each position (count,)."""
        return np.searchsorted(self.games.arrays.starts, indices, side="right") - 1

    def are_seen(self, indices: Indices, training: Indices) -> NDArray[np.bool_]:
        """Return which positions (count,) are also among the training positions, up to symmetry and colours."""
        from cnnzoo.go.compiled.replay import hash_positions  # loads numba

        hashes = hash_positions(self.games)
        return np.asarray(np.isin(hashes[indices], hashes[training]))


@dataclass(frozen=True)
class GamesSummary:
    """The games of a data set by split, and those that are left out.

    Attributes:
        games: Number of games, by split.
        positions: Number of their positions, by split.
        used: Number of positions that are used, by split.
        source: Which games train, in words; it is saved with the model.
        notes: What is left out, and why.
    """

    games: dict[str, int]
    positions: dict[str, int]
    used: dict[str, int]
    source: str
    notes: tuple[str, ...]

    @property
    def training_count(self) -> int:
        """Number of positions to train on."""
        return self.used["training"]

    def lines(self) -> list[str]:
        """Return the summary as lines of text."""
        lines = [f"trained on: {self.source}"]
        for split, number in self.games.items():
            used = self.used[split]
            drawn = "" if used == self.positions[split] else f", of which {used:,} are drawn at random"
            lines.append(f"{split}: {count(number, 'game')}, {self.positions[split]:,} positions{drawn}")
        return lines + [f"note: {note}" for note in self.notes]


def describe(section: GoSection) -> DataSet:
    """Return the description of the positions of a file of games; the file is not read."""
    return DataSet(
        name="go",
        title=f"Go games of {Path(section.path).name}",
        class_names=tuple(name_vertex(point, section.size) for point in range(section.size**2)),
        input_shape=(section.size, section.size, PLANES),
        train_count=None,
        test_count=None,
        glyphs=False,
        source=f"the games in {section.path}",
        is_board=True,
    )


def load(section: GoSection, split: Literal["train", "test"], data_dir: Path | None) -> Subset:
    """Load the positions of one split; the validation positions are among the training positions.

    Args:
        section: The config's section.
        split: The split.
        data_dir: A folder to take the file from instead of the section's.

    Raises:
        UserError: The file is missing or damaged, has boards of another size, or leaves a split without games; or
            numba is not installed.
    """
    if problem := find_numba_problem():
        raise UserError(f"The planes of Go positions need numba, and {problem}")
    path = data_dir / Path(section.path).name if data_dir else Path(section.path)
    games = _read_games(path, path.stat().st_mtime_ns if path.is_file() else 0)
    division = _Division(section, games, path)
    return division.test() if split == "test" else division.training()


@cache
def _read_games(path: Path, _modified: int) -> Games:
    """Read a file of games, once for all splits."""
    return go_games.load(path)


class _Division:
    """The games of a file, divided into splits.

    Args:
        section: The config's section.
        games: The games.
        path: Their file, for messages.
    """

    def __init__(self, section: GoSection, games: Games, path: Path) -> None:
        self.section, self.games, self.path = section, games, path
        self.notes: list[str] = []
        self._check_names()
        self.collections = tuple(
            name for name in games.collections if name in (section.collections or games.collections)
        )
        chosen = np.isin(self._collection_names(), self.collections)
        if section.games_from:
            # Of the date "2016" nobody knows whether it is before "2016-03".
            is_early = np.array([date < str(section.games_from) for date in games.dates])
            left_out = count(int((chosen & is_early).sum()), "game")
            self.notes.append(
                f"{left_out} left out: without a date, or with one that may be before {section.games_from}"
            )
            chosen &= ~is_early
        self.masks = {"test": self._choose_test(chosen)}
        self.masks["validation"] = self._choose("validation", section.validation, chosen & ~self.masks["test"])
        self.masks["training"] = chosen & ~self.masks["test"] & ~self.masks["validation"]
        for split, mask in self.masks.items():
            if not mask.any():
                raise UserError(
                    f"{path} has no {split} games: {count(int(chosen.sum()), 'game')} of {len(games):,} are left after "
                    "data.collections and the dates; change these, or set another number of games."
                )

    def training(self) -> Subset:
        """Return the training and validation positions."""
        positions = {split: self._positions(split) for split in ("training", "validation", "test")}
        used = {
            "training": positions["training"],
            "validation": choose_at_random(positions["validation"], self.section.validation_positions),
            "test": choose_at_random(positions["test"], self.section.test_positions),
        }
        summary = GamesSummary(
            {split: int(self.masks[split].sum()) for split in positions},
            {split: len(indices) for split, indices in positions.items()},
            {split: len(indices) for split, indices in used.items()},
            self._describe_games("training"),
            tuple(self.notes),
        )
        indices = np.concatenate([used["training"], used["validation"]])
        is_validation = np.arange(len(indices)) >= len(used["training"])
        return self._subset(indices, is_validation=is_validation, summary=summary)

    def test(self) -> Subset:
        """Return the test positions that are measured."""
        every = self._positions("test")
        indices = choose_at_random(every, self.section.test_positions)
        return self._subset(
            indices, note=f"{len(indices):,} of {len(every):,} positions, from {self._describe_games('test')}"
        )

    def _describe_games(self, split: str) -> str:
        """Return which games a split has, such as "700 games of games.npz (masters) from 2016 on, before 2023"."""
        section, limits = self.section, self.section.test_from
        start = str(section.games_from or "")
        end = ""
        if isinstance(limits, dict):
            dates = ", ".join(f"{date} ({name})" for name, date in limits.items())
            start, end = (dates, "") if split == "test" else (start, dates)
        elif limits:
            start, end = (str(limits), "") if split == "test" else (start, str(limits))
        period = [f" from {start} on"] * bool(start) + [f", before {end}"] * bool(end)
        games = count(int(self.masks[split].sum()), "game")
        return f"{games} of {self.path.name} ({listed(self.collections, shown=10)}){''.join(period)}"

    def _subset(self, indices: NDArray[np.int32], **details: Any) -> Subset:
        labels = self.games.arrays.moves[indices].astype(np.int32)
        return Subset(Positions(self.games), indices, labels, **details)

    def _positions(self, split: str) -> NDArray[np.int32]:
        """Return the indices of all moves of a split's games that are no passes."""
        is_chosen = np.repeat(self.masks[split], self.games.lengths)
        return np.flatnonzero(is_chosen & (self.games.arrays.moves < self.games.size**2)).astype(np.int32)

    def _collection_names(self) -> NDArray[np.str_]:
        return np.array(self.games.collections)[self.games.collection]

    def _check_names(self) -> None:
        section, games = self.section, self.games
        if games.size != section.size:
            raise UserError(
                f"{self.path} has games on {games.size}x{games.size} boards, and data.size is {section.size}; set "
                "data.size, or import other games."
            )
        named = [*(section.collections or ()), *(section.test_from if isinstance(section.test_from, dict) else ())]
        for name in named:
            if name not in games.collections:
                raise UserError(
                    f"{self.path} has no collection named {name}; it has {listed(games.collections, shown=20)}."
                )

    def _choose_test(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which games are test games; games of unclear dates are taken out of ``chosen``."""
        limits = self.section.test_from
        if limits is None:
            return self._choose("test", self.section.test, chosen)
        by_name = limits if isinstance(limits, dict) else dict.fromkeys(self.collections, limits)
        has_limit = np.isin(self._collection_names(), list(by_name))
        first = [str(by_name.get(name, "")) for name in self._collection_names()]
        dates = self.games.dates
        # "2023" may be before or after June 2023, and a game without a date may be from any time.
        is_unclear = np.array(
            [limit != date and limit.startswith(date) for date, limit in zip(dates, first, strict=True)]
        )
        unclear = chosen & has_limit & is_unclear
        if unclear.any():
            self.notes.append(
                f"{count(int(unclear.sum()), 'game')} left out: without a date, or with one that may be on either side "
                "of data.test_from"
            )
        chosen &= ~unclear
        is_late = np.array([date >= limit for date, limit in zip(dates, first, strict=True)])
        return np.asarray(chosen & has_limit & is_late)

    def _choose(self, split: Split, amount: int | float, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which games a split has: those with the smallest hashes validate, those with the largest are tested.

        A fraction is a limit of the hash, so that a game stays in its split when other games are added.
        """
        if int(among.sum()) > 1:  # of fewer games the caller says more
            try:
                count_of_split(amount, int(among.sum()), split, "game")
            except UserError as error:
                raise UserError(f"{self.path}, data.{split}: {error}") from None
        keys = self.games.keys if split == "validation" else ~self.games.keys
        if isinstance(amount, float):
            return np.asarray(among & (keys < amount * 2**32))
        order = np.argsort(keys, kind="stable")
        return np.asarray(np.isin(np.arange(len(keys)), order[among[order]][:amount]))
