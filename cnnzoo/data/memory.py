"""The free memory of the machine or container."""

import math
import os
from pathlib import Path


def free_memory() -> float:
    """Return the bytes of free memory, or half of all memory if the system does not say how much is free."""
    return min(_read_free_in_machine(), _read_free_in_container())


def _read_free_in_container(folder: Path = Path("/sys/fs/cgroup")) -> float:
    try:
        most, used = (float((folder / f"memory.{name}").read_text(encoding="ascii")) for name in ("max", "current"))
    except (OSError, ValueError):  # "max" means no limit
        return math.inf
    return most - used


def _read_free_in_machine() -> float:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * int(line.split()[1])
    except OSError:
        pass
    try:
        return 0.5 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return 4e9
