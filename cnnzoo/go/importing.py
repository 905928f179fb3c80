"""Reads folders of game records, in parallel, into collections of games."""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnnzoo.errors import UserError
from cnnzoo.go.board import PASS
from cnnzoo.go.encoding import find_numba_problem
from cnnzoo.go.games import Games
from cnnzoo.go.records import Note, Reason, Record, Refusal, check_sgfmill, count_legal, make_key, read_records
from cnnzoo.text import count, printable

FILES_PER_TASK = 500
# With fewer files, starting processes takes longer than reading.
FEWEST_FOR_PROCESSES = 2_000

# Shows the progress through a number of files: a context that gives a function to call with the files read since.
Progress = Callable[[int], AbstractContextManager[Callable[[int], object]]]


class File(NamedTuple):
    """A file to read.

    Attributes:
        collection: Index of its collection.
        path: The file.
        name: The collection and the file's path in it, printable.
    """

    collection: int
    path: Path
    name: str


class Found(NamedTuple):
    """What was read from a file.

    Attributes:
        collection: Index of its collection.
        game: The game, or why it was refused.
        key: See ``make_key``; empty for a refusal.
    """

    collection: int
    game: Record | Refusal
    key: bytes


@dataclass(frozen=True)
class Files:
    """The SGF files to read.

    Attributes:
        collections: Names of the collections.
        files: The files, sorted in each collection.
        others: How many other files the folders have.
    """

    collections: tuple[str, ...]
    files: list[File]
    others: int


@dataclass(frozen=True)
class Summary:
    """What an import took and what it refused.

    Attributes:
        files: Number of SGF files.
        games: Number of games that were taken.
        moves: Number of their moves.
        by_collection: Number of games, by name of their collection.
        refused: Files and games that were refused.
        notes: How many of the games each note is about.
        examples: A file for each note.
        other_files: How many files of the folders do not end in .sgf.
    """

    files: int
    games: int
    moves: int
    by_collection: dict[str, int]
    refused: list[Refusal]
    notes: Counter[Note]
    examples: dict[Note, str] = field(default_factory=dict)
    other_files: int = 0

    def reasons(self) -> Iterator[tuple[Reason, int, Refusal]]:
        """Yield each reason with the number of its refusals and the first one."""
        for reason in Reason:
            if chosen := [refusal for refusal in self.refused if refusal.reason == reason]:
                yield reason, len(chosen), chosen[0]


def import_games(
    paths: Sequence[Path],
    *,
    size: int = 19,
    fewest_moves: int = 50,
    processes: int | None = None,
    progress: Progress = lambda _: nullcontext(lambda _: None),
) -> tuple[Games, Summary]:
    """Read game records, check them by the rules, and drop games that occur twice.

    Args:
        paths: SGF files, and folders that are searched for them; see ``list_files``.
        size: Points a side; games on other boards are refused.
        fewest_moves: Games with fewer legal moves are refused.
        processes: Processes that read; None for one per core, if there are many files.
        progress: Shows the progress.

    Raises:
        UserError: A path does not exist, there are no SGF files, no game is left, or sgfmill is not installed.
    """
    check_sgfmill()
    listed = list_files(paths)
    found = listed.files
    tasks = [found[start : start + FILES_PER_TASK] for start in range(0, len(found), FILES_PER_TASK)]
    read = partial(_read_files, size=size, fewest_moves=fewest_moves)
    results: list[Found] = []
    with progress(len(found)) as advance:
        for number, result in _run(read, tasks, processes or _choose_processes(len(found))):
            results += result
            advance(number)
    records, refused = _drop_duplicates(results)
    if not records:
        first = refused[0]
        reason = f"{first.reason} ({first.detail})" if first.detail else str(first.reason)
        if len(found) == 1:
            raise UserError(f"{first.file} has no usable game: {reason}.")
        raise UserError(f"None of {len(found):,} files has a usable game; the first, {first.file}: {reason}.")
    games = Games.from_records(size, listed.collections, records)
    numbers = np.bincount(games.collection, minlength=len(listed.collections)).tolist()
    summary = Summary(
        files=len(found),
        games=len(games),
        moves=len(games.arrays.moves),
        by_collection=dict(zip(listed.collections, numbers, strict=True)),
        refused=refused,
        notes=Counter(note for _, record in records for note in record.notes),
        examples={note: record.file for _, record in reversed(records) for note in record.notes},
        other_files=listed.others,
    )
    return games, summary


def list_files(paths: Sequence[Path]) -> Files:
    """Find the SGF files.

    Args:
        paths: Each folder, with all folders in it, is a collection that is named after it. A file belongs to a
            collection that is named after its folder.

    Raises:
        UserError: A path does not exist, two folders have the same name, or a folder has no SGF files.
    """
    folders = [path.resolve().name for path in paths if path.is_dir()]
    if len(set(folders)) < len(folders):
        twice = Counter(folders).most_common(1)[0][0]
        raise UserError(f"Two folders are named {twice}; rename one, because the results name each collection.")
    collections: dict[str, int] = {}
    files, others = [], 0
    for path in paths:
        if not path.exists():
            raise UserError(f"There is no file or folder {path}.")
        folder = path if path.is_dir() else path.resolve().parent
        every = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path.resolve()]
        records = [file for file in every if file.suffix.lower() == ".sgf"] if path.is_dir() else every
        if not records:
            raise UserError(
                f"{path} has no SGF files: {count(len(every), 'file')}, none with a name that ends in .sgf."
            )
        others += len(every) - len(records)
        name = printable(folder.resolve().name)
        number = collections.setdefault(name, len(collections))
        files += [File(number, file, f"{name}/{printable(file.relative_to(folder).as_posix())}") for file in records]
    return Files(tuple(collections), files, others)


def _choose_processes(files: int) -> int:
    return (os.cpu_count() or 1) if files >= FEWEST_FOR_PROCESSES else 1


def _run(
    read: Callable[[list[File]], list[Found]], tasks: list[list[File]], processes: int
) -> Iterator[tuple[int, list[Found]]]:
    """Yield for each task its number of files and what they held, in order."""
    if processes == 1:
        yield from ((len(task), read(task)) for task in tasks)
        return
    # Not forked, because the calling process may have threads.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_ignore_interrupts)
    try:
        for task, result in zip(tasks, pool.map(read, tasks), strict=True):
            yield len(task), result
    finally:
        # After Ctrl-C or an error the pool would first finish all tasks, and a second Ctrl-C would stop that half-way.
        usual = _ignore_interrupts()
        for process in multiprocessing.active_children():
            process.terminate()
        pool.shutdown(cancel_futures=True)
        if usual is not None:
            signal.signal(signal.SIGINT, usual)


def _ignore_interrupts() -> Any:
    """Ignore Ctrl-C from now on, and return the handler until now; threads cannot, and return None."""
    if threading.current_thread() is threading.main_thread():
        return signal.signal(signal.SIGINT, signal.SIG_IGN)
    return None


def _read_files(task: list[File], *, size: int, fewest_moves: int) -> list[Found]:
    counter = _choose_counter()
    results = []
    for collection, path, name in task:
        for game in read_records(path, name):
            checked = game if isinstance(game, Refusal) else _check(game, size, fewest_moves, counter)
            key = b"" if isinstance(checked, Refusal) else make_key(checked)
            results.append(Found(collection, checked, key))
    return results


def _choose_counter() -> Callable[[Record], int]:
    """Return the function that counts a game's legal moves: compiled if numba works."""
    if find_numba_problem():
        return count_legal
    from cnnzoo.go.compiled import replay  # compiles, or loads machine code

    return replay.count_legal


def _check(record: Record, size: int, fewest_moves: int, counter: Callable[[Record], int]) -> Record | Refusal:
    """Return a game up to its first illegal move, or why it is refused."""
    if record.size != size:
        return Refusal(record.file, Reason.OTHER_SIZE, f"{record.size}x{record.size}")
    if record.setup and record.start().has_dead_chain():
        return Refusal(record.file, Reason.DEAD_SETUP)
    legal = counter(record)
    if legal < len(record.moves):
        record = record.cut(legal, Note.ILLEGAL_MOVE)
    played = sum(move != PASS for move in record.moves)
    if played < fewest_moves:
        return Refusal(record.file, Reason.SHORT, f"{played}, fewer than {fewest_moves}")
    return record


def _drop_duplicates(results: Sequence[Found]) -> tuple[list[tuple[int, Record]], list[Refusal]]:
    """Return the games with their collections, of equal ones the longest, and all refusals."""
    kept: dict[bytes, tuple[int, Record]] = {}
    refused: list[Refusal] = []
    for collection, game, key in results:
        if isinstance(game, Refusal):
            refused.append(game)
            continue
        other = kept.get(key)
        if other is None or len(game.moves) > len(other[1].moves):
            kept[key] = collection, game
        if other is not None:
            shorter, longer = (other[1], game) if kept[key][1] is game else (game, other[1])
            refused.append(Refusal(shorter.file, Reason.DUPLICATE, f"as {longer.file}"))
    return list(kept.values()), refused
