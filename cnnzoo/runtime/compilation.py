"""JAX's cache of compiled programs on the disk, and what compiling took in this process."""

import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cnnzoo.cache import cache_dir
from cnnzoo.runtime.devices import CPU_INFO

# JAX removes the programs that were not used for the longest time.
LARGEST_CACHE = 2 * 2**30
# Programs that compile faster than this are not kept.
SHORTEST_SECONDS = 0.2

# The variables with which a person decides about the cache.
VARIABLES = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE", "JAX_COMPILATION_CACHE_MAX_SIZE")

Settings = dict[str, bool | str | int | float]


def set_cache(enabled: bool) -> None:
    """Set up the cache of JAX, which is imported and has compiled nothing; what a person has decided is kept.

    Args:
        enabled: Whether compiled programs are kept on the disk.
    """
    import jax

    # Not by variables, which processes that are started later would take for a person's.
    for name, value in choose_settings(enabled, chosen=jax.config.jax_compilation_cache_dir).items():
        jax.config.update(name, value)


def choose_settings(enabled: bool, chosen: str | None) -> Settings:
    """Return the options of JAX to set.

    Args:
        enabled: See ``set_cache``.
        chosen: The folder that a program has chosen.
    """
    if not enabled:
        return {"jax_enable_compilation_cache": False}
    folder = None if chosen or any(name in os.environ for name in VARIABLES) else _find_folder()
    if folder is None:
        return {}
    # With a limit JAX locks the folder while it reads and writes, so that processes do not disturb each other.
    settings: Settings = {
        "jax_compilation_cache_dir": str(folder),
        "jax_compilation_cache_max_size": LARGEST_CACHE,
    }
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        settings["jax_persistent_cache_min_compile_time_secs"] = SHORTEST_SECONDS
    return settings


def _find_folder() -> Path | None:
    """Return the folder for this machine's programs; None if it cannot be written to.

    Programs for a processor may not run on another one, and homes are shared by machines.
    """
    with suppress(OSError):
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines() if CPU_INFO.is_file() else []
        processor = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
        folder = cache_dir() / "jax" / sha256("\n".join(processor).encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Its programs are run, so it must not be a folder that somebody else has made among the temporary files.
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            _remove_damaged(folder)
            return folder
    return None


def _remove_damaged(folder: Path) -> None:
    """Remove programs of which a killed process has written only a part; JAX would neither replace nor remove them.

    JAX writes a program and then the time of its use, under a lock.
    """
    from filelock import FileLock, Timeout

    with suppress(OSError, Timeout), FileLock(folder / ".lockfile", timeout=1):
        for program in folder.glob("*-cache"):
            used = program.with_name(program.name.removesuffix("-cache") + "-atime")
            if not used.is_file() or used.stat().st_size == 0:
                program.unlink()


@dataclass
class Compilation:
    """What compiling took in this process.

    Attributes:
        seconds: Spent compiling, or loading compiled programs.
        saved: Seconds that loading saved.
    """

    seconds: float = 0.0
    saved: float = 0.0

    def describe(self) -> str | None:
        """Return a sentence; None if compiling took less than a second and nothing was loaded."""
        if self.saved > self.seconds:
            return f"Compiled earlier: loaded in {self.seconds:.1f} s, {self.saved:.0f} s saved."
        return f"Compiled in {self.seconds:.0f} s." if self.seconds >= 1 else None


COMPILATION = Compilation()


def watch_jax() -> None:
    """Sum up what JAX compiles from now on in ``COMPILATION``."""
    import jax

    def add(event: str, seconds: float, **_: Any) -> None:
        if event.endswith("/backend_compile_duration"):
            COMPILATION.seconds += seconds
        elif event.endswith("/compile_time_saved_sec"):
            COMPILATION.saved += max(0.0, seconds)

    jax.monitoring.register_event_duration_secs_listener(add)
