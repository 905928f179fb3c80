"""The rules of ``board``, compiled by numba.

A position is arrays: ``stones`` (points + 1,) with BLACK, WHITE and EMPTY, and EDGE as the last one, and ``ko``, a
point or NONE. ``beside`` (points, 4) has the neighbours of each point; where there is none, it has the last index of
``stones``, so that no loop asks where the board ends.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from cnnzoo.cache import cache_dir
from cnnzoo.go.board import EMPTY, diagonals, neighbours

NONE = -1
EDGE = 2
# Rows of ``scratch`` (5, points + 1), in which the functions search: the last search that met each point, so that
# nothing is cleared between two searches; the stones of a chain; its liberties; the stones of a chain in a ladder; and
# the number of searches so far.
MARK, CHAIN, LIBERTIES, HUNTED, SEARCHES = 0, 1, 2, 3, 4

Stones = NDArray[np.int8]
Points = NDArray[np.uint16]
Scratch = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., object])


def find_cache(sources: Iterable[Path], folders: Iterable[Path]) -> Path | None:
    """Return the folder for the machine code of some sources; None if none of the folders can be written to.

    numba alone would compile a function again when its own file changes, but not when a function of another file that
    it has taken in changes.

    Args:
        sources: The files that the machine code depends on.
        folders: Where it may be kept, the best first.
    """
    digest = sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:16]
    for folder in folders:
        with suppress(OSError):
            cache = folder / f"go-{digest}"
            cache.mkdir(parents=True, exist_ok=True)
            if os.access(cache, os.W_OK):
                return cache
    return None


def _list_folders() -> Iterator[Path]:
    settings: Any = numba.config
    if settings.CACHE_DIR:
        yield Path(settings.CACHE_DIR)
    yield HERE / "__pycache__"
    yield cache_dir()


HERE = Path(__file__).parent
CACHE = find_cache([*HERE.glob("*.py"), *HERE.parent.glob("*.py")], _list_folders())


def compiled(function: Function) -> Function:
    """Compile a function at its first call; the machine code is kept on disk, and threads can run it side by side.

    A call costs up to 50 ns, because numba counts the references to the arrays; so a long function contains its loop
    and is not called for each point.
    """
    return _compile(function)


def inlined(function: Function) -> Function:
    """Compile a small function into those that call it.

    The option ``inline`` would do that earlier, and then numba counts the references to each array of the small
    function.
    """
    return _compile(function, forceinline=True)


def _compile(function: Function, *, forceinline: bool = False) -> Function:
    settings: Any = numba.config
    usual = settings.CACHE_DIR
    settings.CACHE_DIR = str(CACHE or usual)
    try:
        return cast("Function", numba.njit(cache=CACHE is not None, nogil=True, forceinline=forceinline)(function))
    finally:
        settings.CACHE_DIR = usual


@inlined
def widen(number: int) -> int:
    """Return a number as int64, so that a variable has one type and what it is passed to is compiled once."""
    return np.int64(number)  # type: ignore[return-value]


def make_scratch(size: int) -> Scratch:
    """Return the array in which the functions search; each thread needs its own."""
    return np.zeros((5, size * size + 1), np.int64)


@cache
def tables(size: int) -> tuple[Points, Points]:
    """Return the neighbours and the diagonal points of each point (points, 4); see above."""
    both = []
    for listed in (neighbours(size), diagonals(size)):
        table = np.full((size * size, 4), size * size, np.uint16)
        for point, others in enumerate(listed):
            table[point, : len(others)] = others
        both.append(table)
    return both[0], both[1]


@inlined
def copy(stones: Stones, target: Stones) -> None:
    """Copy the stones of a position: as a loop, because numba needs twenty times as long for ``target[:] = stones``."""
    for point in range(len(stones)):
        target[point] = stones[point]


@compiled
def search_chain(stones: Stones, beside: Points, point: int, most: int, scratch: Scratch) -> tuple[int, int]:
    """Write the liberties of the chain at a point and its stones into ``scratch``; return how many of both.

    The search ends at ``most`` liberties; then stones may be missing.
    """
    scratch[SEARCHES, 0] += 1
    search = scratch[SEARCHES, 0]
    colour = stones[point]
    scratch[CHAIN, 0] = point
    scratch[MARK, point] = search
    liberties, size, done = 0, 1, 0
    while done < size:
        here = scratch[CHAIN, done]
        done += 1
        for side in range(4):
            other = beside[here, side]
            if scratch[MARK, other] == search:
                continue
            if stones[other] == EMPTY:
                scratch[MARK, other] = search
                scratch[LIBERTIES, liberties] = other
                liberties += 1
                if liberties == most:
                    return liberties, size
            elif stones[other] == colour:
                scratch[MARK, other] = search
                scratch[CHAIN, size] = other
                size += 1
    return liberties, size


@inlined
def count_liberties(stones: Stones, beside: Points, point: int, most: int, scratch: Scratch) -> int:
    """Return the liberties of the chain at a point, counted up to ``most``."""
    return search_chain(stones, beside, point, most, scratch)[0]


@inlined
def count_empty(stones: Stones, beside: Points, point: int) -> int:
    """Return how many points beside a point are empty."""
    empty = 0
    for side in range(4):
        empty += stones[beside[point, side]] == EMPTY
    return empty


@compiled
def _remove(stones: Stones, beside: Points, point: int, scratch: Scratch) -> int:
    """Take the chain at a point off the board; return its size."""
    colour = stones[point]
    stones[point] = EMPTY
    scratch[CHAIN, 0] = point
    waiting, count = 1, 1
    while waiting:
        waiting -= 1
        here = scratch[CHAIN, waiting]
        for side in range(4):
            other = beside[here, side]
            if stones[other] == colour:
                stones[other] = EMPTY
                count += 1
                scratch[CHAIN, waiting] = other
                waiting += 1
    return count


@compiled
def is_legal(stones: Stones, beside: Points, ko: int, point: int, colour: int, scratch: Scratch) -> bool:
    """Return whether a player may play at a point, under simple ko and without suicide."""
    if stones[point] != EMPTY or point == ko:
        return False
    for side in range(4):
        other = beside[point, side]
        if stones[other] == EMPTY:
            return True
    for side in range(4):
        other = beside[point, side]
        if stones[other] != EDGE:
            liberties = count_liberties(stones, beside, other, 2, scratch)
            if (stones[other] == colour) == (liberties == 2):
                return True
    return False


@compiled
def put(stones: Stones, beside: Points, point: int, colour: int, scratch: Scratch) -> tuple[int, int]:
    """Play a legal move; return the number of captured stones, and the point that the ko forbids next or NONE."""
    stones[point] = colour
    captured, last = 0, NONE
    for side in range(4):
        other = beside[point, side]
        if stones[other] == -colour and count_liberties(stones, beside, other, 1, scratch) == 0:
            captured += _remove(stones, beside, other, scratch)
            last = other
    if captured != 1:
        return captured, NONE
    for side in range(4):
        other = beside[point, side]
        if stones[other] == colour:
            return captured, NONE
    if count_liberties(stones, beside, point, 2, scratch) != 1:
        return captured, NONE
    return captured, last
