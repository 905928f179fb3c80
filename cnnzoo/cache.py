"""The folder for what can be made or downloaded again."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def cache_dir() -> Path:
    """Return the user's cache folder for this package, or one among the temporary files if the user has no home."""
    import platformdirs  # most commands do not need it

    with suppress(RuntimeError):  # older versions raise it if there is no home; newer ones return a path with ~
        cache = Path(os.path.expanduser(platformdirs.user_cache_dir("cnnzoo")))  # noqa: PTH111 - pathlib's raises
        if cache.is_absolute():
            return cache
    return Path(tempfile.gettempdir()) / "cnnzoo"
