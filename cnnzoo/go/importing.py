"""Reads folders of game records, in parallel, into one collection of games."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from cnnzoo.errors import UserError
from cnnzoo.go.board import PASS
from cnnzoo.go.games import Games
from cnnzoo.go.records import Reason, Record, Refusal, Remark, check_sgfmill, count_legal, make_key, read_records
from cnnzoo.text import count

FILES_PER_TASK = 500
# With fewer files, starting processes takes longer than reading.
FEWEST_FOR_PROCESSES = 2_000


@dataclass(frozen=True)
class Summary:
    """What an import took and what it refused.

    Attributes:
        files: Number of SGF files.
        games: Number of games that were taken.
        moves: Number of their moves.
        by_source: Number of games, by name of their collection.
        refused: Files and games that were refused.
        remarks: How many of the games each remark is about.
        examples: A file for each remark.
        other_files: How many files of the folders do not end in .sgf.
    """

    files: int
    games: int
    moves: int
    by_source: dict[str, int]
    refused: list[Refusal]
    remarks: Counter[Remark]
    examples: dict[Remark, str] = field(default_factory=dict)
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
    advance: Callable[[int], object] = lambda _: None,
) -> tuple[Games, Summary]:
    """Read game records, check them by the rules, and drop games that occur twice.

    Args:
        paths: SGF files, and folders that are searched for them. Each is a collection of its own, named after it.
        size: Points a side; games on other boards are refused.
        fewest_moves: Games with fewer legal moves are refused.
        processes: Processes that read; None for one per core, if there are many files.
        advance: Is called with the number of files that were read since its last call.

    Raises:
        UserError: A path does not exist, there are no SGF files, no game is left, or sgfmill is not installed.
    """
    check_sgfmill()
    found, other_files = list_files(paths)
    tasks = [found[start : start + FILES_PER_TASK] for start in range(0, len(found), FILES_PER_TASK)]
    read = partial(_read_task, size=size, fewest_moves=fewest_moves)
    results: list[tuple[int, Record | Refusal, bytes]] = []
    for number, result in _run(read, tasks, processes or _choose_processes(len(found))):
        results += result
        advance(number)
    records, refused = _drop_duplicates(results)
    if not records:
        first = refused[0]
        detail = f" ({first.detail})" if first.detail else ""
        raise UserError(
            f"None of {count(len(found), 'SGF file')} has a game that can be used; the first, {first.file}: "
            f"{first.reason}{detail}."
        )
    sources = [_source_name(path) for path in paths]
    games = Games.from_records(size, sources, records)
    remarks = Counter(remark for _, record in records for remark in record.remarks)
    examples = {remark: record.file for _, record in reversed(records) for remark in record.remarks}
    numbers = np.bincount(games.source, minlength=len(sources)).tolist()
    by_source = dict(zip(sources, numbers, strict=True))
    summary = Summary(
        len(found), len(games), len(games.arrays.moves), by_source, refused, remarks, examples, other_files
    )
    return games, summary


def list_files(paths: Sequence[Path]) -> tuple[list[tuple[int, Path, str]], int]:
    """Return the SGF files, sorted, with the index of their path and their name there; and how many others there are.

    Raises:
        UserError: A path does not exist, two have the same name, or a folder has no SGF files.
    """
    names = [_source_name(path) for path in paths]
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise UserError(f"Two collections are named {twice}; rename a folder, because results name the collection.")
    found, others = [], 0
    for index, path in enumerate(paths):
        if path.is_file():
            found.append((index, path, path.name))
            continue
        if not path.is_dir():
            raise UserError(f"There is no file or folder {path}.")
        files = sorted(file for file in path.rglob("*") if file.is_file())
        records = [file for file in files if file.suffix.lower() == ".sgf"]
        if not records:
            raise UserError(
                f"{path} has no SGF files: {count(len(files), 'file')}, none with a name that ends in .sgf."
            )
        others += len(files) - len(records)
        found += [(index, file, file.relative_to(path).as_posix()) for file in records]
    return found, others


def _source_name(path: Path) -> str:
    return path.resolve().name


def _choose_processes(files: int) -> int:
    return (os.cpu_count() or 1) if files >= FEWEST_FOR_PROCESSES else 1


def _run(
    read: Callable[[list[tuple[int, Path, str]]], list[tuple[int, Record | Refusal, bytes]]],
    tasks: list[list[tuple[int, Path, str]]],
    processes: int,
) -> Iterator[tuple[int, list[tuple[int, Record | Refusal, bytes]]]]:
    """Yield for each task its number of files and what they held, in order."""
    if processes == 1:
        yield from ((len(task), read(task)) for task in tasks)
        return
    # Not forked, because the calling process may have threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        for task, result in zip(tasks, pool.map(read, tasks), strict=True):
            yield len(task), result


def _read_task(
    task: list[tuple[int, Path, str]], *, size: int, fewest_moves: int
) -> list[tuple[int, Record | Refusal, bytes]]:
    """Return what some files hold, with the index of their collection and the key that equal games share."""
    counter = _choose_counter()
    results: list[tuple[int, Record | Refusal, bytes]] = []
    for index, path, name in task:
        for found in read_records(path, name):
            checked = found if isinstance(found, Refusal) else _check(found, size, fewest_moves, counter)
            key = b"" if isinstance(checked, Refusal) else make_key(checked)
            results.append((index, checked, key))
    return results


def _choose_counter() -> Callable[[Record], int]:
    """Return the function that counts a game's legal moves: compiled if numba is installed."""
    if find_spec("numba") is None:
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
        record = record.cut(legal, Remark.ILLEGAL_MOVE)
    played = sum(move != PASS for move in record.moves)
    if played < fewest_moves:
        return Refusal(record.file, Reason.SHORT, f"{played}, fewer than {fewest_moves}")
    return record


def _drop_duplicates(
    results: Sequence[tuple[int, Record | Refusal, bytes]],
) -> tuple[list[tuple[int, Record]], list[Refusal]]:
    """Return the games, of equal ones the longest, and all refusals."""
    kept: dict[bytes, int] = {}
    refused: list[Refusal] = []
    for number, (_, found, key) in enumerate(results):
        if isinstance(found, Refusal):
            refused.append(found)
        elif (other := _record_at(results, kept.get(key))) is None:
            kept[key] = number
        else:
            shorter, longer = (found, other) if len(found.moves) <= len(other.moves) else (other, found)
            kept[key] = number if longer is found else kept[key]
            refused.append(Refusal(shorter.file, Reason.DUPLICATE, f"as {longer.file}"))
    records = [
        (index, found)
        for number in sorted(kept.values())
        for index, found, _ in [results[number]]
        if isinstance(found, Record)
    ]
    return records, refused


def _record_at(results: Sequence[tuple[int, Record | Refusal, bytes]], number: int | None) -> Record | None:
    found = None if number is None else results[number][1]
    return found if isinstance(found, Record) else None
